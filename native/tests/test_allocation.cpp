#include <random>

#include "check.hpp"
#include "heuristics.hpp"
#include "sweep.hpp"

namespace cosmalloc {
namespace {

TEST(allocation, agrees_with_a_list, "insert, find and remove agree with a plain list") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 40; ++round) {
    Allocation standing;
    struct Row {
      std::int64_t key;
      Piece piece;
      Bytes offset;
    };
    std::vector<Row> rows;
    for (std::int64_t key = 0; key < 60; ++key) {
      if (!rows.empty() && random() % 3 == 0) {
        const std::size_t gone = random() % rows.size();
        CHECK(standing.remove(rows[gone].key));
        rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(gone));
      }
      const auto lower = static_cast<Step>(random() % 20);
      const Piece piece{lower, lower + 1 + static_cast<Step>(random() % 9),
                        1 + static_cast<Bytes>(random() % 12)};
      const Bytes capacity = 40;
      Bytes expected = kNowhere;
      for (Bytes x = 0; x + piece.size <= capacity && expected < 0; x += 2) {
        bool free = true;
        for (const Row& row : rows) {
          free = free && (row.piece.lower >= piece.upper || piece.lower >= row.piece.upper ||
                          row.offset >= x + piece.size || x >= row.offset + row.piece.size);
        }
        CHECK(standing.is_free(piece.lower, piece.upper, x, piece.size) == free);
        if (free) expected = x;
      }
      const Bytes offset = standing.find({&piece, 1}, 2, capacity, Fit::first);
      CHECK(offset == expected);
      if (offset < 0) continue;
      standing.insert(key, {&piece, 1}, offset);
      rows.push_back({key, piece, offset});
      CHECK(standing.offset_of(key) == offset);
      CHECK(standing.count() == static_cast<std::int64_t>(rows.size()));
    }
    for (const Row& row : rows) CHECK(standing.remove(row.key));
    CHECK(standing.peak() == 0);
  }
}

TEST(allocation, every_order_is_legal, "every order and fit gives a legal placement") {
  std::mt19937_64 random(2);
  tests::Rows rows;
  for (int i = 0; i < 120; ++i) {
    const auto lower = static_cast<Step>(random() % 50);
    rows.add(lower, lower + 1 + static_cast<Step>(random() % 20),
             1 + static_cast<Bytes>(random() % 90), i % 3 == 0 ? 16 : 1);
  }
  const Blocks blocks = rows.blocks();
  for (const Order order : kOrders) {
    for (const Fit how : {Fit::first, Fit::best}) {
      const Placement placed = place(blocks, order, how, kMaxOffset);
      CHECK(rows.legal(placed.offsets, placed.peak));
      CHECK(placed.peak >= load_bound(blocks));
    }
  }
}

TEST(allocation, groups_and_gaps_become_pieces, "alias groups and gaps become pieces") {
  const std::vector<Step> lower{0, 2};
  const std::vector<Step> upper{6, 4};
  const std::vector<Bytes> size{5, 9};
  const std::vector<std::int64_t> alias{7, 7};
  const std::vector<Gap> gaps{{0, 1, 2}};
  const auto made = blocks_of({lower, upper, size, {}, {}, alias, gaps});
  const Blocks& blocks = std::get<Blocks>(made);
  CHECK(blocks.count() == 1);
  CHECK(blocks[0].size() == 3);  // [0, 1) 5, [2, 4) 9, [4, 6) 5
}

}  // namespace
}  // namespace cosmalloc
