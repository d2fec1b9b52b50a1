#include "readings.hpp"

#include <algorithm>
#include <numeric>

namespace cosmalloc {
namespace {

constexpr Index kMany = 2'000;  // so many blocks need every join to become few

// The size that `share` of the blocks are below.
Bytes size_at(const Blocks& blocks, double share) {
  std::vector<Bytes> sizes;
  for (const Piece& piece : blocks.pieces) sizes.push_back(piece.size);
  const auto where = static_cast<std::ptrdiff_t>(share * static_cast<double>(sizes.size() - 1));
  std::nth_element(sizes.begin(), sizes.begin() + where, sizes.end());
  return sizes[static_cast<std::size_t>(where)];
}

}  // namespace

std::vector<Bytes> Reading::offsets(std::span<const Bytes> of_layout) const {
  if (joined.into.empty()) return {of_layout.begin(), of_layout.end()};
  return joined.offsets_of_whole(of_layout);
}

// Null where that is too much to search.
std::unique_ptr<Reading> Readings::laid_out(Joined joined) const {
  auto out = std::make_unique<Reading>();
  out->joined = std::move(joined);
  const Blocks& blocks = out->joined.into.empty() ? part_ : out->joined.blocks;
  std::vector<Index> all(static_cast<std::size_t>(blocks.count()));
  std::iota(all.begin(), all.end(), 0);
  if (!searchable(blocks, all)) return nullptr;
  out->layout = layout_of(blocks, all, &control_);
  return control_.stop() ? nullptr : std::move(out);
}

std::unique_ptr<Reading> Readings::make(Kind kind) const {
  if (kind == as_it_is) return laid_out({});
  Joining joining;
  if (kind == much) {
    const bool many = part_.count() > kMany;
    joining = {true, true, many ? 0 : size_at(part_, 0.2), 1, 0};
  }
  Joined joined = join(part_, joining, &control_);
  const Reading* less = kind == much ? made(little) : nullptr;
  const Index most = less == nullptr ? part_.count() : less->layout.count();
  return joined.blocks.count() == most ? nullptr : laid_out(std::move(joined));
}

bool Readings::any_to_search(bool joined) const {
  return get(as_it_is) != nullptr || (joined && (get(much) != nullptr || get(little) != nullptr));
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
  if (part_.count() > kMostSearchable || get(much) == nullptr) return nullptr;
  Joined joined = join(part_, {true, false, size_at(part_, 0.1), 0.9, seed}, &control_);
  return joined.blocks.count() == part_.count() ? nullptr : laid_out(std::move(joined));
}

}  // namespace cosmalloc
