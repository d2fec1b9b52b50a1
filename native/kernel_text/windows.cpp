#include "kernel_text/windows.hpp"

#include <numeric>
#include <utility>

#include "kernel_text/checks.hpp"

namespace cosmalloc::kernel_text {
namespace {

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

std::int64_t modulo(std::int64_t a, std::int64_t b) { return a - b * floor_divide(a, b); }

// x with a * x = 1 modulo m; a and m share no factor.
std::int64_t inverse(std::int64_t a, std::int64_t m) {
  std::int64_t old_rest = modulo(a, m), rest = m, old_factor = 1, factor = 0;
  while (rest != 0) {
    const std::int64_t times = old_rest / rest;
    old_rest = std::exchange(rest, old_rest - times * rest);
    old_factor = std::exchange(factor, old_factor - times * factor);
  }
  return modulo(old_factor, m);
}

std::int64_t entry(const Kernel& kernel, const Operation& op, List list, std::size_t d,
                   std::int64_t otherwise) {
  return Kernel::has(op, list) ? kernel.list(op, list)[d] : otherwise;
}

}  // namespace

std::int64_t hits(std::int64_t count, std::int64_t step, std::int64_t start, std::int64_t size,
                  std::int64_t period) {
  const std::int64_t first = std::max<std::int64_t>(0, -floor_divide(start, step));
  const std::int64_t last = std::min(count - 1, floor_divide(period * (size - 1) - start, step));
  if (period == 1 || last < first) return std::max<std::int64_t>(0, last - first + 1);
  const std::int64_t shared = std::gcd(step, period);
  if (start % shared != 0) return 0;
  const std::int64_t every = period / shared;  // hits repeat after so many t
  const std::int64_t phase =
      modulo(modulo(floor_divide(-start, shared), every) * inverse(step / shared, every), every);
  return floor_divide(last - phase, every) - floor_divide(first - 1 - phase, every);
}

std::int64_t pairs(const Window& w) {
  if (w.n <= 0) return 0;
  std::int64_t total = 0;
  if (w.out <= w.size) {
    for (std::int64_t o = 0; o < w.out; ++o) {
      total += hits(w.size, w.dilation, w.stride * o - w.low, w.n, w.base_dilation);
    }
    return total;
  }
  for (std::int64_t k = 0; k < w.size; ++k) {
    total += hits(w.out, w.stride, w.dilation * k - w.low, w.n, w.base_dilation);
  }
  return total;
}

std::int64_t touched(const Window& w) {
  if (w.dilation == 1 && w.base_dilation == 1 && w.size >= w.stride) {
    if (w.out <= 0) return 0;
    const std::int64_t last = std::min(w.n, (w.out - 1) * w.stride + w.size - w.low);
    return std::max<std::int64_t>(0, last - std::max<std::int64_t>(0, -w.low));
  }
  return std::max<std::int64_t>(0, std::min(w.n, pairs(w)));
}

Window window_of(const Kernel& kernel, const Operation& op, std::size_t d, std::int64_t n,
                 std::int64_t out, std::int64_t size) {
  return {n,
          out,
          size,
          entry(kernel, op, List::strides, d, 1),
          entry(kernel, op, List::padding, 2 * d, 0),
          entry(kernel, op, List::padding, 2 * d + 1, 0),
          entry(kernel, op, List::base_dilation, d, 1),
          entry(kernel, op, List::dilation, d, 1)};
}

bool fits(const Window& w) {
  const std::array steps{w.stride, w.base_dilation, w.dilation};
  const std::array pads{w.low, w.high};
  if (!within(steps, 1, kMaxStep) || !within(pads, -kMaxStep, kMaxStep) || w.size < 1) return false;
  if (std::min(w.out, w.size) > kMaxPositions) return false;
  const std::int64_t base = w.n == 0 ? 0 : (w.n - 1) * w.base_dilation + 1;
  const std::int64_t padded = base + w.low + w.high;
  const std::int64_t span = (w.size - 1) * w.dilation + 1;
  if (padded < 0) return false;
  return w.out == (padded == 0 || span > padded ? 0 : (padded - span) / w.stride + 1);
}

bool are_of_rank(const Kernel& kernel, const Operation& op, std::size_t rank) {
  for (const List list : {List::window, List::strides, List::base_dilation, List::dilation,
                          List::reversal, List::padding}) {
    const std::size_t wanted = list == List::padding ? 2 * rank : rank;
    if (Kernel::has(op, list) && kernel.list(op, list).size() != wanted) return false;
  }
  return true;
}

}  // namespace cosmalloc::kernel_text
