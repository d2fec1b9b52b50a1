// The attributes of gathers and scatters.
#include "kernel_text/parser.hpp"

namespace cosmalloc::kernel_text {

bool Parser::index_property(Operation& op, std::string_view name) {
  bool unused = false;
  const bool gather = op.form() == Form::gather;
  if (name == "indices_are_sorted") return flag(unused);
  if (gather && name == "slice_sizes") return array(op, List::sizes);
  if (gather && name == "dimension_numbers") return dimension_numbers(op, "gather");
  if (gather) return false;
  if (name == "unique_indices") return flag(unused);
  return name == "scatter_dimension_numbers" && dimension_numbers(op, "scatter");
}

// `#stablehlo.gather<offset_dims = [1], ..., index_vector_dim = 1>`
bool Parser::dimension_numbers(Operation& op, std::string_view mnemonic) {
  const bool gather = op.form() == Form::gather;
  if (op.axis != -1 || !at_.symbol("#stablehlo.") || !at_.exactly(mnemonic)) return false;
  if (!at_.exactly("<")) return false;
  op.axis = -2;
  do {
    const std::string_view name = at_.word();
    if (!at_.symbol("=")) return false;
    if (name == "index_vector_dim") {
      if (op.axis != -2 || !at_.integer(op.axis) || op.axis < 0) return false;
      continue;
    }
    List list = List::count;
    if (name == (gather ? "offset_dims" : "update_window_dims")) list = List::window_dims;
    if (name == (gather ? "collapsed_slice_dims" : "inserted_window_dims")) list = List::dropped;
    if (name == (gather ? "operand_batching_dims" : "input_batching_dims")) {
      list = List::operand_batching;
    }
    if (name == (gather ? "start_indices_batching_dims" : "scatter_indices_batching_dims")) {
      list = List::indices_batching;
    }
    if (name == (gather ? "start_index_map" : "scatter_dims_to_operand_dims")) {
      list = List::index_map;
    }
    if (list == List::count || !integers(op, list)) return false;
  } while (at_.symbol(","));
  return op.axis >= 0 && at_.symbol(">");
}

}  // namespace cosmalloc::kernel_text
