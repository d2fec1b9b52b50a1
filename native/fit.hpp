// Does it fit? An allocation under a capacity, a proof that there is none, or neither in the time
// given.
//
// Each part is solved alone: large ones by greedy placement if that will do, else by runs of the
// tree search: one reading of the part after the other, each with ever other strategies and node
// budgets in Luby's sequence. Runs are shared out to the threads by number and the lowest run that
// ends the part wins, so seed and thread count determine the result, unless time runs out.
#pragma once

#include "heuristics.hpp"
#include "readings.hpp"
#include "search.hpp"

namespace cosmalloc {

struct SearchOptions {
  std::uint64_t seed = 0;
  int threads = 1;
  double nodes_per_block = 2;                      // in the shortest run
  std::int64_t first_run = 0;                      // those before were made in vain
  std::int64_t most_runs = std::int64_t{1} << 60;  // give up after so many runs of one part
  Deductions deductions;
  bool joins = true;  // false: only the part as it is
  // Runs of fewer times the shortest do without not_first and twins, which pay in refutations only.
  std::int64_t long_run = 16;
};

struct Fitted {
  Ending ending = Ending::stopped;
  std::vector<Bytes> offsets;  // per block of the part, if found
  std::int64_t nodes = 0;
  std::int64_t runs = 0;
};

// Runs of the tree search on one part. `budget` if most_runs are used up.
Fitted fit_part(const Readings& readings, Bytes capacity, const SearchOptions& options,
                const Control& control);

// All parts; offsets per block of `blocks`. Ending::refuted is a proof.
Fitted fit(const Blocks& blocks, Bytes capacity, const SearchOptions& options,
           const Control& control);

}  // namespace cosmalloc
