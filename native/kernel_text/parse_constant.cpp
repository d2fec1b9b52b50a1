// Constants, whose values must be such that MLIR takes them, and iota. All that matters of a value
// is whether it is one everywhere, and a power of two.
#include <bit>
#include <charconv>
#include <cmath>

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

// Bits of the fraction, with the one before it.
int precision(const Element& element) {
  if (element.name == "bf16") return 8;
  if (element.name == "f16") return 11;
  return element.bytes == 4 ? 24 : 53;
}

constexpr int kLeastExponent = -14;

// Of the magnitude fraction * 2^exponent, 0.5 <= fraction < 1.
Constant number(bool power, int exponent) {
  if (!power || exponent - 1 < kLeastExponent) return Constant::number;
  return exponent == 1 ? Constant::one : Constant::power;
}

// A float written as its bits.
Constant by_bits(std::string_view digits, const Element& element) {
  std::uint64_t bits = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16);
  const int fraction = precision(element) - 1;
  const int width = static_cast<int>(element.bytes) * 8 - 1 - fraction;
  const int most = (1 << width) - 1;
  const int exponent = static_cast<int>(bits >> fraction) & most;
  const bool power = (bits & ((std::uint64_t{1} << fraction) - 1)) == 0;
  const bool negative = bits >> (fraction + width) != 0;
  const Constant size = number(power && exponent > 0 && exponent < most, exponent - most / 2 + 1);
  return negative && size == Constant::one ? Constant::power : size;
}

// Decimals are what the element's nearest value is written as.
Constant by_decimal(std::string_view text, const Element& element) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  if (value == 0) return Constant::zero;
  if (!std::isfinite(value)) return Constant::number;
  int exponent = 0;
  const int bits = precision(element);
  const double rounded = std::nearbyint(std::ldexp(std::frexp(value, &exponent), bits));
  const bool carried = rounded == std::ldexp(1.0, bits);
  return number(carried || rounded == std::ldexp(0.5, bits), exponent + (carried ? 1 : 0));
}

Constant by_integer(std::string_view text) {
  std::uint64_t whole = text == "true" ? 1 : 0;
  std::from_chars(text.data(), text.data() + text.size(), whole);
  if (whole <= 1) return whole == 0 ? Constant::zero : Constant::one;
  return std::has_single_bit(whole) ? Constant::power : Constant::number;
}

// The one value of a literal; none if there are several. Lists are printed only of several.
Constant value_of(std::string_view literal, const Type& type) {
  const bool one = !literal.empty() && literal[0] != '[' && literal[0] != '"';
  if (!one || type.is(kComplex)) return Constant::none;
  const bool negative = literal.starts_with("-");
  if (negative) literal.remove_prefix(1);
  const Constant found = !type.is(kFloat)            ? by_integer(literal)
                         : literal.starts_with("0x") ? by_bits(literal.substr(2), *type.element)
                                                     : by_decimal(literal, *type.element);
  return negative && found == Constant::one ? Constant::power : found;
}

// A list of one value, which MLIR takes for that value.
bool is_one_value(std::string_view literal) {
  const std::size_t start = literal.find_first_not_of('[');
  const std::size_t stop = literal.find_first_of(",]", start);
  if (!literal.starts_with("[") || start == stop) return false;
  const std::string_view first = literal.substr(start, stop - start);
  while (!literal.empty()) {
    const std::size_t begin = std::min(literal.find_first_not_of("[], "), literal.size());
    literal.remove_prefix(begin);
    const std::size_t end = std::min(literal.find_first_of("[], "), literal.size());
    if (end > 0 && literal.substr(0, end) != first) return false;
    literal.remove_prefix(end);
  }
  return true;
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
  if (!holds(literal, made) || is_one_value(literal)) return false;
  kernel_.is_constant(op.results.first, value_of(literal, made));
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
