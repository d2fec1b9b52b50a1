// What a kind of operation has beside its sizes: features/details.py.
#pragma once

#include "kernel_text/row.hpp"

namespace cosmalloc::kernel_text {

constexpr std::size_t kDetails = 28;

// At most kDetails cells; none for most kinds.
void details(const Kernel& kernel, const Operation& op, Row& row);

// 2 * results * features * window: what a loop over whole windows does, padding included.
double window_flops(const Kernel& kernel, const Operation& op);

}  // namespace cosmalloc::kernel_text
