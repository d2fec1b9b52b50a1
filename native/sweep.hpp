// The load: bytes alive per step, and the bound it gives. No allocation can be lower than the
// largest load.
#pragma once

#include "blocks.hpp"

namespace cosmalloc {

// load[s - start] = sum of sizes of pieces alive at step s, for s in [start, stop).
std::vector<Bytes> load_per_step(const Blocks& blocks, Step start, Step stop);

// max over steps of the load, where every block is rounded up to the alignment that all blocks
// share, except at each step the one that loses most by it: the topmost block needs no padding. O(n
// log n).
Bytes load_bound(const Blocks& blocks);

}  // namespace cosmalloc
