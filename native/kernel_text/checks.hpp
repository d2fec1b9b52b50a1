// What lists of dimensions must be.
#pragma once

#include "kernel_text/kernel.hpp"

namespace cosmalloc::kernel_text {

// Places of a tensor of this rank, each once at most.
inline bool are_places(Extents dims, std::size_t rank) {
  std::uint32_t seen = 0;
  for (const std::int64_t dim : dims) {
    if (dim < 0 || dim >= static_cast<std::int64_t>(rank)) return false;
    if ((seen >> dim & 1u) != 0) return false;
    seen |= 1u << dim;
  }
  return true;
}

inline bool contains(Extents dims, std::size_t dim) {
  return std::ranges::find(dims, static_cast<std::int64_t>(dim)) != dims.end();
}

inline bool ascends(Extents dims) { return std::ranges::is_sorted(dims); }

inline bool within(Extents numbers, std::int64_t least, std::int64_t most) {
  return std::ranges::all_of(numbers, [=](auto n) { return n >= least && n <= most; });
}

// Both lists are places, and share none.
inline bool are_apart(Extents a, Extents b, std::size_t rank) {
  return are_places(a, rank) && are_places(b, rank) && std::ranges::none_of(b, [=](auto dim) {
           return contains(a, static_cast<std::size_t>(dim));
         });
}

inline std::int64_t at(Extents shape, std::int64_t dim) {
  return shape[static_cast<std::size_t>(dim)];
}

}  // namespace cosmalloc::kernel_text
