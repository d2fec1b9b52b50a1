// Operations that move elements or show them otherwise.
#include "kernel_text/checks.hpp"
#include "kernel_text/parser.hpp"

namespace cosmalloc::kernel_text {

// `%a, dims = [0] : (T) -> U`
bool Parser::broadcast_in_dim(Operation& op) {
  if (!operands(op, 1) || !at_.symbol(",") || !named(op, "dims", List::dims)) return false;
  if (!signature(op)) return false;
  const Type &given = kernel_.operand(op, 0), &made = kernel_.result(op);
  const Extents dims = kernel_.list(op, List::dims);
  if (dims.size() != given.rank || !are_places(dims, made.rank)) return false;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (given.extents[i] != 1 && given.extents[i] != at(made.shape(), dims[i])) return false;
  }
  return given.element == made.element;
}

// `%a, dims = [1, 0] : (T) -> U`
bool Parser::transpose(Operation& op) {
  if (!operands(op, 1) || !at_.symbol(",") || !named(op, "dims", List::dims)) return false;
  if (!signature(op)) return false;
  const Type &given = kernel_.operand(op, 0), &made = kernel_.result(op);
  const Extents dims = kernel_.list(op, List::dims);
  if (dims.size() != given.rank || made.rank != given.rank) return false;
  if (!are_places(dims, given.rank) || given.element != made.element) return false;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (made.extents[i] != at(given.shape(), dims[i])) return false;
  }
  return true;
}

// `%a : (T) -> U`
bool Parser::reshape(Operation& op) {
  if (!operands(op, 1) || !signature(op)) return false;
  const Type &given = kernel_.operand(op, 0), &made = kernel_.result(op);
  return given.element == made.element && given.elements == made.elements;
}

// `%a : (T) -> U`, U of the same width
bool Parser::bitcast_convert(Operation& op) {
  if (!operands(op, 1) || !signature(op)) return false;
  const Type &given = kernel_.operand(op, 0), &made = kernel_.result(op);
  return made.is(op.known->classes) && given.element->bytes == made.element->bytes &&
         same(given.shape(), made.shape());
}

// `%a [0:4, 1:9:2] : (T) -> U`
bool Parser::slice(Operation& op) {
  if (!operands(op, 1) || !at_.symbol("[")) return false;
  std::array<std::array<std::int64_t, 3>, kMaxRank> cuts;
  std::size_t rank = 0;
  while (!at_.symbol("]")) {
    if (rank == kMaxRank || (rank > 0 && !at_.symbol(","))) return false;
    auto& [start, limit, step] = cuts[rank++];
    step = 1;
    if (!at_.integer(start) || !at_.symbol(":") || !at_.integer(limit)) return false;
    if (at_.symbol(":") && !at_.integer(step)) return false;
  }
  for (std::size_t d = 0; d < rank; ++d) append(op, List::strides, cuts[d][2]);
  if (!signature(op)) return false;
  const Type &given = kernel_.operand(op, 0), &made = kernel_.result(op);
  if (rank != given.rank || rank != made.rank || given.element != made.element) return false;
  for (std::size_t d = 0; d < rank; ++d) {
    const auto [start, limit, step] = cuts[d];
    if (start < 0 || limit < start || limit > given.extents[d] || step < 1) return false;
    if (made.extents[d] != (limit - start + step - 1) / step) return false;
  }
  return true;
}

// `%a, dims = [0] : T`
bool Parser::reverse(Operation& op) {
  if (!operands(op, 1) || !at_.symbol(",") || !named(op, "dims", List::dims)) return false;
  if (!at_.symbol(":") || !type_of(kernel_.operands_of(op)[0])) return false;
  result_like(op, 0);
  return are_places(kernel_.list(op, List::dims), kernel_.operand(op, 0).rank);
}

