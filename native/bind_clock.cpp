// The clock for Python: a plan goes in as arrays, seconds come out.
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <unordered_map>

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

// The accesses of tensor t: steps and accesses [first[t], first[t + 1]), by step. load, store:
// seconds of a copy of it.
struct Touches {
  std::vector<std::int64_t> first, step, access;
  std::vector<double> load, store;
};

Touches touches_of(const Ints& first, const Ints& step, const Ints& access, const Reals& load,
                   const Reals& store) {
  const auto copied = [](const Ints& array) {
    return std::vector<std::int64_t>(array.data(), array.data() + array.size());
  };
  Touches touches{copied(first), copied(step), copied(access), reals(load), reals(store)};
  const std::size_t tensors = touches.load.size();
  if (touches.first.size() != tensors + 1 || touches.store.size() != tensors ||
      touches.step.size() != touches.access.size() || touches.first.front() != 0 ||
      touches.first.back() != static_cast<std::int64_t>(touches.step.size()) ||
      !std::is_sorted(touches.first.begin(), touches.first.end())) {
    throw nb::value_error("the arrays of tensors don't fit each other");
  }
  return touches;
}

using Columns = std::vector<std::vector<std::int64_t>>;

void same_lengths(const Columns& columns, std::size_t count) {
  const auto fits = [&](const auto& column) { return column.size() == columns[0].size(); };
  if (columns.size() != count || !std::all_of(columns.begin(), columns.end(), fits)) {
    throw nb::value_error("the columns of a plan don't fit each other");
  }
}

// A plan on a fresh clock. stays: tensor, start, stop; copies: tensor, load, start, stop. An access
// is near from the end of the load that starts its residency.
void hold(Checked& self, const Touches& touches, const Columns& stays, const Columns& copies) {
  same_lengths(stays, 3);
  same_lengths(copies, 4);
  if (!self.used.empty()) throw nb::value_error("the clock holds copies");
  const auto tensors = static_cast<std::int64_t>(touches.load.size());
  const std::int64_t borders = self.clock.steps().count() + 1;
  const auto known = [tensors](std::int64_t tensor) {
    if (tensor < 0 || tensor >= tensors) throw nb::value_error("there is no such tensor");
    return static_cast<std::size_t>(tensor);
  };
  std::unordered_map<std::int64_t, std::int64_t> ready;
  std::vector<CopyWindow> windows;
  for (std::size_t i = 0; i < copies[0].size(); ++i) {
    const std::size_t tensor = known(copies[0][i]);
    const bool load = copies[1][i] != 0;
    const double need = load ? touches.load[tensor] : touches.store[tensor];
    windows.push_back(window_of(self.clock, load, need, copies[2][i], copies[3][i],
                                static_cast<std::int64_t>(i)));
    if (load) ready[copies[0][i] * borders + copies[2][i]] = copies[3][i];
  }
  for (std::size_t i = 0; i < stays[0].size(); ++i) {
    const std::size_t tensor = known(stays[0][i]);
    if (stays[1][i] < 0 || stays[2][i] < stays[1][i] || stays[2][i] >= borders) {
      throw nb::value_error("a residency lies outside the steps");
    }
    const auto load = ready.find(stays[0][i] * borders + stays[1][i]);
    const std::int64_t from = load == ready.end() ? stays[1][i] : load->second;
    const auto begin = touches.step.begin();
    const auto last = begin + touches.first[tensor + 1];
    auto touch = std::lower_bound(begin + touches.first[tensor], last, from);
    for (; touch != last && *touch < stays[2][i]; ++touch) {
      self.set_near(touches.access[static_cast<std::size_t>(touch - begin)], true);
    }
  }
  self.clock.add_all(windows);
  self.used.assign(windows.size(), 1);
}

}  // namespace

void bind_clock(nb::module_& module) {
  nb::class_<Touches>(module, "Touches", "Where a program touches its tensors.")
      .def(
          "__init__",
          [](Touches* self, const Ints& first, const Ints& step, const Ints& access,
             const Reals& load, const Reals& store) {
            new (self) Touches(touches_of(first, step, access, load, store));
          },
          "first"_a.noconvert(), "step"_a.noconvert(), "access"_a.noconvert(), "load"_a.noconvert(),
          "store"_a.noconvert());
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
      .def("hold", &hold, "touches"_a, "stays"_a, "copies"_a)
      .def("near",
           [](const Checked& self) {
             std::vector<std::int64_t> flags;
             for (Index a = 0; a < static_cast<Index>(self.clock.steps().off.size()); ++a) {
               flags.push_back(self.clock.near(a));
             }
             return own(std::move(flags));
           })
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
