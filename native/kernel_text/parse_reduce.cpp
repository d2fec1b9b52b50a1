// Reductions in the forms
//   (%a init: %c) applies stablehlo.add across dimensions = [1] : (T, t) -> U
//   (%a init: %c), (%b init: %d) across dimensions = [1] : (T, U, t, u) -> (V, W)
//    reducer(%x: t, %y: t) (%z: u, %w: u) { ... stablehlo.return ... }
// and top_k: (%a, k = 4) : T -> (U, V).
#include "kernel_text/checks.hpp"
#include "kernel_text/parser.hpp"

namespace cosmalloc::kernel_text {
namespace {

// Whether the results are the operands without the reduced dimensions.
bool reduces(const Kernel& kernel, const Operation& op) {
  const std::size_t count = op.results.count;
  const Extents dims = kernel.list(op, List::dims);
  const Extents shape = kernel.operand(op, 0).shape();
  if (!are_places(dims, shape.size())) return false;
  std::array<std::int64_t, kMaxRank> kept;
  std::size_t rank = 0;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (!contains(dims, d)) kept[rank++] = shape[d];
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Type &given = kernel.operand(op, i), &start = kernel.operand(op, count + i);
    const Type& made = kernel.result(op, i);
    if (!same(given.shape(), shape) || !same(made.shape(), {kept.data(), rank})) return false;
    if (start.rank != 0 || start.element != given.element || made.element != given.element) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool Parser::reduce(Operation& op) {
  later_.clear();
  do {
    Operation start;  // its operand goes behind all inputs
    start.operands.first = 0;
    if (!at_.symbol("(") || !operand(op) || !at_.word("init") || !at_.symbol(":")) return false;
    if (!operand(start) || !at_.symbol(")")) return false;
    later_.push_back(kernel_.operands.back());
    kernel_.operands.pop_back();
  } while (at_.symbol(","));
  const std::size_t count = op.operands.count;
  kernel_.operands.insert(kernel_.operands.end(), later_.begin(), later_.end());
  op.operands.count += static_cast<std::uint32_t>(count);
  const Known* by = nullptr;
  if (at_.word("applies")) {
    by = words_.find(at_.word());
    if (by == nullptr || !by->reduces || count != 1) return false;
  }
  if (!at_.word("across") || !named(op, "dimensions", List::dims)) return false;
  if (!signature(op, count) || !reduces(kernel_, op)) return false;
  return by == nullptr ? reducer(op, count) : applied(op, *by);
}

// The short form's body: one operation on two scalars.
bool Parser::applied(Operation& op, const Known& known) {
  Body& body = op.bodies[0];
  body.flops = known.facts.flops;
  body.transcendentals = known.facts.transcendentals;
  body.last = known.facts.kind;
  op.regions = 1;
  return kernel_.operand(op, 0).is(known.classes);
}

// The long form's body: for each input what was found so far, and the next one.
bool Parser::reducer(Operation& op, std::size_t count) {
  if (inside_ || !at_.word("reducer")) return false;
  const std::size_t mark = names_.mark();
  Body& body = op.bodies[0];
  inside_ = true;
  floor_ = static_cast<Id>(kernel_.type_of.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Id first = static_cast<Id>(kernel_.type_of.size());
    if (!at_.symbol("(") || !block_argument() || !at_.symbol(",")) return false;
    if (!block_argument() || !at_.symbol(")")) return false;
    for (const Id value : {first, first + 1}) {
      if (!(kernel_.type(value) == kernel_.operand(op, count + i))) return false;
    }
  }
  if (!at_.symbol("{") || !inner(op, body) || body.returned.count != count) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const Id value = kernel_.operands_of(body.returned)[i];
    if (!(kernel_.type(value) == kernel_.operand(op, count + i))) return false;
  }
  names_.unwind(mark);
  inside_ = false;
  close_regions(op);
  return true;
}

bool Parser::top_k(Operation& op) {
  if (!at_.symbol("(") || !operand(op) || !at_.symbol(",") || !at_.word("k")) return false;
  if (!at_.symbol("=") || !at_.integer(op.axis) || !at_.symbol(")") || !at_.symbol(":")) {
    return false;
  }
  if (!type_of(kernel_.operands_of(op)[0]) || !result_types(op, 2)) return false;
  const Type& given = kernel_.operand(op, 0);
  const Type &values = kernel_.result(op, 0), &places = kernel_.result(op, 1);
  if (given.rank < 1 || op.axis < 0 || op.axis > given.extents[given.rank - 1]) return false;
  Type wanted = given;
  wanted.extents[given.rank - 1] = op.axis;
  return values == wanted && same(places.shape(), wanted.shape()) && places.element->name == "i32";
}

}  // namespace cosmalloc::kernel_text
