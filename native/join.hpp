// Blocks that may as well be one: a smaller problem whose allocations are allocations of the whole.
//
// Where memory is tight, bytes that fall free are taken again at once. So it is likely, if never
// certain, that there is an allocation in which
//     chain: b starts where a of the same size ends        =>  b stands where a stood       (1)
//     stack: blocks of one lifetime                        =>  they stand on one another    (2)
// and joined blocks join again. Problems made by cutting a rectangle, and programs that hand bytes
// from one layer to the next, shrink to a third. What is lost: a joined problem without an
// allocation proves nothing about the whole.
#pragma once

#include "blocks.hpp"
#include "control.hpp"

namespace cosmalloc {

// Which blocks are joined. Always: (1) where nothing else starts or ends at that step, and (2) for
// all that start (end) in place of a single block of their sum.
struct Joining {
  bool pairs = false;   // (1) if no other block of that size starts or ends at that step either
  bool stacks = false;  // (2) without further evidence
  Bytes least = 0;      // of a size in `pairs`: small ones meet by chance
  double share = 1;     // of what `pairs` and `stacks` allow, chosen by `seed`
  std::uint64_t seed = 0;
};

struct Joined {
  Blocks blocks;             // without of_buffer and idle_at
  std::vector<Index> into;   // per block of the whole: the block it is part of
  std::vector<Bytes> above;  // and how far above its offset it stands

  // Offsets of the joined blocks to offsets of the whole.
  std::vector<Bytes> offsets_of_whole(std::span<const Bytes> offsets) const;
};

// Blocks with a fixed offset or of several pieces stay as they are. O(n log n) a round, and as many
// rounds as joins build on one another, at most 60; fewer if control says stop.
Joined join(const Blocks& blocks, const Joining& joining, const Control* control = nullptr);

}  // namespace cosmalloc
