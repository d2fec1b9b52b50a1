// How the search picks its next block: a sequence of the blocks, and a choice of where to look
// first.
//
// The block to place next is a ready one of the section with the least
//     floor(s) - lean * rest(s) (1)
// that has one at its floor; among these the first in the sequence. With lean 0 allocations grow
// evenly from the bottom; with more, crowded sections are filled ahead of the others. With `fewest`
// the section with the fewest blocks that may be its first comes before all this: where there is no
// slack, most have one or two.
#pragma once

#include <random>

#include "layout.hpp"

namespace cosmalloc {

enum class Key {
  total,     // largest load of a section it spans, then steps (MiniMalloc's T, then W)
  width,     // steps (W), then area
  area,      // bytes times steps (A)
  sections,  // sections spanned: what `learned` starts from
  learned,   // weight of the sections it spans; a section weighs 1 plus the failures seen there
};

struct Strategy {
  Key key = Key::width;
  double lean = 0.1;
  double noise = 0;  // keys are multiplied by a random factor in [1 - noise, 1 + noise]
  bool fewest = false;
  bool lowest = false;  // instead of (1): the ready block of least low, then first in the sequence
};

// The strategy of run 0, 1, 2, … of a search: the first few without noise, then the same again with
// it.
Strategy strategy_of_run(std::int64_t run, std::mt19937_64& random);

// One for a single run, of the kind that finds tight allocations most often.
Strategy strategy_of_chance(std::mt19937_64& random);

// Local blocks of the layout, most urgent first. weights: per section.
std::vector<Index> sequence_of(const Layout& layout, const Strategy& strategy,
                               std::span<const double> weights, std::mt19937_64& random);

// Luby's sequence 1 1 2 1 1 2 4 …, run counted from 0.
std::int64_t luby(std::int64_t run);

}  // namespace cosmalloc
