// Kernels' data-flow graphs in flat arrays, one kernel after the other: features/graph.py and
// features/flat.py.
#pragma once

#include "kernel_text/details.hpp"

namespace cosmalloc::kernel_text {

constexpr std::size_t kCosts = 4;
constexpr std::size_t kMagnitudes = 4;
constexpr std::size_t kFlags = 12;
constexpr std::size_t kWidth = kCosts + kMagnitudes + kFlags + 2 * (kDimensions + 3) + 2 + kDetails;
constexpr std::size_t kWhole = 7;

struct FlatGraphs {
  std::vector<std::int16_t> kind, body;                        // M nodes
  std::vector<std::int8_t> types;                              // M x 2
  std::vector<float> numbers;                                  // M x kWidth
  std::vector<double> costs;                                   // M x kCosts
  std::vector<std::int32_t> edges;                             // E x 2
  std::vector<float> whole;                                    // K x kWhole
  std::vector<std::int64_t> node_offsets{0}, edge_offsets{0};  // K + 1
};

// Adds the graphs of kernels to flat arrays.
class GraphWriter {
 public:
  // argument: the index of the kind that a kernel's arguments have.
  GraphWriter(FlatGraphs& graphs, std::int16_t argument) : out_(graphs), argument_(argument) {}

  // False if a cost is 2^53 or more; then nothing is added.
  bool add(const Kernel& kernel);

  // Adds a kernel without nodes, for one that was not read.
  void add_nothing();

 private:
  void argument(const Type& type);
  bool operation(const Kernel& kernel, const Operation& op);
  void node(std::int16_t kind, std::int16_t body, std::int8_t type, std::int8_t given);
  void finish(const Kernel& kernel);
  void need(const Kernel& kernel);
  std::int32_t maker(const Kernel& kernel, Id value) const { return made_by_[kernel.shows[value]]; }
  float* row(std::size_t node) { return &out_.numbers[(first_ + node) * kWidth]; }

  FlatGraphs& out_;
  std::int16_t argument_;
  std::size_t first_ = 0;  // node of the kernel at hand
  std::size_t first_edge_ = 0;
  std::vector<std::int32_t> made_by_;  // the node that made each value, -1 for none
  std::vector<std::int64_t> elements_;
  std::vector<bool> as_needed_;  // whether the node reads only what is needed of it
  std::vector<bool> whole_;      // whether it is done whole or not at all
  std::vector<double> needed_;
};

}  // namespace cosmalloc::kernel_text
