// Operations that MLIR prints in its generic form:
//   "stablehlo.x"(%a, ...) <{name = value, ...}> ({ ^bb0(...): ... }) : (T, ...) -> U
#include "kernel_text/checks.hpp"
#include "kernel_text/indexed.hpp"
#include "kernel_text/parser.hpp"
#include "kernel_text/windows.hpp"

namespace cosmalloc::kernel_text {
namespace {

std::size_t regions_of(Form form) {
  if (form == Form::gather) return 0;
  return form == Form::select_and_scatter ? 2 : 1;
}

// How many results operands make; 0 if that many operands can't be.
std::size_t results_of(Form form, std::size_t operands) {
  switch (form) {
    case Form::gather:
      return operands == 2 ? 1 : 0;
    case Form::select_and_scatter:
      return operands == 3 ? 1 : 0;
    case Form::reduce_window:
      return operands % 2 == 0 ? operands / 2 : 0;
    case Form::scatter:
      return operands % 2 == 1 ? operands / 2 : 0;
    default:
      return operands;
  }
}

// Whether value i of a region is a scalar of the element type of operand `of`.
bool is_scalar_of(const Kernel& kernel, const Operation& op, Id value, std::size_t of) {
  const Type& found = kernel.type(value);
  return found.rank == 0 && found.element == kernel.operand(op, of).element;
}

// A body on `count` accumulators and as many values, each of the first operands' elements.
bool combines(const Kernel& kernel, const Operation& op, const Body& body, std::size_t count) {
  if (body.arguments.count != 2 * count || body.returned.count != count) return false;
  for (std::size_t i = 0; i < count; ++i) {
    for (const std::size_t place : {i, count + i}) {
      const Id argument = body.arguments.first + static_cast<Id>(place);
      if (!is_scalar_of(kernel, op, argument, i)) return false;
    }
    if (!is_scalar_of(kernel, op, kernel.operands_of(body.returned)[i], i)) return false;
  }
  return true;
}

// A body on two values of each operand that says yes or no.
bool compares(const Kernel& kernel, const Operation& op, const Body& body, std::size_t count) {
  if (body.arguments.count != 2 * count || body.returned.count != 1) return false;
  for (std::size_t i = 0; i < 2 * count; ++i) {
    const Id argument = body.arguments.first + static_cast<Id>(i);
    if (!is_scalar_of(kernel, op, argument, i / 2)) return false;
  }
  const Type& said = kernel.type(kernel.operands_of(body.returned)[0]);
  return said.rank == 0 && said.is(kBoolean);
}

// Whether windows over `whole` make `out`.
bool slides(const Kernel& kernel, const Operation& op, const Type& whole, const Type& out) {
  const Extents window = kernel.list(op, List::window);
  if (!Kernel::has(op, List::window) || window.size() != whole.rank) return false;
  if (out.rank != whole.rank || !are_of_rank(kernel, op, whole.rank)) return false;
  std::int64_t places = 1;
  for (std::size_t d = 0; d < whole.rank; ++d) {
    if (window[d] < 1 || places > kMaxElements / window[d]) return false;
    places *= window[d];
    if (!fits(window_of(kernel, op, d, whole.extents[d], out.extents[d], window[d]))) return false;
  }
  return true;
}

bool reduces_windows(const Kernel& kernel, const Operation& op) {
  const std::size_t count = op.results.count;
  for (std::size_t i = 0; i < count; ++i) {
    const Type &given = kernel.operand(op, i), &start = kernel.operand(op, count + i);
    const Type& made = kernel.result(op, i);
    if (!same(given.shape(), kernel.operand(op, 0).shape())) return false;
    if (!same(made.shape(), kernel.result(op).shape())) return false;
    if (start.rank != 0 || start.element != given.element || made.element != given.element) {
      return false;
    }
  }
  return slides(kernel, op, kernel.operand(op, 0), kernel.result(op)) &&
         combines(kernel, op, op.bodies[0], count);
}

bool selects_and_scatters(const Kernel& kernel, const Operation& op) {
  const Type &given = kernel.operand(op, 0), &source = kernel.operand(op, 1);
  const Type& start = kernel.operand(op, 2);
  if (!(kernel.result(op) == given) || source.element != given.element) return false;
  if (start.rank != 0 || start.element != given.element) return false;
  return slides(kernel, op, given, source) && compares(kernel, op, op.bodies[0], 1) &&
         combines(kernel, op, op.bodies[1], 1);
}

bool sorts(const Kernel& kernel, const Operation& op) {
  const Type& first = kernel.operand(op, 0);
  for (std::size_t i = 0; i < op.operands.count; ++i) {
    if (!(kernel.result(op, i) == kernel.operand(op, i))) return false;
    if (!same(kernel.operand(op, i).shape(), first.shape())) return false;
  }
  return op.axis >= 0 && op.axis < static_cast<std::int64_t>(first.rank) &&
         compares(kernel, op, op.bodies[0], op.operands.count);
}

bool is_sound(const Kernel& kernel, const Operation& op) {
  switch (op.form()) {
    case Form::reduce_window:
      return reduces_windows(kernel, op);
    case Form::select_and_scatter:
      return selects_and_scatters(kernel, op);
    case Form::sort:
      return sorts(kernel, op);
    case Form::gather:
      return gathers(kernel, op);
    default:
      return scatters(kernel, op) && combines(kernel, op, op.bodies[0], op.results.count);
  }
}

}  // namespace

bool Parser::generic(Operation& op) {
  if (!operands_in_brackets(op)) return false;
  const std::size_t results = results_of(op.form(), op.operands.count);
  if (results == 0 || !at_.symbol("<{")) return false;
  do {
    if (!property(op)) return false;
  } while (at_.symbol(","));
  if (!at_.symbol("}>")) return false;
  const std::size_t regions = regions_of(op.form());
  for (std::size_t i = 0; i < regions; ++i) {
    if (!at_.symbol(i == 0 ? "(" : ",") || !region(op)) return false;
  }
  if (regions > 0 && !at_.symbol(")")) return false;
  close_regions(op);
  return signature(op, results) && is_sound(kernel_, op);
}

bool Parser::property(Operation& op) {
  const std::string_view name = at_.word();
  if (!at_.symbol("=")) return false;
  switch (op.form()) {
    case Form::reduce_window:
    case Form::select_and_scatter:
      return window_property(op, name);
    case Form::sort:
      return sort_property(op, name);
    default:
      return index_property(op, name);
  }
}

bool Parser::window_property(Operation& op, std::string_view name) {
  if (name == "window_dimensions") return array(op, List::window);
  if (name == "window_strides") return array(op, List::strides);
  if (name == "padding") return dense_pairs(op, List::padding);
  if (op.form() == Form::select_and_scatter) return false;
  if (name == "base_dilations") return array(op, List::base_dilation);
  return name == "window_dilations" && array(op, List::dilation);
}

bool Parser::sort_property(Operation& op, std::string_view name) {
  if (name == "is_stable") return flag(op.stable);
  return name == "dimension" && op.axis == -1 && at_.integer(op.axis) && at_.symbol(":") &&
         at_.word("i64");
}

// `array<i64: 1, 2>`
bool Parser::array(Operation& op, List list) {
  if (!at_.symbol("array<i64")) return false;
  return at_.exactly(":") && integers_until(op, list, '>');
}

// `dense<[[0, 1], [0, 0]]> : tensor<2x2xi64>`, or `dense<0> : ...`
bool Parser::dense_pairs(Operation& op, List list) {
  if (Kernel::has(op, list) || !at_.symbol("dense<")) return false;
  std::int64_t splat = 0, count = 0, rows = 0;
  const bool nested = at_.symbol("[");
  if (nested) {
    do {
      std::int64_t low = 0, high = 0;
      if (!at_.symbol("[") || !at_.integer(low) || !at_.symbol(",")) return false;
      if (!at_.integer(high) || !at_.symbol("]") || ++count > std::int64_t{kMaxRank}) return false;
      append(op, list, low);
      append(op, list, high);
    } while (at_.symbol(","));
    if (!at_.symbol("]")) return false;
  } else if (!at_.integer(splat)) {
    return false;
  }
  if (!at_.symbol(">") || !at_.symbol(":") || !at_.symbol("tensor<") || !at_.digits(rows)) {
    return false;
  }
  if (!at_.exactly("x2xi64>") || rows < 1 || rows > std::int64_t{kMaxRank}) return false;
  for (std::int64_t i = 0; !nested && i < 2 * rows; ++i) append(op, list, splat);
  return !nested || rows == count;
}

}  // namespace cosmalloc::kernel_text
