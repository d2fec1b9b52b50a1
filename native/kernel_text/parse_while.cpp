// Loops that count: (%i = %start, %x = %a) : T, U cond { ... } do { ... }, where
//
//   cond compares %i with a constant, do adds a constant to it, and %start is a constant.
//
// A loop's body lies flat before the loop among the kernel's operations, each with its repeats; its
// arguments show the values that the loop starts from. passes/rules/loops.py follows more loops.
#include "kernel_text/parser.hpp"

namespace cosmalloc::kernel_text {
namespace {

constexpr std::size_t kMaxDepth = 3;

std::string_view swapped(std::string_view direction) {
  if (direction == "LT") return "GT";
  if (direction == "LE") return "GE";
  return direction == "GT" ? "LT" : "LE";
}

// Trips of `while (counter <direction> limit) counter += step`, none for an endless loop.
std::optional<std::int64_t> count_trips(std::int64_t start, std::int64_t limit, std::int64_t step,
                                        std::string_view direction) {
  const bool falls = direction == "GT" || direction == "GE";
  const bool includes = direction == "LE" || direction == "GE";
  const std::int64_t distance = (falls ? start - limit : limit - start) + (includes ? 1 : 0);
  if (falls) step = -step;
  if (distance <= 0) return 0;
  if (step <= 0) return {};
  return (distance - 1) / step + 1;
}

}  // namespace

bool Parser::loop(Operation& op) {
  if (inside_ || depth_ == kMaxDepth || !at_.symbol("(")) return false;
  std::vector<std::string_view> names;
  do {
    names.push_back(at_.value_name());
    if (!at_.symbol("=") || !operand(op)) return false;
  } while (at_.symbol(","));
  if (!at_.symbol(")") || !at_.symbol(":") || !types_of(op.operands)) return false;
  const std::size_t mark = names_.mark();
  const Id first = next_value();
  op.bodies[1].arguments = {first, op.operands.count, true};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Id shown = kernel_.operands_of(op)[i];
    if (!names_.define(names[i], next_value(), 1)) return false;
    kernel_.type_of.push_back(kernel_.type_of[shown]);
    kernel_.shows.push_back(kernel_.shows[shown]);
  }
  Operation test;
  const std::size_t begin = kernel_.operations.size();
  if (!condition(op, test) || !at_.word("do") || !at_.symbol("{")) return false;
  ++depth_;
  if (!work() || !at_.word("stablehlo.return") || !returns(op.bodies[1].returned)) return false;
  --depth_;
  names_.unwind(mark);
  if (!at_.symbol("}") || !repeat(op, test, begin)) return false;
  op.regions = 2;
  op.results = {next_value(), op.operands.count, true};
  for (std::size_t i = 0; i < names.size(); ++i) {
    kernel_.type_of.push_back(kernel_.type_of[kernel_.operands_of(op)[i]]);
    kernel_.shows.push_back(next_value() - 1);
  }
  return true;
}

// `cond { %c = stablehlo.compare ... stablehlo.return %c : tensor<i1> }`, constants before it
bool Parser::condition(Operation& op, Operation& test) {
  const std::size_t mark = names_.mark();
  if (!at_.word("cond") || !at_.symbol("{")) return false;
  do {
    test = Operation{};
    if (!at_.next_is('%') || !statement(test)) return false;
  } while (test.form() == Form::constant);
  Body& body = op.bodies[0];
  if (test.form() != Form::compare || kernel_.result(test).rank != 0) return false;
  if (!at_.word("stablehlo.return") || !returns(body.returned) || !at_.symbol("}")) return false;
  body.last = test.known->facts.kind;
  names_.unwind(mark);
  return body.returned.count == 1 && kernel_.operands_of(body.returned)[0] == test.results.first;
}

// Multiplies the repeats of the operations from `begin`, once the loop's trips are known.
bool Parser::repeat(const Operation& op, const Operation& test, std::size_t begin) {
  const Range& arguments = op.bodies[1].arguments;
  const auto starts = kernel_.operands_of(op), ends = kernel_.operands_of(op.bodies[1].returned);
  if (starts.size() != ends.size()) return false;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (!(kernel_.type(ends[i]) == kernel_.type(starts[i]))) return false;
  }
  const auto is_argument = [&](Id value) {
    return value >= arguments.first && value < arguments.first + arguments.count;
  };
  Id counter = kernel_.operands_of(test)[0], end = kernel_.operands_of(test)[1];
  std::string_view direction = test.direction;
  if (!is_argument(counter)) {
    std::swap(counter, end);
    direction = swapped(direction);
  }
  if (!is_argument(counter) || test.equality) return false;
  const auto start = integer_of(starts[counter - arguments.first]);
  const auto limit = integer_of(end);
  const auto step = step_of(counter, ends[counter - arguments.first], begin);
  if (!start || !limit || !step) return false;
  const auto trips = count_trips(*start, *limit, *step, direction);
  if (!trips || *trips > kMaxStep) return false;
  for (std::size_t i = begin; i < kernel_.operations.size(); ++i) {
    std::int64_t& repeats = kernel_.operations[i].repeats;
    repeats *= std::max<std::int64_t>(*trips, 1);
    if (repeats > kMaxNumber) return false;
  }
  return true;
}

// What the body adds to its counter to make `made`.
std::optional<std::int64_t> Parser::step_of(Id counter, Id made, std::size_t begin) const {
  for (std::size_t i = begin; i < kernel_.operations.size(); ++i) {
    const Operation& op = kernel_.operations[i];
    if (op.results.first != made || op.form() != Form::binary) continue;
    const bool adds = op.known->facts.name == "stablehlo.add";
    const bool subtracts = op.known->facts.name == "stablehlo.subtract";
    const auto operands = kernel_.operands_of(op);
    if (operands[0] == counter && (adds || subtracts)) {
      const auto step = integer_of(operands[1]);
      return step && subtracts ? -*step : step;
    }
    if (operands[1] == counter && adds) return integer_of(operands[0]);
  }
  return {};
}

// The value of a scalar constant.
std::optional<std::int64_t> Parser::integer_of(Id value) const {
  const auto found = std::ranges::find(integers_, value, &Integer::value);
  return found == integers_.end() ? std::nullopt : std::optional(found->number);
}

}  // namespace cosmalloc::kernel_text
