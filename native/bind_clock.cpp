// The clock for Python: a plan goes in as arrays, seconds come out.
#include "bindings.hpp"
#include "clock.hpp"

namespace cosmalloc {
namespace {

using namespace nb::literals;

using Reals = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using OutReals = nb::ndarray<nb::numpy, double, nb::ndim<1>>;

OutReals own_reals(std::vector<double> values) {
  auto* kept = new std::vector<double>(std::move(values));
  const nb::capsule owner(kept,
                          [](void* p) noexcept { delete static_cast<std::vector<double>*>(p); });
  return OutReals(kept->data(), {kept->size()}, owner);
}

std::vector<double> reals(const Reals& array) {
  return {array.data(), array.data() + array.size()};
}

Steps steps_of(const Reals& compute, const Ints& first, const Reals& off, const Reals& near,
               int engines) {
  if (first.size() != compute.size() + 1 || off.size() != near.size() ||
      compute.size() > kMaxBuffers || off.size() > kMaxBuffers) {
    throw nb::value_error("the arrays of steps and accesses don't fit each other");
  }
  Steps steps{reals(compute), {}, reals(off), reals(near), engines};
  for (const std::int64_t row : view(first)) {
    if (row < 0 || row > static_cast<std::int64_t>(off.size()) ||
        (!steps.first.empty() && row < steps.first.back())) {
      throw nb::value_error("the rows of accesses do not ascend");
    }
    steps.first.push_back(static_cast<Index>(row));
  }
  return steps;
}

CopyWindow window_of(const Clock& clock, bool load, double need, std::int64_t start,
                     std::int64_t stop, std::int64_t rank) {
  if (start < 0 || stop < start || stop > clock.steps().count() || rank < 0 || rank >= kMaxRank) {
    throw nb::value_error("a copy's window lies outside the steps");
  }
  return {load, need, static_cast<Index>(start), static_cast<Index>(stop), rank};
}

struct Checked {  // a clock, and which copy numbers are in use
  Clock clock;
  std::vector<char> used;

  Index add(bool load, double need, std::int64_t start, std::int64_t stop, std::int64_t rank) {
    const Index copy = clock.add(window_of(clock, load, need, start, stop, rank));
    used.resize(std::max(used.size(), static_cast<std::size_t>(copy) + 1), 0);
    used[static_cast<std::size_t>(copy)] = 1;
    return copy;
  }
  void remove(std::int64_t copy) {
    if (copy < 0 || copy >= static_cast<std::int64_t>(used.size()) ||
        used[static_cast<std::size_t>(copy)] == 0) {
      throw nb::value_error("there is no such copy");
    }
    used[static_cast<std::size_t>(copy)] = 0;
    clock.remove(static_cast<Index>(copy));
  }
  void set_near(std::int64_t access, bool near) {
    if (access < 0 || access >= static_cast<std::int64_t>(clock.steps().off.size())) {
      throw nb::value_error("there is no such access");
    }
    clock.set_near(static_cast<Index>(access), near);
  }
};

}  // namespace

void bind_clock(nb::module_& module) {
  nb::class_<Checked>(module, "Clock", "The compiled clock of one program in one order.")
      .def(
          "__init__",
          [](Checked* self, const Reals& compute, const Ints& first, const Reals& off,
             const Reals& near, int engines) {
            new (self) Checked{Clock(steps_of(compute, first, off, near, engines)), {}};
          },
          "compute"_a.noconvert(), "first"_a.noconvert(), "off"_a.noconvert(), "near"_a.noconvert(),
          "engines"_a)
      .def("set_near", &Checked::set_near, "access"_a, "near"_a)
      .def(
          "set_all_near",
          [](Checked& self, const Ints& near) {
            if (near.size() != self.clock.steps().off.size()) {
              throw nb::value_error("one flag per access, please");
            }
            for (std::size_t i = 0; i < near.size(); ++i) {
              self.clock.set_near(static_cast<Index>(i), near.data()[i] != 0);
            }
          },
          "near"_a.noconvert())
      .def("add", &Checked::add, "load"_a, "need"_a, "start"_a, "stop"_a, "rank"_a)
      .def(
          "add_all",
          [](Checked& self, const Ints& load, const Reals& need, const Ints& start,
             const Ints& stop) {
            if (need.size() != load.size() || start.size() != load.size() ||
                stop.size() != load.size()) {
              throw nb::value_error("the arrays of copies don't fit each other");
            }
            for (std::size_t i = 0; i < load.size(); ++i) {
              self.add(load.data()[i] != 0, need.data()[i], start.data()[i], stop.data()[i],
                       static_cast<std::int64_t>(i));
            }
          },
          "load"_a.noconvert(), "need"_a.noconvert(), "start"_a.noconvert(), "stop"_a.noconvert())
      .def("remove", &Checked::remove, "copy"_a)
      .def("latency", [](Checked& self) { return self.clock.latency(); })
      .def("restart",
           [](Checked& self) {
             self.clock.forget();
             return self.clock.latency();
           })
      .def("simulated", [](const Checked& self) { return self.clock.simulated(); })
      .def("timeline", [](Checked& self) {
        Clock::Timeline found = self.clock.timeline();
        return std::make_tuple(
            own_reals(std::move(found.step_start)), own_reals(std::move(found.step_stop)),
            own_reals(std::move(found.copy_start)), own_reals(std::move(found.copy_stop)),
            own_reals(std::move(found.stall)), found.latency);
      });
}

}  // namespace cosmalloc
