#include <random>

#include "check.hpp"
#include "kernel_text/read.hpp"

namespace cosmalloc::kernel_text {
namespace {

constexpr std::int16_t kArgument = 1;

Words some_words() {
  std::vector<Facts> facts;
  std::int16_t kind = 2;
  for (const char* name : {"add",
                           "maximum",
                           "exponential",
                           "compare",
                           "select",
                           "constant",
                           "broadcast_in_dim",
                           "reshape",
                           "slice",
                           "dot_general",
                           "convolution",
                           "reduce",
                           "reduce_window",
                           "gather",
                           "scatter",
                           "sort",
                           "pad",
                           "concatenate",
                           "iota",
                           "convert",
                           "transpose",
                           "while"}) {
    const bool adds = kind < 4;
    facts.push_back({std::string("stablehlo.") + name, kind, false, kind < 5, false, adds ? 1 : 0,
                     kind == 4 ? 1 : 0});
    ++kind;
  }
  return {facts,
          {{"f32", 1, 4, kFloat},
           {"i32", 5, 4, kSigned},
           {"i64", 6, 8, kSigned},
           {"i1", 8, 1, kBoolean}}};
}

constexpr std::string_view kProduct = R"(func.func public @main(%arg0: tensor<8x16xf32>,
    %arg1: tensor<16x4xf32>) -> tensor<8x4xf32> {
  %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0] : (tensor<8x16xf32>, tensor<16x4xf32>) -> tensor<8x4xf32>
  %1 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<8x4xf32>
  %2 = stablehlo.maximum %0, %1 : tensor<8x4xf32>
  return %2 : tensor<8x4xf32>
})";
constexpr std::string_view kConvolution =
    R"(func.func public @main(%arg0: tensor<1x8x8x4xf32>, %arg1: tensor<3x3x4x6xf32>) -> tensor<1x4x4x6xf32> {
  %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [2, 2], pad = [[0, 1], [0, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1], reverse = [false, false]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64, precision_config = [#stablehlo<precision DEFAULT>, #stablehlo<precision DEFAULT>]} : (tensor<1x8x8x4xf32>, tensor<3x3x4x6xf32>) -> tensor<1x4x4x6xf32>
  return %0 : tensor<1x4x4x6xf32>
})";
constexpr std::string_view kPool =
    R"(func.func public @main(%arg0: tensor<1x8x8x4xf32>) -> tensor<1x4x4x4xf32> {
  %cst = stablehlo.constant dense<0xFF800000> : tensor<f32>
  %0 = "stablehlo.reduce_window"(%arg0, %cst) <{base_dilations = array<i64: 1, 1, 1, 1>, padding = dense<[[0, 0], [0, 1], [0, 1], [0, 0]]> : tensor<4x2xi64>, window_dilations = array<i64: 1, 1, 1, 1>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
  ^bb0(%arg1: tensor<f32>, %arg2: tensor<f32>):
    %1 = stablehlo.maximum %arg1, %arg2 : tensor<f32>
    stablehlo.return %1 : tensor<f32>
  }) : (tensor<1x8x8x4xf32>, tensor<f32>) -> tensor<1x4x4x4xf32>
  return %0 : tensor<1x4x4x4xf32>
})";
constexpr std::string_view kIndexed =
    R"(func.func public @main(%arg0: tensor<9x6xf32>, %arg1: tensor<5x1xi32>, %arg2: tensor<5x6xf32>) -> (tensor<5x6xf32>, tensor<9x6xf32>) {
  %0 = "stablehlo.gather"(%arg0, %arg1) <{dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: 1, 6>}> : (tensor<9x6xf32>, tensor<5x1xi32>) -> tensor<5x6xf32>
  %1 = "stablehlo.scatter"(%arg0, %arg1, %arg2) <{indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, unique_indices = false}> ({
  ^bb0(%arg3: tensor<f32>, %arg4: tensor<f32>):
    %2 = stablehlo.add %arg3, %arg4 : tensor<f32>
    stablehlo.return %2 : tensor<f32>
  }) : (tensor<9x6xf32>, tensor<5x1xi32>, tensor<5x6xf32>) -> tensor<9x6xf32>
  return %0, %1 : tensor<5x6xf32>, tensor<9x6xf32>
})";
constexpr std::string_view kOrder =
    R"(func.func public @main(%arg0: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xi32>, tensor<4xf32>) {
  %cst = stablehlo.constant dense<[1.0, 2.5e-03, -3.0, 0x7FC00000]> : tensor<4xf32>
  %0 = stablehlo.iota dim = 1 : tensor<4x6xi32>
  %1:2 = "stablehlo.sort"(%arg0, %0) <{dimension = 1 : i64, is_stable = true}> ({
  ^bb0(%arg1: tensor<f32>, %arg2: tensor<f32>, %arg3: tensor<i32>, %arg4: tensor<i32>):
    %3 = stablehlo.compare LT, %arg1, %arg2, TOTALORDER : (tensor<f32>, tensor<f32>) -> tensor<i1>
    stablehlo.return %3 : tensor<i1>
  }) : (tensor<4x6xf32>, tensor<4x6xi32>) -> (tensor<4x6xf32>, tensor<4x6xi32>)
  %c = stablehlo.constant dense<0.0> : tensor<f32>
  %2 = stablehlo.reduce(%1#0 init: %c) applies stablehlo.add across dimensions = [1] : (tensor<4x6xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = stablehlo.add %2, %cst : tensor<4xf32>
  return %1#0, %1#1, %4 : tensor<4x6xf32>, tensor<4x6xi32>, tensor<4xf32>
})";
constexpr std::string_view kLoop =
    R"(func.func public @main(%arg0: tensor<8xf32>) -> tensor<8xf32> {
  %c = stablehlo.constant dense<0> : tensor<i32>
  %c_0 = stablehlo.constant dense<10> : tensor<i32>
  %c_1 = stablehlo.constant dense<3> : tensor<i32>
  %0:2 = stablehlo.while(%iterArg = %arg0, %iterArg_2 = %c) : tensor<8xf32>, tensor<i32>
  cond {
    %1 = stablehlo.compare LT, %iterArg_2, %c_0, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %1 : tensor<i1>
  } do {
    %1 = stablehlo.exponential %iterArg : tensor<8xf32>
    %2 = stablehlo.add %iterArg_2, %c_1 : tensor<i32>
    stablehlo.return %1, %2 : tensor<8xf32>, tensor<i32>
  }
  return %0#0 : tensor<8xf32>
})";
constexpr std::string_view kFolded =
    R"(func.func public @main(%arg0: tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8xf32>) {
  %cst = stablehlo.constant dense<5.000000e-01> : tensor<8x4xf32>
  %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
  %0 = stablehlo.exponential %cst : tensor<8x4xf32>
  %1 = stablehlo.reduce(%0 init: %cst_0) applies stablehlo.add across dimensions = [1] : (tensor<8x4xf32>, tensor<f32>) -> tensor<8xf32>
  %2 = stablehlo.broadcast_in_dim %cst_0, dims = [] : (tensor<f32>) -> tensor<8x4xf32>
  %3 = stablehlo.add %2, %arg0 : tensor<8x4xf32>
  return %3, %1 : tensor<8x4xf32>, tensor<8xf32>
})";
constexpr std::array kTexts{kProduct, kConvolution, kPool, kIndexed, kOrder, kLoop, kFolded};

