// A kernel as it was read: values with types, and operations with their operands and attributes.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "kernel_text/words.hpp"

namespace cosmalloc::kernel_text {

using Id = std::uint32_t;  // of a value
using Extents = std::span<const std::int64_t>;

inline double real(std::int64_t whole) { return static_cast<double>(whole); }

struct Type {
  std::array<std::int64_t, kMaxRank> extents;
  std::size_t rank = 0;
  const Element* element = nullptr;
  std::int64_t elements = 1;
  std::string_view text;  // as it is written; equal types are written alike

  Extents shape() const { return {extents.data(), rank}; }
  std::int64_t bytes() const { return bytes_of(elements); }
  std::int64_t bytes_of(std::int64_t count) const { return count * element->bytes; }
  bool is(std::uint8_t classes) const { return (element->kind & classes) != 0; }
};

inline bool same(Extents a, Extents b) { return std::ranges::equal(a, b); }
inline bool operator==(const Type& a, const Type& b) {
  return a.element == b.element && same(a.shape(), b.shape());
}

// Attributes that are lists of integers. Windows share words: a convolution's lhs_dilation is its
// base dilation, its rhs_dilation the window's.
enum class List : std::uint8_t {
  dims,  // of a broadcast, transpose, reduction, reversal; lengths of an fft
  lhs_batching,
  rhs_batching,
  lhs_contracting,
  rhs_contracting,
  image,  // spatial dimensions of a convolution's ends
  kernel,
  result,
  window,
  strides,
  padding,  // low, high of each dimension
  base_dilation,
  dilation,
  reversal,
  low,
  high,
  interior,
  start,
  limit,
  sizes,
  window_dims,  // offset_dims of a gather, update_window_dims of a scatter
  dropped,      // collapsed or inserted
  operand_batching,
  indices_batching,
  index_map,
  count,
};

struct Range {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  bool given = false;
};

// Places of a convolution's dimensions.
struct Places {
  std::size_t image_batch = 0, image_feature = 0;
  std::size_t kernel_input = 0, kernel_output = 0;
  std::size_t result_batch = 0, result_feature = 0;
};

// What a value is known to be: the same number everywhere; 1, another power of two, 0, or another.
enum class Constant : std::uint8_t { none, one, power, zero, number };

// A region: one run's arithmetic.
struct Body {
  std::int64_t flops = 0;
  std::int64_t transcendentals = 0;
  std::int16_t last = 0;  // kind of the operation before the terminator
  Range arguments;        // values
  Range returned;         // places in Kernel::operands
};

struct Operation {
  const Known* known = nullptr;
  Range operands;  // places in Kernel::operands
  Range results;   // values
  std::array<Range, static_cast<std::size_t>(List::count)> lists;
  Places places;
  std::int64_t axis = -1;  // iota, concatenation, sort, index_vector_dim; k of top_k
  std::int64_t feature_groups = 1;
  std::int64_t batch_groups = 1;
  std::string_view direction;  // of a comparison
  bool equality = false;       // of a comparison
  bool stable = false;
  std::int64_t repeats = 1;
  std::size_t regions = 0;
  std::array<Body, 2> bodies;
  std::int64_t captured = 0;  // bytes of outer values that the regions name

  Form form() const { return known->form; }
};

struct Kernel {
  std::vector<Type> types;
  std::vector<std::uint32_t> type_of;  // of each value
  std::vector<Id> shows;  // of each value: itself, of a loop's argument what the loop starts from
  std::vector<Constant> constants;  // of each value up to the last that is known to be one
  std::vector<Id> operands;
  std::vector<std::int64_t> numbers;
  std::vector<Operation> operations;
  Range arguments;  // values
  Range returned;   // places in operands

  void clear() {
    types.clear();
    type_of.clear();
    shows.clear();
    constants.clear();
    operands.clear();
    numbers.clear();
    operations.clear();
  }

  Constant constant(Id value) const {
    return value < constants.size() ? constants[value] : Constant::none;
  }
  void is_constant(Id value, Constant constant) {
    if (constant == Constant::none) return;
    constants.resize(value + 1, Constant::none);
    constants[value] = constant;
  }

  const Type& type(Id value) const { return types[type_of[value]]; }
  std::span<const Id> operands_of(const Range& range) const {
    return std::span(operands).subspan(range.first, range.count);
  }
  std::span<const Id> operands_of(const Operation& op) const { return operands_of(op.operands); }
  const Type& operand(const Operation& op, std::size_t i) const {
    return type(operands[op.operands.first + i]);
  }
  const Type& result(const Operation& op, std::size_t i = 0) const {
    return type(op.results.first + static_cast<Id>(i));
  }
  static bool has(const Operation& op, List list) { return range(op, list).given; }
  static const Range& range(const Operation& op, List list) {
    return op.lists[static_cast<std::size_t>(list)];
  }
  // Empty if it is not given.
  Extents list(const Operation& op, List list) const {
    const Range& found = range(op, list);
    return std::span(numbers).subspan(found.first, found.count);
  }
};

}  // namespace cosmalloc::kernel_text
