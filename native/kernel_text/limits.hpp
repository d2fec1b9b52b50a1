// Sizes beyond which a kernel is not this reader's: within them no product below overflows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cosmalloc::kernel_text {

constexpr std::size_t kMaxRank = 8;
constexpr std::int64_t kMaxNumber = std::int64_t{1} << 40;     // extents and attributes
constexpr std::int64_t kMaxElements = std::int64_t{1} << 48;   // of a tensor, a zero counted as one
constexpr std::int64_t kMaxStep = std::int64_t{1} << 20;       // strides, dilations, padding
constexpr std::int64_t kMaxPositions = std::int64_t{1} << 16;  // of a window
constexpr double kMaxExact = 9007199254740992.0;  // 2^53: integers below it are exact doubles
constexpr std::size_t kMaxOperands = 1024;

}  // namespace cosmalloc::kernel_text
