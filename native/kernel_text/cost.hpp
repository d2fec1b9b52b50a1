// What one operation does: the formulas of passes/rules.
#pragma once

#include "kernel_text/kernel.hpp"

namespace cosmalloc::kernel_text {

// Whole numbers all; flops may be huge, and are exact below 2^53.
struct Cost {
  double flops = 0;
  double transcendentals = 0;
  double read = 0;  // bytes
  double written = 0;
};

Cost cost_of(const Kernel& kernel, const Operation& op);

// Whether a broadcast, transpose, slice, ... shows its operand as it is: no byte moves.
bool is_view(const Kernel& kernel, const Operation& op);

std::int64_t product(Extents numbers);

}  // namespace cosmalloc::kernel_text
