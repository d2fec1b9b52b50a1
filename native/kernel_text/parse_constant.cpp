// Constants, whose values don't matter but must be such that MLIR takes them, and iota.
#include "kernel_text/parser.hpp"

namespace cosmalloc::kernel_text {
namespace {

bool is_hex(std::string_view digits, std::size_t count) {
  const auto hex = [](char c) {
    return Cursor::is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  return digits.size() == count && std::ranges::all_of(digits, hex);
}

std::size_t digits_in(std::string_view text) {
  const auto stop = std::ranges::find_if_not(text, Cursor::is_digit);
  return static_cast<std::size_t>(stop - text.begin());
}

// `1.5e-03`, with few digits, or the bits as `0x3FC00000`
bool is_float(std::string_view text, const Element& element) {
  const std::size_t digits = static_cast<std::size_t>(element.bytes) * 2;
  if (text.starts_with("0x")) return is_hex(text.substr(2), digits);
  if (text.starts_with("-")) text.remove_prefix(1);
  const std::size_t whole = digits_in(text);
  if (whole == 0 || whole > 20) return false;
  text.remove_prefix(whole);
  if (!text.starts_with(".")) return false;
  text.remove_prefix(1);
  const std::size_t part = digits_in(text);
  if (part == 0 || part > 20) return false;
  text.remove_prefix(part);
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (text.starts_with("-") || text.starts_with("+")) text.remove_prefix(1);
  return (text.size() == 1 || text.size() == 2) && digits_in(text) == text.size();
}

// A decimal that the type holds; of 18 digits at most.
bool is_integer(std::string_view text, const Element& element) {
  const bool negative = text.starts_with("-");
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > 18 || digits_in(text) != text.size()) return false;
  std::int64_t value = 0;
  for (const char c : text) value = 10 * value + (c - '0');
  if (negative && (value == 0 || element.kind == kUnsigned)) return false;
  const std::int64_t bits = 8 * element.bytes - (element.kind == kSigned ? 1 : 0);
  return bits >= 60 || value < (std::int64_t{1} << bits) + (negative ? 1 : 0);
}

bool is_scalar(std::string_view text, const Element& element) {
  if (element.kind == kBoolean) return text == "true" || text == "false";
  if (element.kind == kFloat) return is_float(text, element);
  return (element.kind == kSigned || element.kind == kUnsigned) && is_integer(text, element);
}

// Nested lists of the shape's extents; `literal` is passed. At most kMaxRank deep.
bool is_list(std::string_view& literal, const Type& type, std::size_t depth) {
  if (depth == type.rank) {
    const std::size_t length = std::min(literal.find_first_of(",]"), literal.size());
    const bool fine = is_scalar(literal.substr(0, length), *type.element);
    literal.remove_prefix(length);
    return fine;
  }
  if (!literal.starts_with("[")) return false;
  for (std::int64_t i = 0; i < type.extents[depth]; ++i) {
    const std::string_view between = i == 0 ? "[" : ", ";
    if (!literal.starts_with(between)) return false;
    literal.remove_prefix(between.size());
    if (!is_list(literal, type, depth + 1)) return false;
  }
  if (!literal.starts_with("]")) return false;
  literal.remove_prefix(1);
  return true;
}

bool holds(std::string_view literal, const Type& type) {
  if (type.elements == 0) return literal.empty();
  if (literal.starts_with("\"0x") && literal.ends_with("\"")) {
    const auto digits = static_cast<std::size_t>(type.bytes()) * 2;
    return !type.is(kBoolean) && is_hex(literal.substr(3, literal.size() - 4), digits);
  }
  if (!literal.starts_with("[")) return is_scalar(literal, *type.element);
  return type.rank > 0 && is_list(literal, type, 0) && literal.empty();
}

}  // namespace

// `dense<1.0> : T`
bool Parser::constant(Operation& op) {
  if (!at_.symbol("dense<")) return false;
  const bool empty = at_.exactly(">");
  const std::string_view literal = empty ? std::string_view{} : at_.until('>');
  Type made;
  if ((literal.empty() && !empty) || !at_.symbol(":") || !type(made)) return false;
  result_is(op, made);
  if (!holds(literal, made)) return false;
  if (made.rank == 0 && made.is(kInteger)) {
    std::int64_t number = 0;
    if (!Cursor(literal).integer(number)) return true;  // a large one
    integers_.push_back({op.results.first, number});
  }
  return true;
}

// `dim = 0 : T`
bool Parser::iota(Operation& op) {
  Type made;
  if (!at_.word("dim") || !at_.symbol("=") || !at_.integer(op.axis)) return false;
  if (!at_.symbol(":") || !type(made)) return false;
  result_is(op, made);
  return op.axis >= 0 && op.axis < static_cast<std::int64_t>(made.rank);
}

}  // namespace cosmalloc::kernel_text
