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

  // A place from step `start` on to the step under way. Among places at the ends of holes, covering
  // nothing, the one that leaves the largest holes: in this step, and in the next one, where
  // lasts(entry) says what is still there; the smallest hole and the lowest place among equals. If
  // there is none, the place that covers the least, cost(entry) added up, the lowest among equals.
  template <class Cost, class Lasts>
  Found find(Index start, Index step, Bytes bytes, Cost&& cost, Lasts&& lasts) const;

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
  struct Hole {
    Bytes bottom, top;
  };
  // Holes between spans, which are put in order; and the largest hole that an item would leave.
  class Holes {
   public:
    void of(std::vector<Span>& spans, Bytes capacity);
    Bytes left_by(Bytes bottom, Bytes top) const;
    const std::vector<Hole>& all() const { return holes_; }

   private:
    std::vector<Hole> holes_;
    Bytes first_ = 0, second_ = 0;  // the two largest
  };
  struct Scratch {
    std::vector<Span> window, now, next;
    Holes free, holes_now, holes_next;
  };
  static Scratch& scratch();
  Bytes roomiest(Scratch& scratch, Bytes bytes) const;
  Found least_cost(const std::vector<Span>& spans, Bytes bytes) const;

  Bytes capacity_, alignment_;
  std::vector<Held> held_, past_;
};

template <class Cost, class Lasts>
Found GameBoard::find(Index start, Index step, Bytes bytes, Cost&& cost, Lasts&& lasts) const {
  if (bytes > capacity_) return {};
  Scratch& use = scratch();
  use.window.clear();
  use.now.clear();
  use.next.clear();
  bool soft = false;
  for (const Held& held : held_) {
    const bool free = held.hold == Hold::taken && held.stop <= start;
    if (free) continue;
    const bool hard = held.stop > start;
    use.window.push_back({held.bottom, held.top, hard ? -1 : cost(held)});
    soft = soft || !hard;
    const bool here = held.hold != Hold::taken || held.stop > step;
    if (here) use.now.push_back(use.window.back());
    if (here && lasts(held)) use.next.push_back(use.window.back());
  }
  const Bytes offset = roomiest(use, bytes);
  if (offset >= 0 || !soft) return {offset, 0};
  return least_cost(use.window, bytes);
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
