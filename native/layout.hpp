// A part of a problem, laid out for search: steps become sections, neighbours become lists.
//
// A *part* is a set of blocks that no moment separates: parts share no step, and each is solved on
// its own. A *section* is a stretch of steps with the same blocks alive. Sections whose blocks are
// all alive in a neighbouring section too say nothing new and are left out. Pieces become spans of
// sections.
#pragma once

#include "blocks.hpp"
#include "control.hpp"

namespace cosmalloc {

// Blocks of one part each, ascending; parts in order of steps.
std::vector<std::vector<Index>> parts_of(const Blocks& blocks);

// The blocks of one part as a problem of their own, in its sequence; without of_buffer and idle_at.
Blocks only(const Blocks& blocks, std::span<const Index> part);

struct Span {
  Index first;  // section
  Index last;   // one past the last section
  Bytes size;
};

// Block `other` shares a section. If it stands above, it starts at least `under` above this block's
// offset; if below, this block starts at least `over` above its offset.
struct Neighbour {
  Index other;
  Bytes under;
  Bytes over;
};

struct Layout {
  std::vector<Index> block;  // per local block: its index in the Blocks it came from
  std::vector<Bytes> alignment;
  std::vector<Bytes> fixed;
  std::vector<Bytes> height;  // of the largest piece
  std::vector<double> steps;  // lifetime without gaps, in steps
  std::vector<double> area;   // bytes times steps
  std::vector<Span> spans;
  std::vector<Index> first_span{0};
  std::vector<Neighbour> neighbours;
  std::vector<std::size_t> first_neighbour{0};
  std::vector<std::vector<Index>> starting;  // per section: blocks there and not in the one before
  std::vector<std::vector<Index>> ending;    // per section: blocks there and not in the next
  Index sections = 0;
  std::vector<Step> step;  // per section: its first

  Index count() const { return static_cast<Index>(block.size()); }
  std::span<const Span> spans_of(Index b) const;
  std::span<const Neighbour> neighbours_of(Index b) const;
  Bytes size_in(Index b, Index section) const;  // 0 where b is not alive
  bool twins(Index a, Index b) const;  // same spans and alignment, both free: they may trade places
};

// Parts larger than this are not searched: lists of neighbours grow with the square.
inline constexpr Index kMostSearchable = 20'000;
inline constexpr std::int64_t kMostNeighbours = 4'000'000;
bool searchable(const Blocks& blocks, std::span<const Index> part);

// If control says stop it ends early, with a layout of no use.
Layout layout_of(const Blocks& blocks, std::span<const Index> part,
                 const Control* control = nullptr);

}  // namespace cosmalloc
