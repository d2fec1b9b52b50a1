#include "states.hpp"

#include "states_walk.hpp"

namespace cosmalloc {
namespace {

constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max() / 4;
constexpr std::size_t kPatience = 1 << 8;  // looks, times the states per set
constexpr std::size_t kWidest = 1 << 16;   // walk without a lattice
constexpr double kShare = 0.05;            // of the time, for the first walk and for the lattice
constexpr int kClimbs = 20;                // between two walks at least

template <std::size_t W>
class Searcher {
 public:
  Searcher(const StateFacts& facts, const StateOptions& options, const Control& control)
      : graph_(facts), lattice_(graph_), options_(options), control_(control) {
    out_.bound = 0;
  }

  StateResult run() {
    below_ = options_.below;
    const double given = control_.left();
    if (options_.widest > 0) {
      walk(nullptr, kAll, static_cast<std::size_t>(options_.widest), given);
    } else {
      walk(nullptr, 2, 512, kShare * given);
      if (!out_.proven) search(given);
    }
    out_.bound = std::min(out_.bound, below_);
    return out_;
  }

 private:
  bool done() const { return out_.proven || full_ || control_.stop(); }
  Control within(double seconds) const { return control_.within(seconds); }

  void search(double given) {
    if (options_.duals && lattice_.build(options_, within(kShare * given))) {
      prove();
      return;
    }
    out_.too_wide = true;
    const std::size_t most = options_.duals ? kWidest : kAll;
    const double stop =
        control_.elapsed() + (options_.duals ? 3 * kShare * given : control_.left());
    for (std::size_t wide = 1024; wide <= most && !done() && control_.elapsed() < stop; wide *= 2) {
      walk(nullptr, kAll, wide, stop - control_.elapsed());
    }
  }

  // Climbs and walks in turn, every walk twice as wide, until none had to leave out a state.
  void prove() {
    out_.lattice = static_cast<std::int64_t>(lattice_.size());
    if (!lattice_.start(control_)) return;
    double spent = 0;  // on the last walk
    for (std::size_t wide = 8; !done(); wide *= 2) {
      climb(spent);
      if (done()) break;
      const double before = control_.elapsed();
      walk(&lattice_, wide, kAll, control_.left());
      spent = control_.elapsed() - before;
    }
    out_.left = static_cast<std::int64_t>(lattice_.reached());
    out_.rounds = lattice_.rounds();
    out_.dual_bound = lattice_.bound();
  }

  // The climb goes on for as long as the last walk took, and stops once it proves what there is.
  void climb(double seconds) {
    const double stop = control_.elapsed() + seconds;
    for (int k = 0; k < kClimbs || control_.elapsed() < stop; ++k) {
      const bool going = lattice_.climb(below_, options_.fixing, control_);
      const double least = lattice_.whole(lattice_.bound());
      if (!(least < static_cast<double>(below_))) {
        out_.bound = below_;
        out_.proven = true;
        return;
      }
      out_.bound = std::max(out_.bound, static_cast<Bytes64>(least));
      if (!going) return;
    }
  }

  void walk(const Lattice<W>* lattice, std::size_t per_set, std::size_t per_step, double seconds) {
    const std::size_t patience = per_set < kAll ? kPatience * per_set : kPatience;
    const WalkOptions options{below_, per_set, per_step, patience, options_.memory / 2};
    const Control control = within(seconds);
    Walked walked = Walk<W>(graph_, lattice, options_.order, options, control).run();
    out_.states += walked.states;
    full_ = walked.full;
    const Bytes64 least = std::min(walked.left_out, walked.found ? walked.paid : below_);
    out_.bound = std::max(out_.bound, least);
    if (walked.found) {
      out_.found = true;
      out_.paid = below_ = walked.paid;
      out_.order = std::move(walked.order);
      out_.drops = std::move(walked.drops);
    }
    if (out_.bound >= below_) {
      out_.bound = below_;
      out_.proven = true;
    }
  }

  Graph<W> graph_;
  Lattice<W> lattice_;
  const StateOptions& options_;
  const Control& control_;
  StateResult out_;
  Bytes64 below_ = 0;
  bool full_ = false;  // the memory is used up
};

}  // namespace

StateResult search_states(const StateFacts& facts, const StateOptions& options,
                          const Control& control) {
  const std::size_t most = std::max(facts.before.size(), facts.size.size());
  if (most <= 64) return Searcher<1>(facts, options, control).run();
  if (most <= 128) return Searcher<2>(facts, options, control).run();
  if (most <= 256) return Searcher<4>(facts, options, control).run();
  if (most <= 512) return Searcher<8>(facts, options, control).run();
  if (most <= 1024) return Searcher<16>(facts, options, control).run();
  return Searcher<64>(facts, options, control).run();
}

}  // namespace cosmalloc
