// A plan in the making, under the operand rule `anywhere` in a fixed order: who stays on chip, from
// when to when, at which bytes, and what that costs. Every change can be undone.
//
// A *web* is what holds the same bytes: a tensor, or a chain of tensors each updated in place into
// the next. Its *events* are the steps that touch it, in order: the first of a produced web writes,
// the others read, or update (read and write at once). A stay covers a row of events that follow
// each other; events outside all stays go off-chip. A web's stays are legal if
//   (1) a stay starts in the step of its first event if that only writes, else by a load in
//       [start, ready], ready <= step of the first event;
//   (2) stays do not overlap, and a stay ends behind its last event and behind its store;
//   (3) what is read off-chip or loaded is valid there: written off-chip before, or stored since it
//       was last written on chip;
//   (4) what must end off-chip does.
// Two stays whose steps overlap hold other bytes, but for a result and an operand that it may take
// the bytes of: heir and lender have one offset if the lender's stay serves its last event, which
// is the heir's first, ends behind that step, and is stored before it or never.
#pragma once

#include <memory>

#include "clock.hpp"
#include "space.hpp"

namespace cosmalloc {

struct Event {
  Index web = 0;
  Index step = 0;
  Index read = -1;    // the access that reads, -1 for none
  Index write = -1;   // the access that writes, -1 for none
  Seconds load = 0;   // channel seconds of a copy of what it reads
  Seconds store = 0;  // of what it writes
  bool produces() const { return read < 0; }
};

struct Web {
  Bytes bytes = 0;
  Index first = 0, stop = 0;                    // its events
  bool leaves = false;                          // must end off-chip
  std::vector<Index> lenders = {}, heirs = {};  // webs; the lender's last step is the heir's first
};

struct Program {
  Steps steps;
  std::vector<Event> events;  // by web, then step; every access belongs to at most one event
  std::vector<Web> webs;
  std::vector<Index> event_of;  // per access its event, -1 for untracked tensors
  Bytes capacity = 0;
  Bytes alignment = 1;
};

struct Stay {
  Index first = 0, last = 0;  // events, inclusive
  Index start = 0, ready = 0, stop = 0;
  Bytes offset = 0;
  Index store_start = -1, store_stop = -1;  // -1: no store
  bool loaded = false;
  bool operator==(const Stay&) const = default;
};

class Draft {
 public:
  explicit Draft(std::shared_ptr<const Program> program);

  const Program& program() const { return *program_; }
  const Clock& clock() const { return clock_; }
  const Event& event(Index i) const { return program_->events[at(i)]; }
  const Web& web(Index i) const { return program_->webs[at(i)]; }

  // By time. on(event): the stay that covers it, null if none does.
  const std::vector<Stay>& stays(Index web) const { return stays_[at(web)]; }
  const Stay* on(Index event) const;
  Index last_write(const Stay& stay) const;  // the last event that writes, -1 for none

  // Takes the web out of the space, then gives it new stays: legal, at free offsets.
  void lift(Index web);
  void put(Index web, std::vector<Stay> stays);

  // Best fit, -1 where there is none. What stands there is told apart by its web.
  Bytes find(Index start, Index stop, Bytes bytes) const;
  bool is_free(Index start, Index stop, Bytes offset, Bytes bytes) const;
  // The same for a stay of the web, at its offset; it may share them with a lender or an heir, and
  // if it can, it does.
  Bytes find(Index web, const Stay& stay) const;
  bool is_free(Index web, const Stay& stay) const;
  bool may_share(Index web, const Stay& stay, const Space::Entry& entry) const;
  template <class Visit>
  void visit(Index start, Index stop, Visit&& visit_entry) const {
    space_.visit(start, stop, visit_entry);
  }

  Seconds latency() { return clock_.latency(); }
  void begin();
  void commit();
  void rollback();

  // Whether a web's stays keep (1) to (4), offsets aside.
  bool legal(Index web, std::span<const Stay> stays) const;

 private:
  struct Copies {
    Index load = -1, store = -1;
  };
  struct Saved {
    Index web;
    std::vector<Stay> stays;
    std::vector<Copies> copies;
  };
  static std::size_t at(Index index) { return static_cast<std::size_t>(index); }
  void stand(Index web);
  void leave(Index web);
  Copies add_copies(Index web, const Stay& stay);
  void remove_copies(const Copies& copies);
  void tell(Index web, std::span<const Stay> stays);

  std::shared_ptr<const Program> program_;
  Clock clock_;
  Space space_;
  std::vector<std::vector<Stay>> stays_;     // per web
  std::vector<std::vector<Copies>> copies_;  // alongside
  std::vector<char> lifted_, saved_;
  std::vector<Saved> journal_;
  bool open_ = false;
};

}  // namespace cosmalloc
