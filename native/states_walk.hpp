// All states step by step, from nothing run to everything run: per set of operators the best few go
// on, those that cannot end below the limit or lose to another (rule D of ilp/steps.py) do not.
// With none left out for being one too many, the walk is exact.
#pragma once

#include <tuple>

#include "states_lattice.hpp"

namespace cosmalloc {

struct WalkOptions {
  Bytes64 below;         // paths under it count
  std::size_t per_set;   // states per set of operators at most
  std::size_t per_step;  // states per step at most
  std::size_t patience;  // looks per state and operator for sets of drops at most
  std::int64_t memory;   // bytes of states at most
};

struct Walked {
  bool found = false, whole = true;  // whole: no state was left out
  bool full = false;                 // the memory was used up
  Bytes64 paid = 0;
  Bytes64 left_out = std::numeric_limits<Bytes64>::max();  // no path left out moves less
  Set order;
  std::vector<Set> drops;
  std::int64_t states = 0;
};

template <std::size_t W>
class Walk {
 public:
  using M = Mask<W>;

  // lattice: null where there is none.
  Walk(const Graph<W>& graph, const Lattice<W>* lattice, const Set& order,
       const WalkOptions& options, const Control& control)
      : graph_(graph),
        lattice_(lattice),
        order_(order),
        options_(options),
        control_(control),
        limit_(static_cast<double>((options.below - 1) / graph.unit * graph.unit)) {}

  // A walk that the time cut short has found nothing and left out everything.
  Walked run() {
    const std::size_t n = graph_.operators;
    std::vector<std::vector<State>> levels(n + 1);
    std::vector<Group> groups(1);
    groups[0].states.push_back({});
    std::vector<std::uint32_t> group_of;
    for (std::size_t depth = 0; depth <= n; ++depth) {
      keep(groups, levels[depth], group_of);
      out_.states += static_cast<std::int64_t>(levels[depth].size());
      standing_ += static_cast<std::int64_t>(levels[depth].size());
      pending_ = 0;
      if (depth == n || levels[depth].empty()) break;
      next_.clear();
      seen_.clear();
      for (std::size_t k = 0; k < levels[depth].size(); ++k) {
        if (k % 16 == 0 && (control_.stop() || full())) return cut_short();
        expand(groups[group_of[k]], levels[depth][k], static_cast<std::uint32_t>(k),
               order_.empty() ? nullptr : &order_[depth]);
        if (late_) return cut_short();
      }
      for (Group& group : groups) group = {};
      groups.swap(next_);
    }
    if (levels[n].empty()) return std::move(out_);
    out_.found = true;
    out_.paid = levels[n].front().paid;
    trace(levels);
    return std::move(out_);
  }

 private:
  struct State {
    M held, stored;
    Bytes64 paid = 0, least = 0, size = 0;  // least: of any way through here; size: of what is held
    std::uint32_t from = 0, op = 0;
  };
  struct Group {
    M done;
    std::size_t node = 0;
    std::vector<State> states;
    std::size_t sorted = 0;  // states up to here are the best, none of them loses
    bool full = false;
  };

  bool full() const {
    return (standing_ + pending_) * static_cast<std::int64_t>(sizeof(State)) > options_.memory;
  }

  Walked cut_short() {
    Walked out;
    out.whole = false;
    out.left_out = 0;
    out.states = out_.states;
    out.full = full();
    return out;
  }

  void leave_out(Bytes64 least) {
    out_.whole = false;
    out_.left_out = std::min(out_.left_out, least);
  }

  static bool better(const State& a, const State& b) {
    return std::tie(a.least, a.paid, a.size) < std::tie(b.least, b.paid, b.size);
  }

  bool beats(const State& a, const State& b) const {  // (D)
    const Bytes64 spare = b.paid - a.paid;
    if (spare < 0) return false;
    const M extra = a.held - b.held;
    const M late = (a.held & b.held & b.stored) - a.stored;
    if (!(extra | late).any()) return true;
    const M dirty = (extra & graph_.spills) - a.stored;
    return graph_.moved(extra) + graph_.moved(dirty) + graph_.moved(late) <= spare;
  }

  // The best states of a group, without those that lose.
  void sift(Group& group) {
    constexpr std::size_t kRivals = 200;
    auto& states = group.states;
    std::stable_sort(states.begin() + static_cast<std::ptrdiff_t>(group.sorted), states.end(),
                     better);
    std::inplace_merge(states.begin(), states.begin() + static_cast<std::ptrdiff_t>(group.sorted),
                       states.end(), better);
    std::size_t kept = 0;
    for (std::size_t k = 0; k < states.size(); ++k) {
      bool loses = false;
      for (std::size_t r = 0; r < std::min(kept, kRivals) && !loses; ++r) {
        loses = beats(states[r], states[k]);
      }
      if (loses) continue;
      if (kept == options_.per_set) {
        leave_out(states[k].least);
        break;
      }
      if (kept != k) states[kept] = states[k];
      ++kept;
    }
    pending_ -= static_cast<std::int64_t>(states.size() - kept);
    states.resize(kept);
    group.sorted = kept;
  }

