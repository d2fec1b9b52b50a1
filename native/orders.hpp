// Orders in which greedy placement takes the blocks. Fixed blocks always come first; ties keep the
// listed sequence.
#pragma once

#include "blocks.hpp"

namespace cosmalloc {

enum class Order {
  given,     // as listed
  start,     // first step alive, ascending: linear scan
  size,      // bytes, descending, then first step: TensorFlow Lite's greedy by size
  spatial,   // bytes, then lifetime, descending: XLA's global decreasing size best fit, spatial
  temporal,  // lifetime, then bytes, descending: the same heap, temporal
  area,      // bytes times steps, descending
  conflict,  // bytes of the blocks that are alive together with it, descending
  degree,    // number of blocks that are alive together with it, descending
  depth,  // largest load in its lifetime, then bytes, descending: greedy by breadth of TensorFlow
          // Lite's GPU delegate
  scan,   // linear scan over a list of holes with best fit: see linear_scan.hpp
  scan_back,  // the same from the last step to the first
  skyline,    // see skyline.hpp
};
inline constexpr Order kOrders[] = {
    Order::given,    Order::start,  Order::size,  Order::spatial, Order::temporal,  Order::area,
    Order::conflict, Order::degree, Order::depth, Order::scan,    Order::scan_back, Order::skyline};
inline constexpr Order kSlowOrders[] = {Order::size,     Order::area,  Order::spatial,
                                        Order::temporal, Order::start, Order::conflict,
                                        Order::degree,   Order::depth, Order::given};
inline constexpr Order kFastOrders[] = {Order::scan, Order::scan_back, Order::skyline};
inline constexpr Index kLarge = 50'000;  // from so many blocks on, only the fast orders are tried

// The last three are not only sequences: they count as `start` here.
std::vector<Index> sequence(const Blocks& blocks, Order order);

}  // namespace cosmalloc
