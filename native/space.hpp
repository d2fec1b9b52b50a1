// Who holds which bytes when, for many short visits: entries in buckets of a few steps.
//
// Insert, erase and visit cost what the window holds, not what the program is long.
#pragma once

#include "problem.hpp"

namespace cosmalloc {

class Space {
 public:
  struct Entry {
    Index lower, upper;  // steps [lower, upper)
    Bytes bottom, top;   // bytes [bottom, top)
    Index tag;
  };

  explicit Space(Index steps) : buckets_(at(steps / kSteps) + 1) {}

  void insert(const Entry& entry) {
    for (Index b = entry.lower / kSteps; b <= (entry.upper - 1) / kSteps; ++b) {
      buckets_[at(b)].push_back(entry);
    }
  }

  // Takes away the entry of that tag that starts at that step.
  void erase(Index tag, Index lower, Index upper) {
    for (Index b = lower / kSteps; b <= (upper - 1) / kSteps; ++b) {
      auto& bucket = buckets_[at(b)];
      for (Entry& entry : bucket) {
        if (entry.tag != tag || entry.lower != lower) continue;
        entry = bucket.back();
        bucket.pop_back();
        break;
      }
    }
  }

  // Calls visit(entry) once for every entry with a step in [lower, upper).
  template <class Visit>
  void visit(Index lower, Index upper, Visit&& visit_entry) const {
    const Index first = lower / kSteps;
    for (Index b = first; b <= (upper - 1) / kSteps; ++b) {
      for (const Entry& entry : buckets_[at(b)]) {
        if (entry.upper <= lower || entry.lower >= upper) continue;
        if (b == first || entry.lower >= b * kSteps) visit_entry(entry);
      }
    }
  }

 private:
  static constexpr Index kSteps = 16;  // of a bucket
  static std::size_t at(Index index) { return static_cast<std::size_t>(index); }

  std::vector<std::vector<Entry>> buckets_;
};

}  // namespace cosmalloc
