// A row of a table of float32, filled from the left.
#pragma once

#include <initializer_list>

#include "kernel_text/magnitudes.hpp"

namespace cosmalloc::kernel_text {

class Row {
 public:
  explicit Row(std::span<float> cells) : cells_(cells) {}

  void put(double value) {
    if (at_ < cells_.size()) cells_[at_++] = static_cast<float>(value);
  }
  void flag(bool value) { put(value ? 1 : 0); }
  void sizes(std::initializer_list<double> values) {
    for (const double value : values) put(size(value));
  }
  void flags(std::initializer_list<bool> values) {
    for (const bool value : values) flag(value);
  }

  // Sizes of the last dimensions of more than one place, the minor one first; then whether the
  // minor one fills vectors of 4, 16 and 64 elements.
  void shape(Extents shape) {
    const std::size_t stop = at_ + kDimensions;
    for (std::size_t d = shape.size(); d-- > 0 && at_ < stop;) {
      if (shape[d] > 1) put(size(shape[d]));
    }
    while (at_ < stop) put(0);
    const std::int64_t extent = shape.empty() ? 1 : shape[minor(shape)];
    flags({extent % 4 == 0, extent % 16 == 0, extent % 64 == 0});
  }

  std::size_t filled() const { return at_; }

 private:
  std::span<float> cells_;
  std::size_t at_ = 0;
};

}  // namespace cosmalloc::kernel_text
