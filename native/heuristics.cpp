#include "heuristics.hpp"

namespace cosmalloc {

Placement place_in(const Blocks& blocks, std::span<const Index> sequence, Fit fit, Bytes capacity) {
  Placement out;
  out.fit = fit;
  out.offsets.assign(static_cast<std::size_t>(blocks.count()), kNowhere);
  Allocation standing;
  standing.reserve(blocks.pieces.size());
  for (const Index block : sequence) {
    const auto b = static_cast<std::size_t>(block);
    const auto pieces = blocks[block];
    Bytes offset = blocks.fixed[b];
    if (offset < 0) offset = standing.find(pieces, blocks.alignment[b], capacity, fit);
    out.offsets[b] = offset;
    if (offset == kNowhere) {
      ++out.unplaced;
    } else {
      standing.insert(block, pieces, offset);
    }
  }
  out.peak = standing.peak();
  return out;
}

Placement place(const Blocks& blocks, Order order, Fit fit, Bytes capacity) {
  Placement out = place_in(blocks, sequence(blocks, order), fit, capacity);
  out.order = order;
  return out;
}

Placement portfolio(const Blocks& blocks, Bytes capacity) {
  std::optional<Placement> best;
  for (const Order order : kOrders) {
    for (const Fit fit : {Fit::first, Fit::best}) {
      Placement next = place(blocks, order, fit, capacity);
      if (!best || next.unplaced < best->unplaced ||
          (next.unplaced == best->unplaced && next.peak < best->peak)) {
        best = std::move(next);
      }
    }
  }
  return *best;
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
