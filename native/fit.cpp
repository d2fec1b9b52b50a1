#include "fit.hpp"

#include <algorithm>
#include <limits>
#include <thread>

#include "sweep.hpp"

namespace cosmalloc {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

constexpr std::size_t kGreedyFirst = 1000;  // blocks

// A generator for one run: the same whichever thread does it.
std::mt19937_64 random_of(std::uint64_t seed, std::int64_t run) {
  std::seed_seq words{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                      static_cast<std::uint32_t>(run), static_cast<std::uint32_t>(run >> 32)};
  return std::mt19937_64(words);
}

struct Race {
  std::atomic<std::int64_t> winner{std::numeric_limits<std::int64_t>::max()};
  std::vector<Fitted> by_thread;
};

constexpr double kTight = 0.98;  // share of the capacity that is in use, over all sections

bool tight(const Layout& layout, Bytes capacity) {
  double used = 0;
  for (const Span& span : layout.spans) {
    used += static_cast<double>(span.last - span.first) * static_cast<double>(span.size);
  }
  return used > kTight * static_cast<double>(capacity) * static_cast<double>(layout.sections);
}

// A reading and the search of it.
struct Desk {
  Search search;
  bool tight;
  bool hopeless = false;  // there is no allocation of this reading
  Desk(const Layout& layout, Bytes capacity)
      : search(layout, capacity), tight(cosmalloc::tight(layout, capacity)) {}
};

// What run `run` comes to: run `number` of one way to read the part.
struct Turn {
  int way;  // a kind of Readings, or kAny
  std::int64_t number;
};
constexpr int kAny = Readings::kKinds;

// Every way in turn, kAny as often as the others together once these have had their short runs.
Turn turn_of(std::int64_t run, bool joins) {
  if (!joins) return {Readings::as_it_is, run};
  constexpr std::int64_t kFirst = 4 * (kAny + 1);
  const std::int64_t ways = run < kFirst ? kAny + 1 : 4 * kAny;
  const std::int64_t round = run < kFirst ? run / ways : 4 + (run - kFirst) / ways;
  const std::int64_t way = run < kFirst ? run % ways : (run - kFirst) % ways;
  return {static_cast<int>(std::min<std::int64_t>(way, kAny)), round};
}

// One thread's part in a race.
class Racer {
 public:
  Racer(const Readings& readings, Bytes capacity, const SearchOptions& options,
        const Control& control, Race& shared)
      : readings_(readings),
        capacity_(capacity),
        options_(options),
        control_(control),
        shared_(shared) {}

  // Runs first, first + threads, … until one ends the part or a lower one has.
  Fitted race(std::int64_t first) {
    out_.ending = Ending::budget;
    const std::int64_t last = options_.first_run + options_.most_runs;
    for (std::int64_t run = first; run < last; run += options_.threads) {
      if (shared_.winner.load() < run || over(run)) break;
    }
    return std::move(out_);
  }

 private:
  // true: the race is over for this thread.
  bool over(std::int64_t run) {
    const Turn turn = turn_of(run, options_.joins);
    std::mt19937_64 random = random_of(options_.seed, run);
    if (turn.way == kAny) {
      const std::unique_ptr<Reading> reading = readings_.any(random());
      if (!reading) return control_.stop();
      Desk desk(reading->layout, capacity_);
      const Ending ending = go(desk, run, strategy_of_chance(random), 2, random);
      return ended(ending, run, false, *reading, desk);
    }
    const Reading* reading = readings_.get(static_cast<Readings::Kind>(turn.way));
    if (reading == nullptr) return control_.stop();
    std::unique_ptr<Desk>& desk = desks_[turn.way];
    if (!desk) desk = std::make_unique<Desk>(reading->layout, capacity_);
    if (desk->hopeless) return control_.stop();
    const Strategy strategy = strategy_of_run(turn.number, random);
    const Ending ending = go(*desk, run, strategy, luby(turn.number), random);
    desk->hopeless = ending == Ending::refuted;
    return ended(ending, run, turn.way == Readings::as_it_is, *reading, *desk);
  }

