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

// Runs thread, thread + threads, … until one ends the part or a lower one has.
void race(const Layout& layout, Bytes capacity, const SearchOptions& options,
          const Control& control, int thread, Race& shared) {
  Search search(layout, capacity);
  Fitted& out = shared.by_thread[at(thread)];
  out.ending = Ending::budget;
  const auto shortest = static_cast<std::int64_t>(options.nodes_per_block * layout.count()) + 50;
  for (std::int64_t run = thread; run < options.most_runs; run += options.threads) {
    if (shared.winner.load() < run) break;
    std::mt19937_64 random = random_of(options.seed, run);
    const Strategy strategy = strategy_of_run(run, random);
    const std::int64_t length = luby(run);
    Deductions deductions = options.deductions;
    if (length < options.long_run) deductions.not_first = deductions.twins = false;
    const Ending ending = search.run(strategy, deductions, shortest * length, random,
                                     control.of_run(run, &shared.winner));
    out.nodes = search.nodes();
    out.runs = run + 1;
    if (ending == Ending::budget) continue;
    if (ending == Ending::stopped) {
      out.ending = ending;
      break;
    }
    std::int64_t best = shared.winner.load();
    while (run < best && !shared.winner.compare_exchange_weak(best, run)) {
    }
    out.ending = ending;
    if (ending == Ending::found) out.offsets = search.offsets();
    break;
  }
}

}  // namespace

bool searchable(const Blocks& blocks, std::span<const Index> part) {
  if (static_cast<Index>(part.size()) > kMostSearchable) return false;
  std::vector<std::pair<Step, int>> ends;
  for (const Index b : part) {
    for (const Piece& piece : blocks[b]) {
      ends.emplace_back(piece.lower, 1);
      ends.emplace_back(piece.upper, -1);
    }
  }
  std::sort(ends.begin(), ends.end());
  std::int64_t alive = 0;
  std::int64_t pairs = 0;
  for (const auto& [step, change] : ends) {
    if (change > 0) pairs += alive;
    alive += change;
  }
  return 2 * pairs <= kMostNeighbours;
}

Fitted fit_part(const Layout& layout, Bytes capacity, const SearchOptions& options,
                const Control& control) {
  Race shared;
  shared.by_thread.resize(at(options.threads));
  std::vector<std::thread> helpers;
  for (int t = 1; t < options.threads; ++t) {
    helpers.emplace_back([&, t] { race(layout, capacity, options, control, t, shared); });
  }
  race(layout, capacity, options, control, 0, shared);
  for (std::thread& helper : helpers) helper.join();
  Fitted out;
  out.ending = Ending::budget;
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
    const bool can_search = searchable(blocks, part);
    if (!can_search || part.size() > kGreedyFirst) {
      const Placement placed = place_all(only(blocks, part), capacity, control);
      if (placed.peak <= capacity) {
        for (std::size_t i = 0; i < part.size(); ++i) out.offsets[at(part[i])] = placed.offsets[i];
        continue;
      }
      if (!can_search) {
        out.ending = Ending::stopped;
        continue;
      }
    }
    const Layout layout = layout_of(blocks, part);
    const Fitted one = fit_part(layout, capacity, options, control);
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
      out.offsets[at(layout.block[i])] = one.offsets[i];
    }
  }
  return out;
}

}  // namespace cosmalloc
