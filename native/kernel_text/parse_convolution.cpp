// Convolutions, in the form
//   (%a, %b) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {stride = [1], pad = [[0, 0]]}
//   {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (T, U) -> V
#include <utility>

#include "kernel_text/checks.hpp"
#include "kernel_text/parser.hpp"
#include "kernel_text/windows.hpp"

namespace cosmalloc::kernel_text {
namespace {

bool convolves(const Kernel& kernel, const Operation& op) {
  const Type &image = kernel.operand(op, 0), &weights = kernel.operand(op, 1);
  const Type& made = kernel.result(op);
  const Places& at_place = op.places;
  const Extents spatial = kernel.list(op, List::image), taps = kernel.list(op, List::kernel);
  const Extents positions = kernel.list(op, List::result);
  const std::size_t rank = image.rank;
  if (weights.rank != rank || made.rank != rank || spatial.size() + 2 != rank) return false;
  if (taps.size() + 2 != rank || positions.size() + 2 != rank) return false;
  if (image.element != weights.element || made.element->kind != image.element->kind) return false;
  const std::int64_t batch = image.extents[at_place.image_batch];
  const std::int64_t features = image.extents[at_place.image_feature];
  const std::int64_t taken = weights.extents[at_place.kernel_input];
  const std::int64_t filters = weights.extents[at_place.kernel_output];
  const std::int64_t groups = op.feature_groups, parts = op.batch_groups;
  if (groups < 1 || parts < 1 || (groups > 1 && parts > 1)) return false;
  if (features % groups != 0 || features / groups != taken || batch % parts != 0) return false;
  if (filters % groups != 0 || filters % parts != 0) return false;
  if (made.extents[at_place.result_batch] != batch / parts) return false;
  if (made.extents[at_place.result_feature] != filters) return false;
  if (!are_of_rank(kernel, op, spatial.size())) return false;
  for (std::size_t d = 0; d < spatial.size(); ++d) {
    const std::int64_t n = at(image.shape(), spatial[d]), out = at(made.shape(), positions[d]);
    if (!fits(window_of(kernel, op, d, n, out, at(weights.shape(), taps[d])))) return false;
  }
  return true;
}

}  // namespace

bool Parser::convolution(Operation& op) {
  Places& found = op.places;
  if (!operands_in_brackets(op) || op.operands.count != 2) return false;
  if (!at_.word("dim_numbers") || !at_.symbol("=")) return false;
  if (!places(op, List::image, "bf", found.image_batch, found.image_feature)) return false;
  if (!at_.word("x")) return false;
  if (!places(op, List::kernel, "io", found.kernel_input, found.kernel_output)) return false;
  if (!at_.symbol("->")) return false;
  if (!places(op, List::result, "bf", found.result_batch, found.result_feature)) return false;
  if (!at_.symbol(",") || !window(op) || !groups(op)) return false;
  return signature(op) && convolves(kernel_, op);
}

// `[b, 0, 1, f]`: the places of both letters, and those of the numbers 0, 1, ... in their order.
bool Parser::places(Operation& op, List spatial, std::string_view letters, std::size_t& first,
                    std::size_t& second) {
  std::array<std::int64_t, kMaxRank> place;
  place.fill(-1);
  std::int64_t letter[2] = {-1, -1};
  std::size_t rank = 0;
  if (!at_.symbol("[")) return false;
  do {
    const auto here = static_cast<std::int64_t>(rank);
    if (++rank > kMaxRank) return false;
    std::int64_t number = 0;
    if (at_.integer(number)) {
      if (number < 0 || number >= static_cast<std::int64_t>(kMaxRank)) return false;
      if (std::exchange(place[static_cast<std::size_t>(number)], here) >= 0) return false;
    } else {
      const std::string_view word = at_.word();
      const std::size_t which = word.size() == 1 ? letters.find(word) : std::string_view::npos;
      if (which == std::string_view::npos || std::exchange(letter[which], here) >= 0) return false;
    }
  } while (at_.symbol(","));
  if (!at_.symbol("]") || rank < 3 || letter[0] < 0 || letter[1] < 0) return false;
  for (std::size_t d = 0; d + 2 < rank; ++d) {
    if (place[d] < 0) return false;
    append(op, spatial, place[d]);
  }
  first = static_cast<std::size_t>(letter[0]);
  second = static_cast<std::size_t>(letter[1]);
  return true;
}

// `window = {stride = [1], pad = [[0, 0]], lhs_dilate = [1], rhs_dilate = [1], reverse = [false]}`
bool Parser::window(Operation& op) {
  if (!at_.word("window") || !at_.symbol("=") || !at_.symbol("{")) return false;
  bool first = true;
  while (!at_.symbol("}")) {
    if (!first && !at_.symbol(",")) return false;
    first = false;
    const std::string_view name = at_.word();
    if (!at_.symbol("=")) return false;
    if (name == "pad" || name == "reverse") {
      const List list = name == "pad" ? List::padding : List::reversal;
      if (Kernel::has(op, list) || !at_.symbol("[")) return false;
      do {
        std::int64_t low = 0, high = 0;
        bool reversed = false;
        if (name == "reverse") {
          if (!flag(reversed)) return false;
          append(op, list, reversed ? 1 : 0);
          continue;
        }
        if (!at_.symbol("[") || !at_.integer(low) || !at_.symbol(",")) return false;
        if (!at_.integer(high) || !at_.symbol("]")) return false;
        append(op, list, low);
        append(op, list, high);
      } while (at_.symbol(","));
      if (!at_.symbol("]")) return false;
      continue;
    }
    const bool known = name == "stride" || name == "lhs_dilate" || name == "rhs_dilate";
    const List list = name == "stride"       ? List::strides
                      : name == "lhs_dilate" ? List::base_dilation
                                             : List::dilation;
    if (!known || !integers(op, list)) return false;
  }
  return true;
}

// `{batch_group_count = 1 : i64, feature_group_count = 1 : i64, precision_config = [...]}`
bool Parser::groups(Operation& op) {
  constexpr std::string_view kPrecision = "#stablehlo<precision ";
  const auto count = [this](std::string_view name, std::int64_t& out) {
    return at_.word(name) && at_.symbol("=") && at_.integer(out) && at_.symbol(":") &&
           at_.word("i64");
  };
  const auto precision = [&] {
    const bool known =
        at_.symbol(kPrecision) && (at_.word("DEFAULT") || at_.word("HIGHEST") || at_.word("HIGH"));
    return known && at_.exactly(">");
  };
  if (!at_.symbol("{") || !count("batch_group_count", op.batch_groups)) return false;
  if (!at_.symbol(",") || !count("feature_group_count", op.feature_groups)) return false;
  if (!at_.symbol(",")) return at_.symbol("}");
  return at_.word("precision_config") && at_.symbol("=") && at_.symbol("[") && precision() &&
         at_.symbol(",") && precision() && at_.symbol("]") && at_.symbol("}");
}

}  // namespace cosmalloc::kernel_text
