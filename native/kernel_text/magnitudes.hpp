// Logarithms of sizes, and where in memory elements lie one after another: features/shape.py.
#pragma once

#include <cmath>

#include "kernel_text/kernel.hpp"

namespace cosmalloc::kernel_text {

constexpr std::size_t kDimensions = 5;  // the last ones of a shape

inline double size(double value) { return std::log2(1 + std::max(value, 0.0)) / 16; }
inline double size(std::int64_t value) { return size(static_cast<double>(value)); }

constexpr std::size_t kNoDimension = kMaxRank;

// The last dimension with more than one place; the last one if none has; none of a scalar.
inline std::size_t minor(Extents shape) {
  for (std::size_t d = shape.size(); d-- > 0;) {
    if (shape[d] > 1) return d;
  }
  return shape.empty() ? kNoDimension : shape.size() - 1;
}

// Elements that lie together: the product of the minor dimensions for which `keeps(d)` holds.
// Dimensions of one place don't matter.
std::int64_t run_of_same(Extents shape, const auto& keeps) {
  std::int64_t count = 1;
  for (std::size_t d = shape.size(); d-- > 0;) {
    if (shape[d] > 1 && !keeps(d)) break;
    count *= shape[d];
  }
  return count;
}

}  // namespace cosmalloc::kernel_text
