// The standing allocation: intervals with offsets, and where one more would fit.
//
// An offset x is free for bytes [x, x + size) in steps [lower, upper) if no entry alive in one of
// these steps holds one of these bytes. Finding costs O(log n + k log k) with k entries alive in
// the window.
#pragma once

#include <unordered_map>

#include "blocks.hpp"
#include "interval_tree.hpp"

namespace cosmalloc {

// first: the lowest free offset. best: the free offset whose hole is smallest, the lowest of
// equals; what lies above every neighbour is a hole only if nothing else fits.
enum class Fit { first, best };

inline constexpr Bytes kNowhere = -1;

class Allocation {
 public:
  // An aligned free offset with offset + size <= capacity for a block of pieces, or kNowhere.
  Bytes find(std::span<const Piece> pieces, Bytes alignment, Bytes capacity, Fit fit) const;
  bool is_free(Step lower, Step upper, Bytes offset, Bytes size) const;
  void insert(std::int64_t key, std::span<const Piece> pieces, Bytes offset);
  bool remove(std::int64_t key);  // false where there is no such key
  bool contains(std::int64_t key) const { return handles_.contains(key); }
  Bytes offset_of(std::int64_t key) const;  // kNowhere where there is no such key
  Bytes peak() const { return tree_.top(); }
  std::int64_t count() const { return static_cast<std::int64_t>(handles_.size()); }
  void clear();
  void reserve(std::size_t count);

  // Keys of the entries alive in [lower, upper), ascending, each once.
  std::vector<std::int64_t> alive(Step lower, Step upper) const;

 private:
  IntervalTree tree_;
  std::unordered_map<std::int64_t, std::vector<Index>> handles_;
};

}  // namespace cosmalloc
