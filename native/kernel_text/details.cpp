#include "kernel_text/details.hpp"

#include "kernel_text/checks.hpp"
#include "kernel_text/cost.hpp"

namespace cosmalloc::kernel_text {
namespace {

std::int64_t product_at(Extents shape, Extents dims) {
  std::int64_t out = 1;
  for (const std::int64_t d : dims) out *= at(shape, d);
  return out;
}

// Of steps, which may be many and large.
double product_of(Extents numbers) {
  double out = 1;
  for (const std::int64_t number : numbers) out *= real(number);
  return out;
}

double sum_of_magnitudes(Extents numbers) {
  double out = 0;
  for (const std::int64_t number : numbers) out += real(std::abs(number));
  return out;
}

bool consecutive(Extents dims) {
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] != dims[0] + static_cast<std::int64_t>(i)) return false;
  }
  return !dims.empty();
}

bool divides(std::int64_t by, std::int64_t number) { return number % by == 0; }

// Batch, rows, columns, contracted; which sides are contracted along their minor dimension.
void dot(const Kernel& kernel, const Operation& op, Row& row) {
  const Type &left = kernel.operand(op, 0), &right = kernel.operand(op, 1);
  const Extents contracted = kernel.list(op, List::lhs_contracting);
  const Extents other = kernel.list(op, List::rhs_contracting);
  const Extents batching = kernel.list(op, List::lhs_batching);
  const auto [batch, rows, columns, depth] = product_sizes(kernel, op);
  row.sizes({real(batch), real(rows), real(columns), real(depth), real(rows) * real(columns),
             real(rows) * real(depth), real(columns) * real(depth)});
  row.flags({contains(contracted, minor(left.shape())), contains(other, minor(right.shape()))});
  row.flags({batch == 1, rows == 1, columns == 1, depth == 1});
  row.flags({divides(16, rows), divides(16, columns), divides(16, depth)});
  row.flags({divides(64, rows), divides(64, columns), divides(64, depth)});
  row.flags({contracted.size() > 1, consecutive(contracted), consecutive(batching)});
}

// Batch, output positions, features per group, groups, window, steps, dilations, layout.
void convolution(const Kernel& kernel, const Operation& op, Row& row) {
  const Type &image = kernel.operand(op, 0), &weights = kernel.operand(op, 1);
  const Type& made = kernel.result(op);
  const Places& places = op.places;
  const Extents taps = kernel.list(op, List::kernel), positions = kernel.list(op, List::result);
  const std::int64_t groups = op.feature_groups;
  const std::int64_t features = weights.extents[places.kernel_input];
  const std::int64_t filters = weights.extents[places.kernel_output] / groups;
  const std::int64_t window = product_at(weights.shape(), taps);
  const double flops = window_flops(kernel, op);
  row.sizes({real(image.extents[places.image_batch]), real(product_at(made.shape(), positions)),
             real(features), real(filters), real(groups), real(window),
             real(features) * real(window), real(at(weights.shape(), taps.back())),
             real(at(weights.shape(), taps.front()))});
  for (const List list : {List::strides, List::base_dilation, List::dilation}) {
    row.put(size(product_of(kernel.list(op, list)) - 1));
  }
  row.put(size(sum_of_magnitudes(kernel.list(op, List::padding))));
  row.put(size(op.batch_groups - 1));
  row.put(static_cast<double>(taps.size()) / 4);
  row.flags({places.image_feature == image.rank - 1, places.result_feature == image.rank - 1,
             places.kernel_output == weights.rank - 1, groups > 1 && features == 1, groups > 1,
             divides(16, filters), divides(16, features * window),
             !within(kernel.list(op, List::reversal), 0, 0)});
  row.sizes({real(at(made.shape(), positions.back())), flops, flops * real(groups),
             real(groups) * real(features), real(groups) * real(filters)});
}

