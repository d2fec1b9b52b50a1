// What a step's bytes take with everything off-chip.
#pragma once

#include <vector>

#include "clock.hpp"

namespace cosmalloc {

// Seconds that bytes take in each step with everything off-chip.
inline std::vector<Seconds> byte_seconds(const Steps& steps) {
  const auto at = [](Index index) { return static_cast<std::size_t>(index); };
  std::vector<Seconds> sums(at(steps.count()), 0);
  for (Index step = 0; step < steps.count(); ++step) {
    for (Index a = steps.first[at(step)]; a < steps.first[at(step + 1)]; ++a) {
      sums[at(step)] += steps.off[at(a)];
    }
  }
  return sums;
}

// Less of them with this access on chip.
inline Seconds saved_bytes(const Steps& steps, Index access) {
  if (access < 0) return 0;
  const auto place = static_cast<std::size_t>(access);
  return steps.off[place] - steps.near[place];
}

}  // namespace cosmalloc
