#include "kernel_text/parser.hpp"

#include "kernel_text/cost.hpp"

namespace cosmalloc::kernel_text {
namespace {

std::uint32_t size_of(const auto& values) { return static_cast<std::uint32_t>(values.size()); }

}  // namespace

Parser::Parser(std::string_view text, const Words& words, Kernel& kernel)
    : at_(text), words_(words), kernel_(kernel) {
  kernel.clear();
}

bool Parser::function() {
  if (!at_.word("func.func")) return false;
  at_.word("public");
  if (!at_.symbol("@main(") || !arguments() || !at_.symbol("->")) return false;
  const bool bracket = at_.symbol("(");
  const std::size_t first = kernel_.types.size();
  do {
    Type made;
    if (!type(made)) return false;
    kernel_.types.push_back(made);
  } while (bracket && at_.symbol(","));
  const std::size_t count = kernel_.types.size() - first;
  if ((bracket && !at_.symbol(")")) || !at_.symbol("{") || !work()) return false;
  if (!at_.word("return") || !returns(kernel_.returned)) return false;
  if (!at_.symbol("}") || !at_.at_end() || kernel_.returned.count != count) return false;
  for (std::size_t i = 0; i < count; ++i) {
    const Id value = kernel_.operands_of(kernel_.returned)[i];
    if (!(kernel_.type(value) == kernel_.types[first + i])) return false;
  }
  return true;
}

bool Parser::arguments() {
  kernel_.arguments = {0, 0, true};
  if (at_.symbol(")")) return true;
  do {
    if (!block_argument()) return false;
    ++kernel_.arguments.count;
  } while (at_.symbol(","));
  return at_.symbol(")");
}

// `%name: T`
bool Parser::block_argument() {
  const std::string_view name = at_.value_name();
  Type found;
  if (!names_.define(name, size_of(kernel_.type_of), 1) || !at_.symbol(":") || !type(found)) {
    return false;
  }
  add_value(found);
  return true;
}

bool Parser::work() {
  while (at_.next_is('%')) {
    Operation op;
    if (!statement(op)) return false;
    kernel_.operations.push_back(op);
  }
  return true;
}

// `%a, %b : T, T`
bool Parser::returns(Range& values) {
  Operation ending;
  ending.operands.first = size_of(kernel_.operands);
  do {
    if (!operand(ending)) return false;
  } while (at_.symbol(","));
  values = ending.operands;
  return at_.symbol(":") && types_of(values);
}

// `%a, %b = operation` or `%a:2 = operation`
bool Parser::statement(Operation& op) {
  struct Name {
    std::string_view name;
    std::uint32_t count;
  };
  std::array<Name, 8> results;
  std::size_t count = 0;
  std::uint32_t values = 0;
  do {
    if (count == results.size()) return false;
    Name& made = results[count++];
    made = {at_.value_name(), 1};
    if (made.name.empty()) return false;
    if (at_.exactly(":")) {
      std::int64_t number = 0;
      if (!at_.digits(number) || number < 1 || number > std::int64_t{kMaxOperands}) return false;
      made.count = static_cast<std::uint32_t>(number);
    }
    values += made.count;
  } while (at_.symbol(","));
  if (!at_.symbol("=") || !operation(op) || op.results.count != values) return false;
  std::uint32_t first = op.results.first;
  for (std::size_t i = 0; i < count; ++i) {
    if (!names_.define(results[i].name, first, results[i].count)) return false;
    first += results[i].count;
  }
  return true;
}

bool Parser::operation(Operation& op) {
  const bool quoted = at_.symbol("\"");
  op.known = words_.find(at_.word());
  if (op.known == nullptr || (quoted && !at_.exactly("\""))) return false;
  const bool is_generic = op.form() == Form::reduce_window || op.form() == Form::gather ||
                          op.form() == Form::select_and_scatter || op.form() == Form::scatter ||
                          op.form() == Form::sort;
  if (quoted != is_generic) return false;
  if (!inside_) outer_.clear();
  op.operands.first = size_of(kernel_.operands);
  if (!(quoted ? generic(op) : pretty(op))) return false;
  const Type& first = op.operands.count > 0 ? kernel_.operand(op, 0) : kernel_.result(op);
  return first.is(op.known->classes);
}

bool Parser::pretty(Operation& op) {
  switch (op.form()) {
    case Form::unary:
      return of_one_type(op, 1);
    case Form::binary:
      return of_one_type(op, 2);
    case Form::chlo_unary:
      return chlo(op);
    case Form::convert:
      return convert(op);
    case Form::part:
    case Form::is_finite:
      return to_element(op);
    case Form::complex:
      return complex(op);
    case Form::compare:
      return compare(op);
    case Form::select:
      return select(op);
    case Form::clamp:
      return clamp(op);
    case Form::constant:
      return constant(op);
    case Form::iota:
      return iota(op);
    case Form::broadcast_in_dim:
      return broadcast_in_dim(op);
    case Form::transpose:
      return transpose(op);
    case Form::reshape:
      return reshape(op);
    case Form::bitcast_convert:
      return bitcast_convert(op);
    case Form::slice:
      return slice(op);
    case Form::reverse:
      return reverse(op);
    case Form::concatenate:
      return concatenate(op);
    case Form::pad:
      return pad(op);
    case Form::dynamic_slice:
      return dynamic_slice(op);
    case Form::dynamic_update_slice:
      return dynamic_update_slice(op);
    case Form::dot_general:
      return dot_general(op);
    case Form::convolution:
      return convolution(op);
    case Form::fft:
      return fft(op);
    case Form::reduce:
      return reduce(op);
    case Form::top_k:
      return top_k(op);
    case Form::loop:
      return loop(op);
    default:
      return false;
  }
}

// The operations of a region, on scalars, to its end.
bool Parser::inner(Operation& op, Body& body) {
  while (at_.next_is('%')) {
    Operation work;
    if (!statement(work) || work.regions > 0) return false;
    for (std::size_t i = 0; i < work.results.count; ++i) {
      if (kernel_.result(work, i).rank != 0) return false;
    }
    for (std::size_t i = 0; i < work.operands.count; ++i) {
      if (kernel_.operand(work, i).rank != 0) return false;
    }
    const Cost cost = cost_of(kernel_, work);
    body.flops += static_cast<std::int64_t>(cost.flops);
    body.transcendentals += static_cast<std::int64_t>(cost.transcendentals);
    body.last = work.known->facts.kind;
  }
  if (!at_.word("stablehlo.return") || !returns(body.returned)) return false;
  ++op.regions;
  return at_.symbol("}");
}

// `{ ^bb0(%a: T, ...): ... stablehlo.return ... }`
bool Parser::region(Operation& op) {
  if (inside_ || op.regions == op.bodies.size() || !at_.symbol("{")) return false;
  Body& body = op.bodies[op.regions];
  const std::size_t mark = names_.mark();
  inside_ = true;
  floor_ = size_of(kernel_.type_of);
  body.arguments = {floor_, 0, true};
  if (!at_.word("^bb0") || !at_.symbol("(")) return false;
  do {
    if (!block_argument()) return false;
    ++body.arguments.count;
  } while (at_.symbol(","));
  if (!at_.symbol(")") || !at_.symbol(":") || !inner(op, body)) return false;
  names_.unwind(mark);
  inside_ = false;
  return true;
}

// Counts what the regions read from outside, once all of them are read.
void Parser::close_regions(Operation& op) {
  for (const Id value : outer_) {
    const auto own = kernel_.operands_of(op);
    if (std::ranges::find(own, value) == own.end()) op.captured += kernel_.type(value).bytes();
  }
  outer_.clear();
}

}  // namespace cosmalloc::kernel_text
