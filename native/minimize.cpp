#include "minimize.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "sweep.hpp"

namespace cosmalloc {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
constexpr std::int64_t kFirstRuns = 8;     // of a capacity, in the first round
constexpr std::int64_t kMoreAtFirst = 24;  // times as many for the first capacity of a round

struct Part {
  std::vector<Index> blocks;
  std::unique_ptr<Readings> readings;
  Bytes peak = 0;
  Bytes bound = 0;
  Bytes grain = 1;                      // every peak is a multiple of it
  std::map<Bytes, std::int64_t> tried;  // runs made in vain, per capacity
};

// Pushed down, every offset is a sum of sizes, rounded up to alignments, or starts from a fixed
// one.
Bytes grain_of(const Blocks& part) {
  Bytes grain = 0;
  for (const Piece& piece : part.pieces) grain = std::gcd(grain, piece.size);
  for (const Bytes alignment : part.alignment) {
    if (alignment > 1) grain = std::gcd(grain, alignment);
  }
  for (const Bytes fixed : part.fixed) grain = std::gcd(grain, std::max(fixed, Bytes{0}));
  return std::max(grain, Bytes{1});
}

Bytes round_up(Bytes value, Bytes grain) { return (value + grain - 1) / grain * grain; }

// No allocation is lower than the load, nor than the top of a fixed block.
Bytes bound_of(const Blocks& part) {
  Bytes bound = load_bound(part);
  for (Index b = 0; b < part.count(); ++b) {
    if (part.fixed[at(b)] < 0) continue;
    for (const Piece& piece : part[b]) bound = std::max(bound, part.fixed[at(b)] + piece.size);
  }
  return bound;
}

class Minimizer {
 public:
  Minimizer(const Blocks& blocks, const SearchOptions& options, const Control& control,
            Progress* progress)
      : blocks_(blocks), options_(options), control_(control), progress_(progress) {
    out_.offsets.assign(at(blocks.count()), kNowhere);
  }

  Minimized run() {
    begin();
    const std::int64_t limit = options_.most_runs;
    for (std::int64_t runs = kFirstRuns; out_.peak > out_.bound && !control_.stop(); runs *= 2) {
      bool open = false;
      for (Part& part : parts_) {
        if (part.peak <= out_.bound || control_.stop()) continue;
        if (!part.readings->any_to_search(options_.joins)) continue;
        lower(part, std::min(runs, limit));
        open = true;
      }
      if (!open || runs >= limit) break;
    }
    return std::move(out_);
  }

 private:
  void begin() {
    for (std::vector<Index>& members : parts_of(blocks_)) {
      Part part;
      Blocks alone = only(blocks_, members);
      part.grain = grain_of(alone);
      part.bound = round_up(bound_of(alone), part.grain);
      const Placement best = place_all(alone, part.bound, control_);
      part.peak = best.peak;
      for (std::size_t i = 0; i < members.size(); ++i) {
        out_.offsets[at(members[i])] = best.offsets[i];
      }
      part.readings = std::make_unique<Readings>(std::move(alone), control_);
      part.blocks = std::move(members);
      parts_.push_back(std::move(part));
      tell();
    }
    std::stable_sort(parts_.begin(), parts_.end(),
                     [](const Part& a, const Part& b) { return a.bound > b.bound; });
  }

  // One round on one part, `runs` runs of the search for every capacity tried.
  void lower(Part& part, std::int64_t runs) {
    SearchOptions options = options_;
    Bytes target = std::max(part.bound, out_.bound);  // lower than that helps nobody
    target = std::min(round_up(target, part.grain), part.peak - part.grain);
    Bytes hopeless = target - part.grain;  // tried in vain in this round, or below the bound
    for (bool first = true; !control_.stop(); first = false) {
      options.first_run = part.tried[target];
      options.most_runs = first ? kMoreAtFirst * runs : runs;
      const Fitted found = fit_part(*part.readings, target, options, control_);
      out_.nodes += found.nodes;
      if (found.ending == Ending::found) {
        keep(part, found.offsets);
      } else {
        if (found.ending == Ending::refuted) part.bound = std::max(part.bound, target + part.grain);
        part.tried[target] += options.most_runs;
        hopeless = target;
      }
      tell();
      if (part.peak <= std::max(part.bound, out_.bound)) return;
      const Bytes room = (part.peak - hopeless) / part.grain;  // grains, at least 1
      if (room <= 1) return;
      target = hopeless + room / 2 * part.grain;
    }
  }

  void keep(Part& part, std::span<const Bytes> offsets) {
    for (std::size_t b = 0; b < offsets.size(); ++b) out_.offsets[at(part.blocks[b])] = offsets[b];
    part.peak = peak_of(part.readings->part(), offsets);
  }

  void tell() {
    out_.peak = 0;
    out_.bound = 0;
    for (const Part& part : parts_) {
      out_.peak = std::max(out_.peak, part.peak);
      out_.bound = std::max(out_.bound, part.bound);
    }
    if (progress_ != nullptr) progress_->set(out_.peak, out_.bound);
  }

  const Blocks& blocks_;
  const SearchOptions& options_;
  const Control& control_;
  Progress* progress_;
  std::vector<Part> parts_;
  Minimized out_;
};

}  // namespace

void Progress::set(Bytes peak, Bytes bound) {
  const std::lock_guard lock(mutex_);
  peak_ = peak;
  bound_ = bound;
}

std::pair<Bytes, Bytes> Progress::get() const {
  const std::lock_guard lock(mutex_);
  return {peak_, bound_};
}

Minimized minimize(const Blocks& blocks, const SearchOptions& options, const Control& control,
                   Progress* progress) {
  return Minimizer(blocks, options, control, progress).run();
}

}  // namespace cosmalloc