  void keep(std::vector<Group>& groups, std::vector<State>& level,
            std::vector<std::uint32_t>& group_of) {
    group_of.clear();
    for (std::size_t g = 0; g < groups.size(); ++g) {
      sift(groups[g]);
      for (const State& state : groups[g].states) {
        level.push_back(state);
        group_of.push_back(static_cast<std::uint32_t>(g));
      }
    }
    if (level.size() <= options_.per_step) return;
    std::vector<std::uint32_t> rank(level.size());
    std::iota(rank.begin(), rank.end(), 0U);
    const auto cut = rank.begin() + static_cast<std::ptrdiff_t>(options_.per_step);
    std::nth_element(rank.begin(), cut, rank.end(), [&](std::uint32_t a, std::uint32_t b) {
      if (better(level[a], level[b])) return true;
      return !better(level[b], level[a]) && a < b;
    });
    for (auto at = cut; at != rank.end(); ++at) leave_out(level[*at].least);
    rank.erase(cut, rank.end());
    std::sort(rank.begin(), rank.end());
    std::vector<State> few;
    std::vector<std::uint32_t> few_groups;
    for (const std::uint32_t each : rank)
      few.push_back(level[each]), few_groups.push_back(group_of[each]);
    level.swap(few);
    group_of.swap(few_groups);
  }

  void expand(const Group& group, const State& state, std::uint32_t from, const std::size_t* only) {
    ready_.clear();
    if (only != nullptr) {
      ready_.push_back(*only);
    } else {
      (graph_.everything - group.done).each([&](std::size_t o) {
        if (graph_.can_run(o, group.done)) ready_.push_back(o);
      });
    }
    for (const std::size_t o : ready_) {
      if (only == nullptr && forced(group, state, o)) {
        if (allowed(group, o)) run(group, state, from, o, {});
        return;
      }
    }
    for (const std::size_t o : ready_) {
      if (!allowed(group, o)) continue;
      M after = group.done;
      after.set(o);
      const M others = state.held - graph_.touched[o];
      const Bytes64 own = graph_.own_of(o, after);
      const Bytes64 total = own + graph_.sizes(others);
      if (graph_.fits(o, graph_.touched[o] | others, total)) {
        run(group, state, from, o, {});
      } else if (own <= graph_.facts.room + graph_.facts.brim) {
        drop_enough(group, state, from, o, others, total);
      }
    }
  }

  bool allowed(const Group& group, std::size_t o) const {
    return lattice_ == nullptr || lattice_->next(lattice_->node(group.node), o) != 0;
  }

  // (F): o fits without a drop, and its results are no larger and no dearer than what it frees.
  bool forced(const Group& group, const State& state, std::size_t o) const {
    if ((graph_.reads[o] - state.held).any()) return false;
    M after = group.done;
    after.set(o);
    const M others = state.held - graph_.touched[o];
    if (!graph_.fits(o, graph_.touched[o] | others,
                     graph_.own_of(o, after) + graph_.sizes(others))) {
      return false;
    }
    const Bytes64 results = graph_.sizes(graph_.makes[o]), once = graph_.moved(graph_.makes[o]);
    if (results == 0) return true;
    const Bytes64 first = once + graph_.moved(graph_.makes[o] & graph_.spills);
    bool any = false, all = true;
    graph_.reads[o].each([&](std::size_t t) {
      if (graph_.wanted(t, after)) return;
      any = true;
      const bool dirty = graph_.spills.test(t) && !state.stored.test(t);
      all = all && results + (graph_.facts.brim != 0) <= graph_.facts.size[t] &&
            once <= graph_.facts.bytes[t] && first <= graph_.price(t, dirty);
    });
    return any && all;
  }

  // Every minimal set of drops that makes o fit; those found within the patience.
  void drop_enough(const Group& group, const State& state, std::uint32_t from, std::size_t o,
                   const M& others, Bytes64 total) {
    ranked_.clear();
    others.each([&](std::size_t t) { ranked_.push_back(t); });
    const auto& f = graph_.facts;
    std::stable_sort(ranked_.begin(), ranked_.end(),
                     [&](std::size_t a, std::size_t b) { return f.size[a] > f.size[b]; });
    behind_.assign(ranked_.size() + 1, 0);
    for (std::size_t k = ranked_.size(); k-- > 0;) behind_[k] = behind_[k + 1] + f.size[ranked_[k]];
    looks_ = 0;
    const Search search{group, state, from, o, others, total, total - f.room - f.brim};
    choose(search, 0, {}, 0, toll_of_drops(group, state, o));
  }

  // A lower bound of any way on by o without a drop, and in extra_ per tensor what its drop adds to
  // it.
  double toll_of_drops(const Group& group, const State& state, std::size_t o) {
    extra_.clear();
    const auto paid = static_cast<double>(state.paid);
    if (lattice_ == nullptr) {
      for (const std::size_t t : ranked_) extra_.push_back(price_at(state, t));
      return paid;
    }
    const auto& next = lattice_->node(lattice_->next(lattice_->node(group.node), o));
    const M held = state.held | graph_.touched[o];
    for (const std::size_t t : ranked_) {
      extra_.push_back(price_at(state, t) - lattice_->toll_at(next, t, state.stored));
    }
    return paid + lattice_->toll(next, held, state.stored) - lattice_->tolerance();
  }

