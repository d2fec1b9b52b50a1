// Reads one kernel as MLIR prints it: `func.func public @main(%arg0: T, ...) -> T { ... return }`.
//
// Every step says whether it understood what stands there; false ends the reading: the text is not
// this reader's, though it may be good MLIR. What is read is well formed: names are defined before
// they are used, types are those of the values, shapes fit the operation.
#pragma once

#include "kernel_text/cursor.hpp"
#include "kernel_text/kernel.hpp"
#include "kernel_text/names.hpp"

namespace cosmalloc::kernel_text {

class Parser {
 public:
  // kernel: emptied first.
  Parser(std::string_view text, const Words& words, Kernel& kernel);

  bool function();

 private:
  // Blocks, in parser.cpp.
  bool arguments();
  bool work();  // operations up to what ends the block
  bool returns(Range& values);
  bool statement(Operation& op);
  bool operation(Operation& op);
  bool pretty(Operation& op);
  bool region(Operation& op);
  bool inner(Operation& op, Body& body);
  bool block_argument();
  void close_regions(Operation& op);

  // Loops, in parse_while.cpp.
  bool loop(Operation& op);
  bool condition(Operation& op, Operation& test);
  bool repeat(const Operation& op, const Operation& test, std::size_t begin);
  std::optional<std::int64_t> step_of(Id counter, Id made, std::size_t begin) const;
  std::optional<std::int64_t> integer_of(Id value) const;

  // Values and types, in parse_types.cpp.
  bool type(Type& out);
  bool operand(Operation& op);
  bool operands(Operation& op, std::size_t count);  // with commas between
  bool operands_in_brackets(Operation& op);
  bool type_of(Id value);                               // the value's type as it was written before
  bool operand_types(Operation& op);                    // (T, ...)
  bool result_types(Operation& op, std::size_t count);  // -> T, or -> (T, ...)
  bool signature(Operation& op, std::size_t results = 1);  // : (T, ...) -> T
  bool types_of(const Range& values);                      // T, T
  Id next_value() const { return static_cast<Id>(kernel_.type_of.size()); }
  void add_value(const Type& type);
  void result_is(Operation& op, const Type& type);
  void result_like(Operation& op, std::size_t operand);
  bool integers(Operation& op, List list);  // [1, 2]
  bool integers_until(Operation& op, List list, char stop);
  bool named(Operation& op, std::string_view name, List list);  // name = [1, 2]
  void append(Operation& op, List list, std::int64_t number);
  bool flag(bool& out);

  // Operations: elementwise ones, in parse_elementwise.cpp.
  bool of_one_type(Operation& op, std::size_t arity);
  bool chlo(Operation& op);
  bool convert(Operation& op);
  bool to_element(Operation& op);
  bool complex(Operation& op);
  bool compare(Operation& op);
  bool select(Operation& op);
  bool clamp(Operation& op);

  // In parse_constant.cpp.
  bool constant(Operation& op);
  bool iota(Operation& op);

  // In parse_movement.cpp.
  bool broadcast_in_dim(Operation& op);
  bool transpose(Operation& op);
  bool reshape(Operation& op);
  bool bitcast_convert(Operation& op);
  bool slice(Operation& op);
  bool reverse(Operation& op);
  bool concatenate(Operation& op);
  bool pad(Operation& op);
  bool dynamic_slice(Operation& op);
  bool dynamic_update_slice(Operation& op);

  // In parse_dot.cpp.
  bool dot_general(Operation& op);
  bool fft(Operation& op);

  // In parse_convolution.cpp.
  bool convolution(Operation& op);
  bool places(Operation& op, List spatial, std::string_view letters, std::size_t& first,
              std::size_t& second);
  bool window(Operation& op);
  bool groups(Operation& op);

  // In parse_reduce.cpp.
  bool reduce(Operation& op);
  bool reducer(Operation& op, std::size_t count);
  bool applied(Operation& op, const Known& known);
  bool top_k(Operation& op);

  // The generic form, in parse_generic.cpp and parse_indexed.cpp.
  bool generic(Operation& op);
  bool property(Operation& op);
  bool window_property(Operation& op, std::string_view name);
  bool sort_property(Operation& op, std::string_view name);
  bool array(Operation& op, List list);
  bool dense_pairs(Operation& op, List list);
  bool index_property(Operation& op, std::string_view name);
  bool dimension_numbers(Operation& op, std::string_view mnemonic);

  struct Integer {
    Id value;
    std::int64_t number;
  };

  Cursor at_;
  const Words& words_;
  Kernel& kernel_;
  Names names_;
  std::vector<Integer> integers_;  // scalar constants
  std::size_t depth_ = 0;          // of loops
  bool inside_ = false;            // a region
  Id floor_ = 0;                   // values below it come from outside of the region
  std::vector<Id> outer_;          // that regions of the operation at hand named
  std::vector<Id> later_;          // operands that stand behind others in the operation's order
};

}  // namespace cosmalloc::kernel_text
