// The clock, compiled: when every step and every copy of a plan happens, and what one change moves.
//
// The rules are those of cosmalloc.simulate. A queue is first in, first out, so that between two
// steps its whole state is one number: the head, and the seconds the head still needs. The state at
// every border is kept; after a change, the clock starts again at the first border that it touches
// and stops where the states agree with the old ones behind the last border that it touches.
#pragma once

#include <array>
#include <limits>
#include <span>
#include <utility>

#include "problem.hpp"

namespace cosmalloc {

using Seconds = double;

// A program in a fixed order. Accesses of step s: [first[s], first[s + 1]), operands, then results.
struct Steps {
  std::vector<Seconds> compute;  // per step
  std::vector<Index> first;      // per step, and one more
  std::vector<Seconds> off;      // per access: seconds it takes off-chip
  std::vector<Seconds> near;     // per access: seconds it takes on chip
  int engines = 2;               // 2: loads and stores queue apart, 1: together, 0: copies block
  Index count() const { return static_cast<Index>(compute.size()); }
};

// A copy that is issued at border `start` and complete at border `stop`. rank: order of those that
// join a queue at one border, below kMaxRank.
inline constexpr std::int64_t kMaxRank = std::int64_t{1} << 40;
struct CopyWindow {
  bool load = true;
  Seconds need = 0;  // of the whole channel
  Index start = 0;
  Index stop = 0;
  std::int64_t rank = 0;
};

class Clock {
 public:
  static constexpr Index kNone = -1;

  explicit Clock(Steps steps);

  // Where an access goes. Nothing moves until the next latency().
  void set_near(Index access, bool near);
  bool near(Index access) const { return near_[at(access)]; }

  Index add(const CopyWindow& window);                // the copy's number; numbers are used again
  void add_all(std::span<const CopyWindow> windows);  // numbers 0, 1, ... on a clock without copies
  void remove(Index copy);
  const CopyWindow& window(Index copy) const { return copies_[at(copy)].window; }

  // Seconds at which everything is done.
  Seconds latency();
  void forget() { touch(0, steps_.count()); }  // the next latency() looks at everything again

  // Everything between begin() and rollback() is undone by it, commit() keeps it. Not nested.
  void begin();
  void commit();
  void rollback();

  // All of these are of the last latency().
  Seconds stall(Index border) const { return stall_[at(border)]; }    // count() + 1 of them
  Seconds total(Index step) const { return total_[at(step)]; }        // the step alone
  Seconds off_chip(Index step) const { return off_chip_[at(step)]; }  // of it, on the channel
  Seconds idle(Index step) const { return total(step) - off_chip(step); }
  Index simulated() const { return simulated_; }  // borders that it went through

  struct Timeline {
    std::vector<Seconds> step_start, step_stop, stall;  // n, n, n + 1
    std::vector<Seconds> copy_start, copy_stop;         // per copy number
    Seconds latency = 0;
  };
  Timeline timeline();  // one pass over everything

  const Steps& steps() const { return steps_; }

 private:
  struct Copy {
    CopyWindow window;  // as the engines have it: with no engine it blocks
    std::int64_t key = 0;
    int queue = 0;
    Index place = 0;  // in its queue
  };
  struct State {  // before anything happens at a border
    std::array<Index, 2> head{kNone, kNone};
    std::array<Seconds, 2> left{0, 0};
    bool operator==(const State&) const = default;
  };
  struct Border {
    std::vector<Index> due, stores, loads;  // asynchronous ones due, blocking ones
    Index issued = 0;                       // asynchronous ones issued
  };
  enum class Kind { near, add, remove };
  struct Change {
    Kind kind;
    Index where;
    bool flag;
    Copy copy;
  };
  struct Old {
    Index border;
    State state;
    Seconds stall, total, off_chip;
  };

  static std::size_t at(Index index) { return static_cast<std::size_t>(index); }
  void touch(Index from, Index to);
  Copy copy_of(const CopyWindow& window) const;
  void list(Index copy);
  void put(Index copy);
  void take(Index copy);
  void renew(Index step);
  Seconds pass(Index border, State& state, Timeline* record, Seconds now) const;
  Seconds cross(Index border, State& state, Timeline* record, Seconds now) const;
  void join(State& state, std::int64_t from, std::int64_t until, Timeline* record,
            Seconds now) const;
  static Seconds next_need(const State& state);
  Seconds wait(std::span<const Index> copies, State& state, std::int64_t until, Timeline* record,
               Seconds now) const;
  void run(State& state, Seconds now, Seconds seconds, Seconds speed, std::int64_t until,
           Timeline* record) const;
  void refill(State& state, int queue, std::int64_t until, Timeline* record, Seconds now) const;
  void move(State& state, Seconds need, std::int64_t until, Timeline* record, Seconds now) const;
  bool done(const State& state, Index copy, std::int64_t until) const;
  void add_up(Index from, Index to);

  Steps steps_;
  std::vector<char> near_;
  std::vector<Seconds> total_, off_chip_, stall_;
  std::vector<State> state_;  // n + 2: the last one is the end
  std::vector<Border> borders_;
  std::vector<Copy> copies_;
  std::vector<Index> unused_;
  std::array<std::vector<Index>, 2> queue_;  // by key
  std::vector<Seconds> sums_;                // of blocks of borders
  std::vector<char> stale_;                  // steps whose accesses have changed
  std::vector<Index> stale_steps_;
  Index from_ = 0, to_ = 0;  // borders touched since the last latency()
  Seconds latency_ = 0;
  Index simulated_ = 0;
  bool open_ = false;
  std::vector<Change> changes_;
  std::vector<Old> old_;
  Seconds old_latency_ = 0;
};

}  // namespace cosmalloc
