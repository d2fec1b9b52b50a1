#include "decode.hpp"

#include <algorithm>

namespace cosmalloc {
namespace {

constexpr Index kReach = 200;  // steps that a new copy may take

std::size_t at(Index index) { return static_cast<std::size_t>(index); }

const Stay* begun_by(std::span<const Stay> stays, Index event) {
  for (const Stay& stay : stays) {
    if (stay.first == event) return &stay;
  }
  return nullptr;
}

// The store of a stay whose bytes are needed off-chip by border `due`. False if `wish` can't be
// met.
bool time_store(const Draft& draft, Stay& stay, Index written, Index due, const Wish& wish,
                std::span<const Stay> old) {
  stay.store_start = draft.event(written).step + 1;
  const bool wished = wish.store_after == stay.last;
  if (wished && wish.store_by >= 0) due = std::min(due, wish.store_by);
  if (due < stay.store_start) return false;
  stay.store_stop = -1;
  if (wished) stay.store_stop = wish.store_stop;
  for (const Stay& other : old) {
    if (stay.store_stop < 0 && other.store_start == stay.store_start) {
      stay.store_stop = other.store_stop;
    }
  }
  if (stay.store_stop < 0) {
    const Index done =
        reach_on(draft.clock(), stay.store_start, due, wish.reach * draft.event(written).store);
    stay.store_stop = std::max(done, stay.stop);
  }
  stay.store_stop = std::clamp(stay.store_stop, stay.store_start, due);
  stay.stop = std::max(stay.stop, stay.store_stop);
  return true;
}

}  // namespace

Choice choice_of(const Draft& draft, Index index) {
  const Web& web = draft.web(index);
  Choice choice;
  choice.on.assign(at(web.stop - web.first), 0);
  choice.link = choice.on;
  for (const Stay& stay : draft.stays(index)) {
    for (Index i = stay.first; i <= stay.last; ++i) {
      choice.on[at(i - web.first)] = 1;
      choice.link[at(i - web.first)] = i < stay.last;
    }
  }
  return choice;
}

void turn_off(Choice& choice, std::size_t event) {
  choice.on[event] = 0;
  choice.link[event] = 0;
  if (event > 0) choice.link[event - 1] = 0;
}

Index reach_back(const Clock& clock, Index low, Index high, Seconds seconds) {
  low = std::max(low, high - kReach);
  Index border = high;
  while (border > low && seconds > 0) seconds -= clock.idle(--border);
  return border;
}

Index reach_on(const Clock& clock, Index low, Index high, Seconds seconds) {
  high = std::min(high, low + kReach);
  Index border = low;
  while (border < high && seconds > 0) seconds -= clock.idle(border++);
  return border;
}

std::optional<std::vector<Stay>> timed(const Draft& draft, Index index, const Choice& choice,
                                       const Wish& wish) {
  const Web& web = draft.web(index);
  const std::vector<Stay>& old = draft.stays(index);
  const Index end = draft.program().steps.count();
  const Index never = end + 1;
  std::vector<Stay> stays;
  Index valid = web.first < web.stop && draft.event(web.first).produces() ? never : 0;
  Index free_from = 0;
  for (Index i = web.first; i < web.stop; ++i) {
    const Event& event = draft.event(i);
    if (choice.on[at(i - web.first)] == 0) {
      if (event.read >= 0 && valid > event.step) return std::nullopt;
      if (event.write >= 0) valid = event.step + 1;
      continue;
    }
    Stay stay;
    stay.first = stay.last = i;
    while (choice.link[at(stay.last - web.first)] != 0) ++stay.last;
    i = stay.last;
    const Stay* twin = begun_by(old, stay.first);
    stay.offset = twin == nullptr ? -1 : twin->offset;
    stay.start = stay.ready = event.step;
    stay.loaded = !event.produces();
    stay.stop = draft.event(stay.last).step + 1;
    const bool wished = wish.load_of == stay.first;
    if (stay.loaded) {
      const Index low = std::max({valid, free_from, wished ? wish.not_before : 0});
      if (low > event.step) return std::nullopt;
      if (wished && wish.load_start >= 0) {
        stay.start = wish.load_start;
      } else if (twin != nullptr) {
        stay.start = twin->start;
      } else {
        stay.start = reach_back(draft.clock(), low, event.step, wish.reach * event.load);
      }
      stay.start = std::clamp(stay.start, low, event.step);
    } else if (free_from > stay.start) {
      return std::nullopt;
    }
    const Index written = draft.last_write(stay);
    if (written >= 0) {
      valid = never;
      const bool more = stay.last + 1 < web.stop;
      if (more || web.leaves) {
        const Index due = more ? draft.event(stay.last + 1).step : end;
        if (!time_store(draft, stay, written, due, wish, old)) return std::nullopt;
        valid = stay.store_stop;
      }
    }
    free_from = stay.stop;
    stays.push_back(stay);
  }
  if (web.leaves && valid > end) return std::nullopt;
  return stays;
}

Index place(const Draft& draft, Index index, std::vector<Stay>& stays) {
  for (std::size_t k = 0; k < stays.size(); ++k) {
    Stay& stay = stays[k];
    if (stay.offset >= 0 && draft.is_free(index, stay)) continue;
    stay.offset = draft.find(index, stay);
    if (stay.offset < 0) return static_cast<Index>(k);
  }
  return -1;
}

}  // namespace cosmalloc
