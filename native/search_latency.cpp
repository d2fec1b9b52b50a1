#include "search_latency.hpp"

#include <algorithm>
#include <cmath>

namespace cosmalloc {
namespace {

std::size_t at(Index index) { return static_cast<std::size_t>(index); }

constexpr std::int64_t kRenewEvery = 128;  // moves between two looks at where time is lost
constexpr double kReaches[] = {1, 1, 1.1, 1.3, 1.6, 2, 3, 5};
constexpr int kEjections = 4;      // stays of one web that may push others aside in a move
constexpr Index kCandidates = 24;  // neighbours beside which a stay looks for a place
constexpr int kReadmitted = 8;     // events tried again after a move

class Annealing {
 public:
  Annealing(Draft& draft, const LatencyOptions& options)
      : draft_(draft), random_(options.seed), options_(options) {
    const Steps& steps = draft.program().steps;
    for (Index step = 0; step < steps.count(); ++step) {
      Seconds near = 0;
      for (Index access = steps.first[at(step)]; access < steps.first[at(step + 1)]; ++access) {
        const bool tracked = draft.program().event_of[at(access)] >= 0;
        near += tracked ? std::min(steps.near[at(access)], steps.off[at(access)])
                        : steps.off[at(access)];
      }
      floor_.push_back(std::max(steps.compute[at(step)], near));
    }
    lost_.resize(floor_.size() + 1);
  }

  LatencyResult run(const Control& control) {
    Seconds now = draft_.latency();
    LatencyResult best{all(), now, 0, 0, {}};
    best.curve.push_back({control.elapsed(), 0, now});
    const double fall = std::log(options_.cold / options_.hot);
    double temperature = options_.hot * now;
    if (draft_.program().events.empty()) return best;
    for (std::int64_t move = 0; options_.moves == 0 || move < options_.moves; ++move) {
      if (move % 16 == 0) {
        if (control.stop()) break;
        const double share = options_.moves > 0
                                 ? static_cast<double>(move) / static_cast<double>(options_.moves)
                                 : control.elapsed() / (control.elapsed() + control.left());
        temperature = options_.hot * best.latency * std::exp(fall * share);
      }
      if (move % kRenewEvery == 0) renew();
      draft_.begin();
      const bool changed = propose();
      ++best.moves;
      if (!changed) {
        draft_.rollback();
        continue;
      }
      readmit();
      const Seconds then = draft_.latency();
      if (then > now && uniform() >= std::exp((now - then) / temperature)) {
        draft_.rollback();
        continue;
      }
      draft_.commit();
      ++best.accepted;
      now = then;
      if (now < best.latency * (1 - 1e-12)) {
        best.latency = now;
        best.stays = all();
        best.curve.push_back({control.elapsed(), move, now});
      }
    }
    return best;
  }

 private:
  double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  Index below(Index count) { return static_cast<Index>(uniform() * static_cast<double>(count)); }
  bool chance(double p) { return uniform() < p; }

  std::vector<std::vector<Stay>> all() const {
    std::vector<std::vector<Stay>> stays;
    for (Index web = 0; web < static_cast<Index>(draft_.program().webs.size()); ++web) {
      stays.push_back(draft_.stays(web));
    }
    return stays;
  }

  // lost_: running sum over borders of stalls and of seconds above the floor.
  void renew() {
    double sum = 0;
    const Clock& clock = draft_.clock();
    const double base = draft_.latency() * 1e-4 / static_cast<double>(lost_.size());
    for (Index border = 0; border < static_cast<Index>(lost_.size()); ++border) {
      sum += clock.stall(border) + base;
      if (at(border) < floor_.size()) sum += clock.total(border) - floor_[at(border)];
      lost_[at(border)] = sum;
    }
  }

  Index slow_border() {
    const double mark = uniform() * lost_.back();
    const auto found = std::upper_bound(lost_.begin(), lost_.end(), mark);
    return std::min(static_cast<Index>(found - lost_.begin()),
                    static_cast<Index>(lost_.size()) - 1);
  }

