#include <cmath>
#include <random>

#include "check.hpp"
#include "clock.hpp"

namespace cosmalloc {
namespace {

constexpr Index kSteps = 60;

Steps some_steps(std::mt19937_64& random, int engines) {
  Steps steps;
  steps.engines = engines;
  steps.first.push_back(0);
  for (Index step = 0; step < kSteps; ++step) {
    steps.compute.push_back(static_cast<double>(random() % 9) / 3);
    for (std::uint64_t access = random() % 4; access > 0; --access) {
      steps.off.push_back(static_cast<double>(random() % 9) / 7);
      steps.near.push_back(static_cast<double>(random() % 9) / 70);
    }
    steps.first.push_back(static_cast<Index>(steps.off.size()));
  }
  return steps;
}

CopyWindow some_window(std::mt19937_64& random, Index rank) {
  const auto start = static_cast<Index>(random() % (kSteps + 1));
  const auto stop = std::min(kSteps, start + static_cast<Index>(random() % 8));
  return {random() % 2 == 0, static_cast<double>(1 + random() % 9) / 5, start, stop, rank};
}

TEST(clock, undoes, "what is rolled back leaves no trace, what is kept equals a clock made anew") {
  for (int engines = 0; engines <= 2; ++engines) {
    std::mt19937_64 random(static_cast<std::uint64_t>(engines) + 1);
    const Steps steps = some_steps(random, engines);
    Clock clock(steps);
    std::vector<Index> copies;
    Index rank = 0;
    for (int round = 0; round < 2000; ++round) {
      const double before = clock.latency();
      std::vector<Index> changed = copies;
      clock.begin();
      for (std::uint64_t change = 1 + random() % 4; change > 0; --change) {
        const std::uint64_t kind = random() % 4;
        if (kind == 0 && !changed.empty()) {
          const std::size_t gone = random() % changed.size();
          clock.remove(changed[gone]);
          changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(gone));
        } else if (kind == 1 && changed.size() < 40) {
          changed.push_back(clock.add(some_window(random, rank++)));
        } else {
          const auto access = static_cast<Index>(random() % steps.off.size());
          clock.set_near(access, !clock.near(access));
        }
        if (random() % 3 == 0) clock.latency();
      }
      const double after = clock.latency();
      if (random() % 2 == 0) {
        clock.rollback();
        CHECK(clock.latency() == before);
      } else {
        clock.commit();
        copies = changed;
        Clock fresh(steps);
        for (Index access = 0; access < static_cast<Index>(steps.off.size()); ++access) {
          fresh.set_near(access, clock.near(access));
        }
        std::vector<CopyWindow> windows;
        for (const Index copy : copies) windows.push_back(clock.window(copy));
        if (round % 3 == 0) fresh.add_all(windows);
        for (const CopyWindow& window : windows) {
          if (round % 3 != 0) fresh.add(window);
        }
        CHECK(fresh.latency() == after);
        CHECK(std::abs(fresh.timeline().latency - after) <= 1e-12 * after);
      }
    }
  }
}

}  // namespace
}  // namespace cosmalloc
