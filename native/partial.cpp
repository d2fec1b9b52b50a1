#include "partial.hpp"

#include <algorithm>
#include <limits>

namespace cosmalloc {
namespace {

constexpr Bytes kFar = std::numeric_limits<Bytes>::max();
constexpr int kNotFirstRounds = 30;  // raises by (4) in one propagation
constexpr int kBorderChecks = 400;   // in one propagation
constexpr std::size_t kSums = 64;    // more are not listed
constexpr int kSupportRounds = 6;    // sweeps of (5) in one propagation

}  // namespace

Partial::Partial(const Layout& layout, Bytes capacity) : layout_(layout), capacity_(capacity) {
  later_twin_.assign(at(layout.count()), -1);
  reset({});
}

void Partial::reset(Deductions deductions) {
  deductions_ = deductions;
  const std::size_t blocks = at(layout_.count());
  const std::size_t sections = at(layout_.sections);
  low_.assign(blocks, 0);
  postponed_.assign(blocks, 0);
  hole_.assign(blocks, -1);
  support_.assign(blocks, -1);
  filler_.assign(blocks, -1);
  open_.assign(blocks, 1);
  floor_.assign(sections, 0);
  rest_.assign(sections, 0);
  firsts_.assign(sections, 0);
  end_.assign(sections, 0);
  second_end_.assign(sections, 0);
  crossing_low_.assign(sections, 0);
  borders_.clear();
  border_queued_.assign(sections, 0);
  entries_.assign(sections, {});
  sizes_.assign(sections, {});
  open_count_.assign(sections, 0);
  crossing_.assign(sections + 1, 0);
  position_.assign(blocks, {});
  trail_.clear();
  placed_.clear();
  queue_.clear();
  queued_.assign(sections, 0);
  moved_.clear();
  is_moved_.assign(blocks, 0);
  postponed_list_.clear();
  listed_.assign(blocks, 0);
  for (Index b = 0; b < layout_.count(); ++b) {
    const auto spans = layout_.spans_of(b);
    for (const Span& span : spans) {
      for (Index s = span.first; s < span.last; ++s) {
        position_[at(b)].push_back(open_count_[at(s)]++);
        entries_[at(s)].push_back(b);
        sizes_[at(s)].push_back(span.size);
        rest_[at(s)] += span.size;
      }
    }
    for (Index s = spans.front().first + 1; s < spans.back().last; ++s) ++crossing_[at(s)];
  }
}

std::span<const Index> Partial::open_in(Index s) const {
  return {entries_[at(s)].data(), at(open_count_[at(s)])};
}

void Partial::set_twins(std::span<const Index> sequence) {
  later_twin_.assign(at(layout_.count()), -1);
  if (!deductions_.twins) return;
  std::vector<Index> ordered(sequence.begin(), sequence.end());
  const auto first = [&](Index b) { return layout_.spans_of(b).front(); };
  std::stable_sort(ordered.begin(), ordered.end(), [&](Index a, Index b) {
    const Span x = first(a);
    const Span y = first(b);
    if (x.first != y.first) return x.first < y.first;
    return x.last != y.last ? x.last < y.last : x.size < y.size;
  });
  for (std::size_t i = 1; i < ordered.size(); ++i) {
    if (layout_.twins(ordered[i - 1], ordered[i])) later_twin_[at(ordered[i - 1])] = ordered[i];
  }
}

Bytes Partial::aligned(Index b, Bytes offset) const {
  const Bytes alignment = layout_.alignment[at(b)];
  return alignment == 1 ? offset : (offset + alignment - 1) / alignment * alignment;
}

void Partial::set(Bytes& place, Bytes value) {
  trail_.push_back({&place, place, -1});
  place = value;
}

void Partial::list_postponed(Index b) {
  if (listed_[at(b)]) return;
  listed_[at(b)] = 1;
  postponed_list_.push_back(b);
}

void Partial::wake_section(Index s) {
  if (queued_[at(s)]) return;
  queued_[at(s)] = 1;
  queue_.push_back(s);
}

void Partial::wake_border(Index s) {
  if (!deductions_.borders || s <= 0 || s >= layout_.sections) return;
  if (border_queued_[at(s)] || crossing_[at(s)] == 0) return;
  border_queued_[at(s)] = 1;
  borders_.push_back(s);
}

void Partial::wake_neighbours(Index b) {
  if (is_moved_[at(b)]) return;
  is_moved_[at(b)] = 1;
  moved_.push_back(b);
}

void Partial::clear_queues() {
  for (const Index s : queue_) queued_[at(s)] = 0;
  for (const Index s : borders_) border_queued_[at(s)] = 0;
  for (const Index b : moved_) is_moved_[at(b)] = 0;
  queue_.clear();
  borders_.clear();
  moved_.clear();
}

bool Partial::fail(Index section) {
  failed_ = section;
  return false;
}

bool Partial::raise(Index b, Bytes low) {
  low = aligned(b, low);
  if (low <= low_[at(b)]) return true;
  const auto spans = layout_.spans_of(b);
  if (low > capacity_ - layout_.height[at(b)] || layout_.fixed[at(b)] >= 0) {
    return fail(spans.front().first);
  }
  const Bytes old = low_[at(b)];
  set(low_[at(b)], low);
  for (const Span& span : spans) {
    for (Index s = span.first; s < span.last; ++s) {
      if (queued_[at(s)]) continue;
      const Bytes limit = capacity_ - rest_[at(s)];
      const bool shows = old <= floor_[at(s)] || old + span.size <= second_end_[at(s)] ||
                         (old <= limit && low > limit);
      if (shows) wake_section(s);  // else nothing that check_section() keeps has changed
      if (old <= crossing_low_[at(s)]) wake_border(s);
    }
  }
  wake_neighbours(b);
  return later_twin_[at(b)] < 0 || raise_twin(b);
}

bool Partial::raise_twin(Index b) {
  const Index later = later_twin_[at(b)];
  if (!open_[at(later)]) return true;
  const Bytes above = low_[at(b)] + layout_.height[at(b)];
  if (aligned(later, above) <= low_[at(later)]) return true;
  if (!postponed_[at(later)]) set_postponed(later, -1);
  return raise(later, above);
}

void Partial::set_postponed(Index b, Bytes hole) {
  set(postponed_[at(b)], 1);
  set(hole_[at(b)], hole);
  set(support_[at(b)], -1);
  set(filler_[at(b)], -1);
  list_postponed(b);
}

bool Partial::check_section(Index s) {
  const Index count = open_count_[at(s)];
  if (count == 0) return true;
  const Index* blocks = entries_[at(s)].data();
  const Bytes* sizes = sizes_[at(s)].data();
  Bytes floor = kFar;
  Bytes highest = 0;
  Bytes end = kFar;  // least low + size in s, and the next
  Bytes second_end = kFar;
  Index earliest = -1;
  const Bytes limit = capacity_ - rest_[at(s)];
  Bytes firsts = 0;
  for (Index i = 0; i < count; ++i) {
    const Bytes low = low_[at(blocks[i])];
    firsts += low <= limit ? 1 : 0;
    floor = std::min(floor, low);
    highest = std::max(highest, low);
    const Bytes own_end = low + sizes[i];
    if (own_end < end) {
      second_end = end;
      end = own_end;
      earliest = blocks[i];
    } else {
      second_end = std::min(second_end, own_end);
    }
  }
  work_ += count;
  if (floor != floor_[at(s)]) set(floor_[at(s)], floor);
  if (firsts != firsts_[at(s)]) set(firsts_[at(s)], firsts);
  if (end != end_[at(s)]) set(end_[at(s)], end);
  if (second_end != second_end_[at(s)]) set(second_end_[at(s)], second_end);
  wake_border(s);
  wake_border(s + 1);
  if (floor > limit) return fail(s);  // (3)
  if (highest <= limit || !deductions_.not_first) return true;
  return not_first(s, limit, end, second_end, earliest);
}

bool Partial::not_first(Index s, Bytes limit, Bytes end, Bytes second_end, Index earliest) {
  for (const Index b : open_in(s)) {
    if (low_[at(b)] <= limit || not_first_rounds_ >= kNotFirstRounds) continue;
    const Bytes above = b == earliest ? second_end : end;
    if (above == kFar) return fail(s);
    if (aligned(b, above) <= low_[at(b)]) continue;
    ++not_first_rounds_;
    if (!raise(b, above)) return fail(s);  // (4)
    if (!postponed_[at(b)]) set_postponed(b, -1);
  }
  return true;
}

// Sums of the sizes in section s of some of the blocks that are open; none if there are too many.
std::vector<Bytes> Partial::sums_of(std::span<const Index> blocks, Index s) const {
  std::vector<Bytes> sums{0};
  for (const Index b : blocks) {
    if (!open_[at(b)]) continue;
    const std::size_t count = sums.size();
    if (2 * count > kSums) return {};
    const Bytes size = layout_.size_in(b, s);
    for (std::size_t i = 0; i < count; ++i) sums.push_back(sums[i] + size);
  }
  return sums;
}

// (7): the lowest that lives on both sides stands at v with, for some sum on either side,
//     floor + sum <= v <= floor + sum + slack
bool Partial::check_border(Index s) {
  const bool left = open_count_[at(s - 1)] < open_count_[at(s)];
  const Index here = left ? s - 1 : s;
  const Index there = left ? s : s - 1;
  Bytes crossing = kFar;
  for (const Index b : open_in(here)) {
    if (low_[at(b)] < crossing && layout_.size_in(b, there) > 0) crossing = low_[at(b)];
  }
  work_ += open_count_[at(here)];
  if (crossing == kFar) return true;
  if (crossing != crossing_low_[at(s)]) set(crossing_low_[at(s)], crossing);
  const std::vector<Bytes> below = sums_of(layout_.ending[at(s - 1)], s - 1);
  const std::vector<Bytes> beyond = sums_of(layout_.starting[at(s)], s);
  if (below.empty() || beyond.empty()) return true;
  Bytes least = kFar;
  for (const Bytes x : below) {
    const Bytes low = std::max(crossing, floor(s - 1) + x);
    const Bytes high = floor(s - 1) + x + slack(s - 1);
    for (const Bytes y : beyond) {
      const Bytes v = std::max(low, floor(s) + y);
      if (v <= high && v <= floor(s) + y + slack(s)) least = std::min(least, v);
    }
  }
  work_ += static_cast<std::int64_t>(below.size() * beyond.size());
  if (least == kFar) return fail(s);
  if (least <= crossing) return true;
  for (const Index b : open_in(here)) {
    if (low_[at(b)] >= least || layout_.size_in(b, there) == 0) continue;
    if (!raise(b, least)) return fail(s);
    if (!postponed_[at(b)]) set_postponed(b, -1);
  }
  return true;
}

bool Partial::check_support(Index b) {
  const Bytes hole = hole_[at(b)];
  const Bytes top = hole >= 0 ? hole + layout_.height[at(b)] : kFar;
  Bytes least = kFar;
  Index support = -1;
  Index filler = -1;
  for (const Neighbour& next : layout_.neighbours_of(b)) {
    if (!open_[at(next.other)]) continue;
    const Bytes low = low_[at(next.other)];
    if (low + next.over < least) {
      least = low + next.over;
      support = next.other;
    }
    if (low < top) filler = next.other;
  }
  work_ += static_cast<std::int64_t>(layout_.neighbours_of(b).size());
  const Index section = layout_.spans_of(b).front().first;
  if (support < 0 || (deductions_.holes && filler < 0)) return fail(section);  // (6)
  if (support_[at(b)] != support) set(support_[at(b)], support);
  if (filler_[at(b)] != filler) set(filler_[at(b)], filler);
  return raise(b, least);  // (5)
}

// Postponed blocks whose support or filler moved or was placed.
void Partial::collect_unsupported() {
  unsupported_.clear();
  const auto stale = [&](Bytes neighbour) {
    return neighbour < 0 || is_moved_[static_cast<std::size_t>(neighbour)] ||
           !open_[static_cast<std::size_t>(neighbour)];
  };
  for (std::size_t i = 0; i < postponed_list_.size();) {
    const Index b = postponed_list_[i];
    if (!postponed_[at(b)]) {
      listed_[at(b)] = 0;
      postponed_list_[i] = postponed_list_.back();
      postponed_list_.pop_back();
      continue;
    }
    ++i;
    if (!open_[at(b)]) continue;
    if (stale(support_[at(b)]) || (hole_[at(b)] >= 0 && stale(filler_[at(b)]))) {
      unsupported_.push_back(b);
    }
  }
  for (const Index b : moved_) is_moved_[at(b)] = 0;
  moved_.clear();
}

bool Partial::propagate() {
  not_first_rounds_ = 0;
  int border_checks = 0;
  for (int round = 0;; ++round) {
    while (!queue_.empty() || (!borders_.empty() && border_checks < kBorderChecks)) {
      std::vector<Index>& first = queue_.empty() ? borders_ : queue_;
      const Index s = first.back();
      first.pop_back();
      if (&first == &queue_) {
        queued_[at(s)] = 0;
        if (!check_section(s)) return false;
      } else {
        border_queued_[at(s)] = 0;
        ++border_checks;
        if (!check_border(s)) return false;
      }
    }
    if (moved_.empty()) return true;
    collect_unsupported();
    if (round == kSupportRounds) return true;
    for (const Index b : unsupported_) {
      if (!check_support(b)) return false;
    }
  }
}

bool Partial::begin() {
  for (Index b = 0; b < layout_.count(); ++b) {
    if (layout_.height[at(b)] > capacity_) return fail(layout_.spans_of(b).front().first);
    if (layout_.fixed[at(b)] < 0) continue;
    if (layout_.fixed[at(b)] + layout_.height[at(b)] > capacity_) {
      return fail(layout_.spans_of(b).front().first);
    }
    set(low_[at(b)], layout_.fixed[at(b)]);
  }
  for (Index b = 0; b < layout_.count(); ++b) {
    if (later_twin_[at(b)] >= 0 && !raise_twin(b)) return false;
  }
  for (Index s = 0; s < layout_.sections; ++s) wake_section(s);
  return propagate();
}

bool Partial::ready(Index b) const {
  if (!open_[at(b)] || postponed_[at(b)]) return false;
  for (const Span& span : layout_.spans_of(b)) {
    for (Index s = span.first; s < span.last; ++s) {
      if (end_[at(s)] <= low_[at(b)]) return false;
    }
  }
  return true;
}

bool Partial::place(Index b) {
  open_[at(b)] = 0;
  placed_.push_back(b);
  const auto spans = layout_.spans_of(b);
  std::size_t entry = 0;
  for (const Span& span : spans) {
    for (Index s = span.first; s < span.last; ++s, ++entry) {
      std::vector<Index>& blocks = entries_[at(s)];
      std::vector<Bytes>& sizes = sizes_[at(s)];
      const Index here = position_[at(b)][entry];
      const Index last = --open_count_[at(s)];
      const Index other = blocks[at(last)];
      std::swap(blocks[at(here)], blocks[at(last)]);
      std::swap(sizes[at(here)], sizes[at(last)]);
      if (other != b) {
        const auto of_other = layout_.spans_of(other);
        std::size_t where = 0;
        for (const Span& one : of_other) {
          if (s < one.last) {
            where += at(s - one.first);
            break;
          }
          where += at(one.last - one.first);
        }
        position_[at(other)][where] = here;
        position_[at(b)][entry] = last;
      }
      set(rest_[at(s)], rest_[at(s)] - span.size);
      wake_section(s);
    }
  }
  for (Index s = spans.front().first + 1; s < spans.back().last; ++s) --crossing_[at(s)];
  wake_neighbours(b);
  const Bytes y = low_[at(b)];
  for (const Neighbour& next : layout_.neighbours_of(b)) {
    const Index c = next.other;
    if (!open_[at(c)]) continue;
    const Bytes above = aligned(c, y + next.under);
    if (postponed_[at(c)]) {
      if (above >= low_[at(c)]) {
        trail_.push_back({&postponed_[at(c)], postponed_[at(c)], c});
        postponed_[at(c)] = 0;
      } else if (hole_[at(c)] >= 0 && y < hole_[at(c)] + layout_.height[at(c)]) {
        set(hole_[at(c)], -1);
      }
    }
    if (!raise(c, above)) return false;  // (2)
  }
  work_ += static_cast<std::int64_t>(layout_.neighbours_of(b).size());
  return propagate();
}

bool Partial::postpone(Index b) {
  if (layout_.fixed[at(b)] >= 0) return fail(layout_.spans_of(b).front().first);
  set_postponed(b, low_[at(b)]);
  wake_neighbours(b);
  return propagate();
}

// Dijkstra's sweep over (5): blocks leave in the sequence of their lows, postponed ones once a
// support has left.
bool Partial::settle() {
  const std::size_t blocks = at(layout_.count());
  std::vector<Bytes> reach(blocks, kFar);
  std::vector<char> waiting(open_);
  for (std::size_t b = 0; b < blocks; ++b) {
    if (waiting[b] && !postponed_[b]) reach[b] = low_[b];
  }
  while (true) {
    Index next = -1;
    for (Index b = 0; b < layout_.count(); ++b) {
      if (waiting[at(b)] && (next < 0 || reach[at(b)] < reach[at(next)])) next = b;
    }
    if (next < 0) break;
    if (reach[at(next)] == kFar) return fail(layout_.spans_of(next).front().first);
    waiting[at(next)] = 0;
    if (!raise(next, reach[at(next)])) return false;
    for (const Neighbour& around : layout_.neighbours_of(next)) {
      const Index c = around.other;
      if (!waiting[at(c)] || !postponed_[at(c)]) continue;
      const Bytes above = aligned(c, low_[at(next)] + around.under);
      reach[at(c)] = std::min(reach[at(c)], std::max(low_[at(c)], above));
    }
    work_ += layout_.count();
  }
  return propagate();
}

void Partial::undo(const Mark& mark) {
  clear_queues();
  while (trail_.size() > mark.trail) {
    const Change change = trail_.back();
    trail_.pop_back();
    *change.place = change.old;
    if (change.postponed >= 0) list_postponed(change.postponed);
  }
  while (placed_.size() > mark.placed) {
    const Index b = placed_.back();
    placed_.pop_back();
    open_[at(b)] = 1;
    const auto spans = layout_.spans_of(b);
    for (const Span& span : spans) {
      for (Index s = span.first; s < span.last; ++s) ++open_count_[at(s)];
    }
    for (Index s = spans.front().first + 1; s < spans.back().last; ++s) ++crossing_[at(s)];
  }
}

}  // namespace cosmalloc
