// Very large problems: placement on a skyline, O(n log n) whatever the load.
//
// The lowest valley of the skyline is filled from the left: the next block that lies within the
// valley, of those with the same start the longest. A valley into which nothing fits is raised to
// its lower wall. (Best-fit skyline of strip packing, Burke, Kendall and Whitwell 2004, for boxes
// that cannot move sideways.)
#pragma once

#include "heuristics.hpp"

namespace cosmalloc {

// Only for blocks that are movable().
Placement place_on_skyline(const Blocks& blocks);

}  // namespace cosmalloc
