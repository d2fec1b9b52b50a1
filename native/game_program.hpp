// A program as mallocGame plays it: operators with their accesses, tensors, and what moves cost.
//
// Costs are seconds under objective latency, bytes under objective traffic.
#pragma once

#include <array>

#include "clock.hpp"

namespace cosmalloc {

enum class TensorKind { input, weight, intermediate, output };

struct GameTensor {
  Bytes bytes = 1;
  TensorKind kind = TensorKind::intermediate;
  bool tracked = true;
  Index group = -1;  // alias group, -1 for none
  Index maker = -1;  // operator, -1 for none
  Index readers = 0;
  Seconds load = 0, store = 0;  // channel seconds of a copy
  bool leaves() const { return kind == TensorKind::output; }
};

struct GameAccess {
  Index tensor = 0;
  Bytes count = 0;            // bytes accessed
  Seconds off = 0, near = 0;  // what they take off-chip and on chip
};

struct GameOperator {
  Index first = 0, results = 0, stop = 0;  // operands are [first, results), results [results, stop)
  Seconds compute = 0;
};

struct GameRules {
  bool resident = false;  // the operand rule, else `anywhere`
  bool traffic = false;   // the objective, else latency
  bool free_order = false;
  int engines = 2;
  Bytes capacity = 0, alignment = 1;
  // Copies have no windows: a load is of the border of its use, a store of the one behind the
  // write.
  bool blocking() const { return traffic || engines == 0; }
};

struct GameProgram {
  GameRules rules;
  std::vector<GameTensor> tensors;
  std::vector<GameOperator> operators;
  std::vector<GameAccess> accesses;
  std::vector<Index> order;           // operators; order free: the source order
  std::array<float, 2> bandwidths{};  // for the eye: read over write, on chip over off; log2 / 10

  // The rest is made by derive().
  std::vector<Index> rank;          // per operator its place in `order`
  std::vector<Index> owner;         // per access its operator
  std::vector<Index> next;          // per access the next one of its tensor in `order`, -1
  std::vector<Index> reader_first;  // per tensor, and one more: its readers are
  std::vector<Index> reader;        // reader[reader_first[t], reader_first[t + 1])
  std::vector<Index> waits;         // per operator: operands that others make
  std::vector<double> base;         // per operator: cost with everything dropped
  std::vector<Seconds> idle;        // per operator: channel seconds left free by that
  std::vector<double> saving;       // per access: of `base`, with this one alone on chip
  std::vector<double> mean_saving;  // per tensor, over its reads
  double scale = 1;                 // mean of base, more than 0
  Bytes tracked_bytes = 0;
  double base_sum = 0;
  double factor = 1;  // what dropping everything costs in truth, over base_sum

  Index count() const { return static_cast<Index>(operators.size()); }
  void derive();
};

}  // namespace cosmalloc
