#include "kernel_text/graph.hpp"

#include "kernel_text/cost.hpp"

namespace cosmalloc::kernel_text {
namespace {

constexpr std::size_t kFirstFlag = kCosts + kMagnitudes;  // returned; then the four below
constexpr std::size_t kReadsArgument = kFirstFlag + 1;
constexpr std::size_t kReaders = kFirstFlag + 2;
constexpr std::size_t kNeeded = kFirstFlag + 3;
constexpr std::size_t kNeededSize = kFirstFlag + 4;

struct Sum {
  double total = 0;
  double most = 0;
  void add(const Type& type) {
    total += real(type.bytes());
    most = std::max(most, real(type.bytes()));
  }
};

// What `features/graph.py` calls flags, those that are known at once.
void flags(const Kernel& kernel, const Operation& op, Row& row) {
  std::size_t alike = 0;
  for (std::size_t i = 0; i < op.operands.count; ++i) {
    if (same(kernel.operand(op, i).shape(), kernel.result(op).shape())) ++alike;
  }
  for (std::size_t i = 0; i < 5; ++i) row.put(0);
  row.put(static_cast<double>(op.operands.count) / 8);
  row.put(static_cast<double>(op.results.count) / 8);
  row.put(static_cast<double>(alike) / 4);
  row.flags({op.regions > 0, kernel.result(op).rank == 0});
  row.put(op.form() != Form::compare ? 0 : op.equality ? 1 : 0.5);
  row.flag(op.known->facts.partial);
}

bool reads_as_needed(const Kernel& kernel, const Operation& op) {
  if (op.form() == Form::broadcast_in_dim) return !is_view(kernel, op);
  return op.known->facts.as_needed;
}

}  // namespace

bool GraphWriter::add(const Kernel& kernel) {
  first_ = out_.kind.size();
  first_edge_ = out_.edges.size();
  made_by_.assign(kernel.type_of.size(), -1);
  elements_.clear();
  as_needed_.clear();
  whole_.clear();
  bool exact = true;
  for (Id value = 0; value < kernel.arguments.count; ++value) {
    made_by_[value] = static_cast<std::int32_t>(value);
    argument(kernel.type(value));
  }
  for (const Operation& op : kernel.operations) {
    if (op.form() == Form::constant && kernel.result(op).rank == 0) continue;
    exact = exact && operation(kernel, op);
  }
  if (!exact) {
    out_.kind.resize(first_);
    out_.body.resize(first_);
    out_.types.resize(first_ * 2);
    out_.numbers.resize(first_ * kWidth);
    out_.costs.resize(first_ * kCosts);
    out_.edges.resize(first_edge_);
    return false;
  }
  finish(kernel);
  return true;
}

void GraphWriter::add_nothing() {
  out_.whole.resize(out_.whole.size() + kWhole);
  out_.node_offsets.push_back(static_cast<std::int64_t>(out_.kind.size()));
  out_.edge_offsets.push_back(static_cast<std::int64_t>(out_.edges.size() / 2));
}

void GraphWriter::node(std::int16_t kind, std::int16_t body, std::int8_t type, std::int8_t given) {
  out_.kind.push_back(kind);
  out_.body.push_back(body);
  out_.types.push_back(type);
  out_.types.push_back(given);
  out_.numbers.resize(out_.numbers.size() + kWidth);
}

void GraphWriter::argument(const Type& type) {
  node(argument_, 0, type.element->index, type.element->index);
  Row cells({row(elements_.size()), kWidth});
  for (std::size_t i = 0; i < kCosts; ++i) cells.put(0);
  cells.put(size(type.bytes()));
  while (cells.filled() < kFirstFlag + kFlags) cells.put(0);
  cells.shape(type.shape());
  out_.costs.insert(out_.costs.end(), kCosts, 0);
  elements_.push_back(type.elements);
  as_needed_.push_back(false);
  whole_.push_back(false);
}

bool GraphWriter::operation(const Kernel& kernel, const Operation& op) {
  const Type& made = kernel.result(op);
  const Type* given = largest(kernel, op);
  const auto place = static_cast<std::int32_t>(elements_.size());
  Cost cost = cost_of(kernel, op);
  if (op.form() == Form::convolution) cost.flops = window_flops(kernel, op);
  Sum results, operands;
  for (std::size_t i = 0; i < op.results.count; ++i) results.add(kernel.result(op, i));
  for (std::size_t i = 0; i < op.operands.count; ++i) operands.add(kernel.operand(op, i));

  node(op.known->facts.kind, op.regions > 0 ? op.bodies[0].last : std::int16_t{0},
       made.element->index, given == nullptr ? std::int8_t{0} : given->element->index);
  Row cells({row(elements_.size()), kWidth});
  cells.sizes({cost.flops, cost.transcendentals, cost.read, cost.written});
  cells.sizes({results.total, operands.total, operands.most});
  cells.put(std::log2(real(op.repeats)) / 16);
  flags(kernel, op, cells);
  cells.shape(made.shape());
  cells.shape(given == nullptr ? Extents{} : given->shape());
  cells.put(static_cast<double>(made.rank) / 8);
  cells.put(given == nullptr ? 0 : static_cast<double>(given->rank) / 8);
  details(kernel, op, cells);
  while (cells.filled() < kWidth - kExact) cells.put(0);
  exact(kernel, op, cells);

  double most = 0;
  for (const double count : {cost.flops, cost.transcendentals, cost.read, cost.written}) {
    out_.costs.push_back(count * real(op.repeats));
    most = std::max(most, out_.costs.back());
  }
  elements_.push_back(made.elements);
  as_needed_.push_back(reads_as_needed(kernel, op));
  whole_.push_back(op.known->facts.whole);
  const bool loops = op.form() == Form::loop;  // it reads what its body returns
  for (const Id value : kernel.operands_of(loops ? op.bodies[1].returned : op.operands)) {
    const std::int32_t source = maker(kernel, value);
    if (source < 0) continue;
    out_.edges.push_back(source);
    out_.edges.push_back(place);
  }
  for (std::size_t i = 0; i < op.results.count; ++i) made_by_[op.results.first + i] = place;
  return most < kMaxExact;
}

// The part of each node that is read. Readers come after what they read.
void GraphWriter::need(const Kernel& kernel) {
  needed_.assign(elements_.size(), 0);
  for (const Id value : kernel.operands_of(kernel.returned)) {
    if (maker(kernel, value) < 0) continue;
    const auto root = static_cast<std::size_t>(maker(kernel, value));
    needed_[root] = 1;
    row(root)[kFirstFlag] = 1;
  }
  for (std::size_t edge = out_.edges.size(); edge > first_edge_; edge -= 2) {
    const auto source = static_cast<std::size_t>(out_.edges[edge - 2]);
    const auto reader = static_cast<std::size_t>(out_.edges[edge - 1]);
    double part = 1;
    if (as_needed_[reader] && elements_[source] > 0) {
      part = std::min(1.0, needed_[reader] * real(elements_[reader]) / real(elements_[source]));
    }
    needed_[source] = std::max(needed_[source], part);
  }
  for (std::size_t i = 0; i < needed_.size(); ++i) {
    if (whole_[i] && needed_[i] > 0) needed_[i] = 1;
  }
}

void GraphWriter::finish(const Kernel& kernel) {
  need(kernel);
  for (std::size_t edge = first_edge_; edge < out_.edges.size(); edge += 2) {
    const auto source = static_cast<std::size_t>(out_.edges[edge]);
    row(source)[kReaders] += 0.25f;
    if (source < kernel.arguments.count) {
      row(static_cast<std::size_t>(out_.edges[edge + 1]))[kReadsArgument] = 1;
    }
  }
  for (std::size_t i = 0; i < elements_.size(); ++i) {
    row(i)[kNeeded] = static_cast<float>(needed_[i]);
    row(i)[kNeededSize] = static_cast<float>(size(needed_[i] * real(elements_[i])));
    for (std::size_t c = 0; c < kCosts; ++c) out_.costs[(first_ + i) * kCosts + c] *= needed_[i];
  }
  Sum given, made;
  for (Id value = 0; value < kernel.arguments.count; ++value) given.add(kernel.type(value));
  for (const Id value : kernel.operands_of(kernel.returned)) made.add(kernel.type(value));
  const std::array<double, kWhole> whole{real(kernel.arguments.count),
                                         real(kernel.returned.count),
                                         given.total,
                                         made.total,
                                         given.most,
                                         made.most,
                                         static_cast<double>(elements_.size())};
  for (const double value : whole) out_.whole.push_back(static_cast<float>(size(value)));
  out_.node_offsets.push_back(static_cast<std::int64_t>(out_.kind.size()));
  out_.edge_offsets.push_back(static_cast<std::int64_t>(out_.edges.size() / 2));
}

}  // namespace cosmalloc::kernel_text