  // Seconds that its step saves with the event on chip, or loses without.
  Seconds worth(const Event& event) const {
    const Steps& steps = draft_.program().steps;
    Seconds off = 0;
    Seconds near = 0;
    for (const Index access : {event.read, event.write}) {
      if (access < 0) continue;
      off += steps.off[at(access)];
      near += steps.near[at(access)];
    }
    return off - near;
  }

  Seconds gain(const Event& event) const {
    const Clock& clock = draft_.clock();
    const Seconds total = clock.total(event.step);
    const Seconds room = total - floor_[at(event.step)];
    return std::min(room, worth(event)) + 0.05 * worth(event);
  }

  bool propose() {
    gone_.clear();
    const double kind = uniform();
    if (kind < 0.6) return mend(slow_border());
    if (kind < 0.75) return shift(some_event());
    if (kind < 0.85) return drop(some_event());
    if (kind < 0.95) return bring(some_event());
    return move_place(some_event());
  }

  Index some_event() { return below(static_cast<Index>(draft_.program().events.size())); }

  // Something for a border that waits, or a step that is slower than it could be.
  bool mend(Index border) {
    const Clock& clock = draft_.clock();
    const bool step = at(border) < floor_.size();
    const double slow = step ? clock.total(border) - floor_[at(border)] : 0;
    const double stall = clock.stall(border);
    if (uniform() * (slow + stall) < stall) return hasten(border);
    if (!step) return false;
    const Steps& steps = draft_.program().steps;
    double sum = 0;
    Index chosen = -1;
    for (Index access = steps.first[at(border)]; access < steps.first[at(border + 1)]; ++access) {
      const Index event = draft_.program().event_of[at(access)];
      if (event < 0 || clock.near(access)) continue;
      const double weight = std::max(0.0, worth(draft_.event(event)));
      sum += weight;
      if (uniform() * sum < weight) chosen = event;
    }
    return chosen >= 0 && bring(chosen);
  }

  // Copies due at the border start earlier or go; so may others that are under way.
  bool hasten(Index border) {
    Index chosen = -1;
    double seen = 0;
    draft_.visit(std::max(0, border - 1), border + 1, [&](const Space::Entry& entry) {
      const Index web = entry.tag;
      for (const Stay& stay : draft_.stays(web)) {
        const bool load = stay.loaded && stay.start <= border && border <= stay.ready;
        const bool store =
            stay.store_start >= 0 && stay.store_start <= border && border <= stay.store_stop;
        if (!load && !store) continue;
        const bool due = (load && stay.ready == border) || (store && stay.store_stop == border);
        const double weight = due ? 4 : 1;
        seen += weight;
        if (uniform() * seen < weight) chosen = stay.first;
      }
    });
    if (chosen < 0) return false;
    return chance(0.7) ? shift(chosen) : drop(chosen);
  }

  bool bring(Index event_index) {
    const Index web_index = draft_.event(event_index).web;
    const Web& web = draft_.web(web_index);
    const auto k = at(event_index - web.first);
    Choice choice = choice_of(draft_, web_index);
    const bool was_on = choice.on[k] != 0;
    choice.on[k] = 1;
    const bool left = k > 0 && choice.on[k - 1] != 0;
    const bool right = k + 1 < choice.on.size() && choice.on[k + 1] != 0 &&
                       draft_.event(event_index + 1).read >= 0;
    bool changed = !was_on;
    if (left && !draft_.event(event_index).produces()) {
      const char link = chance(0.75);
      changed |= link != choice.link[k - 1];
      choice.link[k - 1] = link;
    }
    if (right) {
      const char link = chance(0.75);
      changed |= link != choice.link[k];
      choice.link[k] = link;
    }
    while (chance(0.4)) {  // one more on the way
      std::size_t next = k;
      while (next < choice.on.size() && choice.link[next] != 0) ++next;
      if (++next >= choice.on.size()) break;
      choice.on[next] = choice.link[next - 1] = 1;
      changed = true;
    }
    if (k > 0 && choice.on[k - 1] == 0 && chance(0.2)) {
      choice.on[k - 1] = choice.link[k - 1] = 1;
      changed = true;
    }
    Wish wish;
    wish.reach = kReaches[below(std::size(kReaches))];
    return changed && settle(web_index, choice, wish, true);
  }