// `%a, %b, dim = 0 : (T, U) -> V`
bool Parser::concatenate(Operation& op) {
  do {
    if (!operand(op) || !at_.symbol(",")) return false;
  } while (at_.next_is('%'));
  if (!at_.word("dim") || !at_.symbol("=") || !at_.integer(op.axis) || !signature(op)) return false;
  const Type& made = kernel_.result(op);
  if (op.axis < 0 || op.axis >= static_cast<std::int64_t>(made.rank)) return false;
  std::int64_t length = 0;
  for (std::size_t i = 0; i < op.operands.count; ++i) {
    const Type& given = kernel_.operand(op, i);
    if (given.element != made.element || given.rank != made.rank) return false;
    for (std::size_t d = 0; d < made.rank; ++d) {
      if (d == static_cast<std::size_t>(op.axis)) {
        length += given.extents[d];
      } else if (given.extents[d] != made.extents[d]) {
        return false;
      }
    }
  }
  return length == at(made.shape(), op.axis);
}

// `%a, %value, low = [0], high = [1], interior = [0] : (T, t) -> U`
bool Parser::pad(Operation& op) {
  if (!operands(op, 2) || !at_.symbol(",") || !named(op, "low", List::low)) return false;
  if (!at_.symbol(",") || !named(op, "high", List::high) || !at_.symbol(",")) return false;
  if (!named(op, "interior", List::interior) || !signature(op)) return false;
  const Type &given = kernel_.operand(op, 0), &made = kernel_.result(op);
  const Type& value = kernel_.operand(op, 1);
  if (value.rank != 0 || value.element != given.element || made.element != given.element) {
    return false;
  }
  const Extents low = kernel_.list(op, List::low), high = kernel_.list(op, List::high);
  const Extents interior = kernel_.list(op, List::interior);
  const std::size_t rank = given.rank;
  if (made.rank != rank || low.size() != rank || high.size() != rank) return false;
  if (interior.size() != rank || !within(interior, 0, kMaxStep)) return false;
  for (std::size_t d = 0; d < rank; ++d) {
    const std::int64_t n = given.extents[d];
    const std::int64_t holes = std::max<std::int64_t>(n - 1, 0) * interior[d];
    if (made.extents[d] != low[d] + n + holes + high[d]) return false;
  }
  return true;
}

// `%a, %i, %j, sizes = [1, 4] : (T, t, t) -> U`
bool Parser::dynamic_slice(Operation& op) {
  do {
    if (!operand(op) || !at_.symbol(",")) return false;
  } while (at_.next_is('%'));
  if (!named(op, "sizes", List::sizes) || !signature(op)) return false;
  const Type &given = kernel_.operand(op, 0), &made = kernel_.result(op);
  const Extents sizes = kernel_.list(op, List::sizes);
  if (op.operands.count != 1 + given.rank || given.element != made.element) return false;
  if (sizes.size() != given.rank || !same(sizes, made.shape())) return false;
  for (std::size_t d = 0; d < given.rank; ++d) {
    const Type& index = kernel_.operand(op, 1 + d);
    if (index.rank != 0 || !index.is(kInteger) || sizes[d] > given.extents[d]) return false;
    if (index.element != kernel_.operand(op, 1).element) return false;
  }
  return true;
}

// `%a, %update, %i, %j : (T, U, t, t) -> T`
bool Parser::dynamic_update_slice(Operation& op) {
  do {
    if (!operand(op)) return false;
  } while (at_.symbol(","));
  if (op.operands.count < 2 || !signature(op)) return false;
  const Type &given = kernel_.operand(op, 0), &update = kernel_.operand(op, 1);
  if (!(given == kernel_.result(op)) || update.element != given.element) return false;
  if (update.rank != given.rank || op.operands.count != 2 + given.rank) return false;
  for (std::size_t d = 0; d < given.rank; ++d) {
    const Type& index = kernel_.operand(op, 2 + d);
    if (index.rank != 0 || !index.is(kInteger) || update.extents[d] > given.extents[d]) {
      return false;
    }
    if (index.element != kernel_.operand(op, 2).element) return false;
  }
  return true;
}

}  // namespace cosmalloc::kernel_text
