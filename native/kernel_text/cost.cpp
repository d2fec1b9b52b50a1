#include "kernel_text/cost.hpp"

#include <bit>
#include <cmath>

#include "kernel_text/checks.hpp"
#include "kernel_text/windows.hpp"

namespace cosmalloc::kernel_text {
namespace {

double bytes_of_operands(const Kernel& kernel, const Operation& op, std::size_t from) {
  double out = 0;
  for (std::size_t i = from; i < op.operands.count; ++i) {
    out += real(kernel.operand(op, i).bytes());
  }
  return out;
}

double bytes_of_results(const Kernel& kernel, const Operation& op) {
  double out = 0;
  for (std::size_t i = 0; i < op.results.count; ++i) out += real(kernel.result(op, i).bytes());
  return out;
}

// Whether dimensions of more than one place come in rising order of `targets`.
bool rises(Extents targets, Extents extents) {
  std::int64_t last = -1;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (extents[i] == 1) continue;
    if (targets[i] <= last) return false;
    last = targets[i];
  }
  return true;
}

bool transposes_nothing(Extents order, Extents shape) {
  std::int64_t last = -1;
  for (const std::int64_t d : order) {
    if (at(shape, d) == 1) continue;
    if (d <= last) return false;
    last = d;
  }
  return true;
}

void add(Cost& cost, double times, const Body& body) {
  cost.flops += times * real(body.flops);
  cost.transcendentals += times * real(body.transcendentals);
}

int bits_of(std::int64_t number) {
  const auto magnitude = static_cast<std::uint64_t>(std::max<std::int64_t>(number, 0));
  return static_cast<int>(std::bit_width(magnitude));
}

// Bytes of the image's positions that some window meets.
double image_read(const Kernel& kernel, const Operation& op) {
  const Type &image = kernel.operand(op, 0), &weights = kernel.operand(op, 1);
  const Extents spatial = kernel.list(op, List::image), taps = kernel.list(op, List::kernel);
  const Extents positions = kernel.list(op, List::result);
  std::int64_t held = image.extents[op.places.image_batch] * image.extents[op.places.image_feature];
  for (std::size_t d = 0; d < spatial.size(); ++d) {
    held *= touched(window_of(kernel, op, d, at(image.shape(), spatial[d]),
                              at(kernel.result(op).shape(), positions[d]),
                              at(weights.shape(), taps[d])));
  }
  return real(image.bytes_of(held));
}

double windows_read(const Kernel& kernel, const Operation& op) {
  const Extents window = kernel.list(op, List::window);
  const Type &given = kernel.operand(op, 0), &made = kernel.result(op);
  std::int64_t held = 1;
  for (std::size_t d = 0; d < given.rank; ++d) {
    held *= touched(window_of(kernel, op, d, given.extents[d], made.extents[d], window[d]));
  }
  double out = 0;
  const std::size_t half = op.operands.count / 2;
  for (std::size_t i = 0; i < half; ++i) out += real(kernel.operand(op, i).bytes_of(held));
  return out + bytes_of_operands(kernel, op, half);
}

// Elements of a padded tensor that are kept: negative padding drops some.
std::int64_t kept_by_pad(const Kernel& kernel, const Operation& op) {
  const Type &given = kernel.operand(op, 0), &made = kernel.result(op);
  const Extents low = kernel.list(op, List::low), holes = kernel.list(op, List::interior);
  std::int64_t kept = 1;
  for (std::size_t d = 0; d < given.rank; ++d) {
    kept *= hits(given.extents[d], holes[d] + 1, low[d], made.extents[d], 1);
  }
  return kept;
}

// Whether a scatter's body looks at what was there: not if it returns its updates alone.
bool looks(const Kernel& kernel, const Operation& op) {
  const Body& body = op.bodies[0];
  const std::uint32_t count = op.results.count;
  const auto returned = kernel.operands_of(body.returned);
  for (std::uint32_t i = 0; i < returned.size(); ++i) {
    if (returned[i] != body.arguments.first + count + i) return true;
  }
  return returned.size() != count;
}

Cost of_scatter(const Kernel& kernel, const Operation& op) {
  const std::size_t count = op.results.count;
  const std::int64_t elements = kernel.operand(op, count + 1).elements;
  Cost cost;
  add(cost, real(elements), op.bodies[0]);
  for (std::size_t i = 0; i < count; ++i) {
    cost.written += real(kernel.operand(op, i).bytes_of(elements));
  }
  cost.read = (looks(kernel, op) ? cost.written : 0) + bytes_of_operands(kernel, op, count);
  return cost;
}

// Arithmetic alone, of operations that read and write all they name.
void work(const Kernel& kernel, const Operation& op, Cost& cost) {
  const Type& made = kernel.result(op);
  switch (op.form()) {
    case Form::dot_general: {
      double depth = 1;
      for (const std::int64_t d : kernel.list(op, List::lhs_contracting)) {
        depth *= real(at(kernel.operand(op, 0).shape(), d));
      }
      cost.flops = 2 * real(made.elements) * depth;
      return;
    }
    case Form::convolution:
      cost.read -= real(kernel.operand(op, 0).bytes());
      cost.read += image_read(kernel, op);
      return;
    case Form::fft: {
      const Type& given = kernel.operand(op, 0);
      const bool is_real = !given.is(kComplex) || !made.is(kComplex);
      const Type& points = given.is(kComplex) && is_real ? made : given;
      const auto length = std::max<std::int64_t>(product(kernel.list(op, List::dims)), 1);
      cost.flops =
          std::ceil(5 * real(points.elements) * std::log2(real(length)) / (is_real ? 2 : 1));
      return;
    }
    case Form::reduce: {
      const std::int64_t count = kernel.operand(op, 0).elements - made.elements;
      return add(cost, real(std::max<std::int64_t>(count, 0)), op.bodies[0]);
    }
    case Form::reduce_window: {
      const std::int64_t places = product(kernel.list(op, List::window));
      cost.read = windows_read(kernel, op);
      return add(cost, real(made.elements) * real(places - 1), op.bodies[0]);
    }
    case Form::select_and_scatter: {
      const double source = real(kernel.operand(op, 1).elements);
      add(cost, source * real(product(kernel.list(op, List::window)) - 1), op.bodies[0]);
      return add(cost, source, op.bodies[1]);
    }
    case Form::sort: {
      const Type& given = kernel.operand(op, 0);
      const int levels = bits_of(at(given.shape(), op.axis) - 1);
      return add(cost, real(given.elements) * levels, op.bodies[0]);
    }
    case Form::top_k: {
      const int levels = std::max(1, bits_of(op.axis - 1));
      cost.flops = real(kernel.operand(op, 0).elements) * levels;
      return;
    }
    default:
      cost.flops = real(made.elements) * real(op.known->facts.flops);
      cost.transcendentals = real(made.elements) * real(op.known->facts.transcendentals);
  }
}

}  // namespace

