#include "decode_msa.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "bandwidth.hpp"
#include "off_chip_seconds.hpp"
#include "repack.hpp"

namespace cosmalloc {
namespace {

std::size_t at(Index index) { return static_cast<std::size_t>(index); }

constexpr double kWasteful = 0.5;

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
        writes_(elapsed_),
        sum_(elapsed_.size() + 1, 0),
        barred_(program_.events.size(), 0) {
    std::partial_sum(elapsed_.begin(), elapsed_.end(), sum_.begin() + 1);
    Seconds per_byte = 0;
    for (const Event& event : program_.events) {
      const auto bytes = static_cast<double>(draft_.web(event.web).bytes);
      per_byte = std::max(per_byte, event.load / bytes);
    }
    longest_ = options_.most * per_byte * static_cast<double>(program_.capacity);
    window_ = per_byte * static_cast<double>(options_.window);
  }

  void run() {
    const Index pinned = options_.cross_program ? pin_largest() : -1;
    for (const Index web : sequence()) {
      if (web == pinned || draft_.web(web).first == draft_.web(web).stop) continue;
      allocate(web);
      while (lacked_room_ && repacks_ < options_.repacks) {
        ++repacks_;
        if (!repack(draft_, web)) break;
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

  // Who decides when. Floats, so that what differs by rounding is a tie.
  std::vector<Index> sequence() const {
    std::vector<Index> order(program_.webs.size());
    std::iota(order.begin(), order.end(), 0);
    const std::vector<double> priority =
        options_.priority.empty() ? msa_priority(program_, options_) : options_.priority;
    const auto key = [&](Index i) {
      const auto [life, last] = life_of(draft_.web(i));
      return std::tuple(-static_cast<float>(priority[at(i)]), -draft_.web(i).bytes, -life, last);
    };
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return key(a) < key(b); });
    return order;
  }

  // Steps that the web lives until it is updated, and the last use until then.
  std::pair<Index, Index> life_of(const Web& web) const {
    if (web.first == web.stop) return {0, 0};
    Index last = web.first;
    while (last + 1 < web.stop && (last == web.first || draft_.event(last).write < 0)) ++last;
    const bool updated = last > web.first && draft_.event(last).write >= 0;
    const bool given = !draft_.event(web.first).produces();
    const Index start = given ? 0 : draft_.event(web.first).step;
    const bool forever = !updated && (given || web.leaves);
    const Index use = draft_.event(last).step;
    return {(forever ? steps_.count() : use) - start, use};
  }

  // Seconds that the event's step takes less with what it reads on chip.
  Seconds reduction(const Event& event) const {
    const Seconds byte = bytes_[at(event.step)];
    const Seconds compute = steps_.compute[at(event.step)];
    const Seconds less = byte - saved_bytes(steps_, event.read);
    return std::max(compute, byte) - std::max(compute, less);
  }

  Index trip_of(Index step) const {
    return options_.trips.empty() || step >= steps_.count() ? -1 : options_.trips[at(step)];
  }

  // Whether a stay may go on from event `e` to the next: not over the end of the trip that it was
  // loaded in.
  bool may_follow(Index e, Index loaded_at) const {
    const Index from = draft_.event(e).step, to = draft_.event(e + 1).step;
    const Index trip = loaded_at < 0 ? -1 : trip_of(loaded_at);
    return may_keep(from, to) && (trip < 0 || trip_of(to) == trip);
  }

  Seconds window_of(Seconds own) const { return options_.window > 0 ? window_ : own; }

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
      if (stay.store_start >= 0) {
        writes_.remove(stay.store_start, stay.store_stop,
                       draft_.event(draft_.last_write(stay)).store);
      }
    }
    draft_.lift(web);
    draft_.put(web, {});
  }

  // Until no stay moves more than it serves.
  void allocate(Index index) {
    const Web& web = draft_.web(index);
    lacked_room_ = false;
    draft_.lift(index);
    std::vector<Stay> stays = decide(web);
    while (bar_wasteful(stays)) {
      release();
      stays = decide(web);
    }
    if (stays.empty() || !draft_.legal(index, stays)) {
      release();
      stays.clear();
    }
    copies_.clear();
    draft_.put(index, std::move(stays));
  }

  void release() {
    for (const Copy& copy : copies_) {
      (copy.store ? writes_ : reads_).remove(copy.start, copy.stop, copy.need);
    }
    copies_.clear();
  }

  // Bars the events of stays that are used for less than half of what their copies move.
  bool bar_wasteful(const std::vector<Stay>& stays) {
    bool found = false;
    for (const Stay& stay : stays) {
      const int copies = (stay.loaded ? 1 : 0) + (stay.store_start >= 0 ? 1 : 0);
      double used = 0;  // in units of the web
      for (Index e = stay.first; e <= stay.last; ++e) {
        const Event& event = draft_.event(e);
        if (event.read >= 0 && event.load > 0) used += steps_.off[at(event.read)] / event.load;
        if (event.write >= 0 && event.store > 0) used += steps_.off[at(event.write)] / event.store;
      }
      if (copies == 0 || used >= kWasteful * copies) continue;
      for (Index e = stay.first; e <= stay.last; ++e) barred_[at(e)] = 1;
      found = true;
    }
    return found;
  }

