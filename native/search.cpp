#include "search.hpp"

#include <algorithm>
#include <functional>

namespace cosmalloc {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
constexpr std::int64_t kWorkBetweenPolls = 200'000;  // well under a millisecond

}  // namespace

Search::Search(const Layout& layout, Bytes capacity)
    : partial_(layout, capacity), weights_(at(layout.sections), 1.0), rank_(at(layout.count())) {}

std::vector<Bytes> Search::offsets() const {
  std::vector<Bytes> out;
  for (Index b = 0; b < partial_.layout().count(); ++b) out.push_back(partial_.low(b));
  return out;
}

bool Search::out_of_time(const Control& control) {
  const std::int64_t work = partial_.work() + looked_at_;
  if (work - polled_at_ < kWorkBetweenPolls) return false;
  polled_at_ = work;
  return control.stop();
}

// Shrinks the stretch to its first joined piece and puts the others on the agenda; false where
// nothing is open.
bool Search::narrow(Stretch& stretch) {
  const Stretch whole = stretch;
  bool found = false;
  Index first = whole.first;
  for (Index s = whole.first; s < whole.last; ++s) {
    if (s + 1 < whole.last && !partial_.split_at(s + 1)) continue;
    const Stretch one{first, s + 1, whole.parent};
    first = s + 1;
    bool any = false;
    for (Index q = one.first; q < one.last && !any; ++q) any = !partial_.open_in(q).empty();
    if (!any) continue;
    if (found) {
      pool_.push_back({one, agenda_});
      agenda_ = static_cast<std::int64_t>(pool_.size()) - 1;
    } else {
      stretch = one;
      found = true;
    }
  }
  return found;
}

Index Search::pick_in(Index section) {
  Index best = -1;
  for (const Index b : partial_.open_in(section)) {
    if (partial_.low(b) != partial_.floor(section) || partial_.postponed(b)) continue;
    if (best >= 0 && rank_[at(b)] > rank_[at(best)]) continue;
    looked_at_ += static_cast<std::int64_t>(partial_.layout().neighbours_of(b).size());
    if (partial_.ready(b)) best = b;
  }
  looked_at_ += static_cast<std::int64_t>(partial_.open_in(section).size());
  return best;
}

Index Search::pick_leaning(const Stretch& stretch, const Strategy& strategy) {
  scores_.clear();
  for (Index s = stretch.first; s < stretch.last; ++s) {
    if (partial_.open_in(s).empty()) continue;
    const double height = static_cast<double>(partial_.floor(s)) -
                          strategy.lean * static_cast<double>(partial_.rest(s));
    scores_.emplace_back(strategy.fewest ? partial_.firsts(s) : 0, height, s);
  }
  looked_at_ += static_cast<std::int64_t>(scores_.size());
  std::make_heap(scores_.begin(), scores_.end(), std::greater<>());
  for (auto end = scores_.end(); end != scores_.begin(); --end) {
    std::pop_heap(scores_.begin(), end, std::greater<>());
    const Index b = pick_in(std::get<2>(*std::prev(end)));
    if (b >= 0) return b;
  }
  return -1;
}

// The open block of least low, then first in the sequence, that is not postponed.
Index Search::lowest_of_all(const Stretch& stretch) {
  const Layout& layout = partial_.layout();
  Index best = -1;
  for (Index b = 0; b < layout.count(); ++b) {
    if (!partial_.open(b) || partial_.postponed(b)) continue;
    if (best >= 0 && partial_.low(b) > partial_.low(best)) continue;
    const bool later =
        best >= 0 && partial_.low(b) == partial_.low(best) && rank_[at(b)] > rank_[at(best)];
    const Index first = layout.spans_of(b).front().first;
    if (!later && stretch.first <= first && first < stretch.last) best = b;
  }
  looked_at_ += layout.count();
  return best;
}

Index Search::pick_lowest(const Stretch& stretch) {
  Index best = lowest_of_all(stretch);
  if (best >= 0 && partial_.ready(best)) return best;
  best = -1;
  for (Index s = stretch.first; s < stretch.last; ++s) {
    for (const Index b : partial_.open_in(s)) {
      if (best == b || partial_.postponed(b)) continue;
      const bool lower = best < 0 || partial_.low(b) < partial_.low(best) ||
                         (partial_.low(b) == partial_.low(best) && rank_[at(b)] < rank_[at(best)]);
      if (!lower) continue;
      looked_at_ += static_cast<std::int64_t>(partial_.layout().neighbours_of(b).size());
      if (partial_.ready(b)) best = b;
    }
    looked_at_ += static_cast<std::int64_t>(partial_.open_in(s).size());
  }
  return best;
}

Index Search::pick(const Stretch& stretch, const Strategy& strategy) {
  if (!strategy.lowest) {
    const Index b = pick_leaning(stretch, strategy);
    if (b >= 0) return b;
  }
  return pick_lowest(stretch);
}

// Takes back the choice that the stretch hangs on and postpones its block, until that holds; false
// at the root.
bool Search::back_up(Stretch& stretch, bool placed_badly) {
  std::int64_t back =
      placed_badly ? static_cast<std::int64_t>(choices_.size()) - 1 : stretch.parent;
  while (true) {
    if (partial_.failed_section() >= 0) weights_[at(partial_.failed_section())] += 1;
    if (back < 0) return false;
    const Choice choice = choices_[at(back)];
    partial_.undo(choice.mark);
    choices_.resize(at(back));
    pool_.resize(choice.waiting);
    agenda_ = choice.agenda;
    stretch = choice.stretch;
    if (partial_.postpone(choice.block)) return true;
    back = stretch.parent;
  }
}

Ending Search::run(const Strategy& strategy, Deductions deductions, std::int64_t nodes,
                   std::mt19937_64& random, const Control& control) {
  const std::vector<Index> sequence = sequence_of(partial_.layout(), strategy, weights_, random);
  for (std::size_t i = 0; i < sequence.size(); ++i) rank_[at(sequence[i])] = static_cast<Index>(i);
  partial_.reset(deductions);
  partial_.set_twins(sequence);
  choices_.clear();
  pool_.clear();
  agenda_ = -1;
  if (!partial_.begin()) return Ending::refuted;
  if (control.stop()) return Ending::stopped;
  Stretch stretch{0, partial_.layout().sections, -1};
  const std::int64_t last = nodes_ + nodes;
  while (true) {
    if (!narrow(stretch)) {
      if (agenda_ < 0) return Ending::found;
      stretch = pool_[at(agenda_)].stretch;
      agenda_ = pool_[at(agenda_)].next;
      continue;
    }
    if (nodes_ >= last) return Ending::budget;
    if (out_of_time(control)) return Ending::stopped;
    ++nodes_;
    Index block = pick(stretch, strategy);
    bool dead = false;
    while (block < 0 && !dead) {  // deductions gave up early, or there is no way on
      const std::size_t before = partial_.mark().trail;
      dead = !partial_.settle() || partial_.mark().trail == before;
      block = dead ? -1 : pick(stretch, strategy);
    }
    if (dead) {
      if (!back_up(stretch, false)) return Ending::refuted;
      continue;
    }
    choices_.push_back({block, partial_.mark(), stretch, pool_.size(), agenda_});
    if (partial_.place(block)) {
      stretch.parent = static_cast<std::int64_t>(choices_.size()) - 1;
    } else if (!back_up(stretch, true)) {
      return Ending::refuted;
    }
  }
}

}  // namespace cosmalloc
