#include "kernel_text/indexed.hpp"

#include "kernel_text/checks.hpp"

namespace cosmalloc::kernel_text {
namespace {

// The lists of dimensions alone; operand: the tensor that is indexed.
bool numbers_fit(const Kernel& kernel, const Operation& op, const Type& operand,
                 const Type& indices) {
  const Extents window = kernel.list(op, List::window_dims);
  const Extents dropped = kernel.list(op, List::dropped);
  const Extents batch = kernel.list(op, List::operand_batching);
  const Extents other_batch = kernel.list(op, List::indices_batching);
  const Extents map = kernel.list(op, List::index_map);
  const auto rank = static_cast<std::int64_t>(indices.rank);
  if (operand.rank != window.size() + dropped.size() + batch.size()) return false;
  if (!are_apart(dropped, batch, operand.rank) || !are_apart(map, batch, operand.rank)) {
    return false;
  }
  if (!ascends(window) || !ascends(dropped) || !ascends(batch)) return false;
  if (op.axis < 0 || op.axis > rank || !indices.is(kInteger)) return false;
  const std::int64_t depth = op.axis < rank ? at(indices.shape(), op.axis) : 1;
  if (static_cast<std::int64_t>(map.size()) != depth) return false;
  if (!are_places(other_batch, indices.rank) || batch.size() != other_batch.size()) return false;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (other_batch[i] == op.axis) return false;
    if (at(operand.shape(), batch[i]) != at(indices.shape(), other_batch[i])) return false;
  }
  return true;
}

// Whether `moved` has the extents of the indices, without their vectors, and in its window
// dimensions those of the operand's that are not dropped and no batch, at most or exactly `sizes`.
bool moves(const Kernel& kernel, const Operation& op, const Type& operand, const Type& indices,
           const Type& moved, Extents sizes, bool exactly) {
  const Extents window = kernel.list(op, List::window_dims);
  const Extents dropped = kernel.list(op, List::dropped);
  const Extents batch = kernel.list(op, List::operand_batching);
  if (!are_places(window, moved.rank)) return false;
  std::size_t next_index = 0, next_window = 0;
  const auto vector = static_cast<std::size_t>(op.axis);
  for (std::size_t d = 0; d < moved.rank; ++d) {
    if (contains(window, d)) {
      while (next_window < operand.rank &&
             (contains(dropped, next_window) || contains(batch, next_window))) {
        ++next_window;
      }
      if (next_window == operand.rank) return false;
      const std::int64_t most = sizes[next_window++];
      if (exactly ? moved.extents[d] != most : moved.extents[d] > most) return false;
      continue;
    }
    if (next_index == vector) ++next_index;
    if (next_index >= indices.rank || moved.extents[d] != indices.extents[next_index++]) {
      return false;
    }
  }
  if (next_index == vector) ++next_index;
  return next_index >= indices.rank;
}

}  // namespace

bool gathers(const Kernel& kernel, const Operation& op) {
  const Type &operand = kernel.operand(op, 0), &indices = kernel.operand(op, 1);
  const Type& made = kernel.result(op);
  const Extents sizes = kernel.list(op, List::sizes);
  if (made.element != operand.element || sizes.size() != operand.rank) return false;
  if (!numbers_fit(kernel, op, operand, indices)) return false;
  for (std::size_t d = 0; d < operand.rank; ++d) {
    const bool alone = contains(kernel.list(op, List::dropped), d) ||
                       contains(kernel.list(op, List::operand_batching), d);
    const std::int64_t most = std::min<std::int64_t>(operand.extents[d], alone ? 1 : kMaxNumber);
    if (sizes[d] < 0 || sizes[d] > most) return false;
  }
  return moves(kernel, op, operand, indices, made, sizes, true);
}

bool scatters(const Kernel& kernel, const Operation& op) {
  const std::size_t count = op.results.count;
  const Type &first = kernel.operand(op, 0), &indices = kernel.operand(op, count);
  const Type& update = kernel.operand(op, count + 1);
  for (std::size_t i = 0; i < count; ++i) {
    const Type &given = kernel.operand(op, i), &moved = kernel.operand(op, count + 1 + i);
    if (!(kernel.result(op, i) == given) || moved.element != given.element) return false;
    if (!same(given.shape(), first.shape()) || !same(moved.shape(), update.shape())) return false;
  }
  return numbers_fit(kernel, op, first, indices) &&
         moves(kernel, op, first, indices, update, first.shape(), false);
}

}  // namespace cosmalloc::kernel_text
