#include "kernel_text/normal.hpp"

#include <optional>

namespace cosmalloc::kernel_text {
namespace {

// Of an operation whose operands are constants: what its result is.
Constant folded(const Kernel& kernel, const Operation& op) {
  const auto operands = kernel.operands_of(op);
  for (const Id value : operands) {
    if (kernel.constant(value) == Constant::none) return Constant::none;
  }
  const bool is_bit = kernel.result(op).is(kBoolean);
  const Constant known = operands.empty() ? Constant::none : kernel.constant(operands[0]);
  switch (op.form()) {
    case Form::constant:
      return kernel.constant(op.results.first);
    case Form::broadcast_in_dim:
    case Form::transpose:
    case Form::reshape:
    case Form::slice:
    case Form::reverse:
      return known;
    case Form::convert:
      if (known == Constant::zero || kernel.result(op).is(kFloat)) return known;
      return is_bit || known == Constant::one ? Constant::one : Constant::number;
    case Form::unary:
    case Form::binary:
    case Form::chlo_unary:
    case Form::is_finite:
    case Form::compare:
    case Form::select:
    case Form::clamp:
    case Form::reduce:
      if (op.results.count != 1) return Constant::none;
      return is_bit ? Constant::one : Constant::number;
    default:
      return Constant::none;
  }
}

// The operand that the operation hands on as it is: of x + 0, x - 0, x * 1, x / 1.
std::optional<std::size_t> handed_on(const Kernel& kernel, const Operation& op) {
  if (op.form() != Form::binary) return {};
  const std::string_view name = op.known->facts.name;
  const auto operands = kernel.operands_of(op);
  const Constant left = kernel.constant(operands[0]), right = kernel.constant(operands[1]);
  const bool adds = name == "stablehlo.add", multiplies = name == "stablehlo.multiply";
  const Constant nothing = adds || name == "stablehlo.subtract"       ? Constant::zero
                           : multiplies || name == "stablehlo.divide" ? Constant::one
                                                                      : Constant::none;
  if (nothing == Constant::none) return {};
  if (right == nothing) return 0;
  if ((adds || multiplies) && left == nothing) return 1;
  return {};
}

// An operation of one operand in the place of another.
Operation in_place_of(const Operation& op, const Known* known, std::uint32_t operand) {
  Operation made;
  made.known = known;
  made.operands = {operand, 1, true};
  made.results = op.results;
  made.repeats = op.repeats;
  return made;
}

class Normal {
 public:
  Normal(Kernel& kernel, const Words& words)
      : kernel_(kernel),
        broadcast_(words.find("stablehlo.broadcast_in_dim")),
        reshape_(words.find("stablehlo.reshape")) {}

  void apply() {
    if (broadcast_ == nullptr || reshape_ == nullptr) return;
    kernel_.constants.resize(kernel_.type_of.size(), Constant::none);
    for (Operation& op : kernel_.operations) rewrite(op);
    if (folds_) drop();
  }

 private:
  void rewrite(Operation& op) {
    const Constant value = folded(kernel_, op);
    if (value != Constant::none) return fold(op, value);
    if (const auto operand = handed_on(kernel_, op)) {
      op = in_place_of(op, reshape_, op.operands.first + static_cast<std::uint32_t>(*operand));
    }
  }

  void fold(Operation& op, Constant value) {
    kernel_.constants[op.results.first] = value;
    folds_ = true;
    if (kernel_.result(op).rank == 0) return;
    Type scalar = kernel_.result(op);
    scalar.rank = 0;
    scalar.elements = 1;
    const auto place = static_cast<std::uint32_t>(kernel_.operands.size());
    const auto id = static_cast<Id>(kernel_.type_of.size());
    kernel_.operands.push_back(id);
    kernel_.shows.push_back(id);
    kernel_.type_of.push_back(static_cast<std::uint32_t>(kernel_.types.size()));
    kernel_.types.push_back(scalar);
    kernel_.constants.push_back(value);
    op = in_place_of(op, broadcast_, place);
  }

  // Takes constants out that are scalars or that nobody reads.
  void drop() {
    read_.assign(kernel_.type_of.size(), false);
    reads(kernel_.returned);
    for (auto op = kernel_.operations.rbegin(); op != kernel_.operations.rend(); ++op) {
      if (is_dropped(*op)) continue;
      reads(op->operands);
      for (const Body& body : op->bodies) reads(body.returned);
    }
    std::erase_if(kernel_.operations, [&](const Operation& op) { return is_dropped(op); });
  }

  void reads(const Range& values) {
    for (const Id value : kernel_.operands_of(values)) {
      read_[value] = read_[kernel_.shows[value]] = true;
    }
  }

  bool is_dropped(const Operation& op) const {
    const Id made = op.results.first;
    if (kernel_.constant(made) == Constant::none) return false;
    return !read_[made] || kernel_.type(made).rank == 0;
  }

  Kernel& kernel_;
  const Known* broadcast_;
  const Known* reshape_;
  std::vector<bool> read_;  // whether something reads each value
  bool folds_ = false;
};

}  // namespace

void normalise(Kernel& kernel, const Words& words) { Normal(kernel, words).apply(); }

}  // namespace cosmalloc::kernel_text
