// The searches for Python; see interruptible.hpp for how Ctrl-C ends one.
#include "bindings.hpp"
#include "interruptible.hpp"
#include "minimize.hpp"

namespace cosmalloc {
namespace {

using namespace nb::literals;

constexpr std::chrono::milliseconds kAgain{500};  // between two calls that tell the same

SearchOptions options_of(std::int64_t seed, int threads, const Deductions& deductions, bool joins) {
  if (threads < 1 || threads > 64) throw nb::value_error("a number of threads is not 1 to 64");
  SearchOptions options;
  options.seed = static_cast<std::uint64_t>(seed);
  options.threads = threads;
  options.deductions = deductions;
  options.joins = joins;
  return options;
}

using Fit3 = std::tuple<int, Out, std::int64_t, bool>;

// (0 found, 1 refuted, 2 neither; offsets per buffer, empty unless found; nodes; interrupted)
Fit3 fit_blocks(const Blocks& blocks, Bytes capacity, double seconds, std::int64_t seed,
                int threads, bool not_first, bool holes, bool twins, bool borders, bool joins) {
  const SearchOptions options =
      options_of(seed, threads, {not_first, holes, twins, borders}, joins);
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
                      const nb::object& progress) {
  const SearchOptions options = options_of(seed, threads, {}, true);
  Minimized result;
  Progress known;
  auto told = known.get();
  auto told_at = Control::Clock::now();
  const auto tell = [&] {
    const auto now = known.get();
    if (progress.is_none() || now.first == kNowhere) return;
    if (now == told && Control::Clock::now() - told_at < kAgain) return;
    told = now;
    told_at = Control::Clock::now();
    progress(now.first, now.second);
  };
  const bool interrupted = run_interruptibly(
      [&](const std::atomic<bool>& cancel) {
        const Control control(seconds, &cancel);
        result = minimize(blocks, options, control, &known);
      },
      tell);
  return {own(offsets_of_buffers(blocks, result.offsets)), result.peak, result.bound, result.nodes,
          interrupted};
}

}  // namespace

void bind_search(nb::class_<Blocks>& blocks) {
  blocks
      .def("fit", &fit_blocks, "capacity"_a, "seconds"_a, "seed"_a, "threads"_a,
           "not_first"_a = true, "holes"_a = true, "twins"_a = true, "borders"_a = true,
           "joins"_a = true)
      .def("minimize", &minimize_blocks, "seconds"_a, "seed"_a, "threads"_a,
           "progress"_a = nb::none());
}

}  // namespace cosmalloc