Readings read_one(std::string_view text) { return read({&text, 1}, some_words(), kArgument); }

std::size_t at(std::int64_t place) { return static_cast<std::size_t>(place); }

// Whether all arrays are as long as they must be, and all edges lead within their kernel.
bool is_whole(const Readings& readings) {
  const FlatGraphs& graphs = readings.graphs;
  const std::size_t count = readings.statuses.size(), nodes = graphs.kind.size();
  if (graphs.node_offsets.size() != count + 1 || graphs.edge_offsets.size() != count + 1) {
    return false;
  }
  for (std::size_t k = 0; k < count; ++k) {
    const std::int64_t own = graphs.node_offsets[k + 1] - graphs.node_offsets[k];
    if (readings.statuses[k] == Status::not_mine && own != 0) return false;
    for (std::int64_t e = 2 * graphs.edge_offsets[k]; e < 2 * graphs.edge_offsets[k + 1]; ++e) {
      if (graphs.edges[at(e)] < 0 || graphs.edges[at(e)] >= own) return false;
    }
  }
  return at(graphs.node_offsets.back()) == nodes && graphs.body.size() == nodes &&
         graphs.types.size() == 2 * nodes && graphs.numbers.size() == kWidth * nodes &&
         graphs.costs.size() == kCosts * nodes && graphs.whole.size() == kWhole * count &&
         at(2 * graphs.edge_offsets.back()) == graphs.edges.size();
}

