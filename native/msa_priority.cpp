#include <algorithm>
#include <cmath>
#include <limits>

#include "decode_msa.hpp"
#include "off_chip_seconds.hpp"

namespace cosmalloc {
namespace {

std::size_t at(Index index) { return static_cast<std::size_t>(index); }

// What an event in a loop counts: what comes from outside has events in every trip.
double repeated_outside(const Program& program, const Web& web, const MsaOptions& options) {
  if (options.trips.empty() || web.first == web.stop) return 1;
  const auto trip = [&](Index i) { return options.trips[at(program.events[at(i)].step)]; };
  if (program.events[at(web.first)].produces() && trip(web.first) >= 0) return options.repeated;
  int trips = 0;
  for (Index i = web.first; i < web.stop; ++i) {
    trips += trip(i) >= 0 && (i == web.first || trip(i) != trip(i - 1));
  }
  return options.repeated / std::max(1, trips);
}

}  // namespace

std::vector<double> msa_priority(const Program& program, const MsaOptions& options) {
  const std::vector<Seconds> bytes = byte_seconds(program.steps);
  std::vector<double> priority;
  for (const Web& web : program.webs) {
    double benefit = web.first < web.stop && !program.events[at(web.first)].produces()
                         ? 0
                         : -std::numeric_limits<double>::infinity();
    const double outside = repeated_outside(program, web, options);
    for (Index i = web.first; i < web.stop; ++i) {
      const Event& event = program.events[at(i)];
      const Index access = event.produces() ? event.write : event.read;
      const bool repeats = !options.trips.empty() && options.trips[at(event.step)] >= 0;
      const Seconds compute = program.steps.compute[at(event.step)];
      const Seconds byte = bytes[at(event.step)];
      const double here = byte > compute
                              ? saved_bytes(program.steps, access) * (repeats ? outside : 1)
                              : byte - compute;
      benefit = benefit > 0 && here > 0 ? benefit + here : std::max(benefit, here);
    }
    priority.push_back(benefit / std::sqrt(static_cast<double>(web.bytes)));
  }
  return priority;
}

}  // namespace cosmalloc
