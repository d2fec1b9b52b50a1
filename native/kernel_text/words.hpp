// The operations and element types that this reader knows: how each is written, and what Python's
// rules say of it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kernel_text/limits.hpp"

namespace cosmalloc::kernel_text {

// Families of syntax.
enum class Form : std::uint8_t {
  unary,
  binary,
  chlo_unary,
  convert,
  part,  // real and imaginary part
  is_finite,
  complex,
  compare,
  select,
  clamp,
  constant,
  iota,
  broadcast_in_dim,
  transpose,
  reshape,
  bitcast_convert,
  slice,
  reverse,
  concatenate,
  pad,
  dynamic_slice,
  dynamic_update_slice,
  dot_general,
  convolution,
  fft,
  reduce,
  top_k,
  loop,
  reduce_window,
  select_and_scatter,
  gather,
  scatter,
  sort,
};

// Classes of element types, as a set.
constexpr std::uint8_t kFloat = 1;
constexpr std::uint8_t kSigned = 2;
constexpr std::uint8_t kUnsigned = 4;
constexpr std::uint8_t kBoolean = 8;
constexpr std::uint8_t kComplex = 16;
constexpr std::uint8_t kInteger = kSigned | kUnsigned;
constexpr std::uint8_t kAny = kFloat | kInteger | kBoolean | kComplex;

struct Element {
  std::string name;       // as MLIR writes it
  std::int8_t index = 0;  // in the features' list of types
  std::int64_t bytes = 0;
  std::uint8_t kind = 0;  // one of the classes
};

// What Python's rules say of an operation.
struct Facts {
  std::string name;
  std::int16_t kind = 0;   // in the features' list of kinds
  bool partial = false;    // reads what it needs, by its kind
  bool as_needed = false;  // the same, or elementwise
  bool whole = false;      // done whole or not at all
  std::int64_t flops = 0;  // per element of the result, if elementwise
  std::int64_t transcendentals = 0;
};

struct Known {
  Form form = Form::unary;
  std::uint8_t classes = kAny;  // that operands may have
  bool reduces = false;         // may stand behind `applies`
  Facts facts;
};

class Words {
 public:
  Words(std::vector<Facts> operations, std::vector<Element> elements);

  // Null if the name is no operation of this reader.
  const Known* find(std::string_view name) const;
  std::span<const Element> elements() const { return elements_; }
  std::vector<std::string> names() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, Known, Hash, std::equal_to<>> known_;
  std::vector<Element> elements_;
};

}  // namespace cosmalloc::kernel_text