  Ending go(Desk& desk, std::int64_t run, Strategy strategy, std::int64_t length,
            std::mt19937_64& random) {
    const Index blocks = static_cast<Index>(desk.search.layout().count());
    const auto shortest = static_cast<std::int64_t>(options_.nodes_per_block * blocks) + 50;
    Deductions deductions = options_.deductions;
    strategy.fewest = desk.tight && length % 2 == 1;
    const bool light = length < options_.long_run;
    if (light && !strategy.fewest) deductions.not_first = deductions.twins = false;
    if (!strategy.fewest) deductions.borders = false;
    const std::int64_t before = desk.search.nodes();
    const Ending ending = desk.search.run(strategy, deductions, shortest * length, random,
                                          control_.of_run(run, &shared_.winner));
    out_.nodes += desk.search.nodes() - before;
    out_.runs = run + 1;
    return ending;
  }

  bool ended(Ending ending, std::int64_t run, bool whole, const Reading& reading,
             const Desk& desk) {
    if (ending == Ending::budget || (ending == Ending::refuted && !whole)) return false;
    out_.ending = ending;
    if (ending == Ending::stopped) return true;
    std::int64_t best = shared_.winner.load();
    while (run < best && !shared_.winner.compare_exchange_weak(best, run)) {
    }
    if (ending == Ending::found) out_.offsets = reading.offsets(desk.search.offsets());
    return true;
  }

  const Readings& readings_;
  Bytes capacity_;
  const SearchOptions& options_;
  const Control& control_;
  Race& shared_;
  std::unique_ptr<Desk> desks_[Readings::kKinds];
  Fitted out_;
};

}  // namespace

Fitted fit_part(const Readings& readings, Bytes capacity, const SearchOptions& options,
                const Control& control) {
  Race shared;
  shared.by_thread.resize(at(options.threads));
  Fitted out;
  out.ending = Ending::budget;
  if (!readings.any_to_search(options.joins)) return out;
  std::vector<std::thread> helpers;
  const auto race = [&](int thread) {
    shared.by_thread[at(thread)] =
        Racer(readings, capacity, options, control, shared).race(options.first_run + thread);
  };
  for (int t = 1; t < options.threads; ++t) helpers.emplace_back(race, t);
  race(0);
  for (std::thread& helper : helpers) helper.join();
  const std::int64_t winner = shared.winner.load();
  for (Fitted& one : shared.by_thread) {
    out.nodes += one.nodes;
    out.runs = std::max(out.runs, one.runs);
    const bool won =
        one.runs - 1 == winner && (one.ending == Ending::found || one.ending == Ending::refuted);
    if (won) {
      out.ending = one.ending;
      out.offsets = std::move(one.offsets);
    } else if (one.ending == Ending::stopped && out.ending == Ending::budget) {
      out.ending = Ending::stopped;
    }
  }
  return out;
}

Fitted fit(const Blocks& blocks, Bytes capacity, const SearchOptions& options,
           const Control& control) {
  Fitted out;
  out.offsets.assign(at(blocks.count()), kNowhere);
  out.ending = Ending::found;
  if (load_bound(blocks) > capacity) {
    out.ending = Ending::refuted;
    return out;
  }
  for (const std::vector<Index>& part : parts_of(blocks)) {
    if (part.size() > kGreedyFirst) {
      const Placement placed = place_all(only(blocks, part), capacity, control);
      if (placed.peak <= capacity) {
        for (std::size_t i = 0; i < part.size(); ++i) out.offsets[at(part[i])] = placed.offsets[i];
        continue;
      }
    }
    const Readings readings(only(blocks, part), control);
    const Fitted one = fit_part(readings, capacity, options, control);
    out.nodes += one.nodes;
    out.runs += one.runs;
    if (one.ending == Ending::refuted) {
      out.ending = Ending::refuted;
      return out;
    }
    if (one.ending != Ending::found) {
      out.ending = Ending::stopped;
      continue;
    }
    for (std::size_t i = 0; i < part.size(); ++i) {
      out.offsets[at(part[i])] = one.offsets[i];
    }
  }
  return out;
}

}  // namespace cosmalloc
