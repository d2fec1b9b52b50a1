#include "draft.hpp"

#include <algorithm>

namespace cosmalloc {

Draft::Draft(std::shared_ptr<const Program> program)
    : program_(std::move(program)),
      clock_(program_->steps),
      space_(program_->steps.count()),
      stays_(program_->webs.size()),
      copies_(program_->webs.size()),
      lifted_(program_->webs.size(), 0),
      saved_(program_->webs.size(), 0) {}

const Stay* Draft::on(Index event) const {
  for (const Stay& stay : stays_[at(program_->events[at(event)].web)]) {
    if (stay.first <= event && event <= stay.last) return &stay;
  }
  return nullptr;
}

void Draft::stand(Index web) {
  const Bytes bytes = program_->webs[at(web)].bytes;
  for (const Stay& stay : stays_[at(web)]) {
    space_.insert({stay.start, stay.stop, stay.offset, stay.offset + bytes, web});
  }
}

void Draft::leave(Index web) {
  for (const Stay& stay : stays_[at(web)]) space_.erase(web, stay.start, stay.stop);
}

void Draft::lift(Index web) {
  if (lifted_[at(web)] != 0) return;
  if (open_ && saved_[at(web)] == 0) {
    saved_[at(web)] = 1;
    journal_.push_back({web, stays_[at(web)], copies_[at(web)]});
  }
  leave(web);
  lifted_[at(web)] = 1;
}

void Draft::put(Index web, std::vector<Stay> stays) {
  std::vector<Copies> copies;
  auto& old = stays_[at(web)];
  auto& old_copies = copies_[at(web)];
  std::vector<char> kept(old.size(), 0);
  const auto same_copies = [](const Stay& a, const Stay& b) {
    return a.loaded == b.loaded && a.first == b.first && a.start == b.start && a.ready == b.ready &&
           a.store_start == b.store_start && a.store_stop == b.store_stop;
  };
  for (const Stay& stay : stays) {
    std::size_t twin = 0;
    while (twin < old.size() && (kept[twin] != 0 || !same_copies(old[twin], stay))) ++twin;
    if (twin < old.size()) kept[twin] = 1;
    copies.push_back(twin < old.size() ? old_copies[twin] : Copies{-2, -2});
  }
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (kept[i] == 0) remove_copies(old_copies[i]);
  }
  for (std::size_t i = 0; i < stays.size(); ++i) {
    if (copies[i].load == -2) copies[i] = add_copies(web, stays[i]);
  }
  tell(web, stays);
  old = std::move(stays);
  old_copies = std::move(copies);
  stand(web);
  lifted_[at(web)] = 0;
}

Draft::Copies Draft::add_copies(Index web, const Stay& stay) {
  Copies copies;
  const auto rank = [web](Index stop) { return (std::int64_t{stop} << 20) + web; };
  if (stay.loaded) {
    const Seconds need = event(stay.first).load;
    copies.load = clock_.add({true, need, stay.start, stay.ready, rank(stay.ready)});
  }
  if (stay.store_start >= 0) {
    const Seconds need = event(last_write(stay)).store;
    copies.store =
        clock_.add({false, need, stay.store_start, stay.store_stop, rank(stay.store_stop)});
  }
  return copies;
}

Index Draft::last_write(const Stay& stay) const {
  for (Index i = stay.last; i >= stay.first; --i) {
    if (event(i).write >= 0) return i;
  }
  return -1;
}

void Draft::remove_copies(const Copies& copies) {
  if (copies.load >= 0) clock_.remove(copies.load);
  if (copies.store >= 0) clock_.remove(copies.store);
}

void Draft::tell(Index index, std::span<const Stay> stays) {
  const Web& web = program_->webs[at(index)];
  auto stay = stays.begin();
  for (Index i = web.first; i < web.stop; ++i) {
    while (stay != stays.end() && stay->last < i) ++stay;
    const bool on = stay != stays.end() && stay->first <= i;
    const Event& event = program_->events[at(i)];
    if (event.read >= 0) clock_.set_near(event.read, on);
    if (event.write >= 0) clock_.set_near(event.write, on);
  }
}

Bytes Draft::find(Index start, Index stop, Bytes bytes) const {
  struct Taken {
    Bytes bottom, top;
  };
  static thread_local std::vector<Taken> taken;
  taken.clear();
  space_.visit(start, stop,
               [&](const Space::Entry& entry) { taken.push_back({entry.bottom, entry.top}); });
  std::sort(taken.begin(), taken.end(),
            [](const Taken& a, const Taken& b) { return a.bottom < b.bottom; });
  const Bytes step = program_->alignment;
  Bytes best = -1;
  Bytes room = 0;
  Bytes from = 0;
  const auto consider = [&](Bytes until) {
    if (until - from < bytes || (best >= 0 && until - from >= room)) return;
    best = from;
    room = until - from;
  };
  for (const Taken& next : taken) {
    consider(next.bottom);
    if (next.top > from) from = (next.top + step - 1) / step * step;
  }
  if (best < 0) consider(program_->capacity);
  return best;
}

