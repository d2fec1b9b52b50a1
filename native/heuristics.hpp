// Greedy placement: blocks one by one in a sequence, each at the first or best free offset. It
// never fails: a block that does not fit under the capacity stays out.
#pragma once

#include "allocation.hpp"
#include "orders.hpp"

namespace cosmalloc {

struct Placement {
  std::vector<Bytes> offsets;  // per block; kNowhere where it did not fit
  Bytes peak = 0;              // highest byte in use plus one
  Index unplaced = 0;          // blocks that did not fit
  Order order = Order::given;
  Fit fit = Fit::first;
};

// O(n (log n + k log k)) with k neighbours a block. Fixed blocks keep their offsets, whatever the
// capacity.
Placement place(const Blocks& blocks, Order order, Fit fit, Bytes capacity);
Placement place_in(const Blocks& blocks, std::span<const Index> sequence, Fit fit, Bytes capacity);

// Every order with both fits: the fewest unplaced blocks, then the lowest peak, then the first
// tried.
Placement portfolio(const Blocks& blocks, Bytes capacity);

// Two fixed blocks that share a byte in one step, or nothing.
std::optional<std::pair<Index, Index>> clash_of_fixed(const Blocks& blocks);

}  // namespace cosmalloc
