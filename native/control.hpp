// When to stop: a deadline, and a flag that somebody else may raise at any time.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace cosmalloc {

class Control {
 public:
  using Clock = std::chrono::steady_clock;

  // seconds <= 0: nothing may take time. cancel: raised by the caller to stop early; may be null.
  explicit Control(double seconds, const std::atomic<bool>* cancel = nullptr)
      : start_(Clock::now()), seconds_(seconds), cancel_(cancel) {}

  // The same limits for run `run` of a race: it also stops when an earlier run has won.
  Control of_run(std::int64_t run, const std::atomic<std::int64_t>* winner) const {
    Control out = *this;
    out.run_ = run;
    out.winner_ = winner;
    return out;
  }

  // The same limits, and `seconds` from now at most.
  Control within(double seconds) const {
    Control out = *this;
    out.seconds_ = std::min(seconds_, elapsed() + seconds);
    return out;
  }

  double elapsed() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  double left() const { return seconds_ - elapsed(); }
  bool stop() const {
    if (cancel_ != nullptr && cancel_->load(std::memory_order_relaxed)) return true;
    if (winner_ != nullptr && winner_->load(std::memory_order_relaxed) < run_) return true;
    return !(left() > 0);
  }

 private:
  Clock::time_point start_;
  double seconds_;
  const std::atomic<bool>* cancel_;
  std::int64_t run_ = 0;
  const std::atomic<std::int64_t>* winner_ = nullptr;
};

}  // namespace cosmalloc
