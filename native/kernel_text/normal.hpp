// What a compiler makes of a kernel before anything else: features/normal.py.
#pragma once

#include "kernel_text/kernel.hpp"

namespace cosmalloc::kernel_text {

// Values that are one number everywhere become broadcasts of a scalar, scalars of them are left
// out, and so is what then nobody reads. Operations that change nothing become reshapes.
void normalise(Kernel& kernel, const Words& words);

}  // namespace cosmalloc::kernel_text
