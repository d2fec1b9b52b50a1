#include "game_channel.hpp"

#include <algorithm>

namespace cosmalloc {
namespace {

// At one border blocking stores come first, then blocking loads, then the others, stores first.
enum Phase : std::int64_t { blocking_store, blocking_load, store, load, phases };

constexpr std::int64_t moment(Index border, std::int64_t phase) { return border * phases + phase; }

std::int64_t key_of(bool is_load, Index start, Index stop) {
  if (start == stop) return moment(start, is_load ? blocking_load : blocking_store);
  return moment(start, is_load ? load : store);
}

}  // namespace

void GameChannel::add(bool is_load, Index tensor, Seconds need, Index start, Index stop) {
  auto& list = copies(queue_of(is_load));
  const Copy copy{need, key_of(is_load, start, stop), start, stop, tensor, is_load};
  auto place = list.end();
  while (place != list.begin() && (place - 1)->key > copy.key) --place;
  list.insert(place, copy);
  touch(start);
}

void GameChannel::remove_load(Index tensor, Index start) {
  auto& list = copies(queue_of(true));
  std::size_t index = list.size() - 1;
  while (list[index].tensor != tensor || list[index].start != start) --index;
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(index));
  touch(start);
}

std::size_t GameChannel::open_store(Index tensor) const {
  const auto& list = queue_[static_cast<std::size_t>(queue_of(false))];
  std::size_t index = list.size() - 1;
  while (list[index].tensor != tensor || list[index].stop != kOpen) --index;
  return index;
}

void GameChannel::close(Index tensor, Index stop) {
  auto& list = copies(queue_of(false));
  const std::size_t index = open_store(tensor);
  const Copy copy = list[index];
  if (stop == copy.start) {
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(index));
    add(false, tensor, copy.need, stop, stop);
    return;
  }
  list[index].stop = stop;
  touch(stop);
}

Index GameChannel::done_at(Index tensor) const {
  const auto q = static_cast<std::size_t>(queue_of(false));
  const auto index = static_cast<Index>(open_store(tensor));
  if (state_[at(from_)].done[q] <= index) return -1;
  Index border = from_;
  while (border > queue_[q][static_cast<std::size_t>(index)].start + 1 &&
         state_[at(border - 1)].done[q] > index) {
    --border;
  }
  return border;
}

void GameChannel::set_step(Index step, Seconds total, Seconds off) {
  total_[at(step)] = total;
  off_[at(step)] = off;
  // What the border before it did is known all the same, but it is cheap to do it again.
  touch(step);
}

// Whether the queue has a copy under way that joined before `until`.
bool GameChannel::head(State& state, std::size_t q, std::int64_t until) const {
  const auto next = static_cast<std::size_t>(state.done[q]);
  if (next >= queue_[q].size() || queue_[q][next].key >= until) return false;
  if (state.left[q] < 0) state.left[q] = queue_[q][next].need;
  return true;
}

// The heads named lose `need`; returns it.
Seconds GameChannel::move(State& state, bool zero, bool one, Seconds need) const {
  const std::array<bool, 2> moves{zero, one};
  for (std::size_t q = 0; q < 2; ++q) {
    if (!moves[q]) continue;
    state.left[q] -= need;
    if (state.left[q] > 0) continue;
    ++state.done[q];
    state.left[q] = -1;
  }
  return need;
}

// Until the copies up to `last` are done in each queue, the channel theirs.
Seconds GameChannel::wait(State& state, const std::array<Index, 2>& last,
                          std::int64_t until) const {
  Seconds now = 0;
  while (state.done[0] <= last[0] || state.done[1] <= last[1]) {
    const bool zero = head(state, 0, until);
    const bool one = head(state, 1, until);
    Seconds need = zero ? state.left[0] : state.left[1];
    if (zero && one) need = std::min(need, state.left[1]);
    now += zero && one ? 2 * need : need;
    move(state, zero, one, need);
  }
  return now;
}

// Copies move for so many seconds; the channel seconds that they use.
Seconds GameChannel::run(State& state, Seconds seconds, Seconds speed, std::int64_t until) const {
  Seconds now = 0;
  Seconds used = 0;
  while (speed > 0) {
    const bool zero = head(state, 0, until);
    const bool one = head(state, 1, until);
    if (!zero && !one) return used;
    Seconds need = zero ? state.left[0] : state.left[1];
    if (zero && one) need = std::min(need, state.left[1]);
    const Seconds share = zero && one ? speed / 2 : speed;
    if (now + need / share > seconds) {
      const Seconds part = (seconds - now) * share;
      if (zero) state.left[0] -= part;
      if (one) state.left[1] -= part;
      return used + (zero && one ? 2 * part : part);
    }
    now += need / share;
    used += zero && one ? 2 * need : need;
    move(state, zero, one, need);
  }
  return used;
}

Seconds GameChannel::cross(State& state, Index border) const {
  constexpr std::array<std::int64_t, 4> until{blocking_store, blocking_load, store, phases};
  Seconds now = 0;
  for (int round = 0; round < 3; ++round) {
    std::array<Index, 2> last{-1, -1};
    for (std::size_t q = 0; q < 2; ++q) {
      const auto& list = queue_[q];
      const std::int64_t from =
          round == 0 ? -1 : moment(border, until[static_cast<std::size_t>(round) - 1]);
      const std::int64_t to = moment(border, until[static_cast<std::size_t>(round)]);
      for (Index i = state.done[q]; i < static_cast<Index>(list.size()); ++i) {
        const Copy& copy = list[static_cast<std::size_t>(i)];
        if (copy.key >= to) break;
        if (copy.key >= from && copy.stop <= border) last[q] = i;
      }
    }
    now += wait(state, last, moment(border, until[static_cast<std::size_t>(round)]));
  }
  return now;
}

void GameChannel::run_to(Index step) {
  if (!timed_) return;
  for (; from_ <= step; ++from_) {
    State state = state_[at(from_)];
    const Seconds stall = cross(state, from_);
    const Seconds total = total_[at(from_)];
    Seconds used = 0;
    if (total > 0) {
      const Seconds speed = (total - off_[at(from_)]) / total;
      used = run(state, total, speed, moment(from_, phases));
    }
    spare_[at(from_)] = total - off_[at(from_)] - used;
    time_[at(from_ + 1)] = time_[at(from_)] + stall + total;
    waited_[at(from_ + 1)] = waited_[at(from_)] + stall;
    state_[at(from_ + 1)] = state;
  }
}

Seconds GameChannel::pending(Index border) const {
  Seconds sum = 0;
  const State& state = state_[at(border)];
  for (std::size_t q = 0; q < 2; ++q) {
    for (auto i = static_cast<std::size_t>(state.done[q]); i < queue_[q].size(); ++i) {
      const bool begun = static_cast<Index>(i) == state.done[q] && state.left[q] >= 0;
      sum += begun ? state.left[q] : queue_[q][i].need;
    }
  }
  return sum;
}

Index GameChannel::pending_count(Index border) const {
  const State& state = state_[at(border)];
  return static_cast<Index>(queue_[0].size() + queue_[1].size()) - state.done[0] - state.done[1];
}

Seconds GameChannel::finish(Index steps) {
  for (auto& list : queue_) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i].stop == kOpen) close(list[i].tensor, steps);
    }
  }
  if (!timed_) return 0;
  run_to(steps - 1);
  State state = state_[at(steps)];
  return time_[at(steps)] + cross(state, steps);
}

}  // namespace cosmalloc