void reduce(const Kernel& kernel, const Operation& op, Row& row) {
  const Type& given = kernel.operand(op, 0);
  const Extents dims = kernel.list(op, List::dims), shape = given.shape();
  const std::int64_t count = product_at(shape, dims);
  row.sizes({real(count), real(given.elements / std::max<std::int64_t>(1, count)),
             real(run_of_same(shape, [&](std::size_t d) { return contains(dims, d); })),
             real(run_of_same(shape, [&](std::size_t d) { return !contains(dims, d); }))});
  row.flag(contains(dims, minor(shape)));
  row.put(static_cast<double>(op.results.count) / 4);
  row.flag(count == given.elements);
}

// Reductions of windows, and their reversal.
void windows(const Kernel& kernel, const Operation& op, Row& row) {
  const Extents window = kernel.list(op, List::window), steps = kernel.list(op, List::strides);
  const Extents pads = kernel.list(op, List::padding);
  const double places = product_of(window);
  const bool tiles = Kernel::has(op, List::strides) ? same(steps, window) : within(window, 1, 1);
  const auto one = [&](std::size_t d) { return window[d] == 1; };
  row.put(size(real(kernel.result(op).elements) * places));
  row.flag(tiles && within(pads, 0, 0));
  row.sizes({real(run_of_same(kernel.operand(op, 0).shape(), one)), places,
             real(window.empty() ? 1 : window.back())});
  for (const List list : {List::strides, List::base_dilation, List::dilation}) {
    row.put(size(product_of(kernel.list(op, list)) - 1));
  }
  row.put(size(sum_of_magnitudes(pads)));
  row.put(static_cast<double>(std::ranges::count_if(window, [](auto n) { return n > 1; })) / 4);
  row.put(size(window.empty() ? std::int64_t{1} : std::ranges::max(window)));
}

void transpose(const Kernel& kernel, const Operation& op, Row& row) {
  const Extents shape = kernel.operand(op, 0).shape(), order = kernel.list(op, List::dims);
  if (order.empty()) return;
  const std::int64_t last = order[minor(kernel.result(op).shape())];
  const auto stays = [&](std::size_t d) { return order[d] == static_cast<std::int64_t>(d); };
  row.flag(last == static_cast<std::int64_t>(minor(shape)));
  row.sizes({real(product(shape.subspan(static_cast<std::size_t>(last) + 1))),
             real(run_of_same(shape, stays)), real(shape[minor(shape)]), real(at(shape, last))});
}

void broadcast(const Kernel& kernel, const Operation& op, Row& row) {
  const Type& given = kernel.operand(op, 0);
  const Extents shape = kernel.result(op).shape(), dims = kernel.list(op, List::dims);
  const auto held = [&](std::size_t d) {
    for (std::size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] == static_cast<std::int64_t>(d)) return given.extents[i] == shape[d];
    }
    return false;
  };
  row.sizes({real(given.elements), real(run_of_same(shape, held)),
             real(run_of_same(shape, [&](std::size_t d) { return !held(d); }))});
  row.flags({given.elements == 1, !shape.empty() && held(minor(shape))});
}

// Slices, pads, concatenations, updates: how much lies together.
void cut(const Kernel& kernel, const Operation& op, Row& row) {
  const Type* large = &kernel.operand(op, 0);
  for (std::size_t i = 1; i < op.operands.count; ++i) {
    if (kernel.operand(op, i).elements > large->elements) large = &kernel.operand(op, i);
  }
  if (kernel.result(op).elements > large->elements) large = &kernel.result(op);
  const bool update = op.form() == Form::dynamic_update_slice;
  const bool grows = op.form() == Form::concatenate || op.form() == Form::pad;
  const Type& small = update  ? kernel.operand(op, 1)
                      : grows ? kernel.operand(op, 0)
                              : kernel.result(op);
  if (large->rank != small.rank) return;
  const Extents steps = kernel.list(op, List::strides), holes = kernel.list(op, List::interior);
  const auto equal = [&](std::size_t d) { return large->extents[d] == small.extents[d]; };
  row.sizes({real(run_of_same(large->shape(), equal)), real(small.elements), real(large->elements),
             steps.empty() ? 0 : product_of(steps) - 1});
  row.put(static_cast<double>(op.operands.count) / 16);
  row.flag(!steps.empty() && steps.back() > 1);
  row.put(size(Kernel::has(op, List::interior) ? product_of(holes) : 0));
  row.flag(small.rank > 0 && equal(small.rank - 1));
}

