// The channel of a game: copies in their queues, and when every step happens, up to the step under
// way. The rules are those of cosmalloc.simulate (and of Clock, which wants the whole order first).
//
// Copies may join as far back as kReach steps; the states of that many borders are kept.
#pragma once

#include <array>

#include "clock.hpp"

namespace cosmalloc {

class GameChannel {
 public:
  static constexpr Index kReach = 192;
  static constexpr Index kOpen = std::numeric_limits<Index>::max();  // a stop not known yet

  struct Copy {
    Seconds need;
    std::int64_t key;  // of the moment when it joins
    Index start, stop, tensor;
    bool load;
  };

  // timed: false where nobody asks for seconds; copies are kept, nothing is simulated.
  GameChannel(int engines, bool timed) : shared_(engines == 1), timed_(timed) {}

  void add(bool load, Index tensor, Seconds need, Index start, Index stop);
  // Takes the load of the tensor that starts there back.
  void remove_load(Index tensor, Index start);
  // Gives the tensor's open store its stop.
  void close(Index tensor, Index stop);
  // The first border at which its open store is done, among those run to; -1 if it is not.
  Index done_at(Index tensor) const;

  // What the step takes, and how much of it on the channel.
  void set_step(Index step, Seconds total, Seconds off);
  void run_to(Index step);  // up to the end of that step
  Seconds time(Index border) const { return time_[at(border)]; }
  Seconds waited(Index border) const { return waited_[at(border)]; }  // stalls before it, summed
  Seconds spare(Index step) const { return spare_[at(step)]; }        // channel seconds nobody uses
  Seconds pending(Index border) const;                                // of copies not done there
  Index pending_count(Index border) const;
  // The wait for everything behind the last step: the seconds at which all is done. Open stores get
  // their stops.
  Seconds finish(Index steps);

  const std::vector<Copy>& queue(int index) const {
    return queue_[static_cast<std::size_t>(index)];
  }

 private:
  static constexpr Index kRing = 2 * kReach;
  struct State {
    std::array<Index, 2> done{0, 0};      // copies complete, per queue
    std::array<Seconds, 2> left{-1, -1};  // of the next one; -1: it has not begun
  };
  template <class T>
  using Ring = std::array<T, kRing>;
  static std::size_t at(Index border) { return static_cast<std::size_t>(border % kRing); }
  int queue_of(bool load) const { return shared_ || load ? 0 : 1; }
  std::vector<Copy>& copies(int q) { return queue_[static_cast<std::size_t>(q)]; }
  std::size_t open_store(Index tensor) const;
  void touch(Index border) { from_ = std::min(from_, border); }
  bool head(State& state, std::size_t q, std::int64_t until) const;
  Seconds wait(State& state, const std::array<Index, 2>& last, std::int64_t until) const;
  Seconds move(State& state, bool zero, bool one, Seconds need) const;
  Seconds run(State& state, Seconds seconds, Seconds speed, std::int64_t until) const;
  Seconds cross(State& state, Index border) const;

  bool shared_, timed_;
  std::array<std::vector<Copy>, 2> queue_;
  Ring<State> state_{};  // before the border
  Ring<Seconds> time_{}, waited_{}, total_{}, off_{}, spare_{};
  Index from_ = 0;  // the first border whose crossing is not known
};

}  // namespace cosmalloc
