#include "layout.hpp"

#include <algorithm>
#include <numeric>

namespace cosmalloc {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }
constexpr Index kBetweenPolls = 32;  // blocks

// First steps of the sections that count: those after a start and before an end, with no end and
// start between.
std::vector<Step> sections_of(const Blocks& blocks, std::span<const Index> part) {
  std::vector<std::pair<Step, bool>> ends;  // (step, starts)
  for (const Index b : part) {
    for (const Piece& piece : blocks[b]) {
      ends.emplace_back(piece.lower, true);
      ends.emplace_back(piece.upper, false);
    }
  }
  std::sort(ends.begin(), ends.end());  // at one step, ends come before starts
  std::vector<Step> sections;
  bool started = false;
  Step since = 0;
  for (const auto& [step, starts] : ends) {
    if (starts) {
      since = step;
      started = true;
    } else if (started) {
      sections.push_back(since);
      started = false;
    }
  }
  return sections;
}

void add_neighbours(Layout& layout, const Control* control) {
  // two spans that meet do so in the section where the later one starts
  std::vector<std::vector<std::pair<Index, Bytes>>> alive(at(layout.sections));
  std::vector<std::vector<std::pair<Index, Bytes>>> starting(at(layout.sections));
  for (Index b = 0; b < layout.count(); ++b) {
    for (const Span& span : layout.spans_of(b)) {
      starting[at(span.first)].emplace_back(b, span.size);
      for (Index s = span.first; s < span.last; ++s) alive[at(s)].emplace_back(b, span.size);
    }
  }
  std::vector<Bytes> under(at(layout.count()));
  std::vector<Bytes> over(at(layout.count()));
  std::vector<Index> met;
  for (Index b = 0; b < layout.count(); ++b) {
    if (b % kBetweenPolls == 0 && control != nullptr && control->stop()) return;
    met.clear();
    for (const Span& span : layout.spans_of(b)) {
      for (Index s = span.first; s < span.last; ++s) {
        for (const auto& [other, size] : (s == span.first ? alive : starting)[at(s)]) {
          if (other == b) continue;
          if (over[at(other)] == 0) met.push_back(other);
          under[at(other)] = std::max(under[at(other)], span.size);
          over[at(other)] = std::max(over[at(other)], size);
        }
      }
    }
    std::sort(met.begin(), met.end());
    for (const Index other : met) {
      layout.neighbours.push_back({other, under[at(other)], over[at(other)]});
      under[at(other)] = over[at(other)] = 0;
    }
    layout.first_neighbour.push_back(layout.neighbours.size());
  }
}

void add_ends(Layout& layout) {
  layout.starting.resize(at(layout.sections));
  layout.ending.resize(at(layout.sections));
  for (Index b = 0; b < layout.count(); ++b) {
    for (const Span& span : layout.spans_of(b)) {
      if (layout.size_in(b, span.first - 1) == 0) layout.starting[at(span.first)].push_back(b);
      if (layout.size_in(b, span.last) == 0) layout.ending[at(span.last - 1)].push_back(b);
    }
  }
}

}  // namespace

std::vector<std::vector<Index>> parts_of(const Blocks& blocks) {
  std::vector<Index> by_start(at(blocks.count()));
  std::iota(by_start.begin(), by_start.end(), 0);
  std::sort(by_start.begin(), by_start.end(), [&](Index a, Index b) {
    const Step x = blocks[a].front().lower;
    const Step y = blocks[b].front().lower;
    return x != y ? x < y : a < b;
  });
  std::vector<std::vector<Index>> parts;
  Step stop = 0;
  for (const Index b : by_start) {
    if (parts.empty() || blocks[b].front().lower >= stop) parts.emplace_back();
    stop = parts.back().empty() ? blocks[b].back().upper : std::max(stop, blocks[b].back().upper);
    parts.back().push_back(b);
  }
  for (std::vector<Index>& part : parts) std::sort(part.begin(), part.end());
  return parts;
}

Blocks only(const Blocks& blocks, std::span<const Index> part) {
  Blocks out;
  for (const Index b : part) {
    const auto pieces = blocks[b];
    out.pieces.insert(out.pieces.end(), pieces.begin(), pieces.end());
    out.first.push_back(static_cast<Index>(out.pieces.size()));
    out.alignment.push_back(blocks.alignment[at(b)]);
    out.fixed.push_back(blocks.fixed[at(b)]);
  }
  return out;
}

std::span<const Span> Layout::spans_of(Index b) const {
  return {spans.data() + first_span[at(b)], spans.data() + first_span[at(b) + 1]};
}

std::span<const Neighbour> Layout::neighbours_of(Index b) const {
  return {neighbours.data() + first_neighbour[at(b)],
          neighbours.data() + first_neighbour[at(b) + 1]};
}

Bytes Layout::size_in(Index b, Index section) const {
  for (const Span& span : spans_of(b)) {
    if (span.first <= section && section < span.last) return span.size;
  }
  return 0;
}

bool Layout::twins(Index a, Index b) const {
  const auto same = [](const Span& x, const Span& y) {
    return x.first == y.first && x.last == y.last && x.size == y.size;
  };
  const auto of_a = spans_of(a);
  const auto of_b = spans_of(b);
  return fixed[at(a)] < 0 && fixed[at(b)] < 0 && alignment[at(a)] == alignment[at(b)] &&
         std::equal(of_a.begin(), of_a.end(), of_b.begin(), of_b.end(), same);
}

bool searchable(const Blocks& blocks, std::span<const Index> part) {
  if (static_cast<Index>(part.size()) > kMostSearchable) return false;
  std::vector<std::pair<Step, int>> ends;
  for (const Index b : part) {
    for (const Piece& piece : blocks[b]) {
      ends.emplace_back(piece.lower, 1);
      ends.emplace_back(piece.upper, -1);
    }
  }
  std::sort(ends.begin(), ends.end());
  std::int64_t alive = 0;
  std::int64_t pairs = 0;
  for (const auto& [step, change] : ends) {
    if (change > 0) pairs += alive;
    alive += change;
  }
  return 2 * pairs <= kMostNeighbours;
}

Layout layout_of(const Blocks& blocks, std::span<const Index> part, const Control* control) {
  const std::vector<Step> sections = sections_of(blocks, part);
  const auto section = [&](Step step) {
    return static_cast<Index>(std::lower_bound(sections.begin(), sections.end(), step) -
                              sections.begin());
  };
  Layout layout;
  layout.sections = static_cast<Index>(sections.size());
  for (const Index b : part) {
    layout.block.push_back(b);
    layout.alignment.push_back(blocks.alignment[at(b)]);
    layout.fixed.push_back(blocks.fixed[at(b)]);
    Bytes height = 0;
    double steps = 0;
    double area = 0;
    for (const Piece& piece : blocks[b]) {
      const auto width = static_cast<double>(piece.upper - piece.lower);
      height = std::max(height, piece.size);
      steps += width;
      area += width * static_cast<double>(piece.size);
      layout.spans.push_back({section(piece.lower), section(piece.upper), piece.size});
    }
    layout.height.push_back(height);
    layout.steps.push_back(steps);
    layout.area.push_back(area);
    layout.first_span.push_back(static_cast<Index>(layout.spans.size()));
  }
  layout.step = sections;
  add_neighbours(layout, control);
  if (control != nullptr && control->stop()) return layout;
  add_ends(layout);
  return layout;
}

}  // namespace cosmalloc
