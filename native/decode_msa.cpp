#include "decode_msa.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace cosmalloc {
namespace {

std::size_t at(Index index) { return static_cast<std::size_t>(index); }

// Seconds that bytes take in each step with everything off-chip.
std::vector<Seconds> byte_seconds(const Steps& steps) {
  std::vector<Seconds> sums(at(steps.count()), 0);
  for (Index step = 0; step < steps.count(); ++step) {
    for (Index a = steps.first[at(step)]; a < steps.first[at(step + 1)]; ++a) {
      sums[at(step)] += steps.off[at(a)];
    }
  }
  return sums;
}

Seconds saved_bytes(const Steps& steps, Index access) {
  return access < 0 ? 0 : steps.off[at(access)] - steps.near[at(access)];
}

// Copies of one direction in order of start; each takes the seconds of the steps in its window.
class Bandwidth {
 public:
  explicit Bandwidth(std::vector<Seconds> seconds) : seconds_(std::move(seconds)) {}

  bool admits(Index start, Index stop, Seconds need, int outstanding) {
    const Row row{start, stop, need};
    int met = 0;
    for (const Row& other : rows_) met += other.start < stop && start < other.stop;
    if (met >= outstanding) return false;
    const auto place = std::upper_bound(rows_.begin(), rows_.end(), row, before);
    rows_.insert(place, row);
    const bool fits = all_done();
    if (!fits) remove(row);
    return fits;
  }

  void remove(Index start, Index stop, Seconds need) { remove({start, stop, need}); }

 private:
  struct Row {
    Index start, stop;
    Seconds need;
    bool operator==(const Row&) const = default;
  };
  static bool before(const Row& a, const Row& b) {
    return std::pair(a.start, a.stop) < std::pair(b.start, b.stop);
  }
  void remove(const Row& row) { rows_.erase(std::find(rows_.begin(), rows_.end(), row)); }

  bool all_done() const {
    Index step = 0;
    Seconds left = 0;  // of `step`
    for (const Row& row : rows_) {
      if (row.start >= step || step == 0) {
        if (row.start > step || step == 0) {
          step = row.start;
          left = at(step) < seconds_.size() ? seconds_[at(step)] : 0;
        }
      }
      Seconds need = row.need;
      while (need > left) {
        need -= left;
        ++step;
        if (step >= row.stop) return false;
        left = seconds_[at(step)];
      }
      if (step >= row.stop) return false;
      left -= need;
    }
    return true;
  }

  std::vector<Seconds> seconds_;
  std::vector<Row> rows_;
};

class Decoder {
 public:
  Decoder(Draft& draft, const MsaOptions& options)
      : draft_(draft),
        program_(draft.program()),
        options_(options),
        steps_(program_.steps),
        bytes_(byte_seconds(steps_)),
        elapsed_(elapsed_of(steps_, bytes_)),
        reads_(elapsed_),
        sum_(elapsed_.size() + 1, 0) {
    std::partial_sum(elapsed_.begin(), elapsed_.end(), sum_.begin() + 1);
    Seconds per_byte = 0;
    for (const Event& event : program_.events) {
      const auto bytes = static_cast<double>(draft_.web(event.web).bytes);
      per_byte = std::max(per_byte, event.load / bytes);
    }
    longest_ = options_.most * per_byte * static_cast<double>(program_.capacity);
  }