TEST(kernels, product,
     "a kernel's nodes are its arguments and operations, its costs those of rules") {
  const Readings found = read_one(kProduct);
  CHECK(found.statuses.front() == Status::read);
  CHECK((found.graphs.kind == std::vector<std::int16_t>{1, 1, 11, 8, 3}));
  CHECK((found.graphs.edges == std::vector<std::int32_t>{0, 2, 1, 2, 2, 4, 3, 4}));
  CHECK(found.graphs.costs[2 * kCosts] == 2 * 8 * 16 * 4);
  CHECK(found.graphs.costs[2 * kCosts + 3] == 8 * 4 * 4);
}

TEST(kernels, trips, "a loop's body costs as often as it runs") {
  const Readings found = read_one(kLoop);
  CHECK(found.statuses.front() == Status::read);
  CHECK(found.graphs.kind.size() == 4);  // argument, exponential, add, loop
  CHECK(found.graphs.costs[kCosts + 1] == 8 * 4);
  CHECK((found.graphs.edges == std::vector<std::int32_t>{0, 1, 1, 3, 2, 3}));
}

TEST(kernels, normal, "constants' arithmetic is a broadcast, what changes nothing a reshape") {
  const Readings found = read_one(kFolded);
  CHECK(found.statuses.front() == Status::read);
  CHECK((found.graphs.kind == std::vector<std::int16_t>{1, 8, 9}));
  CHECK((found.graphs.edges == std::vector<std::int32_t>{0, 2}));
}

TEST(kernels, families, "every family of syntax is read, alone and among others") {
  const Readings found = read(kTexts, some_words(), kArgument);
  CHECK(std::ranges::count(found.statuses, Status::read) == std::ssize(kTexts));
  CHECK(is_whole(found));
}

TEST(kernels, prefixes, "no beginning of a text is read, none does harm") {
  for (const std::string_view text : kTexts) {
    for (std::size_t length = 0; length < text.size(); ++length) {
      const std::string copy(text.substr(0, length));  // so that a sanitizer sees its end
      CHECK(read_one(copy).statuses.front() == Status::not_mine);
    }
  }
}

TEST(kernels, mutants, "damaged texts are read whole or left") {
  std::mt19937_64 random(7);
  const Words words = some_words();
  constexpr std::string_view kCharacters = "0123456789 %,x<>(){}[]-\"#=:.eE\n";
  for (int round = 0; round < 20000; ++round) {
    std::string text(kTexts[random() % kTexts.size()]);
    for (std::uint64_t change = 1 + random() % 3; change > 0; --change) {
      const std::size_t place = random() % text.size();
      const std::size_t other = random() % text.size();
      switch (random() % 4) {
        case 0:
          text.erase(place, 1 + random() % 4);
          break;
        case 1:
          text.insert(place, 1, kCharacters[random() % kCharacters.size()]);
          break;
        case 2:
          text[place] = kCharacters[random() % kCharacters.size()];
          break;
        default:
          text.insert(place, text.substr(other, random() % 40));
      }
    }
    const std::string_view view = text;
    CHECK(is_whole(read({&view, 1}, words, kArgument)));
  }
}

TEST(kernels, sizes, "sizes that could overflow are left") {
  for (const char* extent : {"1099511627777", "99999999999999999999", "9223372036854775807"}) {
    const std::string type = std::string("tensor<") + extent + "xf32>";
    const std::string text = "func.func public @main(%arg0: " + type + ") -> " + type +
                             " {\n  return %arg0 : " + type + "\n}";
    CHECK(read_one(text).statuses.front() == Status::not_mine);
  }
  const std::string type = "tensor<1099511627776x1099511627776xf32>";
  const std::string text = "func.func public @main(%arg0: " + type + ") -> " + type +
                           " {\n  return %arg0 : " + type + "\n}";
  CHECK(read_one(text).statuses.front() == Status::not_mine);
}

}  // namespace
}  // namespace cosmalloc::kernel_text
