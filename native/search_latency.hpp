// Search for less latency: one web after the other gets other stays, whatever is in the way makes
// room, and simulated annealing decides what stays so.
#pragma once

#include <random>

#include "control.hpp"
#include "decode.hpp"

namespace cosmalloc {

struct LatencyOptions {
  std::uint64_t seed = 0;
  std::int64_t moves = 0;  // 0: until the time is over; else that many, and time only stops it
  double hot = 3e-3;       // temperature at the start, as a share of the latency
  double cold = 2e-6;      // and at the end
};

struct LatencyPoint {
  double seconds;
  std::int64_t move;
  Seconds latency;
};

struct LatencyResult {
  std::vector<std::vector<Stay>> stays;  // per web, of the best draft
  Seconds latency = 0;
  std::int64_t moves = 0, accepted = 0;
  std::vector<LatencyPoint> curve;  // every improvement
};

// From the draft as it stands. The same draft, seed and number of moves give the same result.
LatencyResult search_latency(Draft& draft, const LatencyOptions& options, const Control& control);

}  // namespace cosmalloc
