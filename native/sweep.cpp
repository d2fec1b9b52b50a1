#include "sweep.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace cosmalloc {

std::vector<Bytes> load_per_step(const Blocks& blocks, Step start, Step stop) {
  std::vector<Bytes> load(static_cast<std::size_t>(std::max(stop - start, Step{0})));
  if (load.empty()) return load;
  for (const Piece& piece : blocks.pieces) {
    if (piece.upper <= start || piece.lower >= stop) continue;
    load[static_cast<std::size_t>(std::max(piece.lower - start, Step{0}))] += piece.size;
    if (piece.upper < stop) load[static_cast<std::size_t>(piece.upper - start)] -= piece.size;
  }
  std::partial_sum(load.begin(), load.end(), load.begin());
  return load;
}

Bytes load_bound(const Blocks& blocks) {
  struct End {
    Step step;
    Bytes padded;
    Bytes padding;
    int change;
  };
  Bytes shared = 0;
  for (const Bytes alignment : blocks.alignment) shared = std::gcd(shared, alignment);
  for (const Bytes fixed : blocks.fixed) shared = std::gcd(shared, std::max(fixed, Bytes{0}));
  if (shared == 0) return 0;
  std::vector<End> ends;
  ends.reserve(2 * blocks.pieces.size());
  for (const Piece& piece : blocks.pieces) {
    const Bytes padded = (piece.size + shared - 1) / shared * shared;
    ends.push_back({piece.lower, padded, padded - piece.size, 1});
    ends.push_back({piece.upper, padded, padded - piece.size, -1});
  }
  std::sort(ends.begin(), ends.end(), [](const End& a, const End& b) { return a.step < b.step; });
  std::map<Bytes, std::int64_t> paddings;
  Bytes load = 0;
  Bytes bound = 0;
  for (std::size_t i = 0; i < ends.size();) {
    const Step step = ends[i].step;
    for (; i < ends.size() && ends[i].step == step; ++i) {
      load += ends[i].change * ends[i].padded;
      if (shared == 1) continue;
      const auto slot = paddings.try_emplace(ends[i].padding, 0).first;
      slot->second += ends[i].change;
      if (slot->second == 0) paddings.erase(slot);
    }
    bound = std::max(bound, load - (paddings.empty() ? 0 : paddings.rbegin()->first));
  }
  return bound;
}

}  // namespace cosmalloc
