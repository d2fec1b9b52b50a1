#include "game_board.hpp"

#include <algorithm>
#include <limits>

namespace cosmalloc {

GameBoard::Scratch& GameBoard::scratch() {
  static thread_local Scratch scratch;
  return scratch;
}

void GameBoard::Holes::of(std::vector<Span>& spans, Bytes capacity) {
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.bottom < b.bottom; });
  holes_.clear();
  first_ = second_ = 0;
  Bytes from = 0;
  const auto add = [&](Bytes until) {
    if (until <= from) return;
    holes_.push_back({from, until});
    const Bytes size = until - from;
    second_ = std::max(second_, std::min(first_, size));
    first_ = std::max(first_, size);
  };
  for (const Span& span : spans) {
    add(span.bottom);
    from = std::max(from, span.top);
  }
  add(capacity);
}

Bytes GameBoard::Holes::left_by(Bytes bottom, Bytes top) const {
  Bytes largest = first_;
  auto hole = std::upper_bound(holes_.begin(), holes_.end(), bottom,
                               [](Bytes value, const Hole& other) { return value < other.bottom; });
  if (hole == holes_.begin()) return largest;
  --hole;
  if (hole->top < top) return largest;  // it lies over something
  if (hole->top - hole->bottom == first_) largest = second_;
  return std::max({largest, bottom - hole->bottom, hole->top - top});
}

bool GameBoard::is_free(Index start, Bytes bottom, Bytes bytes, Index except) const {
  if (bottom < 0 || bottom + bytes > capacity_) return false;
  for (const Held& held : held_) {
    const bool meets = held.bottom < bottom + bytes && bottom < held.top;
    if (meets && held.stop > start && held.tensor != except) return false;
  }
  return true;
}

Bytes GameBoard::largest_hole(Index step) const {
  std::vector<Span>& spans = scratch().now;
  spans.clear();
  for (const Held& held : held_) {
    if (held.stop > step || held.hold != Hold::taken) spans.push_back({held.bottom, held.top, -1});
  }
  Holes& holes = scratch().holes_now;
  holes.of(spans, capacity_);
  return holes.left_by(capacity_, capacity_ + 1);
}

Bytes GameBoard::roomiest(Scratch& use, Bytes bytes) const {
  use.free.of(use.window, capacity_);
  use.holes_now.of(use.now, capacity_);
  use.holes_next.of(use.next, capacity_);
  Bytes best = -1;
  Bytes most = -1;
  Bytes tightest = 0;
  for (const Hole& hole : use.free.all()) {
    const Bytes low = align(hole.bottom);
    const Bytes high = (hole.top - bytes) / alignment_ * alignment_;
    if (hole.top < bytes || high < low) continue;
    for (const Bytes offset : {low, high}) {
      const Bytes room = use.holes_now.left_by(offset, offset + bytes) +
                         use.holes_next.left_by(offset, offset + bytes);
      const Bytes size = hole.top - hole.bottom;
      if (room < most || (room == most && size >= tightest)) continue;
      best = offset;
      most = room;
      tightest = size;
    }
  }
  return best;
}

Found GameBoard::least_cost(const std::vector<Span>& spans, Bytes bytes) const {
  Found best;
  best.cost = std::numeric_limits<double>::infinity();
  const auto consider = [&](Bytes offset) {
    if (offset < 0 || offset + bytes > capacity_) return;
    double cost = 0;
    for (const Span& span : spans) {
      if (span.bottom >= offset + bytes || offset >= span.top) continue;
      if (span.cost < 0) return;
      cost += span.cost;
      if (cost > best.cost) return;
    }
    if (cost < best.cost || offset < best.offset) best = {offset, cost};
  };
  consider(0);
  for (const Span& span : spans) {
    consider(align(span.top));
    if (span.bottom >= bytes) consider((span.bottom - bytes) / alignment_ * alignment_);
    consider(span.bottom);
  }
  consider((capacity_ - bytes) / alignment_ * alignment_);
  return best;
}

}  // namespace cosmalloc
