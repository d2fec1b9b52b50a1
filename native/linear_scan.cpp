#include "linear_scan.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <queue>
#include <set>

namespace cosmalloc {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Holes below the top; neighbouring ones are joined, the one under the top falls to it.
class Holes {
 public:
  Bytes take(Bytes size, Bytes alignment) {
    for (auto hole = by_size_.lower_bound({size, 0}); hole != by_size_.end(); ++hole) {
      const auto [room, start] = *hole;
      const Bytes offset = aligned(start, alignment);
      if (offset + size > start + room) continue;
      cut(start, room);
      add(start, offset - start);
      add(offset + size, start + room - offset - size);
      return offset;
    }
    const Bytes offset = aligned(top_, alignment);
    const Bytes below = top_;
    top_ = offset + size;
    add(below, offset - below);
    return offset;
  }

  void give(Bytes offset, Bytes size) {
    auto next = by_start_.lower_bound(offset);
    if (next != by_start_.end() && next->first == offset + size) {
      size += next->second;
      cut(next->first, next->second);
    }
    next = by_start_.lower_bound(offset);
    if (next != by_start_.begin()) {
      const auto before = std::prev(next);
      if (before->first + before->second == offset) {
        offset = before->first;
        size += before->second;
        cut(before->first, before->second);
      }
    }
    if (offset + size == top_) {
      top_ = offset;
    } else {
      add(offset, size);
    }
  }

 private:
  static Bytes aligned(Bytes offset, Bytes alignment) {
    return (offset + alignment - 1) / alignment * alignment;
  }
  void add(Bytes start, Bytes size) {
    if (size == 0) return;
    by_start_.emplace(start, size);
    by_size_.emplace(size, start);
  }
  void cut(Bytes start, Bytes size) {
    by_start_.erase(start);
    by_size_.erase({size, start});
  }

  std::map<Bytes, Bytes> by_start_;
  std::set<std::pair<Bytes, Bytes>> by_size_;
  Bytes top_ = 0;
};

}  // namespace

Placement place_by_scan(const Blocks& blocks, bool backward) {
  Placement out;
  out.order = backward ? Order::scan_back : Order::scan;
  out.fit = Fit::best;
  out.offsets.assign(at(blocks.count()), 0);
  const auto start = [&](Index b) {
    const Piece& piece = blocks[b].front();
    return backward ? -piece.upper : piece.lower;
  };
  const auto stop = [&](Index b) {
    const Piece& piece = blocks[b].front();
    return backward ? -piece.lower : piece.upper;
  };
  std::vector<Index> order(at(blocks.count()));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](Index a, Index b) {
    if (start(a) != start(b)) return start(a) < start(b);
    const Bytes x = blocks[a].front().size;
    const Bytes y = blocks[b].front().size;
    return x != y ? x > y : a < b;
  });
  using End = std::pair<Step, Index>;
  std::priority_queue<End, std::vector<End>, std::greater<>> alive;
  Holes holes;
  for (const Index b : order) {
    while (!alive.empty() && alive.top().first <= start(b)) {
      const Index gone = alive.top().second;
      alive.pop();
      holes.give(out.offsets[at(gone)], blocks[gone].front().size);
    }
    out.offsets[at(b)] = holes.take(blocks[b].front().size, blocks.alignment[at(b)]);
    alive.emplace(stop(b), b);
  }
  out.peak = peak_of(blocks, out.offsets);
  return out;
}

}  // namespace cosmalloc
