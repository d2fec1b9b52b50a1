#include "heuristics.hpp"

#include <algorithm>

#include "join.hpp"
#include "linear_scan.hpp"
#include "skyline.hpp"
#include "sweep.hpp"

namespace cosmalloc {

namespace {
constexpr Index kMany = 5'000;  // so many blocks take seconds in the slow orders
}

Placement place_in(const Blocks& blocks, std::span<const Index> sequence, Fit fit, Bytes capacity,
                   const Control* control) {
  Placement out;
  out.fit = fit;
  out.offsets.assign(static_cast<std::size_t>(blocks.count()), kNowhere);
  out.unplaced = static_cast<Index>(sequence.size());
  Allocation standing;
  standing.reserve(blocks.pieces.size());
  int until_poll = 0;
  for (const Index block : sequence) {
    if (control != nullptr && until_poll-- == 0) {
      if (control->stop()) break;
      until_poll = 64;
    }
    const auto b = static_cast<std::size_t>(block);
    const auto pieces = blocks[block];
    Bytes offset = blocks.fixed[b];
    if (offset < 0) offset = standing.find(pieces, blocks.alignment[b], capacity, fit);
    out.offsets[b] = offset;
    if (offset == kNowhere) continue;
    --out.unplaced;
    standing.insert(block, pieces, offset);
  }
  out.peak = standing.peak();
  return out;
}

namespace {

std::optional<Placement> place_fast(const Blocks& blocks, Order order) {
  if (!movable(blocks)) return std::nullopt;
  switch (order) {
    case Order::scan:
      return place_by_scan(blocks, false);
    case Order::scan_back:
      return place_by_scan(blocks, true);
    case Order::skyline:
      return place_on_skyline(blocks);
    default:
      return std::nullopt;
  }
}

bool better(const Placement& a, const Placement& b) {
  return a.unplaced != b.unplaced ? a.unplaced < b.unplaced : a.peak < b.peak;
}

// The lowest of the fast orders on blocks joined as far as they can be; nothing where none can. One
// that reaches `enough` ends it.
std::optional<Placement> place_joined(const Blocks& blocks, Bytes enough, const Control* control) {
  if (!movable(blocks)) return std::nullopt;
  const Joined joined = join(blocks, {true, true, 0, 1, 0}, control);
  if (joined.blocks.count() == blocks.count()) return std::nullopt;
  std::optional<Placement> best;
  for (const Order order : kFastOrders) {
    Placement next = *place_fast(joined.blocks, order);
    if (!best || next.peak < best->peak) best = std::move(next);
    if (best->peak <= enough || (control != nullptr && control->stop())) break;
  }
  best->offsets = joined.offsets_of_whole(best->offsets);
  return best;
}

}  // namespace

Placement place(const Blocks& blocks, Order order, Fit fit, Bytes capacity,
                const Control* control) {
  std::optional<Placement> fast = place_fast(blocks, order);
  if (fast && fast->peak <= capacity) return *std::move(fast);
  Placement out = place_in(blocks, sequence(blocks, order), fit, capacity, control);
  out.order = order;
  return out;
}

Placement portfolio(const Blocks& blocks, Bytes capacity) {
  std::optional<Placement> best;
  if (movable(blocks)) {
    const Bytes near_enough = load_bound(blocks) / 50 * 51;
    if (std::optional<Placement> next = place_joined(blocks, near_enough, nullptr)) {
      if (next->peak <= capacity) best = std::move(next);
      if (best && best->peak <= near_enough && blocks.count() >= kLarge) return *std::move(best);
    }
    for (const Order order : kFastOrders) {
      Placement next = *place_fast(blocks, order);
      if (next.peak <= capacity && (!best || better(next, *best))) best = std::move(next);
      if (best && blocks.count() >= kLarge && best->peak <= near_enough) break;
    }
    if (best && blocks.count() >= kLarge) return *std::move(best);
  }
  for (const Order order : kSlowOrders) {
    for (const Fit fit : {Fit::first, Fit::best}) {
      Placement next = place(blocks, order, fit, capacity);
      if (!best || better(next, *best)) best = std::move(next);
      if (blocks.count() >= kLarge) return *std::move(best);
    }
  }
  return *std::move(best);
}

Placement place_all(const Blocks& blocks, Bytes enough, const Control& control) {
  std::optional<Placement> best;
  const auto keep = [&](Placement next) {
    if (next.unplaced == 0 && (!best || next.peak < best->peak)) best = std::move(next);
    return best && (best->peak <= enough || control.stop());
  };
  if (movable(blocks)) {
    for (const Order order : kFastOrders) {
      if (keep(*place_fast(blocks, order))) return *std::move(best);
    }
    if (std::optional<Placement> next = place_joined(blocks, enough, &control)) {
      if (keep(*std::move(next))) return *std::move(best);
    }
    if (blocks.count() >= kMany) return *std::move(best);
  }
  for (const Order order : kSlowOrders) {
    const Control* limit = best ? &control : nullptr;  // without the first there is no answer
    if (keep(place(blocks, order, Fit::first, kMaxOffset, limit))) break;
  }
  return *std::move(best);
}

std::optional<std::pair<Index, Index>> clash_of_fixed(const Blocks& blocks) {
  IntervalTree tree;
  for (Index b = 0; b < blocks.count(); ++b) {
    const Bytes offset = blocks.fixed[static_cast<std::size_t>(b)];
    if (offset < 0) continue;
    Index other = -1;
    for (const Piece& piece : blocks[b]) {
      tree.visit(piece.lower, piece.upper, [&](const IntervalTree::Entry& entry) {
        if (entry.bottom < offset + piece.size && offset < entry.top && other < 0) {
          other = static_cast<Index>(entry.tag);
        }
      });
    }
    if (other >= 0) return std::pair{other, b};
    for (const Piece& piece : blocks[b]) {
      tree.insert({piece.lower, piece.upper, offset, offset + piece.size, b});
    }
  }
  return std::nullopt;
}

}  // namespace cosmalloc
