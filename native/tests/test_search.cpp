#include <algorithm>
#include <numeric>
#include <random>
#include <thread>

#include "check.hpp"
#include "minimize.hpp"
#include "sweep.hpp"

namespace cosmalloc {
namespace {

tests::Rows random_rows(std::mt19937_64& random, int count) {
  tests::Rows rows;
  for (int i = 0; i < count; ++i) {
    const auto lower = static_cast<Step>(random() % 9);
    rows.add(lower, lower + 1 + static_cast<Step>(random() % 6),
             1 + static_cast<Bytes>(random() % 9), random() % 4 == 0 ? 4 : 1);
  }
  return rows;
}

// The least peak of first fit over all sequences: the optimum, as an optimum's blocks placed again
// in the sequence of their offsets are never lifted.
Bytes least_by_sequences(const Blocks& blocks) {
  std::vector<Index> order(static_cast<std::size_t>(blocks.count()));
  std::iota(order.begin(), order.end(), 0);
  Bytes best = kMaxOffset;
  do {
    best = std::min(best, place_in(blocks, order, Fit::first, kMaxOffset).peak);
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

// Halves a rectangle of 96 steps and 2^16 bytes: an allocation of that peak exists.
tests::Rows hidden(std::mt19937_64& random, std::size_t count) {
  struct Box {
    Step lower, upper;
    Bytes bottom, top;
  };
  std::vector<Box> boxes{{0, 96, 0, 1 << 16}};
  while (boxes.size() < count) {
    const std::size_t i = random() % boxes.size();
    const Box box = boxes[i];
    if (random() % 2 == 0 && box.upper - box.lower > 1) {
      const Step cut =
          box.lower + 1 +
          static_cast<Step>(random() % static_cast<std::uint64_t>(box.upper - box.lower - 1));
      boxes[i].upper = cut;
      boxes.push_back({cut, box.upper, box.bottom, box.top});
    } else if (box.top - box.bottom > 1) {
      const Bytes cut =
          box.bottom + 1 +
          static_cast<Bytes>(random() % static_cast<std::uint64_t>(box.top - box.bottom - 1));
      boxes[i].top = cut;
      boxes.push_back({box.lower, box.upper, cut, box.top});
    }
  }
  tests::Rows rows;
  for (const Box& box : boxes) rows.add(box.lower, box.upper, box.top - box.bottom);
  return rows;
}

TEST(search, smallest_peak, "the smallest peak is that of all sequences of first fit") {
  std::mt19937_64 random(3);
  for (int round = 0; round < 60; ++round) {
    const tests::Rows rows = random_rows(random, 2 + round % 5);
    const Blocks blocks = rows.blocks();
    const Bytes best = least_by_sequences(blocks);
    const Control control(60);
    const Minimized least = minimize(blocks, {}, control);
    CHECK(least.peak == best);
    CHECK(least.bound == best);
    CHECK(rows.legal(least.offsets, best));
    CHECK(fit(blocks, best, {}, control).ending == Ending::found);
    CHECK(fit(blocks, best - 1, {}, control).ending == Ending::refuted);
  }
}

TEST(search, agrees_without_deductions,
     "with and without deductions, whatever the seed, the smallest peak is the same") {
  std::mt19937_64 random(6);
  int above_load = 0;
  for (int round = 0; round < 80; ++round) {
    tests::Rows rows;
    for (int i = 0; i < 9; ++i) {
      const auto lower = static_cast<Step>(random() % 15);
      rows.add(lower, lower + 3 + static_cast<Step>(random() % 8),
               5 + static_cast<Bytes>(random() % 9), random() % 2 == 0 ? 8 : 1);
    }
    const Blocks blocks = rows.blocks();
    const Control control(60);
    SearchOptions options;
    options.seed = static_cast<std::uint64_t>(round);
    const Minimized least = minimize(blocks, options, control);
    CHECK(least.peak == least.bound);
    CHECK(rows.legal(least.offsets, least.peak));
    above_load += least.peak > load_bound(blocks) ? 1 : 0;
    options.deductions = {false, false, false, false};
    const Fitted found = fit(blocks, least.peak, options, control);
    CHECK(found.ending == Ending::found);
    CHECK(rows.legal(found.offsets, least.peak));
    CHECK(fit(blocks, least.peak - 1, options, control).ending == Ending::refuted);
  }
  CHECK(above_load > 5);  // else nothing was refuted by search
}

TEST(search, borders_lose_nothing,
     "with what follows at the borders, and the fewest first, an allocation is found or refuted as "
     "without") {
  std::mt19937_64 random(8);
  int found = 0;
  int refuted = 0;
  for (int round = 0; round < 1500; ++round) {
    tests::Rows rows;
    std::vector<Gap> gaps;
    const std::int64_t count = 8 + static_cast<std::int64_t>(random() % 2);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto lower = static_cast<Step>(random() % 5);
      const auto upper = lower + 1 + static_cast<Step>(random() % 5);
      rows.add(lower, upper, 1 + static_cast<Bytes>(random() % 7), random() % 5 == 0 ? 2 : 1);
      if (upper - lower > 2 && random() % 3 == 0) gaps.push_back({i, lower + 1, lower + 2});
    }
    const Problem problem{rows.lower, rows.upper, rows.size, rows.alignment, {}, {}, gaps};
    const Blocks blocks = std::get<Blocks>(blocks_of(problem));
    std::vector<Index> all;
    for (Index b = 0; b < blocks.count(); ++b) all.push_back(b);
    const Layout layout = layout_of(blocks, all);
    const Bytes capacity = load_bound(blocks);
    const auto ending = [&](Strategy strategy, const Deductions& deductions) {
      Search search(layout, capacity);
      return search.run(strategy, deductions, 1'000'000, random, Control(60));
    };
    const Ending plain = ending({}, {false, false, false, false});
    Strategy fewest;
    fewest.fewest = true;
    CHECK(ending(fewest, {}) == plain);
    CHECK(ending({}, {}) == plain);
    ++(plain == Ending::found ? found : refuted);
  }
  CHECK(found > 100);
  CHECK(refuted > 100);
}

TEST(search, hidden_packings, "hidden perfect packings are found, with one thread and with three") {
  std::mt19937_64 random(4);
  for (int round = 0; round < 6; ++round) {
    const tests::Rows rows = hidden(random, 40);
    const Blocks blocks = rows.blocks();
    for (const int threads : {1, 3}) {
      SearchOptions options;
      options.threads = threads;
      const Control control(60);
      const Fitted found = fit(blocks, 1 << 16, options, control);
      CHECK(found.ending == Ending::found);
      CHECK(rows.legal(found.offsets, 1 << 16));
    }
  }
}

TEST(search, stops, "a deadline and a cancel flag stop the search and keep the best so far") {
  std::mt19937_64 random(5);
  const tests::Rows rows = random_rows(random, 400);
  const Blocks blocks = rows.blocks();
  const Control short_time(0.05);
  const Minimized least = minimize(blocks, {}, short_time);
  CHECK(rows.legal(least.offsets, least.peak));
  CHECK(least.bound <= least.peak);
  std::atomic<bool> cancel{true};
  const Control cancelled(1e9, &cancel);
  CHECK(rows.legal(minimize(blocks, {}, cancelled).offsets, kMaxOffset));
}

}  // namespace
}  // namespace cosmalloc
