// The searches for Python; see interruptible.hpp for how Ctrl-C ends one.
#include "bindings.hpp"
#include "interruptible.hpp"
#include "minimize.hpp"

namespace cosmalloc {
namespace {

using namespace nb::literals;

SearchOptions options_of(std::int64_t seed, int threads, bool not_first, bool holes, bool twins,
                         std::int64_t long_run) {
  if (threads < 1 || threads > 64) throw nb::value_error("a number of threads is not 1 to 64");
  SearchOptions options;
  options.seed = static_cast<std::uint64_t>(seed);
  options.threads = threads;
  options.deductions = {not_first, holes, twins};
  options.long_run = long_run;
  return options;
}

using Fit3 = std::tuple<int, Out, std::int64_t, bool>;

// (0 found, 1 refuted, 2 neither; offsets per buffer, empty unless found; nodes; interrupted)
Fit3 fit_blocks(const Blocks& blocks, Bytes capacity, double seconds, std::int64_t seed,
                int threads, bool not_first, bool holes, bool twins, std::int64_t long_run) {
  const SearchOptions options = options_of(seed, threads, not_first, holes, twins, long_run);
  Fitted result;
  const bool interrupted = run_interruptibly([&](const std::atomic<bool>& cancel) {
    const Control control(seconds, &cancel);
    result = fit(blocks, std::min(capacity, kMaxOffset), options, control);
  });
  const bool found = result.ending == Ending::found;
  return {found ? 0 : (result.ending == Ending::refuted ? 1 : 2),
          own(found ? offsets_of_buffers(blocks, result.offsets) : std::vector<Bytes>{}),
          result.nodes, interrupted};
}

using Least = std::tuple<Out, Bytes, Bytes, std::int64_t, bool>;

// (offsets per buffer, peak, bound, nodes, interrupted)
Least minimize_blocks(const Blocks& blocks, double seconds, std::int64_t seed, int threads,
                      bool not_first, bool holes, bool twins, std::int64_t long_run) {
  const SearchOptions options = options_of(seed, threads, not_first, holes, twins, long_run);
  Minimized result;
  const bool interrupted = run_interruptibly([&](const std::atomic<bool>& cancel) {
    const Control control(seconds, &cancel);
    result = minimize(blocks, options, control);
  });
  return {own(offsets_of_buffers(blocks, result.offsets)), result.peak, result.bound, result.nodes,
          interrupted};
}

}  // namespace

void bind_search(nb::class_<Blocks>& blocks) {
  blocks
      .def("fit", &fit_blocks, "capacity"_a, "seconds"_a, "seed"_a, "threads"_a,
           "not_first"_a = true, "holes"_a = true, "twins"_a = true, "long_run"_a = 16)
      .def("minimize", &minimize_blocks, "seconds"_a, "seed"_a, "threads"_a, "not_first"_a = true,
           "holes"_a = true, "twins"_a = true, "long_run"_a = 16);
}

}  // namespace cosmalloc
