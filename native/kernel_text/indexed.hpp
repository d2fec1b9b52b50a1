// Whether the dimension numbers and shapes of gathers and scatters fit together, by the StableHLO
// specification's constraints.
#pragma once

#include "kernel_text/kernel.hpp"

namespace cosmalloc::kernel_text {

bool gathers(const Kernel& kernel, const Operation& op);
bool scatters(const Kernel& kernel, const Operation& op);  // its body left out

}  // namespace cosmalloc::kernel_text
