// A partial placement under a capacity, and what follows from it.
//
// Blocks are placed from the bottom up. For every open block b (one not yet placed)
//     at(b) >= low[b]                                                                         (1)
// and every open neighbour of a placed block stands above it. Deductions, until nothing moves:
//     place b at y:            low[c] >= y + under(b, c) for open neighbours c                (2)
//     load of section s:       floor[s] + rest[s] <= capacity                                 (3)
//                              floor = least low, rest = bytes of open blocks in s
//     not first in s:          low[b] + rest[s] > capacity
//                              => low[b] >= least (low[c] + size[c]) of others in s           (4)
//     postponed b:             low[b] >= least (low[c] + under(c, b)), open neighbours c      (5)
//     border of s - 1 and s:   the lowest block on both sides stands at v with
//                              floor[s - 1] + x <= v <= floor[s - 1] + x + slack[s - 1]
//                              floor[s] + y <= v <= floor[s] + y + slack[s]
//                              for a sum x of blocks that end there, y of some that start     (7)
//                              slack = capacity - floor - rest
// A block that is *postponed* does not stand at low[b]; as an allocation can be pushed down until
// every block rests on 0, on a placed block or on one placed later, it rests on an open neighbour:
// (5). It leaves that state when a block is placed whose top reaches low[b]. Of all allocations
// take one with the least sum of offsets: then the hole that b left at low[b] when it was postponed
// must be used by somebody, so
//     some neighbour c of b:   at(c) < hole[b] + height(b)                                    (6)
// and twins (same spans, same alignment) stand in a fixed sequence: the later above the earlier. A
// fixed block has at(b) = low[b] from the start. (4), (5) and (7) stop after a number of rounds,
// which loses deductions, never answers; settle() finishes (5).
#pragma once

#include "layout.hpp"

namespace cosmalloc {

// What is switched on: for the ablation table, and for the tests.
struct Deductions {
  bool not_first = true;  // (4)
  bool holes = true;      // (6)
  bool twins = true;
  bool borders = true;  // (7)
};

class Partial {
 public:
  Partial(const Layout& layout, Bytes capacity);

  // false: no allocation extends this one. Then undo() to a mark before trying anything else.
  bool begin();
  bool place(Index b);     // at low[b]; b must be ready
  bool postpone(Index b);  // b must be ready
  bool settle();           // finishes (5) where place and postpone gave up early

  // Ready: b is open, not postponed, and no open neighbour could stand below low[b]. The open block
  // with the least low, ties aside, is always ready after settle().
  bool ready(Index b) const;

  struct Mark {
    std::size_t trail;
    std::size_t placed;
  };
  Mark mark() const { return {trail_.size(), placed_.size()}; }
  void undo(const Mark& mark);
  void reset(Deductions deductions);

  const Layout& layout() const { return layout_; }
  Bytes low(Index b) const { return low_[at(b)]; }
  bool open(Index b) const { return open_[at(b)] != 0; }
  bool postponed(Index b) const { return postponed_[at(b)] != 0; }
  Bytes floor(Index s) const { return floor_[at(s)]; }
  Bytes rest(Index s) const { return rest_[at(s)]; }
  Bytes slack(Index s) const { return capacity_ - floor(s) - rest(s); }
  Index firsts(Index s) const {  // open blocks that may be the first in s, by (4)
    return static_cast<Index>(firsts_[at(s)]);
  }
  std::span<const Index> open_in(Index s) const;
  // No open block lives on both sides of the border between sections s - 1 and s.
  bool split_at(Index s) const { return crossing_[at(s)] == 0; }
  std::span<const Index> placed() const { return placed_; }
  Index failed_section() const { return failed_; }  // where the last failure showed
  std::int64_t work() const { return work_; }       // list entries looked at so far
  // Twins stand in this sequence, bottom up. Before begin().
  void set_twins(std::span<const Index> sequence);

 private:
  struct Change {
    Bytes* place;
    Bytes old;
    Index postponed;  // the block that is postponed again by taking this back, or -1
  };
  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
  Bytes aligned(Index b, Bytes offset) const;
  void set(Bytes& place, Bytes value);
  void wake_section(Index s);
  void wake_neighbours(Index b);
  void clear_queues();
  bool fail(Index section);
  bool raise(Index b, Bytes low);
  bool raise_twin(Index b);
  void list_postponed(Index b);
  void set_postponed(Index b, Bytes hole);
  bool check_section(Index s);
  bool not_first(Index s, Bytes limit, Bytes end, Bytes second_end, Index earliest);
  void wake_border(Index s);
  bool check_border(Index s);
  std::vector<Bytes> sums_of(std::span<const Index> blocks, Index s) const;
  bool check_support(Index b);
  bool propagate();
  void collect_unsupported();

  const Layout& layout_;
  Bytes capacity_;
  Deductions deductions_;

  // per block
  std::vector<Bytes> low_;
  std::vector<Bytes> postponed_;
  std::vector<Bytes> hole_;     // offset left when postponed, or -1 once (6) is met
  std::vector<Bytes> support_;  // the neighbour that gave (5), or -1
  std::vector<Bytes> filler_;   // a neighbour that may meet (6), or -1
  std::vector<char> open_;
  std::vector<Index> later_twin_;  // the twin that stands above, or -1
  // per section; entries_ holds the open blocks first, in any sequence
  std::vector<Bytes> floor_;
  std::vector<Bytes> rest_;
  std::vector<Bytes> firsts_;
  std::vector<Bytes> end_;  // least low + size, and the next
  std::vector<Bytes> second_end_;
  std::vector<Bytes> crossing_low_;  // least low of those that live in s - 1 too
  std::vector<std::vector<Index>> entries_;
  std::vector<std::vector<Bytes>> sizes_;
  std::vector<Index> open_count_;
  std::vector<Index> crossing_;
  std::vector<std::vector<Index>>
      position_;  // per block: where it stands in entries_, section by section

  std::vector<Change> trail_;
  std::vector<Index> placed_;
  std::vector<Index> queue_;  // sections to check
  std::vector<char> queued_;
  std::vector<Index> borders_;  // sections whose border with the one before is to check
  std::vector<char> border_queued_;
  std::vector<Index> moved_;  // blocks whose low changed
  std::vector<char> is_moved_;
  std::vector<Index> postponed_list_;  // holds every postponed block, and some that no longer are
  std::vector<char> listed_;
  std::vector<Index> unsupported_;
  Index failed_ = -1;
  int not_first_rounds_ = 0;
  std::int64_t work_ = 0;
};

}  // namespace cosmalloc
