// How much of the channel copies leave each other, as XLA's memory space assignment counts it.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "clock.hpp"

namespace cosmalloc {

// Copies of one direction in order of start; each takes the seconds of the steps in its window.
class Bandwidth {
 public:
  explicit Bandwidth(std::vector<Seconds> seconds) : seconds_(std::move(seconds)) {}

  bool admits(Index start, Index stop, Seconds need, int outstanding) {
    const Row row{start, stop, need};
    int met = 0;
    for (const Row& other : rows_) met += other.start < stop && start < other.stop;
    if (met >= outstanding) return false;
    const auto place = std::upper_bound(rows_.begin(), rows_.end(), row, before);
    rows_.insert(place, row);
    const bool fits = all_done();
    if (!fits) remove(row);
    return fits;
  }

  void remove(Index start, Index stop, Seconds need) { remove({start, stop, need}); }

 private:
  struct Row {
    Index start, stop;
    Seconds need;
    bool operator==(const Row&) const = default;
  };
  static bool before(const Row& a, const Row& b) {
    return std::pair(a.start, a.stop) < std::pair(b.start, b.stop);
  }
  static std::size_t at(Index index) { return static_cast<std::size_t>(index); }
  void remove(const Row& row) { rows_.erase(std::find(rows_.begin(), rows_.end(), row)); }

  bool all_done() const {
    Index step = 0;
    Seconds left = 0;  // of `step`
    for (const Row& row : rows_) {
      if (row.start >= step || step == 0) {
        if (row.start > step || step == 0) {
          step = row.start;
          left = at(step) < seconds_.size() ? seconds_[at(step)] : 0;
        }
      }
      Seconds need = row.need;
      while (need > left) {
        need -= left;
        ++step;
        if (step >= row.stop) return false;
        left = seconds_[at(step)];
      }
      if (step >= row.stop) return false;
      left -= need;
    }
    return true;
  }

  std::vector<Seconds> seconds_;
  std::vector<Row> rows_;
};

}  // namespace cosmalloc