  void run() {
    std::vector<Index> order(program_.webs.size());
    std::iota(order.begin(), order.end(), 0);
    const std::vector<double> priority =
        options_.priority.empty() ? msa_priority(program_) : options_.priority;
    const auto life = [&](Index i) {
      const Web& web = draft_.web(i);
      return web.first == web.stop ? 0
                                   : draft_.event(web.stop - 1).step - draft_.event(web.first).step;
    };
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
      return std::tuple(-priority[at(a)], -draft_.web(a).bytes, -life(a)) <
             std::tuple(-priority[at(b)], -draft_.web(b).bytes, -life(b));
    });
    const Index pinned = options_.cross_program ? pin_largest() : -1;
    for (const Index web : order) {
      if (web == pinned || draft_.web(web).first == draft_.web(web).stop) continue;
      allocate(web);
      while (lacked_room_ && repacks_ < options_.repacks) {
        ++repacks_;
        if (!repack(web)) break;
        give_back(web);
        allocate(web);
      }
    }
  }

 private:
  static std::vector<Seconds> elapsed_of(const Steps& steps, const std::vector<Seconds>& bytes) {
    std::vector<Seconds> elapsed = bytes;
    for (std::size_t s = 0; s < elapsed.size(); ++s) {
      elapsed[s] = std::max(elapsed[s], steps.compute[s]);
    }
    return elapsed;
  }

  Seconds elapsed(Index from, Index to) const { return sum_[at(to)] - sum_[at(from)]; }

  // Whether a stay may last from behind step `from` to step `to`.
  bool may_keep(Index from, Index to) const { return from >= to || elapsed(from, to) < longest_; }

  // Seconds that the event's step takes less with it on chip.
  Seconds reduction(const Event& event) const {
    const Seconds byte = bytes_[at(event.step)];
    const Seconds compute = steps_.compute[at(event.step)];
    const Seconds less = byte - saved_bytes(steps_, event.read) - saved_bytes(steps_, event.write);
    return std::max(compute, byte) - std::max(compute, less);
  }

  // The largest web that is only read, on chip throughout.
  Index pin_largest() {
    Index found = -1;
    for (Index i = 0; i < static_cast<Index>(program_.webs.size()); ++i) {
      const Web& web = draft_.web(i);
      bool reads = web.first < web.stop && !web.leaves && web.bytes <= program_.capacity;
      for (Index e = web.first; e < web.stop; ++e) reads = reads && draft_.event(e).write < 0;
      if (reads && (found < 0 || web.bytes > draft_.web(found).bytes)) found = i;
    }
    if (found < 0) return found;
    const Web& web = draft_.web(found);
    draft_.lift(found);
    draft_.put(found, {{web.first, web.stop - 1, 0, draft_.event(web.first).step, steps_.count(), 0,
                        -1, -1, true}});
    return found;
  }

  void give_back(Index web) {
    for (const Stay& stay : draft_.stays(web)) {
      if (stay.loaded) reads_.remove(stay.start, stay.ready, draft_.event(stay.first).load);
    }
    draft_.lift(web);
    draft_.put(web, {});
  }

  void allocate(Index index) {
    const Web& web = draft_.web(index);
    lacked_room_ = false;
    draft_.lift(index);
    std::vector<Stay> stays;
    Index valid = draft_.event(web.first).produces() ? -1 : 0;
    bool on = false;  // the event before is on chip
    for (Index e = web.first; e < web.stop; ++e) {
      const Event& event = draft_.event(e);
      if (event.produces()) {
        on = produce(web, e, stays);
        valid = on ? -1 : event.step + 1;
        continue;
      }
      if (on && keep(web, e, stays)) {
        if (event.write >= 0) valid = -1;
        continue;
      }
      if (on && valid < 0) {
        valid = evict(web, stays, event.step);
        if (valid < 0) {
          stays.clear();  // no copy back is possible: all of it stays off-chip
          break;
        }
      }
      const Index from = std::max(valid, stays.empty() ? 0 : stays.back().stop);
      on = prefetch(web, e, from, stays);
      if (event.write >= 0) valid = on ? -1 : event.step + 1;
    }
    if (!stays.empty() && valid < 0 && web.leaves) {
      const Index written = evict(web, stays, steps_.count());
      if (written < 0) stays.clear();
    }
    if (stays.empty() || !draft_.legal(index, stays)) {
      for (const Copy& copy : copies_) {
        reads_.remove(copy.start, copy.stop, copy.need);
      }
      stays.clear();
    }
    copies_.clear();
    draft_.put(index, std::move(stays));
  }

  // The event up to which a stay that serves `e` may go on without a copy.
  Index reach(const Web& web, Index e) const {
    while (e + 1 < web.stop && may_keep(draft_.event(e).step, draft_.event(e + 1).step)) ++e;
    return e;
  }

  // Best fit for as many of the events behind `e` as possible, at least `e` itself.
  Bytes find(const Web& web, Index start, Index e) const {
    for (Index far = reach(web, e); far >= e; --far) {
      const Bytes offset = draft_.find(start, draft_.event(far).step + 1, web.bytes);
      if (offset >= 0) return offset;
    }
    return -1;
  }

  // On chip from the producing step to the first use.
  bool produce(const Web& web, Index e, std::vector<Stay>& stays) {
    const Index step = draft_.event(e).step;
    const bool used = e + 1 < web.stop;
    const Index until = used ? draft_.event(e + 1).step : step;
    if (!may_keep(step, until)) return false;
    const Bytes offset = find(web, step, used ? e + 1 : e);
    lacked_room_ = lacked_room_ || offset < 0;
    if (offset < 0) return false;
    stays.push_back({e, e, step, step, step + 1, offset, -1, -1, false});
    return true;
  }

  // The last stay goes on to event `e`.
  bool keep(const Web& web, Index e, std::vector<Stay>& stays) {
    Stay& stay = stays.back();
    const Index step = draft_.event(e).step;
    if (!may_keep(draft_.event(e - 1).step, step)) return false;
    if (!draft_.is_free(stay.stop, step + 1, stay.offset, web.bytes)) {
      lacked_room_ = true;
      return false;
    }
    stay.last = e;
    stay.stop = step + 1;
    stay.store_start = stay.store_stop = -1;
    return true;
  }

  // Stores what the last stay wrote, by border `due`; the border where it is valid, -1 if never.
  Index evict(const Web& web, std::vector<Stay>& stays, Index due) {
    Stay& stay = stays.back();
    const Index written = draft_.last_write(stay);
    const Index start = draft_.event(written).step + 1;
    Index stop = start;
    while (stop < due && elapsed(start, stop) < options_.preferred * draft_.event(written).store)
      ++stop;
    stop = std::max(stop, stay.stop);
    if (stop > due) return -1;
    while (stop > stay.stop && !draft_.is_free(stay.stop, stop, stay.offset, web.bytes)) --stop;
    if (stop < start) return -1;
    stay.store_start = start;
    stay.store_stop = stop;
    stay.stop = std::max(stay.stop, stop);
    return stop;
  }

  // A load for event `e` from border `low` on.
  bool prefetch(const Web& web, Index e, Index low, std::vector<Stay>& stays) {
    const Event& event = draft_.event(e);
    Index latest = event.step;
    const Seconds least = options_.least * event.load - reduction(event);
    while (latest >= low && elapsed(latest, event.step) < least) --latest;
    Index earliest = low;
    while (earliest < latest && elapsed(earliest, event.step) > longest_) ++earliest;
    if (earliest > latest) return false;
    const Seconds preferred = options_.preferred * event.load;
    Index nearest = earliest;
    for (Index b = earliest + 1; b <= latest; ++b) {
      if (std::abs(preferred - elapsed(b, event.step)) <
          std::abs(preferred - elapsed(nearest, event.step))) {
        nearest = b;
      }
    }
    const Index most = std::max(latest - nearest, nearest - earliest);
    for (Index away = 0; away <= most; ++away) {
      for (const Index start : {nearest + away, nearest - away}) {
        if (start < earliest || start > latest || (away == 0 && start != nearest)) continue;
        if (load(web, e, start, stays)) return true;
        if (away == 0) break;
      }
    }
    return false;
  }

  bool load(const Web& web, Index e, Index start, std::vector<Stay>& stays) {
    const Event& event = draft_.event(e);
    const Index use = event.step;
    if (start == use && event.load > 0) return false;
    if (!reads_.admits(start, use, event.load, options_.outstanding)) return false;
    const Bytes offset = find(web, start, e);
    lacked_room_ = lacked_room_ || offset < 0;
    if (offset < 0) {
      reads_.remove(start, use, event.load);
      return false;
    }
    copies_.push_back({start, use, event.load});
    stays.push_back({e, e, start, use, use + 1, offset, -1, -1, true});
    return true;
  }

  // New offsets for all stays, the largest first, if that leaves no stay out.
  bool repack(Index but) {
    struct Item {
      Index web;
      std::size_t stay;
      Bytes bytes;
      Index length;
    };
    std::vector<Item> items;
    const auto webs = static_cast<Index>(program_.webs.size());
    std::vector<std::vector<Stay>> old;
    for (Index web = 0; web < webs; ++web) {
      old.push_back(draft_.stays(web));
      if (web == but) continue;
      for (std::size_t i = 0; i < old.back().size(); ++i) {
        const Stay& stay = old.back()[i];
        items.push_back({web, i, draft_.web(web).bytes, stay.stop - stay.start});
      }
    }
    for (const bool by_length : {true, false}) {
      std::stable_sort(items.begin(), items.end(), [&](const Item& a, const Item& b) {
        return by_length ? std::pair(-a.length, -a.bytes) < std::pair(-b.length, -b.bytes)
                         : std::pair(-a.bytes, -a.length) < std::pair(-b.bytes, -b.length);
      });
      Draft fresh(draft_);
      for (Index web = 0; web < webs; ++web) {
        fresh.lift(web);
        fresh.put(web, {});
      }
      std::vector<std::vector<Stay>> placed = old;
      bool whole = true;
      for (const Item& item : items) {
        Stay& stay = placed[at(item.web)][item.stay];
        stay.offset = fresh.find(stay.start, stay.stop, item.bytes);
        whole = whole && stay.offset >= 0;
        if (!whole) break;
        std::vector<Stay> so_far = fresh.stays(item.web);
        so_far.push_back(stay);
        std::sort(so_far.begin(), so_far.end(),
                  [](const Stay& a, const Stay& b) { return a.start < b.start; });
        fresh.lift(item.web);
        fresh.put(item.web, std::move(so_far));
      }
      if (!whole) continue;
      for (Index web = 0; web < webs; ++web) draft_.lift(web);
      for (Index web = 0; web < webs; ++web) {
        if (web != but) draft_.put(web, placed[at(web)]);
      }
      return true;
    }
    return false;
  }

  struct Copy {
    Index start, stop;
    Seconds need;
  };

  Draft& draft_;
  const Program& program_;
  const MsaOptions& options_;
  const Steps& steps_;
  std::vector<Seconds> bytes_, elapsed_;
  Bandwidth reads_;
  std::vector<Seconds> sum_;
  Seconds longest_ = 0;
  bool lacked_room_ = false;
  int repacks_ = 0;
  std::vector<Copy> copies_;  // of the web in hand
};

}  // namespace

std::vector<double> msa_priority(const Program& program) {
  const std::vector<Seconds> bytes = byte_seconds(program.steps);
  std::vector<double> priority;
  for (const Web& web : program.webs) {
    double benefit = -std::numeric_limits<double>::infinity();
    for (Index i = web.first; i < web.stop; ++i) {
      const Event& event = program.events[at(i)];
      for (const Index access : {event.read, event.write}) {
        if (access < 0) continue;
        const Seconds compute = program.steps.compute[at(event.step)];
        const Seconds byte = bytes[at(event.step)];
        const double here = byte > compute ? saved_bytes(program.steps, access) : byte - compute;
        benefit = benefit > 0 && here > 0 ? benefit + here : std::max(benefit, here);
      }
    }
    priority.push_back(benefit / std::sqrt(static_cast<double>(web.bytes)));
  }
  return priority;
}

void decode_msa(Draft& draft, const MsaOptions& options) { Decoder(draft, options).run(); }

}  // namespace cosmalloc