  bool drop(Index event_index) {
    const Stay* stay = draft_.on(event_index);
    if (stay == nullptr) return false;
    const Index web_index = draft_.event(event_index).web;
    const Index first = draft_.web(web_index).first;
    Choice choice = choice_of(draft_, web_index);
    const double kind = uniform();
    const Index from = kind < 0.5 ? stay->first : event_index;
    const Index to = kind < 0.25 || kind >= 0.75 ? event_index : stay->last;
    if (from < to || stay->first == stay->last || chance(0.5)) {
      for (Index i = from; i <= to; ++i) turn_off(choice, at(i - first));
    } else if (event_index < stay->last) {
      choice.link[at(event_index - first)] = 0;  // leave and come back
    } else {
      turn_off(choice, at(event_index - first));
    }
    Wish wish;
    wish.reach = kReaches[below(std::size(kReaches))];
    if (!settle(web_index, choice, wish, false)) return false;
    for (Index i = from; i <= to; ++i) gone_.push_back(i);
    fill(draft_.event(event_index).step);
    return true;
  }

  // Other events near the step may have the room.
  void fill(Index step) {
    const auto& program = draft_.program();
    const Index span = 1 + below(8);
    for (Index s = std::max(0, step - span); s < std::min(program.steps.count(), step + span);
         ++s) {
      for (Index a = program.steps.first[at(s)]; a < program.steps.first[at(s + 1)]; ++a) {
        const Index event = program.event_of[at(a)];
        if (event >= 0 && !draft_.clock().near(a) && gain(draft_.event(event)) > 0) {
          gone_.push_back(event);
        }
      }
    }
  }

  // Another start of the load, or another end of the store.
  bool shift(Index event_index) {
    const Stay* stay = draft_.on(event_index);
    if (stay == nullptr) return false;
    const Index web_index = draft_.event(event_index).web;
    Wish wish;
    const bool load = stay->loaded && (stay->store_start < 0 || chance(0.5));
    if (!load && stay->store_start < 0) return false;
    if (load) {
      wish.load_of = stay->first;
      if (chance(0.5)) {
        wish.load_start = reach_back(draft_.clock(), 0, stay->ready,
                                     draft_.event(stay->first).load *
                                         kReaches[below(std::size(kReaches))] * (0.5 + uniform()));
      } else {
        wish.load_start = std::max(0, stay->start + below(13) - (chance(0.7) ? 9 : 4));
      }
    } else {
      wish.store_after = stay->last;
      wish.store_stop = std::max(0, stay->store_stop + below(13) - 4);
    }
    return settle(web_index, choice_of(draft_, web_index), wish, true);
  }

  // The same stays at other bytes.
  bool move_place(Index event_index) {
    if (draft_.on(event_index) == nullptr) return false;
    const Index web = draft_.event(event_index).web;
    std::vector<Stay> stays = draft_.stays(web);
    draft_.lift(web);
    for (Stay& stay : stays) {
      const Bytes from = stay.offset;
      stay.offset = draft_.find(web, stay);
      if (stay.offset < 0) stay.offset = from;
    }
    draft_.put(web, std::move(stays));
    fill(draft_.event(event_index).step);
    return true;
  }