std::int64_t product(Extents numbers) {
  std::int64_t out = 1;
  for (const std::int64_t number : numbers) out *= number;
  return out;
}

bool is_view(const Kernel& kernel, const Operation& op) {
  if (op.operands.count == 0) return false;
  const Type &given = kernel.operand(op, 0), &made = kernel.result(op);
  const Extents dims = kernel.list(op, List::dims);
  const auto none = [&](List list) { return within(kernel.list(op, list), 0, 0); };
  switch (op.form()) {
    case Form::reshape:
    case Form::bitcast_convert:
      return true;
    case Form::broadcast_in_dim:
      return given.elements == made.elements && rises(dims, given.shape());
    case Form::transpose:
      return transposes_nothing(dims, given.shape());
    case Form::slice:
    case Form::dynamic_slice:
    case Form::concatenate:
      return same(given.shape(), made.shape());
    case Form::pad:
      return same(given.shape(), made.shape()) && none(List::low) && none(List::high);
    default:
      return false;
  }
}

Cost cost_of(const Kernel& kernel, const Operation& op) {
  Cost cost;
  const bool free = op.form() == Form::constant || op.form() == Form::loop;
  if (free || is_view(kernel, op)) return cost;
  cost.written = bytes_of_results(kernel, op);
  switch (op.form()) {
    case Form::iota:
      return cost;
    case Form::slice:
    case Form::dynamic_slice:
    case Form::gather:
      cost.read = real(kernel.operand(op, 0).bytes_of(kernel.result(op).elements)) +
                  bytes_of_operands(kernel, op, 1);
      return cost;
    case Form::pad:
      cost.read = real(kernel.operand(op, 0).bytes_of(kept_by_pad(kernel, op))) +
                  bytes_of_operands(kernel, op, 1);
      return cost;
    case Form::dynamic_update_slice:
      cost.read = bytes_of_operands(kernel, op, 1);
      cost.written = real(kernel.result(op).bytes_of(kernel.operand(op, 1).elements));
      return cost;
    case Form::scatter:
      cost = of_scatter(kernel, op);
      break;
    default:
      cost.read = bytes_of_operands(kernel, op, 0);
      work(kernel, op, cost);
  }
  cost.read += real(op.captured);
  return cost;
}

}  // namespace cosmalloc::kernel_text
