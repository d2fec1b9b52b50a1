// Buffers, gaps and alias groups brought to one form: blocks made of pieces.
//
// A block is what moves as one: a buffer, or all members of an alias group. It stands at one offset
// and is a row of pieces: it holds bytes [offset, offset + size) in steps [lower, upper) of each
// piece. The pieces of a block are disjoint in steps and sorted; neighbours that touch differ in
// size. So a gap is a hole between two pieces, and an alias group is the outline of its members.
#pragma once

#include <variant>

#include "problem.hpp"

namespace cosmalloc {

struct Piece {
  Step lower;
  Step upper;
  Bytes size;
};

struct Blocks {
  std::vector<Piece> pieces;
  std::vector<Index> first{0};   // pieces of block b: [first[b], first[b + 1])
  std::vector<Bytes> alignment;  // per block
  std::vector<Bytes> fixed;      // per block: offset, or -1
  std::vector<Index> of_buffer;  // per buffer: its block, or -1 if it takes part in nothing
  std::vector<Bytes> idle_at;    // per buffer: where it stands if it takes part in nothing
  Index count() const { return static_cast<Index>(alignment.size()); }
  std::span<const Piece> operator[](Index block) const {
    const auto begin = static_cast<std::size_t>(first[static_cast<std::size_t>(block)]);
    const auto end = static_cast<std::size_t>(first[static_cast<std::size_t>(block) + 1]);
    return {pieces.data() + begin, end - begin};
  }
};

// Blocks in the order of their first buffer, or what stops that: members of a group fixed at two
// offsets, or an alignment that no offset below kMaxAlignment meets.
std::variant<Blocks, std::string> blocks_of(const Problem& problem);

// Offsets per block to offsets per buffer.
std::vector<Bytes> offsets_of_buffers(const Blocks& blocks, std::span<const Bytes> offsets);

// Every block has one piece and no fixed offset.
bool movable(const Blocks& blocks);

// The highest byte in use plus one; blocks at -1 are left out.
Bytes peak_of(const Blocks& blocks, std::span<const Bytes> offsets);

}  // namespace cosmalloc
