// What a kind of operation has beside its sizes: features/details.py.
#pragma once

#include "kernel_text/row.hpp"

namespace cosmalloc::kernel_text {

constexpr std::size_t kOwn = 28;
constexpr std::size_t kExact = 12;
constexpr std::size_t kDetails = kOwn + kExact;

// At most kOwn cells; none for most kinds.
void details(const Kernel& kernel, const Operation& op, Row& row);

// At most kExact cells: features/exact.py.
void exact(const Kernel& kernel, const Operation& op, Row& row);

// The operand with most elements, the first of several; null if there is none.
const Type* largest(const Kernel& kernel, const Operation& op);

struct ProductSizes {
  std::int64_t batch, rows, columns, depth;
};
ProductSizes product_sizes(const Kernel& kernel, const Operation& op);

// 2 * results * features * window: what a loop over whole windows does, padding included.
double window_flops(const Kernel& kernel, const Operation& op);

}  // namespace cosmalloc::kernel_text
