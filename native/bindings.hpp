// What the binding files share. Only they know Python types.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/tuple.h>

#include "blocks.hpp"

namespace cosmalloc {

namespace nb = nanobind;

using Ints = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<const std::int64_t, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<nb::numpy, std::int64_t, nb::ndim<1>>;

inline std::span<const std::int64_t> view(const Ints& array) {
  return {array.data(), array.size()};
}

// A numpy array that owns the values.
inline Out own(std::vector<std::int64_t> values) {
  auto* kept = new std::vector<std::int64_t>(std::move(values));
  const nb::capsule owner(
      kept, [](void* p) noexcept { delete static_cast<std::vector<std::int64_t>*>(p); });
  return Out(kept->data(), {kept->size()}, owner);
}

// Adds `fit` and `minimize` to the bound class.
void bind_search(nb::class_<Blocks>& blocks);

// Adds the class `Clock`.
void bind_clock(nb::module_& module);

// Adds the class `Draft`.
void bind_latency(nb::module_& module);

// Adds `GameProgram` and `Games`.
void bind_game(nb::module_& module);

// Adds the class `KernelReader`.
void bind_kernels(nb::module_& module);

// Adds `StateFacts`.
void bind_states(nb::module_& module);

}  // namespace cosmalloc
