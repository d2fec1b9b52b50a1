// Many kernels' texts to flat graphs, with what became of each.
#pragma once

#include "kernel_text/graph.hpp"

namespace cosmalloc::kernel_text {

enum class Status : std::uint8_t {
  not_mine = 0,  // nothing is said of the text
  read = 1,
};

constexpr std::size_t kMaxText = std::size_t{1} << 24;  // characters

struct Readings {
  FlatGraphs graphs;             // a kernel without nodes where the text was not read
  std::vector<Status> statuses;  // of each text
};

// argument: the index of the kind that a kernel's arguments have.
Readings read(std::span<const std::string_view> texts, const Words& words, std::int16_t argument);

}  // namespace cosmalloc::kernel_text
