// Arrays come in as views of numpy's memory and leave as
// numpy arrays that own theirs; a problem that is not well formed raises ValueError with the
// sentence of fault_of.
#include "bindings.hpp"

#include "heuristics.hpp"
#include "sweep.hpp"

namespace cosmalloc {
namespace {

using namespace nb::literals;

Order order_of(std::int64_t index) {
  if (index < 0 || index >= static_cast<std::int64_t>(std::size(kOrders))) {
    throw nb::value_error("there is no such order");
  }
  return kOrders[index];
}

Blocks blocks_from(const Ints& lower, const Ints& upper, const Ints& size, const Ints& alignment,
                   const Ints& fixed, const Ints& alias, const Rows& gap_rows) {
  std::vector<Gap> gaps(gap_rows.shape(0));
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    gaps[i] = {gap_rows.data()[3 * i], gap_rows.data()[3 * i + 1], gap_rows.data()[3 * i + 2]};
  }
  const Problem problem{view(lower), view(upper), view(size), view(alignment),
                        view(fixed), view(alias), gaps};
  std::string fault;
  Blocks blocks;
  {
    const nb::gil_scoped_release release;
    if (const auto found = fault_of(problem)) {
      fault = *found;
    } else {
      auto made = blocks_of(problem);
      if (std::holds_alternative<std::string>(made)) {
        fault = std::get<std::string>(made);
      } else {
        blocks = std::get<Blocks>(std::move(made));
        if (const auto clash = clash_of_fixed(blocks)) {
          fault = "two fixed buffers share a byte in one step: those of blocks " +
                  std::to_string(clash->first) + " and " + std::to_string(clash->second);
        }
      }
    }
  }
  if (!fault.empty()) throw nb::value_error(fault.c_str());
  return blocks;
}

using Placed = std::tuple<Out, Bytes, Index, std::int64_t, bool>;

Placed placed(const Blocks& blocks, const Placement& placement) {
  return {own(offsets_of_buffers(blocks, placement.offsets)), placement.peak, placement.unplaced,
          static_cast<std::int64_t>(placement.order), placement.fit == Fit::best};
}

void check(Step lower, Step upper, Bytes size) {
  if (lower < -kMaxStep || upper > kMaxStep || upper <= lower) {
    throw nb::value_error("a lifetime ends before it starts, or lies outside 2^50 steps");
  }
  if (size < 1 || size > kMaxSize) throw nb::value_error("a size is not 1 to 2^40");
}

nb::class_<Blocks> bind_blocks(nb::module_& module) {
  nb::class_<Blocks> blocks(module, "Blocks", "A checked packing problem.");
  blocks
      .def(
          "__init__",
          [](Blocks* self, const Ints& lower, const Ints& upper, const Ints& size,
             const Ints& alignment, const Ints& fixed, const Ints& alias, const Rows& gaps) {
            new (self) Blocks(blocks_from(lower, upper, size, alignment, fixed, alias, gaps));
          },
          "lower"_a.noconvert(), "upper"_a.noconvert(), "size"_a.noconvert(),
          "alignment"_a.noconvert(), "fixed"_a.noconvert(), "alias"_a.noconvert(),
          "gaps"_a.noconvert())
      .def("__len__", &Blocks::count)
      .def(
          "place",
          [](const Blocks& self, std::int64_t order, bool best_fit, Bytes capacity) {
            const Order chosen = order_of(order);
            Placement placement;
            {
              const nb::gil_scoped_release release;
              placement = place(self, chosen, best_fit ? Fit::best : Fit::first,
                                std::min(capacity, kMaxOffset));
            }
            return placed(self, placement);
          },
          "order"_a, "best_fit"_a, "capacity"_a)
      .def(
          "portfolio",
          [](const Blocks& self, Bytes capacity) {
            Placement placement;
            {
              const nb::gil_scoped_release release;
              placement = portfolio(self, std::min(capacity, kMaxOffset));
            }
            return placed(self, placement);
          },
          "capacity"_a)
      .def("load_bound", &load_bound, nb::call_guard<nb::gil_scoped_release>())
      .def(
          "load",
          [](const Blocks& self, Step start, Step stop) {
            if (stop < start || start < -kMaxStep || stop > kMaxStep || stop - start > (1 << 28)) {
              throw nb::value_error("a load of more than 2^28 steps, or of less than none");
            }
            std::vector<Bytes> load;
            {
              const nb::gil_scoped_release release;
              load = load_per_step(self, start, stop);
            }
            return own(std::move(load));
          },
          "start"_a, "stop"_a);
  return blocks;
}

void bind_allocation(nb::module_& module) {
  struct Standing : Allocation {
    Bytes alignment = 1;
  };
  const auto find = [](const Standing& self, Step lower, Step upper, Bytes size, Bytes capacity,
                       bool best_fit) {
    check(lower, upper, size);
    const Piece piece{lower, upper, size};
    return self.find({&piece, 1}, self.alignment, std::min(capacity, kMaxOffset),
                     best_fit ? Fit::best : Fit::first);
  };
  const auto add = [](Standing& self, std::int64_t key, Step lower, Step upper, Bytes size,
                      Bytes offset) {
    if (self.contains(key)) throw nb::value_error("the key is in use");
    if (self.count() >= kMaxBuffers) throw nb::value_error("more than 2^20 entries");
    const Piece piece{lower, upper, size};
    self.insert(key, {&piece, 1}, offset);
  };
  nb::class_<Standing>(module, "Allocation", "The standing allocation.")
      .def(
          "__init__",
          [](Standing* self, Bytes alignment) {
            if (alignment < 1 || alignment > kMaxAlignment) {
              throw nb::value_error("an alignment is not 1 to 2^30");
            }
            new (self) Standing();
            self->alignment = alignment;
          },
          "alignment"_a)
      .def("find", find, "lower"_a, "upper"_a, "size"_a, "capacity"_a, "best_fit"_a)
      .def(
          "insert",
          [find, add](Standing& self, std::int64_t key, Step lower, Step upper, Bytes size,
                      Bytes capacity, bool best_fit) {
            const Bytes offset = find(self, lower, upper, size, capacity, best_fit);
            if (offset >= 0) add(self, key, lower, upper, size, offset);
            return offset;
          },
          "key"_a, "lower"_a, "upper"_a, "size"_a, "capacity"_a, "best_fit"_a)
      .def(
          "insert_at",
          [add](Standing& self, std::int64_t key, Step lower, Step upper, Bytes size,
                Bytes offset) {
            check(lower, upper, size);
            if (offset < 0 || offset > kMaxOffset || offset % self.alignment != 0) {
              throw nb::value_error("an offset is not aligned, or not 0 to 2^60");
            }
            if (!self.is_free(lower, upper, offset, size)) {
              throw nb::value_error("these bytes are taken in these steps");
            }
            add(self, key, lower, upper, size, offset);
          },
          "key"_a, "lower"_a, "upper"_a, "size"_a, "offset"_a)
      .def(
          "is_free",
          [](const Standing& self, Step lower, Step upper, Bytes offset, Bytes size) {
            check(lower, upper, size);
            return offset >= 0 && offset <= kMaxOffset && self.is_free(lower, upper, offset, size);
          },
          "lower"_a, "upper"_a, "offset"_a, "size"_a)
      .def("remove", &Allocation::remove, "key"_a)
      .def("offset_of", &Allocation::offset_of, "key"_a)
      .def(
          "alive",
          [](const Standing& self, Step lower, Step upper) {
            return own(self.alive(lower, upper));
          },
          "lower"_a, "upper"_a)
      .def("clear", &Allocation::clear)
      .def("copy", [](const Standing& self) { return Standing(self); })
      .def("__contains__", &Allocation::contains, "key"_a)
      .def("__len__", &Allocation::count)
      .def_prop_ro("alignment", [](const Standing& self) { return self.alignment; })
      .def_prop_ro("peak", &Allocation::peak);
}

}  // namespace
}  // namespace cosmalloc

NB_MODULE(_native, module) {
  module.doc() = "The allocator behind cosmalloc.native; use that.";
  nanobind::class_<cosmalloc::Blocks> blocks = cosmalloc::bind_blocks(module);
  cosmalloc::bind_search(blocks);
  cosmalloc::bind_allocation(module);
  cosmalloc::bind_clock(module);
  cosmalloc::bind_latency(module);
  cosmalloc::bind_game(module);
  cosmalloc::bind_kernels(module);
  cosmalloc::bind_states(module);
}
