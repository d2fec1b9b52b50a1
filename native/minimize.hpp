// The smallest peak: an allocation that improves, and a proven bound that rises, until they meet.
//
// Each part starts from greedy placement and the load. Then, in rounds of growing budgets, its
// capacity is lowered by bisection: a search that finds an allocation lowers the peak, one that
// refutes a capacity raises the bound, one that uses up its budget moves the next try up. The first
// try of a round is the bound itself. A part is left alone while another part's bound is no lower
// than its peak.
#pragma once

#include <mutex>

#include "fit.hpp"

namespace cosmalloc {

// What is known so far; another thread may read it while minimize() runs.
class Progress {
 public:
  void set(Bytes peak, Bytes bound);
  std::pair<Bytes, Bytes> get() const;  // (peak, bound)

 private:
  mutable std::mutex mutex_;
  Bytes peak_ = kNowhere;
  Bytes bound_ = 0;
};

struct Minimized {
  std::vector<Bytes> offsets;  // per block, all placed
  Bytes peak = 0;
  Bytes bound = 0;  // proven: no allocation has less
  std::int64_t nodes = 0;
};

// Ends when peak == bound, when control says so, or, with most_runs, when no part gets better
// within them.
Minimized minimize(const Blocks& blocks, const SearchOptions& options, const Control& control,
                   Progress* progress = nullptr);

}  // namespace cosmalloc
