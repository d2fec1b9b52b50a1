#include "clock.hpp"

#include <algorithm>

namespace cosmalloc {
namespace {

constexpr Index kBlock = 32;  // borders summed up together
constexpr Seconds kNever = std::numeric_limits<Seconds>::infinity();

// At one border blocking stores come first, then blocking loads, then the others, stores first.
enum Phase : std::int64_t { blocking_store, blocking_load, store, load, phases };

constexpr std::int64_t moment(Index border, std::int64_t phase) {
  return (border * phases + phase) * kMaxRank;
}

std::int64_t key_of(const CopyWindow& window) {
  const bool blocks = window.start == window.stop;
  const Phase phase =
      window.load ? (blocks ? blocking_load : load) : (blocks ? blocking_store : store);
  return moment(window.start, phase) + window.rank;
}

}  // namespace

Clock::Clock(Steps steps)
    : steps_(std::move(steps)),
      near_(steps_.off.size(), 0),
      total_(steps_.compute.size(), 0),
      off_chip_(steps_.compute.size(), 0),
      stall_(steps_.compute.size() + 1, 0),
      state_(steps_.compute.size() + 2),
      borders_(steps_.compute.size() + 1),
      sums_(steps_.compute.size() / kBlock + 1, 0),
      stale_(steps_.compute.size(), 0),
      to_(steps_.count()) {
  for (Index step = 0; step < steps_.count(); ++step) renew(step);
}

void Clock::touch(Index from, Index to) {
  if (from_ > to_) {
    from_ = from;
    to_ = to;
    return;
  }
  from_ = std::min(from_, from);
  to_ = std::max(to_, to);
}

void Clock::set_near(Index access, bool near) {
  if (near_[at(access)] == static_cast<char>(near)) return;
  if (open_) changes_.push_back({Kind::near, access, !near, {}});
  near_[at(access)] = static_cast<char>(near);
  const auto after = std::upper_bound(steps_.first.begin(), steps_.first.end(), access);
  const auto step = static_cast<Index>(after - steps_.first.begin()) - 1;
  if (stale_[at(step)] == 0) {
    stale_[at(step)] = 1;
    stale_steps_.push_back(step);
  }
  touch(step, step);
}

Clock::Copy Clock::copy_of(const CopyWindow& window) const {
  Copy copy;
  copy.window = window;
  if (steps_.engines == 0)
    (window.load ? copy.window.start : copy.window.stop) = window.load ? window.stop : window.start;
  copy.queue = steps_.engines == 1 || window.load ? 0 : 1;
  copy.key = key_of(copy.window);
  return copy;
}

void Clock::add_all(std::span<const CopyWindow> windows) {
  for (const CopyWindow& window : windows) {
    const auto number = static_cast<Index>(copies_.size());
    copies_.push_back(copy_of(window));
    queue_[at(copies_.back().queue)].push_back(number);
    list(number);
  }
  for (auto& queue : queue_) {
    std::sort(queue.begin(), queue.end(),
              [&](Index a, Index b) { return copies_[at(a)].key < copies_[at(b)].key; });
    for (std::size_t i = 0; i < queue.size(); ++i) {
      copies_[at(queue[i])].place = static_cast<Index>(i);
    }
  }
}

Index Clock::add(const CopyWindow& window) {
  const Copy copy = copy_of(window);
  Index number = static_cast<Index>(copies_.size());
  if (unused_.empty()) {
    copies_.push_back(copy);
  } else {
    number = unused_.back();
    unused_.pop_back();
    copies_[at(number)] = copy;
  }
  put(number);
  if (open_) changes_.push_back({Kind::add, number, false, {}});
  return number;
}

void Clock::remove(Index copy) {
  take(copy);
  unused_.push_back(copy);
  if (open_) changes_.push_back({Kind::remove, copy, false, copies_[at(copy)]});
}

void Clock::put(Index number) {
  Copy& copy = copies_[at(number)];
  auto& queue = queue_[at(copy.queue)];
  auto place =
      std::upper_bound(queue.begin(), queue.end(), copy.key,
                       [&](std::int64_t key, Index other) { return key < copies_[at(other)].key; });
  place = queue.insert(place, number);
  for (; place != queue.end(); ++place) {
    copies_[at(*place)].place = static_cast<Index>(place - queue.begin());
  }
  list(number);
}

// At its borders.
void Clock::list(Index number) {
  const CopyWindow& window = copies_[at(number)].window;
  if (window.start == window.stop) {
    Border& border = borders_[at(window.start)];
    (window.load ? border.loads : border.stores).push_back(number);
  } else {
    ++borders_[at(window.start)].issued;
    borders_[at(window.stop)].due.push_back(number);
  }
  touch(window.start, window.stop);
}

void Clock::take(Index number) {
  const Copy& copy = copies_[at(number)];
  auto& queue = queue_[at(copy.queue)];
  for (auto place = queue.erase(queue.begin() + copy.place); place != queue.end(); ++place) {
    --copies_[at(*place)].place;
  }
  const CopyWindow& window = copy.window;
  Border& border = borders_[at(window.stop)];
  const bool blocks = window.start == window.stop;
  auto& list = blocks ? (window.load ? border.loads : border.stores) : border.due;
  list.erase(std::find(list.begin(), list.end(), number));
  if (!blocks) --borders_[at(window.start)].issued;
  touch(window.start, window.stop);
}

void Clock::renew(Index step) {
  Seconds off = 0;
  Seconds near = 0;
  for (Index access = steps_.first[at(step)]; access < steps_.first[at(step + 1)]; ++access) {
    (near_[at(access)] != 0 ? near : off) +=
        near_[at(access)] != 0 ? steps_.near[at(access)] : steps_.off[at(access)];
  }
  total_[at(step)] = std::max(steps_.compute[at(step)], off + near);
  off_chip_[at(step)] = off;
}

bool Clock::done(const State& state, Index copy, std::int64_t until) const {
  const Copy& asked = copies_[at(copy)];
  const Index head = state.head[at(asked.queue)];
  return head == kNone ? asked.key < until : asked.place < copies_[at(head)].place;
}

// The queue's next copy issued before `until` becomes its head, `after` the one just done.
void Clock::refill(State& state, int queue, std::int64_t until, Timeline* record,
                   Seconds now) const {
  const auto& list = queue_[at(queue)];
  Index& head = state.head[at(queue)];
  const std::size_t next = at(copies_[at(head)].place) + 1;
  const bool more = next < list.size() && copies_[at(list[next])].key < until;
  head = more ? list[next] : kNone;
  state.left[at(queue)] = more ? copies_[at(head)].window.need : 0;
  if (more && record != nullptr) record->copy_start[at(head)] = now;
}

// Both heads lose `need`.
void Clock::move(State& state, Seconds need, std::int64_t until, Timeline* record,
                 Seconds now) const {
  for (int queue = 0; queue < 2; ++queue) {
    const Index head = state.head[at(queue)];
    if (head == kNone) continue;
    state.left[at(queue)] -= need;
    if (state.left[at(queue)] > 0) continue;
    if (record != nullptr) record->copy_stop[at(head)] = now;
    refill(state, queue, until, record, now);
  }
}

// The moment when all of these are done, the whole channel theirs.
Seconds Clock::wait(std::span<const Index> copies, State& state, std::int64_t until,
                    Timeline* record, Seconds now) const {
  for (const Index copy : copies) {
    while (!done(state, copy, until)) {
      const bool both = state.head[0] != kNone && state.head[1] != kNone;
      const Seconds need = next_need(state);
      now += both ? 2 * need : need;
      move(state, need, until, record, now);
    }
  }
  return now;
}

// What the head that is done first still needs; infinite if there is none.
Seconds Clock::next_need(const State& state) {
  Seconds need = kNever;
  if (state.head[0] != kNone) need = state.left[0];
  if (state.head[1] != kNone) need = std::min(need, state.left[1]);
  return need;
}

void Clock::run(State& state, Seconds now, Seconds seconds, Seconds speed, std::int64_t until,
                Timeline* record) const {
  const Seconds end = now + seconds;
  while (speed > 0) {
    const Seconds need = next_need(state);
    if (need == kNever) return;
    const bool both = state.head[0] != kNone && state.head[1] != kNone;
    const Seconds share = both ? speed / 2 : speed;
    if (now + need / share > end) {
      for (int queue = 0; queue < 2; ++queue) {
        if (state.head[at(queue)] != kNone) state.left[at(queue)] -= (end - now) * share;
      }
      return;
    }
    now += need / share;
    move(state, need, until, record, now);
  }
}

// Heads for the empty queues among those whose copies join with a key in [from, until).
void Clock::join(State& state, std::int64_t from, std::int64_t until, Timeline* record,
                 Seconds now) const {
  for (int queue = 0; queue < 2; ++queue) {
    if (state.head[at(queue)] != kNone) continue;
    const auto& list = queue_[at(queue)];
    const auto found =
        std::lower_bound(list.begin(), list.end(), from,
                         [&](Index copy, std::int64_t key) { return copies_[at(copy)].key < key; });
    if (found == list.end() || copies_[at(*found)].key >= until) continue;
    state.head[at(queue)] = *found;
    state.left[at(queue)] = copies_[at(*found)].window.need;
    if (record != nullptr) record->copy_start[at(*found)] = now;
  }
}

// The moment when the step behind the border may start.
Seconds Clock::cross(Index border, State& state, Timeline* record, Seconds now) const {
  const Border& here = borders_[at(border)];
  now = wait(here.due, state, moment(border, 0), record, now);
  if (!here.stores.empty()) {
    join(state, moment(border, blocking_store), moment(border, blocking_load), record, now);
    now = wait(here.stores, state, moment(border, blocking_load), record, now);
  }
  if (!here.loads.empty()) {
    join(state, moment(border, blocking_load), moment(border, store), record, now);
    now = wait(here.loads, state, moment(border, store), record, now);
  }
  if (here.issued > 0) join(state, moment(border, store), moment(border, phases), record, now);
  return now;
}

// The wait at the border, then the step behind it. The moment when the step starts.
Seconds Clock::pass(Index border, State& state, Timeline* record, Seconds now) const {
  const Seconds begin = cross(border, state, record, now);
  if (border == steps_.count()) return begin;
  const Seconds total = total_[at(border)];
  if (total > 0) {
    const Seconds speed = (total - off_chip_[at(border)]) / total;
    run(state, begin, total, speed, moment(border, phases), record);
  }
  return begin;
}

Seconds Clock::latency() {
  simulated_ = 0;
  if (from_ > to_) return latency_;
  const Index end = steps_.count();
  std::sort(stale_steps_.begin(), stale_steps_.end());
  std::size_t next_stale = 0;
  Index border = from_;
  State state = state_[at(border)];
  for (; border <= end; ++border) {
    if (border > to_ && state == state_[at(border)]) break;
    if (open_) {
      const bool step = border < end;
      old_.push_back({border, state_[at(border)], stall_[at(border)], step ? total_[at(border)] : 0,
                      step ? off_chip_[at(border)] : 0});
    }
    state_[at(border)] = state;
    if (next_stale < stale_steps_.size() && stale_steps_[next_stale] == border) {
      stale_[at(border)] = 0;
      renew(border);
      ++next_stale;
    }
    stall_[at(border)] = pass(border, state, nullptr, 0);
    ++simulated_;
  }
  stale_steps_.clear();
  add_up(from_, border - 1);
  from_ = 1;
  to_ = 0;
  return latency_;
}

// Sums that depend on what there is, not on how it came to be.
void Clock::add_up(Index from, Index to) {
  for (Index block = from / kBlock; block <= to / kBlock; ++block) {
    Seconds sum = 0;
    const Index stop = std::min((block + 1) * kBlock, steps_.count() + 1);
    for (Index border = block * kBlock; border < stop; ++border) {
      sum += stall_[at(border)];
      if (border < steps_.count()) sum += total_[at(border)];
    }
    sums_[at(block)] = sum;
  }
  latency_ = 0;
  for (const Seconds sum : sums_) latency_ += sum;
}

void Clock::begin() {
  latency();
  open_ = true;
  old_latency_ = latency_;
}

void Clock::commit() {
  open_ = false;
  changes_.clear();
  old_.clear();
}

void Clock::rollback() {
  open_ = false;
  for (; !changes_.empty(); changes_.pop_back()) {
    const Change& change = changes_.back();
    if (change.kind == Kind::near) {
      near_[at(change.where)] = static_cast<char>(change.flag);
    } else if (change.kind == Kind::add) {
      take(change.where);
      unused_.push_back(change.where);
    } else {
      unused_.pop_back();
      copies_[at(change.where)] = change.copy;
      put(change.where);
    }
  }
  for (const Index step : stale_steps_) stale_[at(step)] = 0;
  stale_steps_.clear();
  Index from = 1;
  Index to = 0;
  for (; !old_.empty(); old_.pop_back()) {
    const Old& old = old_.back();
    from = from > to ? old.border : std::min(from, old.border);
    to = std::max(to, old.border);
    state_[at(old.border)] = old.state;
    stall_[at(old.border)] = old.stall;
    if (old.border == steps_.count()) continue;
    total_[at(old.border)] = old.total;
    off_chip_[at(old.border)] = old.off_chip;
  }
  if (from <= to) add_up(from, to);
  latency_ = old_latency_;
  from_ = 1;
  to_ = 0;
}

Clock::Timeline Clock::timeline() {
  latency();
  Timeline record;
  record.copy_start.assign(copies_.size(), kNever);
  record.copy_stop.assign(copies_.size(), kNever);
  State state;
  Seconds now = 0;
  for (Index border = 0; border <= steps_.count(); ++border) {
    const Seconds begin = pass(border, state, &record, now);
    record.stall.push_back(begin - now);
    now = begin;
    if (border == steps_.count()) break;
    now += total_[at(border)];
    record.step_start.push_back(begin);
    record.step_stop.push_back(now);
  }
  record.latency = now;
  return record;
}

}  // namespace cosmalloc
