// The board of a game: who holds which bytes of the scratchpad, and since when.
//
// Everything looks back from the step under way. An entry is `taken` (a fact up to its stop),
// `standing` (may be kept; its bytes are untouched since its stop) or `leaving` (its store is under
// way). What stands or leaves may be covered from its stop on.
#pragma once

#include "problem.hpp"

namespace cosmalloc {

enum class Hold { taken, standing, leaving };

struct Held {
  Bytes bottom, top;
  Index tensor;
  Index start, stop;  // steps
  Hold hold;
};

struct Found {
  Bytes offset = -1;  // -1: no place
  double cost = 0;    // of what has to be covered
};

class GameBoard {
 public:
  GameBoard(Bytes capacity, Bytes alignment) : capacity_(capacity), alignment_(alignment) {}

  std::vector<Held>& entries() { return held_; }
  const std::vector<Held>& entries() const { return held_; }
  const std::vector<Held>& past() const { return past_; }

  // Whether [bottom, bottom + bytes) from step `start` on is free of what is taken, or of anything
  // that stands or leaves and can't be covered from there. Entries of `except` don't count.
  bool is_free(Index start, Bytes bottom, Bytes bytes, Index except) const;

  // A place from step `start` on. Best fit among places that cover nothing; else the one that
  // covers the least, cost(entry) added up, the lowest among equals.
  template <class Cost>
  Found find(Index start, Bytes bytes, Cost&& cost) const;

  // The sum of the costs of what [bottom, bottom + bytes) would cover.
  template <class Cost>
  double covered(Bytes bottom, Bytes bytes, Index except, Cost&& cost) const;

  Bytes largest_hole(Index step) const;  // that nothing holds at the step, nor would be covered

  // Takes what is over before step `since` away from the entries. moved(tensor, place) tells where
  // an entry has gone, -1 for away.
  template <class Moved>
  void forget(Index since, Moved&& moved);

  Bytes capacity() const { return capacity_; }
  Bytes align(Bytes offset) const { return (offset + alignment_ - 1) / alignment_ * alignment_; }

 private:
  struct Span {
    Bytes bottom, top;
    double cost;  // less than 0: can't be covered
  };
  static std::vector<Span>& scratch();
  Bytes best_fit(const std::vector<Span>& spans, Bytes bytes) const;
  Found least_cost(const std::vector<Span>& spans, Bytes bytes) const;

  Bytes capacity_, alignment_;
  std::vector<Held> held_, past_;
};

template <class Cost>
Found GameBoard::find(Index start, Bytes bytes, Cost&& cost) const {
  if (bytes > capacity_) return {};
  std::vector<Span>& spans = scratch();
  spans.clear();
  bool soft = false;
  for (const Held& held : held_) {
    if (held.stop > start) {
      spans.push_back({held.bottom, held.top, -1});
    } else if (held.hold != Hold::taken) {
      spans.push_back({held.bottom, held.top, cost(held)});
      soft = true;
    }
  }
  const Bytes offset = best_fit(spans, bytes);
  if (offset >= 0 || !soft) return {offset, 0};
  return least_cost(spans, bytes);
}

template <class Cost>
double GameBoard::covered(Bytes bottom, Bytes bytes, Index except, Cost&& cost) const {
  double sum = 0;
  for (const Held& held : held_) {
    const bool meets = held.bottom < bottom + bytes && bottom < held.top;
    if (meets && held.hold != Hold::taken && held.tensor != except) sum += cost(held);
  }
  return sum;
}

template <class Moved>
void GameBoard::forget(Index since, Moved&& moved) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < held_.size(); ++i) {
    if (held_[i].hold == Hold::taken && held_[i].stop <= since) {
      past_.push_back(held_[i]);
      moved(held_[i].tensor, static_cast<Index>(i), Index{-1});
      continue;
    }
    if (kept != i) {
      moved(held_[i].tensor, static_cast<Index>(i), static_cast<Index>(kept));
      held_[kept] = held_[i];
    }
    ++kept;
  }
  held_.resize(kept);
}

}  // namespace cosmalloc
