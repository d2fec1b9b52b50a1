// The search over states for Python: sets come in as rows of 0 and 1.
#include "interruptible.hpp"
#include "states.hpp"

namespace cosmalloc {
namespace {

using namespace nb::literals;

using Bits = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Entries = nb::ndarray<const std::int64_t, nb::shape<-1, 5>, nb::c_contig, nb::device::cpu>;

std::vector<Set> sets(const Bits& bits) {
  std::vector<Set> out(bits.shape(0));
  for (std::size_t row = 0; row < out.size(); ++row) {
    for (std::size_t k = 0; k < bits.shape(1); ++k) {
      if (bits(row, k) != 0) out[row].push_back(k);
    }
  }
  return out;
}

std::vector<std::int64_t> values(const Ints& array) {
  return {array.data(), array.data() + array.size()};
}

// Rows (operator, group, 0 operand or 1 result, tensor or -1, size); groups of one operator are
// neighbours, results descend.
std::vector<std::vector<Lending>> lendings(std::size_t operators, const Entries& rows) {
  std::vector<std::vector<Lending>> out(operators);
  for (std::size_t k = 0; k < rows.shape(0); ++k) {
    const std::int64_t* row = rows.data() + 5 * k;
    auto& groups = out.at(static_cast<std::size_t>(row[0]));
    groups.resize(std::max(groups.size(), static_cast<std::size_t>(row[1]) + 1));
    Lending& lending = groups[static_cast<std::size_t>(row[1])];
    if (row[2] == 0) {
      lending.operands.push_back({row[3], row[4]});
    } else {
      lending.results.push_back(row[4]);
    }
  }
  return out;
}

StateFacts facts_from(const Ints& size, const Ints& bytes, const Bits& readers, const Ints& maker,
                      const Bits& before, const Bits& reads, const Bits& makes, const Ints& fixed,
                      const Entries& lends, const Bits& tensors, const Bits& operators,
                      Bytes64 room, Bytes64 brim) {
  StateFacts facts;
  facts.size = values(size);
  facts.bytes = values(bytes);
  facts.readers = sets(readers);
  facts.maker = values(maker);
  facts.before = sets(before);
  facts.reads = sets(reads);
  facts.makes = sets(makes);
  facts.fixed = values(fixed);
  facts.lends = lendings(facts.before.size(), lends);
  const auto of_tensors = sets(tensors);
  facts.spills = of_tensors.at(0);
  facts.brim_tensors = of_tensors.at(1);
  facts.brim_operators = sets(operators).at(0);
  facts.room = room;
  facts.brim = brim;
  if (facts.before.size() > 4096 || facts.size.size() > 4096) {
    throw nb::value_error("more than 4096 operators or tensors");
  }
  return facts;
}

using Answer = nb::typed<nb::dict, nb::str, nb::any>;

std::vector<std::int64_t> numbers(const Set& set) { return {set.begin(), set.end()}; }

Answer result_of(const StateResult& result, bool interrupted) {
  Answer out;
  std::vector<std::int64_t> steps, dropped;
  for (std::size_t step = 0; step < result.drops.size(); ++step) {
    for (const std::size_t t : result.drops[step]) {
      steps.push_back(static_cast<std::int64_t>(step));
      dropped.push_back(static_cast<std::int64_t>(t));
    }
  }
  out["found"] = result.found;
  out["order"] = own(numbers(result.order));
  out["drop_steps"] = own(std::move(steps));
  out["dropped"] = own(std::move(dropped));
  out["paid"] = result.paid;
  out["bound"] = result.bound;
  out["proven"] = result.proven;
  out["too_wide"] = result.too_wide;
  out["states"] = result.states;
  out["lattice"] = result.lattice;
  out["left"] = result.left;
  out["rounds"] = result.rounds;
  out["dual_bound"] = result.dual_bound;
  out["interrupted"] = interrupted;
  return out;
}

}  // namespace

void bind_states(nb::module_& module) {
  nb::class_<StateFacts>(module, "StateFacts", "A problem for the search over states.")
      .def(
          "__init__",
          [](StateFacts* self, const Ints& size, const Ints& bytes, const Bits& readers,
             const Ints& maker, const Bits& before, const Bits& reads, const Bits& makes,
             const Ints& fixed, const Entries& lends, const Bits& tensors, const Bits& operators,
             Bytes64 room, Bytes64 brim) {
            new (self) StateFacts(facts_from(size, bytes, readers, maker, before, reads, makes,
                                             fixed, lends, tensors, operators, room, brim));
          },
          "size"_a.noconvert(), "bytes"_a.noconvert(), "readers"_a.noconvert(),
          "maker"_a.noconvert(), "before"_a.noconvert(), "reads"_a.noconvert(),
          "makes"_a.noconvert(), "fixed"_a.noconvert(), "lends"_a.noconvert(),
          "tensors"_a.noconvert(), "operators"_a.noconvert(), "room"_a, "brim"_a)
      .def(
          "search",
          [](const StateFacts& self, double seconds, Bytes64 below, const Ints& order,
             std::int64_t nodes, std::int64_t memory, std::int64_t widest, bool duals,
             bool fixing) {
            StateOptions options;
            options.below = std::min(below, options.below);
            for (const std::int64_t each : view(order)) {
              options.order.push_back(static_cast<std::size_t>(each));
            }
            options.nodes = nodes;
            options.memory = memory;
            options.widest = widest;
            options.duals = duals;
            options.fixing = fixing;
            StateResult result;
            const bool interrupted = run_interruptibly([&](const std::atomic<bool>& cancel) {
              result = search_states(self, options, Control(seconds, &cancel));
            });
            return result_of(result, interrupted);
          },
          "seconds"_a, "below"_a, "order"_a.noconvert(), "nodes"_a, "memory"_a, "widest"_a,
          "duals"_a, "fixing"_a);
}

}  // namespace cosmalloc
