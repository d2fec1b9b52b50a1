// What a player sees of a game; what the numbers are is written in rl_agent/observe.py.
#pragma once

#include <span>

#include "game.hpp"

namespace cosmalloc {

inline constexpr int kChannels = 4, kQueue = 24, kUse = 24, kOperator = 8, kPosition = 16;

struct View {
  int height = 32, width = 32, uses = 8;  // board steps and parts, uses looked at
};

// All of one game, rows first: board[height * width * kChannels], queue[kQueue],
// use[uses * kUse], ready[kReady * kOperator], position[kPosition]; operators[uses],
// tensors[uses], picks[kReady].
struct Seen {
  float *board, *queue, *uses, *ready, *position;
  std::int32_t *operators, *tensors, *picks;
};

void observe(const Game& game, const View& view, const Seen& seen);

}  // namespace cosmalloc
