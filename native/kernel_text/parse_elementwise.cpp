// Operations that make each element from the elements at its place.
#include "kernel_text/parser.hpp"

namespace cosmalloc::kernel_text {

// `%a, %b : T`
bool Parser::of_one_type(Operation& op, std::size_t arity) {
  if (!operands(op, arity) || !at_.symbol(":")) return false;
  const auto values = kernel_.operands_of(op);
  if (!type_of(values[0])) return false;
  for (const Id value : values) {
    if (kernel_.type(value).text != kernel_.type(values[0]).text) return false;
  }
  result_like(op, 0);
  return true;
}

// `%a : T -> T`
bool Parser::chlo(Operation& op) {
  if (!operands(op, 1) || !at_.symbol(":") || !type_of(kernel_.operands_of(op)[0])) return false;
  return result_types(op, 1) && kernel_.result(op) == kernel_.operand(op, 0);
}

// `%a : (T) -> U`, or `%a : T` where nothing changes
bool Parser::convert(Operation& op) {
  if (!operands(op, 1) || !at_.symbol(":")) return false;
  if (!at_.next_is('(')) {
    result_like(op, 0);
    return type_of(kernel_.operands_of(op)[0]);
  }
  if (!operand_types(op) || !result_types(op, 1)) return false;
  return same(kernel_.operand(op, 0).shape(), kernel_.result(op).shape());
}

// `%a : (T) -> U`: parts of complex numbers, tests of floats
bool Parser::to_element(Operation& op) {
  if (!operands(op, 1) || !signature(op)) return false;
  const Type &given = kernel_.operand(op, 0), &made = kernel_.result(op);
  if (!same(given.shape(), made.shape())) return false;
  if (op.form() == Form::is_finite) return made.is(kBoolean);
  return made.is(kFloat) && given.element->name == "complex<" + made.element->name + ">";
}

// `%a, %b : T`, T the complex type
bool Parser::complex(Operation& op) {
  Type made;
  if (!operands(op, 2) || !at_.symbol(":") || !type(made)) return false;
  for (std::size_t i = 0; i < 2; ++i) {
    const Type& part = kernel_.operand(op, i);
    if (!same(part.shape(), made.shape()) || !part.is(kFloat)) return false;
    if (made.element->name != "complex<" + part.element->name + ">") return false;
  }
  result_is(op, made);
  return true;
}

namespace {

// Whether a comparison of this kind takes these elements.
bool compares(std::string_view kind, const Type& type, bool equality) {
  if (kind == "FLOAT") return type.is(kFloat) || (type.is(kComplex) && equality);
  if (kind == "TOTALORDER") return type.is(kFloat);
  if (kind == "SIGNED") return type.is(kSigned);
  return kind == "UNSIGNED" && type.is(kUnsigned | kBoolean);
}

}  // namespace

// `LT, %a, %b, FLOAT : (T, T) -> U`
bool Parser::compare(Operation& op) {
  const std::string_view direction = op.direction = at_.word();
  op.equality = direction == "EQ" || direction == "NE";
  const bool order =
      direction == "LT" || direction == "LE" || direction == "GT" || direction == "GE";
  if ((!op.equality && !order) || !at_.symbol(",") || !operands(op, 2)) return false;
  const Type& left = kernel_.operand(op, 0);
  if (order && left.is(kComplex)) return false;
  if (at_.symbol(",") && !compares(at_.word(), left, op.equality)) return false;
  if (!signature(op)) return false;
  const Type &given = kernel_.operand(op, 0), &made = kernel_.result(op);
  return given == kernel_.operand(op, 1) && same(given.shape(), made.shape()) && made.is(kBoolean);
}

// `%which, %a, %b : P, T`
bool Parser::select(Operation& op) {
  if (!operands(op, 3) || !at_.symbol(":")) return false;
  const auto values = kernel_.operands_of(op);
  if (!type_of(values[0]) || !at_.symbol(",") || !type_of(values[1])) return false;
  const Type &which = kernel_.type(values[0]), &made = kernel_.type(values[1]);
  const bool fits = which.rank == 0 || same(which.shape(), made.shape());
  if (!which.is(kBoolean) || !fits || !(kernel_.type(values[2]) == made)) return false;
  result_like(op, 1);
  return true;
}

// `%low, %a, %high : T`, or `: (t, T, t) -> T` where the limits are scalars
bool Parser::clamp(Operation& op) {
  if (!operands(op, 3) || !at_.symbol(":")) return false;
  const auto values = kernel_.operands_of(op);
  if (!at_.next_is('(')) {
    if (!type_of(values[1])) return false;
    result_like(op, 1);
  } else if (!operand_types(op) || !result_types(op, 1)) {
    return false;
  }
  const Type &given = kernel_.operand(op, 1), &made = kernel_.result(op);
  const bool short_form = &given == &made;
  for (const std::size_t limit : {0u, 2u}) {
    const Type& bound = kernel_.operand(op, limit);
    if (bound.element != given.element) return false;
    const bool scalar = bound.rank == 0 && !short_form;
    if (!scalar && !same(bound.shape(), given.shape())) return false;
  }
  return given == made;
}

}  // namespace cosmalloc::kernel_text
