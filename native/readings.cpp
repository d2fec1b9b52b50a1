#include "readings.hpp"

#include <algorithm>
#include <numeric>

namespace cosmalloc {
namespace {

// The size that `share` of the blocks are below.
Bytes size_at(const Blocks& blocks, double share) {
  std::vector<Bytes> sizes;
  for (const Piece& piece : blocks.pieces) sizes.push_back(piece.size);
  const auto where = static_cast<std::ptrdiff_t>(share * static_cast<double>(sizes.size() - 1));
  std::nth_element(sizes.begin(), sizes.begin() + where, sizes.end());
  return sizes[static_cast<std::size_t>(where)];
}

Layout laid_out(const Blocks& blocks) {
  std::vector<Index> all(static_cast<std::size_t>(blocks.count()));
  std::iota(all.begin(), all.end(), 0);
  return layout_of(blocks, all);
}

}  // namespace

std::vector<Bytes> Reading::offsets(std::span<const Bytes> of_layout) const {
  if (joined.into.empty()) return {of_layout.begin(), of_layout.end()};
  return joined.offsets_of_whole(of_layout);
}

std::unique_ptr<Reading> Readings::make(Kind kind) const {
  auto out = std::make_unique<Reading>();
  if (kind == as_it_is) {
    out->layout = laid_out(part_);
    return out;
  }
  Joining joining;
  if (kind == much) joining = {true, true, size_at(part_, 0.2), 1, 0};
  out->joined = join(part_, joining);
  const Index count = out->joined.blocks.count();
  const Reading* less = kind == much ? made(little) : nullptr;
  if (count == (less == nullptr ? part_.count() : less->layout.count())) return nullptr;
  out->layout = laid_out(out->joined.blocks);
  return out;
}

const Reading* Readings::made(Kind kind) const {
  if (!known_[kind]) readings_[kind] = make(kind);
  known_[kind] = true;
  return readings_[kind].get();
}

const Reading* Readings::get(Kind kind) const {
  const std::lock_guard lock(mutex_);
  return made(kind);
}

std::unique_ptr<Reading> Readings::any(std::uint64_t seed) const {
  if (get(much) == nullptr) return nullptr;
  auto out = std::make_unique<Reading>();
  out->joined = join(part_, {true, false, size_at(part_, 0.1), 0.9, seed});
  if (out->joined.blocks.count() == part_.count()) return nullptr;
  out->layout = laid_out(out->joined.blocks);
  return out;
}

}  // namespace cosmalloc
