// Greedy placement: blocks one by one in a sequence, each at the first or best free offset. It
// never fails: a block that does not fit under the capacity stays out.
#pragma once

#include "allocation.hpp"
#include "control.hpp"
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
// If control says stop, the blocks not yet looked at stay out.
Placement place(const Blocks& blocks, Order order, Fit fit, Bytes capacity,
                const Control* control = nullptr);
Placement place_in(const Blocks& blocks, std::span<const Index> sequence, Fit fit, Bytes capacity,
                   const Control* control = nullptr);

// The fast orders with blocks joined, then every order with both fits: the fewest unplaced blocks,
// then the lowest peak, then the first tried. From kLarge blocks on, the fast orders only, and no
// more of them once one is within 2 % of the load.
Placement portfolio(const Blocks& blocks, Bytes capacity);

// All blocks, as low as greedy placement gets in the time, until the peak is at most `enough`: the
// fast orders first, then the same with blocks joined, then the others with first fit.
Placement place_all(const Blocks& blocks, Bytes enough, const Control& control);

// Two fixed blocks that share a byte in one step, or nothing.
std::optional<std::pair<Index, Index>> clash_of_fixed(const Blocks& blocks);

}  // namespace cosmalloc
