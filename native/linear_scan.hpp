// Very large problems: placement in the sequence of time with a list of holes, O(n log n) whatever
// the load.
//
// Where blocks come in the sequence of their starts, all that stands in the way of one is what is
// alive at its start: bytes [0, top) less the holes. It takes the smallest hole that holds it, the
// lowest of equals; else it goes on top. Backward, time runs the other way. (Linear scan, as in
// register allocation; with best fit, as in malloc.)
#pragma once

#include "heuristics.hpp"

namespace cosmalloc {

// Only for blocks that are movable().
Placement place_by_scan(const Blocks& blocks, bool backward);

}  // namespace cosmalloc
