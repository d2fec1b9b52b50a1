#include "allocation.hpp"

#include <algorithm>

namespace cosmalloc {
namespace {

// Offsets x with from < x < to are taken.
struct Taken {
  Bytes from;
  Bytes to;
};

Bytes align_up(Bytes offset, Bytes alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

// The first or best free aligned offset below `stop` beside taken ones, which need not be sorted.
Bytes choose(std::vector<Taken>& taken, Bytes alignment, Bytes stop, Fit fit) {
  std::sort(taken.begin(), taken.end(),
            [](const Taken& a, const Taken& b) { return a.from < b.from; });
  Bytes best = kNowhere;
  Bytes room = 0;
  Bytes at = 0;  // the lowest offset not yet ruled out
  for (const Taken& next : taken) {
    if (at <= next.from && at < stop) {
      if (fit == Fit::first) return at;
      if (best == kNowhere || next.from - at < room) {
        best = at;
        room = next.from - at;
      }
    }
    if (next.to > at) at = align_up(next.to, alignment);
  }
  if (best != kNowhere) return best;
  return at < stop ? at : kNowhere;
}

}  // namespace

Bytes Allocation::find(std::span<const Piece> pieces, Bytes alignment, Bytes capacity,
                       Fit fit) const {
  std::vector<Taken> taken;
  Bytes height = 0;
  for (const Piece& piece : pieces) {
    height = std::max(height, piece.size);
    tree_.visit(piece.lower, piece.upper, [&](const IntervalTree::Entry& entry) {
      taken.push_back({entry.bottom - piece.size, entry.top});
    });
  }
  return choose(taken, alignment, capacity - height + 1, fit);
}

bool Allocation::is_free(Step lower, Step upper, Bytes offset, Bytes size) const {
  bool free = true;
  tree_.visit(lower, upper, [&](const IntervalTree::Entry& entry) {
    free = free && (entry.top <= offset || offset + size <= entry.bottom);
  });
  return free;
}

void Allocation::insert(std::int64_t key, std::span<const Piece> pieces, Bytes offset) {
  std::vector<Index>& handles = handles_[key];
  for (const Piece& piece : pieces) {
    handles.push_back(tree_.insert({piece.lower, piece.upper, offset, offset + piece.size, key}));
  }
}

bool Allocation::remove(std::int64_t key) {
  const auto found = handles_.find(key);
  if (found == handles_.end()) return false;
  for (const Index handle : found->second) tree_.erase(handle);
  handles_.erase(found);
  return true;
}

Bytes Allocation::offset_of(std::int64_t key) const {
  const auto found = handles_.find(key);
  return found == handles_.end() ? kNowhere : tree_[found->second.front()].bottom;
}

void Allocation::clear() {
  tree_.clear();
  handles_.clear();
}

void Allocation::reserve(std::size_t count) {
  tree_.reserve(count);
  handles_.reserve(count);
}

std::vector<std::int64_t> Allocation::alive(Step lower, Step upper) const {
  std::vector<std::int64_t> keys;
  tree_.visit(lower, upper, [&](const IntervalTree::Entry& entry) { keys.push_back(entry.tag); });
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

}  // namespace cosmalloc
