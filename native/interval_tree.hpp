// Intervals of steps, each with bytes [bottom, top) and a tag: insert, erase, and visit all that
// meet a window.
//
// A treap ordered by (lower, handle); every node knows the largest `upper` and the largest `top`
// below it. Insert and erase O(log n) expected; a visit O(log n + k) for k found where lifetimes
// are of like length. Priorities come from a hash of the handle: the same calls give the same tree.
#pragma once

#include "problem.hpp"

namespace cosmalloc {

class IntervalTree {
 public:
  struct Entry {
    Step lower;
    Step upper;
    Bytes bottom;
    Bytes top;
    std::int64_t tag;
  };

  Index insert(const Entry& entry);  // the entry's handle; handles of erased entries are used again
  void erase(Index handle);
  void clear();
  void reserve(std::size_t count) { nodes_.reserve(count); }
  std::int64_t count() const { return count_; }
  Bytes top() const { return root_ < 0 ? 0 : nodes_[index(root_)].max_top; }
  const Entry& operator[](Index handle) const { return nodes_[index(handle)].entry; }

  // Calls visit(entry) for every entry with a step in [lower, upper), by ascending `lower`.
  template <class Visit>
  void visit(Step lower, Step upper, Visit&& visit_entry) const {
    if (root_ >= 0) visit_below(root_, lower, upper, visit_entry);
  }

 private:
  struct Node {
    Entry entry;
    Step max_upper;
    Bytes max_top;
    std::uint64_t priority;
    Index left;
    Index right;
  };

  static std::size_t index(Index handle) { return static_cast<std::size_t>(handle); }
  bool before(Index a, Index b) const;
  void renew(Index node);
  Index merge(Index left, Index right);
  void split(Index node, Index pivot, Index& left, Index& right);  // pivot itself goes right
  Index erase_below(Index node, Index handle);

  template <class Visit>
  void visit_below(Index node, Step lower, Step upper, Visit&& visit_entry) const {
    while (node >= 0) {
      const Node& here = nodes_[index(node)];
      if (here.max_upper <= lower) return;
      if (here.left >= 0) visit_below(here.left, lower, upper, visit_entry);
      if (here.entry.lower >= upper) return;
      if (here.entry.upper > lower) visit_entry(here.entry);
      node = here.right;
    }
  }

  std::vector<Node> nodes_;
  std::vector<Index> unused_;
  Index root_ = -1;
  std::int64_t count_ = 0;
};

}  // namespace cosmalloc