  // The web as chosen. by_force: others make room.
  bool settle(Index web, const Choice& choice, const Wish& wish, bool by_force) {
    auto stays = timed(draft_, web, choice, wish);
    if (!stays || *stays == draft_.stays(web)) return false;
    draft_.lift(web);
    for (int round = 0;; ++round) {
      const Index stuck = place(draft_, web, *stays);
      if (stuck < 0) break;
      if (!by_force || round == kEjections || draft_.web(web).bytes > draft_.program().capacity) {
        return false;
      }
      Stay& stay = (*stays)[at(stuck)];
      stay.offset = eject(web, stay);
    }
    draft_.put(web, std::move(*stays));
    return true;
  }

  struct Taken {
    Bytes bottom, top;
    Index web;
    double value;
    bool shares;
    bool meets(Bytes offset, Bytes until) const {
      return bottom < until && offset < top && !(shares && bottom == offset);
    }
  };

  // Frees the stay's bytes in its steps where that costs little; the offset.
  Bytes eject(Index newcomer, const Stay& wanted) {
    const Bytes bytes = draft_.web(newcomer).bytes;
    const Bytes alignment = draft_.program().alignment;
    const Bytes capacity = draft_.program().capacity;
    taken_.clear();
    draft_.visit(wanted.start, wanted.stop, [&](const Space::Entry& entry) {
      double value = 0;
      const Index web = entry.tag;
      for (const Stay& stay : draft_.stays(web)) {
        if (stay.start != entry.lower) continue;
        for (Index i = stay.first; i <= stay.last; ++i) {
          value += std::max(0.0, worth(draft_.event(i)));
        }
      }
      value *= 0.3 + uniform() * 1.4;
      const bool shares = draft_.may_share(newcomer, wanted, entry);
      taken_.push_back({entry.bottom, entry.top, web, value, shares});
    });
    Bytes best = 0;
    double least = std::numeric_limits<double>::infinity();
    const auto consider = [&](Bytes offset) {
      if (offset < 0 || offset + bytes > capacity) return;
      double cost = 0;
      for (const Taken& other : taken_) {
        if (other.meets(offset, offset + bytes)) cost += other.value;
      }
      if (cost < least || (cost == least && offset < best)) {
        least = cost;
        best = offset;
      }
    };
    consider(0);
    const auto count = static_cast<Index>(taken_.size());
    for (Index i = 0; i < std::min(count, kCandidates); ++i) {
      const Taken& other = taken_[at(count <= kCandidates ? i : below(count))];
      if (other.shares) consider(other.bottom);
      consider((other.top + alignment - 1) / alignment * alignment);
      consider((other.bottom - bytes) / alignment * alignment);
    }
    for (const Taken& other : taken_) {
      if (other.meets(best, best + bytes)) {
        cut(other.web, wanted.start, wanted.stop, best, best + bytes);
      }
    }
    return best;
  }

  // The web leaves bytes [bottom, top) in [start, stop), and keeps what it can.
  void cut(Index web_index, Index start, Index stop, Bytes bottom, Bytes top) {
    const Web& web = draft_.web(web_index);
    const Stay* hit = nullptr;
    for (const Stay& stay : draft_.stays(web_index)) {
      if (stay.start < stop && start < stay.stop && stay.offset < top &&
          bottom < stay.offset + web.bytes) {
        hit = &stay;
        break;
      }
    }
    if (hit == nullptr) return;
    const Stay was = *hit;
    Choice choice = choice_of(draft_, web_index);
    Wish wish;
    wish.store_after = -1;
    Index left = was.first - 1;  // last event that stays before
    while (left + 1 <= was.last && draft_.event(left + 1).step < start) ++left;
    Index right = was.last + 1;  // first event that stays behind
    while (right - 1 > left && draft_.event(right - 1).step >= stop) --right;
    if (right <= was.last && right > was.first && !chance(0.5)) right = was.last + 1;
    for (Index i = left + 1; i < right; ++i) turn_off(choice, at(i - web.first));
    if (left >= was.first) choice.link[at(left - web.first)] = 0;
    if (right <= was.last) {
      wish.load_of = right;
      wish.not_before = stop;
      wish.load_start = right == was.first ? std::max(was.start, stop) : stop;
    }
    if (left >= was.first) {
      wish.store_after = left;
      wish.store_by = start;
    }
    auto stays = timed(draft_, web_index, choice, wish);
    draft_.lift(web_index);
    if (stays && fits_beside(*stays, web_index, was, start, stop, bottom, top)) {
      for (Index i = left + 1; i < right; ++i) gone_.push_back(i);
      draft_.put(web_index, std::move(*stays));
    } else {
      choice = choice_of(draft_, web_index);
      for (Index i = was.first; i <= was.last; ++i) {
        turn_off(choice, at(i - web.first));
        gone_.push_back(i);
      }
      stays = timed(draft_, web_index, choice, Wish{});
      const bool whole = stays && fits_beside(*stays, web_index, was, start, stop, bottom, top);
      if (!whole) {
        stays.emplace();
        for (Index i = web.first; i < web.stop; ++i) gone_.push_back(i);
      }
      draft_.put(web_index, std::move(*stays));
    }
    cut(web_index, start, stop, bottom, top);  // another stay of it may be in the way too
  }

