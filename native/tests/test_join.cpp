#include <random>

#include "check.hpp"
#include "join.hpp"
#include "readings.hpp"
#include "search.hpp"
#include "sweep.hpp"

namespace cosmalloc {
namespace {

using tests::Rows;

// One run of the search on the joined blocks, told back to the whole.
std::vector<Bytes> solved(const Joined& joined, Bytes capacity) {
  const Reading reading{joined, [&] {
                          std::vector<Index> all;
                          for (Index b = 0; b < joined.blocks.count(); ++b) all.push_back(b);
                          return layout_of(joined.blocks, all);
                        }()};
  Search search(reading.layout, capacity);
  std::mt19937_64 random(1);
  const Ending ending = search.run({}, {}, 10'000, random, Control(10));
  return ending == Ending::found ? reading.offsets(search.offsets()) : std::vector<Bytes>{};
}

TEST(join, a_block_that_takes_over_from_one_of_its_size_is_joined_to_it,
     "a block that takes over from one of its size is joined to it") {
  Rows rows;
  rows.add(0, 4, 8);
  rows.add(4, 9, 8);
  rows.add(0, 9, 3);
  const Joined joined = join(rows.blocks(), {});
  CHECK(joined.blocks.count() == 2);
  CHECK(joined.into[0] == joined.into[1] && joined.above[0] == joined.above[1]);
  CHECK(rows.legal(solved(joined, 11), 11));
}

TEST(join, halves_that_start_in_place_of_their_sum_are_stacked,
     "halves that start in place of their sum are stacked") {
  Rows rows;
  rows.add(0, 4, 8);
  rows.add(4, 9, 3);
  rows.add(4, 9, 5);
  rows.add(0, 12, 2);
  const Joined joined = join(rows.blocks(), {});
  CHECK(joined.blocks.count() == 2);
  CHECK(joined.above[1] != joined.above[2]);
  CHECK(rows.legal(solved(joined, 10), 10));
}

TEST(join, two_that_stop_where_one_starts_are_joined_only_if_pairs_are,
     "two that stop where one starts are joined only if pairs are") {
  Rows rows;
  rows.add(0, 4, 8);
  rows.add(0, 4, 9);
  rows.add(4, 9, 8);
  CHECK(join(rows.blocks(), {}).blocks.count() == 3);
  CHECK(join(rows.blocks(), {true, false, 0, 1, 0}).blocks.count() == 2);
  CHECK(join(rows.blocks(), {true, false, 9, 1, 0}).blocks.count() == 3);  // 8 is below least
  CHECK(join(rows.blocks(), {true, false, 0, 0, 0}).blocks.count() == 3);  // share 0
}

TEST(join, sizes_that_break_the_alignment_are_not_stacked,
     "sizes that break the alignment are not stacked") {
  Rows rows;
  rows.add(0, 4, 6, 4);
  rows.add(0, 4, 8, 4);
  CHECK(join(rows.blocks(), {true, true, 0, 1, 0}).blocks.count() == 2);
}

TEST(join, what_fits_joined_fits_apart, "what fits joined fits apart") {
  std::mt19937_64 random(3);
  int found = 0;
  int joins = 0;
  for (int round = 0; round < 400; ++round) {
    Rows rows;
    for (int i = 0; i < 12; ++i) {
      const auto lower = static_cast<Step>(random() % 4);
      rows.add(lower, lower + 1 + static_cast<Step>(random() % 3),
               4 + 4 * static_cast<Bytes>(random() % 3), random() % 2 == 0 ? 4 : 8);
    }
    const Blocks blocks = rows.blocks();
    const Joining joining{random() % 2 == 0, random() % 2 == 0, 0, 0.7, random()};
    const Joined joined = join(blocks, joining);
    joins += blocks.count() - joined.blocks.count();
    CHECK(load_bound(joined.blocks) >= load_bound(blocks));
    const Bytes capacity = load_bound(blocks) + 4;
    const std::vector<Bytes> offsets = solved(joined, capacity);
    if (offsets.empty()) continue;
    ++found;
    CHECK(rows.legal(offsets, capacity));
  }
  CHECK(found > 60);
  CHECK(joins > 200);
}

TEST(join, the_same_seed_joins_the_same, "the same seed joins the same") {
  std::mt19937_64 random(5);
  Rows rows;
  for (int i = 0; i < 60; ++i) {
    const auto lower = static_cast<Step>(random() % 8);
    rows.add(lower, lower + 1 + static_cast<Step>(random() % 4),
             1 + static_cast<Bytes>(random() % 9));
  }
  const Control control(60);
  const Readings readings(rows.blocks(), control);
  const auto one = readings.any(7);
  const auto two = readings.any(7);
  CHECK(one && two && one->joined.into == two->joined.into);
  CHECK(one && one->joined.above == two->joined.above);
}

}  // namespace
}  // namespace cosmalloc
