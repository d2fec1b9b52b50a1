// Depth-first search for one part under one capacity: place a block, and if that leads nowhere,
// postpone it.
//
// Where placed blocks leave open ones that no section joins, each such stretch is searched on its
// own: when one has no solution, everything decided since the stretches came apart is taken back at
// once.
#pragma once

#include <tuple>

#include "control.hpp"
#include "partial.hpp"
#include "strategy.hpp"

namespace cosmalloc {

enum class Ending { found, refuted, budget, stopped };

class Search {
 public:
  Search(const Layout& layout, Bytes capacity);

  // One tree, from its root, of at most `nodes` nodes. found: offsets() is an allocation of the
  // whole part. refuted: a proof that there is none. The ending depends on nothing but the
  // arguments, unless it is `stopped`.
  Ending run(const Strategy& strategy, Deductions deductions, std::int64_t nodes,
             std::mt19937_64& random, const Control& control);

  // Per section: 1 plus the failures seen there. What is learned on one reading may help another.
  std::vector<double>& weights() { return weights_; }
  const Layout& layout() const { return partial_.layout(); }
  std::vector<Bytes> offsets() const;            // per local block
  std::int64_t nodes() const { return nodes_; }  // of all runs

 private:
  struct Stretch {  // sections [first, last)
    Index first;
    Index last;
    std::int64_t parent;  // choice to take back if it has no solution, or -1
  };
  struct Choice {
    Index block;
    Partial::Mark mark;
    Stretch stretch;
    std::size_t waiting;  // stretches that waited below it
    std::int64_t agenda;
  };
  struct Waiting {
    Stretch stretch;
    std::int64_t next;
  };

  bool narrow(Stretch& stretch);
  Index pick(const Stretch& stretch, const Strategy& strategy);
  Index pick_lowest(const Stretch& stretch);
  Index pick_leaning(const Stretch& stretch, const Strategy& strategy);
  Index lowest_of_all(const Stretch& stretch);
  Index pick_in(Index section);
  bool back_up(Stretch& stretch, bool placed_badly);
  bool out_of_time(const Control& control);

  Partial partial_;
  std::vector<double> weights_;
  std::vector<Index> rank_;
  std::vector<Choice> choices_;
  std::vector<Waiting> pool_;
  std::int64_t agenda_ = -1;
  std::vector<std::tuple<Index, double, Index>> scores_;
  std::int64_t nodes_ = 0;
  std::int64_t looked_at_ = 0;  // list entries, beside those of partial_
  std::int64_t polled_at_ = 0;
};

}  // namespace cosmalloc