// Gather and scatter: how many indices, and what each moves.
void indexed(const Kernel& kernel, const Operation& op, Row& row) {
  const bool scatter = op.form() == Form::scatter;
  const Type& indices = kernel.operand(op, scatter ? op.results.count : 1);
  const Type& moved = scatter ? kernel.operand(op, op.operands.count - 1) : kernel.result(op);
  const std::int64_t depth =
      std::max<std::int64_t>(1, indices.rank > 0 ? indices.shape().back() : 1);
  const std::int64_t count = std::max<std::int64_t>(1, indices.elements / depth);
  row.sizes({real(count), real(moved.elements) / real(count), real(moved.elements),
             real(kernel.operand(op, 0).elements)});
  row.put(real(depth) / 4);
  row.put(size(moved.rank > 0 ? moved.shape().back() : 1));
  row.flag(scatter);
}

void sort(const Kernel& kernel, const Operation& op, Row& row) {
  const Type& given = kernel.operand(op, 0);
  const std::int64_t length = at(given.shape(), op.axis);
  row.sizes({real(length), real(given.elements / std::max<std::int64_t>(1, length))});
  row.flag(op.axis == static_cast<std::int64_t>(given.rank) - 1);
  row.put(static_cast<double>(op.operands.count) / 4);
  row.flag(op.stable);
}

void fft(const Kernel& kernel, const Operation& op, Row& row) {
  const Extents lengths = kernel.list(op, List::dims);
  const std::int64_t points = product(lengths);
  row.sizes({real(points), static_cast<double>(lengths.size())});
  row.flag((points & (points - 1)) == 0);
}

}  // namespace

ProductSizes product_sizes(const Kernel& kernel, const Operation& op) {
  const Type &left = kernel.operand(op, 0), &right = kernel.operand(op, 1);
  const std::int64_t batch = product_at(left.shape(), kernel.list(op, List::lhs_batching));
  const std::int64_t depth = product_at(left.shape(), kernel.list(op, List::lhs_contracting));
  const std::int64_t share = std::max<std::int64_t>(1, batch * depth);
  return {batch, left.elements / share, right.elements / share, depth};
}

double window_flops(const Kernel& kernel, const Operation& op) {
  const Type& weights = kernel.operand(op, 1);
  const double taps = real(product_at(weights.shape(), kernel.list(op, List::kernel)));
  const double features = real(weights.extents[op.places.kernel_input]);
  return 2 * real(kernel.result(op).elements) * features * taps;
}

void details(const Kernel& kernel, const Operation& op, Row& row) {
  switch (op.form()) {
    case Form::dot_general:
      return dot(kernel, op, row);
    case Form::convolution:
      return convolution(kernel, op, row);
    case Form::reduce:
      return reduce(kernel, op, row);
    case Form::reduce_window:
    case Form::select_and_scatter:
      return windows(kernel, op, row);
    case Form::transpose:
      return transpose(kernel, op, row);
    case Form::broadcast_in_dim:
      return broadcast(kernel, op, row);
    case Form::slice:
    case Form::dynamic_slice:
    case Form::dynamic_update_slice:
    case Form::pad:
    case Form::concatenate:
    case Form::reverse:
      return cut(kernel, op, row);
    case Form::gather:
    case Form::scatter:
      return indexed(kernel, op, row);
    case Form::sort:
      return sort(kernel, op, row);
    case Form::fft:
      return fft(kernel, op, row);
    default:
      return;
  }
}

}  // namespace cosmalloc::kernel_text
