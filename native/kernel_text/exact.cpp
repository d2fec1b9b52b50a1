// Sizes as remainders, and constant operands: features/exact.py.
#include "kernel_text/checks.hpp"
#include "kernel_text/details.hpp"
#include "kernel_text/windows.hpp"

namespace cosmalloc::kernel_text {
namespace {

void rest(std::int64_t extent, std::int64_t of, Row& row) { row.put(real(extent % of) / real(of)); }

void part(std::int64_t extent, Row& row) { row.put(real(std::min<std::int64_t>(extent, 64)) / 64); }

void few(std::int64_t extent, Row& row) {
  rest(extent, 16, row);
  part(extent, row);
}

void dot(const Kernel& kernel, const Operation& op, Row& row) {
  const auto [batch, rows, columns, depth] = product_sizes(kernel, op);
  for (const std::int64_t extent : {rows, columns, depth}) few(extent, row);
  rest(rows, 8, row);
  rest(columns, 8, row);
}

void convolution(const Kernel& kernel, const Operation& op, Row& row) {
  const Type& weights = kernel.operand(op, 1);
  const Extents space = kernel.list(op, List::result);
  const std::int64_t made = weights.extents[op.places.kernel_output] / op.feature_groups;
  const std::int64_t last = space.empty() ? 1 : at(kernel.result(op).shape(), space.back());
  for (const std::int64_t extent : {weights.extents[op.places.kernel_input], made, last}) {
    few(extent, row);
  }
  rest(made, 8, row);
  rest(last, 8, row);
  const Extents image = kernel.list(op, List::image), window = kernel.list(op, List::kernel);
  const Extents shape = kernel.operand(op, 0).shape();
  double places = 1, met = 1;
  std::int64_t least = image.empty() ? 1 : at(shape, image[0]);
  bool exceeds = false;
  for (std::size_t d = 0; d < image.size(); ++d) {
    const std::int64_t extent = at(shape, image[d]);
    places *= real(extent);
    least = std::min(least, extent);
    const std::int64_t width = at(weights.shape(), window[d]);
    exceeds = exceeds || width > extent;
    const std::int64_t out = at(kernel.result(op).shape(), space[d]);
    met *= real(pairs(window_of(kernel, op, d, extent, out, width)));
  }
  row.flag(exceeds);
  row.sizes({places});
  row.put(size(least));
  const double results = real(kernel.result(op).extents[op.places.result_feature]);
  const double batch = real(shape[op.places.image_batch] / op.batch_groups);
  row.put(size(2 * batch * real(weights.extents[op.places.kernel_input]) * results * met));
}

bool is_bit(Constant value) { return value == Constant::zero || value == Constant::one; }

// Of the last two dimensions with more than one place; zeros of a scalar.
void minor_ones(Extents shape, Row& row) {
  std::array<std::int64_t, 2> last{1, 1};
  std::size_t found = 0;
  for (std::size_t d = shape.size(); d-- > 0 && found < last.size();) {
    if (shape[d] > 1) last[found++] = shape[d];
  }
  if (shape.empty()) last = {0, 0};
  rest(last[0], 16, row);
  rest(last[0], 8, row);
  part(last[0], row);
  part(last[1], row);
}

}  // namespace

const Type* largest(const Kernel& kernel, const Operation& op) {
  const Type* out = nullptr;
  for (std::size_t i = 0; i < op.operands.count; ++i) {
    const Type& operand = kernel.operand(op, i);
    if (out == nullptr || operand.elements > out->elements) out = &operand;
  }
  return out;
}

void exact(const Kernel& kernel, const Operation& op, Row& row) {
  if (op.form() == Form::dot_general) return dot(kernel, op, row);
  if (op.form() == Form::convolution) return convolution(kernel, op, row);
  const Type* given = largest(kernel, op);
  minor_ones(kernel.result(op).shape(), row);
  minor_ones(given == nullptr ? Extents{} : given->shape(), row);
  if (op.operands.count != 2) return;
  const Constant first = kernel.constant(kernel.operands_of(op)[0]);
  const Constant second = kernel.constant(kernel.operands_of(op)[1]);
  row.flags({second != Constant::none, second == Constant::power || second == Constant::one});
  row.flags({first != Constant::none, is_bit(first) || is_bit(second)});
}

}  // namespace cosmalloc::kernel_text
