#include "kernel_text/parser.hpp"

namespace cosmalloc::kernel_text {

bool Parser::type(Type& out) {
  if (!at_.symbol("tensor<")) return false;
  const std::string_view start = at_.rest();
  out = Type{};
  std::int64_t bound = 1;
  for (std::int64_t extent = 0; !at_.rest().empty() && Cursor::is_digit(at_.rest().front());) {
    if (out.rank == kMaxRank || !at_.digits(extent) || !at_.exactly("x")) return false;
    if (extent > 0 && bound > kMaxElements / extent) return false;
    bound *= std::max<std::int64_t>(extent, 1);
    out.extents[out.rank++] = extent;
    out.elements *= extent;
  }
  for (const Element& element : words_.elements()) {
    const std::string_view left = at_.rest();
    if (left.starts_with(element.name) && left.substr(element.name.size()).starts_with(">")) {
      at_.exactly(element.name);
      at_.exactly(">");
      out.element = &element;
      out.text = start.substr(0, start.size() - at_.rest().size());
      return true;
    }
  }
  return false;
}

bool Parser::operand(Operation& op) {
  const std::string_view name = at_.value_name();
  std::optional<std::uint32_t> position;
  if (at_.exactly("#")) {
    std::int64_t number = 0;
    if (!at_.digits(number)) return false;
    position = static_cast<std::uint32_t>(std::min<std::int64_t>(number, kMaxOperands));
  }
  const auto value = names_.find(name, position);
  if (!value || op.operands.count == kMaxOperands) return false;
  if (inside_ && *value < floor_ && std::ranges::find(outer_, *value) == outer_.end()) {
    outer_.push_back(*value);
  }
  kernel_.operands.push_back(*value);
  ++op.operands.count;
  return true;
}

bool Parser::operands(Operation& op, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if ((i > 0 && !at_.symbol(",")) || !operand(op)) return false;
  }
  return true;
}

bool Parser::operands_in_brackets(Operation& op) {
  if (!at_.symbol("(")) return false;
  do {
    if (!operand(op)) return false;
  } while (at_.symbol(","));
  return at_.symbol(")");
}

bool Parser::type_of(Id value) {
  return at_.symbol("tensor<") && at_.exactly(kernel_.type(value).text);
}

bool Parser::operand_types(Operation& op) {
  return at_.symbol("(") && types_of(op.operands) && at_.symbol(")");
}

bool Parser::types_of(const Range& values) {
  bool first = true;
  for (const Id value : kernel_.operands_of(values)) {
    if ((!first && !at_.symbol(",")) || !type_of(value)) return false;
    first = false;
  }
  return true;
}

bool Parser::result_types(Operation& op, std::size_t count) {
  if (!at_.symbol("->")) return false;
  const bool bracket = at_.symbol("(");
  if (!bracket && count != 1) return false;
  op.results = {static_cast<std::uint32_t>(kernel_.type_of.size()), 0, true};
  for (std::size_t i = 0; i < count; ++i) {
    Type found;
    if ((i > 0 && !at_.symbol(",")) || !type(found)) return false;
    add_value(found);
    ++op.results.count;
  }
  return !bracket || at_.symbol(")");
}

bool Parser::signature(Operation& op, std::size_t results) {
  return at_.symbol(":") && operand_types(op) && result_types(op, results);
}

void Parser::add_value(const Type& type) {
  kernel_.shows.push_back(next_value());
  kernel_.types.push_back(type);
  kernel_.type_of.push_back(static_cast<std::uint32_t>(kernel_.types.size() - 1));
}

void Parser::result_is(Operation& op, const Type& type) {
  op.results = {static_cast<std::uint32_t>(kernel_.type_of.size()), 1, true};
  add_value(type);
}

void Parser::result_like(Operation& op, std::size_t operand) {
  const Id value = kernel_.operands_of(op)[operand];
  op.results = {static_cast<std::uint32_t>(kernel_.type_of.size()), 1, true};
  kernel_.shows.push_back(next_value());
  kernel_.type_of.push_back(kernel_.type_of[value]);
}

bool Parser::integers(Operation& op, List list) {
  return at_.symbol("[") && integers_until(op, list, ']');
}

bool Parser::integers_until(Operation& op, List list, char stop) {
  Range& range = op.lists[static_cast<std::size_t>(list)];
  if (range.given) return false;
  range = {static_cast<std::uint32_t>(kernel_.numbers.size()), 0, true};
  const std::string_view end(&stop, 1);
  if (at_.symbol(end)) return true;
  do {
    std::int64_t number = 0;
    if (range.count == kMaxOperands || !at_.integer(number)) return false;
    kernel_.numbers.push_back(number);
    ++range.count;
  } while (at_.symbol(","));
  return at_.symbol(end);
}

bool Parser::named(Operation& op, std::string_view name, List list) {
  return at_.word(name) && at_.symbol("=") && integers(op, list);
}

void Parser::append(Operation& op, List list, std::int64_t number) {
  Range& range = op.lists[static_cast<std::size_t>(list)];
  if (range.count == 0) range.first = static_cast<std::uint32_t>(kernel_.numbers.size());
  kernel_.numbers.push_back(number);
  ++range.count;
  range.given = true;
}

bool Parser::flag(bool& out) {
  out = at_.word("true");
  return out || at_.word("false");
}

}  // namespace cosmalloc::kernel_text