  // Offsets for the stays of a web that makes room: those they have, outside the bytes wanted.
  bool fits_beside(std::vector<Stay>& stays, Index web, const Stay& was, Index start, Index stop,
                   Bytes bottom, Bytes top) {
    const Bytes bytes = draft_.web(web).bytes;
    for (Stay& stay : stays) {
      if (stay.offset < 0) stay.offset = was.offset;
      if (!draft_.is_free(web, stay)) return false;
      const bool meets = stay.start < stop && start < stay.stop && stay.offset < top &&
                         bottom < stay.offset + bytes;
      if (meets && stay.first >= was.first && stay.last <= was.last) return false;
    }
    return true;
  }

  // What had to go comes back where there is room and it pays.
  void readmit() {
    if (gone_.empty()) return;
    for (int tries = 0; tries < kReadmitted && !gone_.empty(); ++tries) {
      const auto pick = at(below(static_cast<Index>(gone_.size())));
      const Index event_index = gone_[pick];
      gone_[pick] = gone_.back();
      gone_.pop_back();
      if (draft_.on(event_index) != nullptr) continue;
      const Event& event = draft_.event(event_index);
      if (gain(event) <= 0) continue;
      const Web& web = draft_.web(event.web);
      const auto k = at(event_index - web.first);
      Choice choice = choice_of(draft_, event.web);
      choice.on[k] = 1;
      if (k > 0 && choice.on[k - 1] != 0 && event.read >= 0 && chance(0.7)) {
        choice.link[k - 1] = 1;
      }
      if (k + 1 < choice.on.size() && choice.on[k + 1] != 0 && chance(0.7) &&
          draft_.event(event_index + 1).read >= 0) {
        choice.link[k] = 1;
      }
      Wish wish;
      wish.reach = kReaches[below(std::size(kReaches))];
      const Seconds before = draft_.latency();
      const std::vector<Stay> old = draft_.stays(event.web);
      auto stays = timed(draft_, event.web, choice, wish);
      if (!stays) continue;
      draft_.lift(event.web);
      if (place(draft_, event.web, *stays) >= 0) {
        draft_.put(event.web, old);
        continue;
      }
      draft_.put(event.web, std::move(*stays));
      if (draft_.latency() > before) {
        draft_.lift(event.web);
        draft_.put(event.web, old);
      }
    }
  }

  Draft& draft_;
  std::mt19937_64 random_;
  LatencyOptions options_;
  std::vector<Seconds> floor_;
  std::vector<double> lost_;
  std::vector<Index> gone_;
  std::vector<Taken> taken_;
};

}  // namespace

LatencyResult search_latency(Draft& draft, const LatencyOptions& options, const Control& control) {
  return Annealing(draft, options).run(control);
}

}  // namespace cosmalloc
