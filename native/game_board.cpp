#include "game_board.hpp"

#include <algorithm>
#include <limits>

namespace cosmalloc {

std::vector<GameBoard::Span>& GameBoard::scratch() {
  static thread_local std::vector<Span> spans;
  return spans;
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
  std::vector<Span>& spans = scratch();
  spans.clear();
  for (const Held& held : held_) {
    if (held.stop > step || held.hold != Hold::taken) spans.push_back({held.bottom, held.top, -1});
  }
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.bottom < b.bottom; });
  Bytes largest = 0;
  Bytes from = 0;
  for (const Span& span : spans) {
    largest = std::max(largest, span.bottom - from);
    from = std::max(from, span.top);
  }
  return std::max(largest, capacity_ - from);
}

Bytes GameBoard::best_fit(const std::vector<Span>& spans, Bytes bytes) const {
  static thread_local std::vector<Span> sorted;
  sorted = spans;
  std::sort(sorted.begin(), sorted.end(),
            [](const Span& a, const Span& b) { return a.bottom < b.bottom; });
  Bytes best = -1;
  Bytes room = std::numeric_limits<Bytes>::max();
  Bytes from = 0;
  for (std::size_t i = 0; i <= sorted.size(); ++i) {
    const Bytes until = i < sorted.size() ? sorted[i].bottom : capacity_;
    if (until - from >= bytes && until - from < room) {
      best = from;
      room = until - from;
    }
    if (i < sorted.size() && sorted[i].top > from) from = align(sorted[i].top);
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
