// Sliding windows, as passes/rules/windows.py has them.
#pragma once

#include "kernel_text/kernel.hpp"

namespace cosmalloc::kernel_text {

// One dimension of a convolution or of a windowed reduction.
struct Window {
  std::int64_t n = 0;     // input positions
  std::int64_t out = 0;   // output positions
  std::int64_t size = 0;  // window positions
  std::int64_t stride = 1;
  std::int64_t low = 0;  // padding before, may be negative
  std::int64_t high = 0;
  std::int64_t base_dilation = 1;
  std::int64_t dilation = 1;
};

// How many t in [0, count) have start + step * t = period * i for some i in [0, size).
std::int64_t hits(std::int64_t count, std::int64_t step, std::int64_t start, std::int64_t size,
                  std::int64_t period);

// Pairs (output position, window position) that meet an input element.
std::int64_t pairs(const Window& window);

// Input positions that some window meets; an upper bound where the window is dilated.
std::int64_t touched(const Window& window);

// The window of dimension d, of an operation's attributes.
Window window_of(const Kernel& kernel, const Operation& op, std::size_t d, std::int64_t n,
                 std::int64_t out, std::int64_t size);

// Whether the attributes are sound, and the output has as many positions as windows fit.
bool fits(const Window& window);

// Whether each list has an entry a dimension, where it is given; padding two.
bool are_of_rank(const Kernel& kernel, const Operation& op, std::size_t rank);

}  // namespace cosmalloc::kernel_text
