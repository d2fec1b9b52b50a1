#include "blocks.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "sentence.hpp"

namespace cosmalloc {
namespace {

// [lower, upper) without its holes, as pieces of one size. `holes` may overlap and stick out.
void cut(Step lower, Step upper, Bytes size, std::vector<Gap>& holes, std::vector<Piece>& out) {
  std::sort(holes.begin(), holes.end(),
            [](const Gap& a, const Gap& b) { return a.lower < b.lower; });
  Step at = lower;
  for (const Gap& hole : holes) {
    if (hole.upper <= at || hole.lower >= upper) continue;
    if (hole.lower > at) out.push_back({at, hole.lower, size});
    at = hole.upper;
  }
  if (at < upper) out.push_back({at, upper, size});
}

// The outline of pieces that may overlap: at each step the largest size. O(k log k) by a sweep over
// the ends.
std::vector<Piece> outline(const std::vector<Piece>& pieces) {
  struct End {
    Step step;
    Bytes size;
    int change;
  };
  std::vector<End> ends;
  for (const Piece& piece : pieces) {
    ends.push_back({piece.lower, piece.size, 1});
    ends.push_back({piece.upper, piece.size, -1});
  }
  std::sort(ends.begin(), ends.end(), [](const End& a, const End& b) { return a.step < b.step; });
  std::map<Bytes, int> alive;
  std::vector<Piece> out;
  Step since = 0;
  Bytes height = 0;
  for (std::size_t i = 0; i < ends.size();) {
    const Step step = ends[i].step;
    for (; i < ends.size() && ends[i].step == step; ++i) {
      const auto slot = alive.try_emplace(ends[i].size, 0).first;
      slot->second += ends[i].change;
      if (slot->second == 0) alive.erase(slot);
    }
    const Bytes now = alive.empty() ? 0 : alive.rbegin()->first;
    if (now == height) continue;
    if (height > 0) out.push_back({since, step, height});
    since = step;
    height = now;
  }
  return out;
}

}  // namespace

std::variant<Blocks, std::string> blocks_of(const Problem& problem) {
  std::map<std::int64_t, std::vector<Gap>> gaps;
  for (const Gap& gap : problem.gaps) gaps[gap.buffer].push_back(gap);
  std::map<std::int64_t, Index> block_of_group;
  std::vector<std::vector<Piece>> pieces;  // per block, not yet an outline
  Blocks blocks;
  blocks.of_buffer.assign(problem.lower.size(), -1);
  blocks.idle_at.resize(problem.lower.size());
  for (std::size_t i = 0; i < problem.lower.size(); ++i) {
    blocks.idle_at[i] = std::max(problem.fixed_of(i), Bytes{0});
    if (problem.size[i] == 0 || problem.lower[i] == problem.upper[i]) continue;
    std::vector<Piece> own;
    const auto holes = gaps.find(static_cast<std::int64_t>(i));
    if (holes == gaps.end()) {
      own.push_back({problem.lower[i], problem.upper[i], problem.size[i]});
    } else {
      cut(problem.lower[i], problem.upper[i], problem.size[i], holes->second, own);
    }
    if (own.empty()) continue;
    Index block = blocks.count();
    if (problem.alias_of(i) >= 0) {
      block = block_of_group.try_emplace(problem.alias_of(i), block).first->second;
    }
    const auto b = static_cast<std::size_t>(block);
    blocks.of_buffer[i] = block;
    if (block == blocks.count()) {
      blocks.alignment.push_back(problem.alignment_of(i));
      blocks.fixed.push_back(problem.fixed_of(i));
      pieces.push_back(std::move(own));
      continue;
    }
    const std::string place = sentence("alias group ", problem.alias_of(i));
    pieces[b].insert(pieces[b].end(), own.begin(), own.end());
    blocks.alignment[b] = std::lcm(blocks.alignment[b], problem.alignment_of(i));
    if (blocks.alignment[b] > kMaxAlignment) {
      return sentence(place, " needs alignment ", blocks.alignment[b], ", more than 2^30");
    }
    if (problem.fixed_of(i) < 0) continue;
    if (blocks.fixed[b] >= 0 && blocks.fixed[b] != problem.fixed_of(i)) {
      return sentence(place, " is fixed at offset ", blocks.fixed[b], " and at offset ",
                      problem.fixed_of(i));
    }
    blocks.fixed[b] = problem.fixed_of(i);
  }
  for (std::size_t b = 0; b < pieces.size(); ++b) {
    if (blocks.fixed[b] > 0 && blocks.fixed[b] % blocks.alignment[b] != 0) {
      return sentence("an alias group is fixed at offset ", blocks.fixed[b],
                      ", no multiple of its alignment ", blocks.alignment[b]);
    }
    if (pieces[b].size() > 1) pieces[b] = outline(pieces[b]);
    blocks.pieces.insert(blocks.pieces.end(), pieces[b].begin(), pieces[b].end());
    blocks.first.push_back(static_cast<Index>(blocks.pieces.size()));
  }
  return blocks;
}

std::vector<Bytes> offsets_of_buffers(const Blocks& blocks, std::span<const Bytes> offsets) {
  std::vector<Bytes> out = blocks.idle_at;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const Index block = blocks.of_buffer[i];
    if (block >= 0) out[i] = offsets[static_cast<std::size_t>(block)];
  }
  return out;
}

bool movable(const Blocks& blocks) {
  return blocks.pieces.size() == blocks.alignment.size() &&
         std::all_of(blocks.fixed.begin(), blocks.fixed.end(),
                     [](Bytes fixed) { return fixed < 0; });
}

Bytes peak_of(const Blocks& blocks, std::span<const Bytes> offsets) {
  Bytes peak = 0;
  for (Index block = 0; block < blocks.count(); ++block) {
    const Bytes offset = offsets[static_cast<std::size_t>(block)];
    if (offset < 0) continue;
    for (const Piece& piece : blocks[block]) peak = std::max(peak, offset + piece.size);
  }
  return peak;
}

}  // namespace cosmalloc