bool Draft::is_free(Index start, Index stop, Bytes offset, Bytes bytes) const {
  if (offset < 0 || offset + bytes > program_->capacity) return false;
  bool free = true;
  space_.visit(start, stop, [&](const Space::Entry& entry) {
    free = free && (entry.top <= offset || offset + bytes <= entry.bottom);
  });
  return free;
}

bool Draft::may_share(Index index, const Stay& stay, const Space::Entry& entry) const {
  const Web& web = program_->webs[at(index)];
  const auto lends = [this](const Web& lender, const Stay& old, const Web& heir,
                            const Stay& fresh) {
    return old.last + 1 == lender.stop && fresh.first == heir.first && !fresh.loaded &&
           old.stop == fresh.start + 1 && old.store_stop <= fresh.start;
  };
  const auto is_in = [&entry](const std::vector<Index>& webs) {
    return std::find(webs.begin(), webs.end(), entry.tag) != webs.end();
  };
  const bool lender = is_in(web.lenders);
  if (!lender && !is_in(web.heirs)) return false;
  const Web& other = program_->webs[at(entry.tag)];
  for (const Stay& there : stays_[at(entry.tag)]) {
    if (there.start != entry.lower) continue;
    return lender ? lends(other, there, web, stay) : lends(web, stay, other, there);
  }
  return false;
}

Bytes Draft::find(Index index, const Stay& stay) const {
  const Web& web = program_->webs[at(index)];
  if (!web.lenders.empty() || !web.heirs.empty()) {
    Stay shared = stay;
    shared.offset = -1;
    space_.visit(stay.start, stay.stop, [&](const Space::Entry& entry) {
      if (shared.offset >= 0 || !may_share(index, stay, entry)) return;
      shared.offset = entry.bottom;
      if (!is_free(index, shared)) shared.offset = -1;
    });
    if (shared.offset >= 0) return shared.offset;
  }
  return find(stay.start, stay.stop, web.bytes);
}

bool Draft::is_free(Index index, const Stay& stay) const {
  const Bytes top = stay.offset + program_->webs[at(index)].bytes;
  if (stay.offset < 0 || top > program_->capacity) return false;
  bool free = true;
  space_.visit(stay.start, stay.stop, [&](const Space::Entry& entry) {
    if (!free || entry.top <= stay.offset || top <= entry.bottom) return;
    free = entry.bottom == stay.offset && may_share(index, stay, entry);
  });
  return free;
}

void Draft::begin() {
  clock_.begin();
  open_ = true;
}

void Draft::commit() {
  clock_.commit();
  for (const Saved& saved : journal_) saved_[at(saved.web)] = 0;
  journal_.clear();
  open_ = false;
}

void Draft::rollback() {
  clock_.rollback();
  for (const Saved& saved : journal_) {
    if (lifted_[at(saved.web)] == 0) leave(saved.web);
    lifted_[at(saved.web)] = 0;
  }
  for (Saved& saved : journal_) {
    stays_[at(saved.web)] = std::move(saved.stays);
    copies_[at(saved.web)] = std::move(saved.copies);
    stand(saved.web);
    saved_[at(saved.web)] = 0;
  }
  journal_.clear();
  open_ = false;
}

bool Draft::legal(Index index, std::span<const Stay> stays) const {
  const Web& web = program_->webs[at(index)];
  const Index end = program_->steps.count();
  const Index never = end + 1;
  Index valid = web.first < web.stop && event(web.first).produces() ? never : 0;
  Index free_from = 0;
  Index next = web.first;
  const auto off_chip_until = [&](Index stop) {
    for (; next < stop; ++next) {
      const Event& here = event(next);
      if (here.read >= 0 && valid > here.step) return false;
      if (here.write >= 0) valid = here.step + 1;
    }
    return true;
  };
  for (const Stay& stay : stays) {
    if (stay.first < next || stay.last < stay.first || stay.last >= web.stop) return false;
    if (!off_chip_until(stay.first)) return false;
    const Index first_step = event(stay.first).step;
    if (stay.start < free_from || stay.stop > end) return false;
    if (stay.loaded == event(stay.first).produces()) return false;
    if (stay.loaded) {
      if (stay.start < valid || stay.ready < stay.start || stay.ready > first_step) return false;
    } else if (stay.start != first_step) {
      return false;
    }
    Index written = -1;
    for (; next <= stay.last; ++next) {
      if (event(next).write >= 0) written = event(next).step;
    }
    if (stay.stop <= event(stay.last).step) return false;
    if (written >= 0) valid = never;
    if (stay.store_start >= 0) {
      if (written < 0 || stay.store_start <= written || stay.store_stop < stay.store_start ||
          stay.store_stop > stay.stop) {
        return false;
      }
      valid = stay.store_stop;
    }
    free_from = stay.stop;
  }
  return off_chip_until(web.stop) && (!web.leaves || valid <= end);
}

}  // namespace cosmalloc