  // Event after event; nothing where no legal stays are found.
  std::vector<Stay> decide(const Web& web) {
    std::vector<Stay> stays;
    Index valid = draft_.event(web.first).produces() ? -1 : 0;
    bool on = false;  // the event before is on chip
    for (Index e = web.first; e < web.stop; ++e) {
      const Event& event = draft_.event(e);
      if (event.produces()) {
        on = !barred_[at(e)] && produce(web, e, stays);
        valid = on ? -1 : event.step + 1;
        continue;
      }
      if (on && !barred_[at(e)] && keep(web, e, stays)) {
        if (event.write >= 0) valid = -1;
        continue;
      }
      if (on && valid < 0) {
        valid = evict(web, stays, event.step);
        if (valid < 0) return {};  // no copy back is possible: all of it stays off-chip
      }
      const Index from = std::max(valid, stays.empty() ? 0 : stays.back().stop);
      on = !barred_[at(e)] && prefetch(web, e, from, stays);
      if (event.write >= 0) valid = on ? -1 : event.step + 1;
    }
    if (!stays.empty() && valid < 0 && web.leaves && evict(web, stays, steps_.count()) < 0) {
      return {};
    }
    return stays;
  }

  // Best fit for as many of the events behind `e` as possible, at least `e` itself. loaded_at: the
  // border where the stay's load starts, -1 for none.
  Bytes find(const Web& web, Index start, Index e, Index loaded_at) const {
    Index far = e;
    while (far + 1 < web.stop && may_follow(far, loaded_at)) ++far;
    for (; far >= e; --far) {
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
    const Bytes offset = find(web, step, used ? e + 1 : e, -1);
    lacked_room_ = lacked_room_ || offset < 0;
    if (offset < 0) return false;
    stays.push_back({e, e, step, step, step + 1, offset, -1, -1, false});
    return true;
  }

  // The last stay goes on to event `e`.
  bool keep(const Web& web, Index e, std::vector<Stay>& stays) {
    Stay& stay = stays.back();
    const Index step = draft_.event(e).step;
    if (!may_follow(e - 1, stay.loaded ? stay.start : -1)) return false;
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
    const Seconds need = draft_.event(written).store;
    const Seconds preferred = options_.preferred * window_of(need);
    Index stop = start;
    while (stop < due && elapsed(start, stop) < preferred) ++stop;
    stop = std::max(stop, stay.stop);
    if (stop > due) return -1;
    while (stop > stay.stop && !draft_.is_free(stay.stop, stop, stay.offset, web.bytes)) --stop;
    if (stop <= start || !writes_.admits(start, stop, need, options_.outstanding)) return -1;
    copies_.push_back({start, stop, need, true});
    stay.store_start = start;
    stay.store_stop = stop;
    stay.stop = std::max(stay.stop, stop);
    return stop;
  }

  // A load for event `e` from border `low` on.
  bool prefetch(const Web& web, Index e, Index low, std::vector<Stay>& stays) {
    const Event& event = draft_.event(e);
    const Seconds window = window_of(event.load);
    Index latest = event.step;
    const Seconds least = options_.least * window - reduction(event);
    while (latest >= low && elapsed(latest, event.step) < least) --latest;
    Index earliest = std::max(low, trip_of(event.step));
    while (earliest < latest && elapsed(earliest, event.step) > longest_) ++earliest;
    if (earliest > latest) return false;
    const Seconds preferred = options_.preferred * window;
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
    if ((start == use && event.load > 0) || trip_of(start) != trip_of(use)) return false;
    if (!reads_.admits(start, use, event.load, options_.outstanding)) return false;
    const Bytes offset = find(web, start, e, start);
    lacked_room_ = lacked_room_ || offset < 0;
    if (offset < 0) {
      reads_.remove(start, use, event.load);
      return false;
    }
    copies_.push_back({start, use, event.load, false});
    stays.push_back({e, e, start, use, use + 1, offset, -1, -1, true});
    return true;
  }

  struct Copy {
    Index start, stop;
    Seconds need;
    bool store;
  };

  Draft& draft_;
  const Program& program_;
  const MsaOptions& options_;
  const Steps& steps_;
  std::vector<Seconds> bytes_, elapsed_;
  Bandwidth reads_, writes_;
  std::vector<Seconds> sum_;
  std::vector<char> barred_;  // per event
  Seconds longest_ = 0;
  Seconds window_ = 0;
  bool lacked_room_ = false;
  int repacks_ = 0;
  std::vector<Copy> copies_;  // of the web in hand
};

}  // namespace

void decode_msa(Draft& draft, const MsaOptions& options) { Decoder(draft, options).run(); }

}  // namespace cosmalloc