  double price_at(const State& state, std::size_t t) const {
    const bool dirty = graph_.spills.test(t) && !state.stored.test(t);
    return static_cast<double>(graph_.price(t, dirty));
  }

  struct Search {
    const Group& group;
    const State& state;
    std::uint32_t from;
    std::size_t o;
    const M& others;
    Bytes64 total, least;
  };

  // least: of any way on with these drops; drops only add to it.
  void choose(const Search& s, std::size_t k, const M& gone, Bytes64 freed, double least) {
    if (late_ || least > limit_) return;
    if (++looks_ > options_.patience) {
      if (looks_ == options_.patience + 1) leave_out(s.state.least);
      return;
    }
    if (looks_ % 4096 == 0 && control_.stop()) {
      late_ = true;
      return;
    }
    if (freed >= s.least && fits_without(s, gone, s.total - freed)) {
      bool minimal = true;
      gone.each([&](std::size_t t) {
        M back = gone;
        back.reset(t);
        minimal = minimal && !fits_without(s, back, s.total - freed + graph_.facts.size[t]);
      });
      if (minimal) run(s.group, s.state, s.from, s.o, gone);
      return;
    }
    if (k == ranked_.size() || freed + behind_[k] < s.least) return;
    const std::size_t t = ranked_[k];
    M more = gone;
    more.set(t);
    choose(s, k + 1, more, freed + graph_.facts.size[t], least + extra_[k]);
    choose(s, k + 1, gone, freed, least);
  }

  bool fits_without(const Search& s, const M& gone, Bytes64 total) const {
    return graph_.fits(s.o, graph_.touched[s.o] | (s.others - gone), total);
  }

  void run(const Group& group, const State& state, std::uint32_t from, std::size_t o,
           const M& dropped) {
    M done = group.done;
    done.set(o);
    State next;
    const M store = (dropped & graph_.spills) - state.stored;
    next.paid = state.paid + graph_.moved(dropped) + graph_.moved(store);
    if (next.paid >= options_.below) return;
    next.held = (state.held - dropped) | graph_.touched[o];
    next.stored = state.stored | store;
    graph_.reads[o].each([&](std::size_t t) {
      if (graph_.wanted(t, done)) return;
      next.held.reset(t);
      next.stored.reset(t);
    });
    next.size = graph_.sizes(next.held);
    next.from = from;
    next.op = static_cast<std::uint32_t>(o);
    next.least = std::max(state.least, next.paid);
    std::size_t node = 0;
    if (lattice_ != nullptr) {
      node = lattice_->next(lattice_->node(group.node), o);
      const double rest =
          lattice_->whole(lattice_->toll(lattice_->node(node), next.held, next.stored));
      if (!(rest < static_cast<double>(options_.below - next.paid))) return;
      next.least = std::max(next.least, next.paid + static_cast<Bytes64>(rest));
    }
    if (next.least >= options_.below) return;
    Group& to = group_at(done, node);
    if (to.full && !better(next, to.states[options_.per_set - 1])) {
      leave_out(next.least);
      return;
    }
    to.states.push_back(next);
    ++pending_;
    if (to.states.size() > to.sorted + 1024 + options_.per_set / 4) {
      sift(to);
      to.full = to.states.size() == options_.per_set;
    }
  }

  Group& group_at(const M& done, std::size_t node) {
    const auto [where, fresh] = seen_.try_emplace(done, next_.size());
    if (fresh) {
      next_.emplace_back();
      next_.back().done = done;
      next_.back().node = node;
    }
    return next_[where->second];
  }

  void trace(const std::vector<std::vector<State>>& levels) {
    const std::size_t n = graph_.operators;
    out_.order.resize(n);
    out_.drops.resize(n);
    std::size_t at = 0;
    for (std::size_t depth = n; depth-- > 0;) {
      const State& state = levels[depth + 1][at];
      const State& before = levels[depth][state.from];
      out_.order[depth] = state.op;
      const M gone = (before.held - graph_.touched[state.op]) - state.held;
      gone.each([&](std::size_t t) { out_.drops[depth].push_back(t); });
      at = state.from;
    }
  }

  const Graph<W>& graph_;
  const Lattice<W>* lattice_;
  const Set& order_;
  WalkOptions options_;
  const Control& control_;
  double limit_;  // the most that a path under `below` moves
  Walked out_;
  std::vector<Group> next_;
  std::unordered_map<M, std::size_t, MaskHash<W>> seen_;
  std::vector<std::size_t> ready_, ranked_;
  std::vector<Bytes64> behind_;
  std::vector<double> extra_;  // per ranked tensor
  std::size_t looks_ = 0;
  std::int64_t standing_ = 0, pending_ = 0;  // states
  bool late_ = false;
};

}  // namespace cosmalloc
