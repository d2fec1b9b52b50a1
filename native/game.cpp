#include "game.hpp"

#include <algorithm>

namespace cosmalloc {

Game::Game(std::shared_ptr<const GameProgram> program)
    : program_(std::move(program)),
      tensors_(program_->tensors.size()),
      board_(program_->rules.capacity, program_->rules.alignment),
      channel_(program_->rules.engines, !program_->rules.traffic),
      left_base_(program_->base_sum) {
  const GameRules& rules = program_->rules;
  for (std::size_t t = 0; t < tensors_.size(); ++t) {
    const GameTensor& facts = program_->tensors[t];
    TensorState& state = tensors_[t];
    state.left = facts.readers;
    state.valid = facts.maker < 0 ? 0 : kNever;
    if (!facts.tracked) continue;
    if (rules.resident) state.reads = facts.bytes * facts.readers;
    const bool wanted = facts.readers > 0 || facts.leaves();
    if (rules.resident && facts.maker >= 0 && wanted) state.writes = facts.bytes;
  }
  for (Index a = static_cast<Index>(program_->accesses.size()) - 1; a >= 0; --a) {
    const GameAccess& access = seen(a);
    const GameTensor& facts = program_->tensors[at(access.tensor)];
    if (!facts.tracked || rules.resident) continue;
    const bool result = a >= program_->operators[at(program_->owner[at(a)])].results;
    (result ? tensors_[at(access.tensor)].writes : tensors_[at(access.tensor)].reads) +=
        access.count;
  }
  for (auto o = program_->order.rbegin(); o != program_->order.rend(); ++o) {
    const GameOperator& op = program_->operators[at(*o)];
    for (Index a = op.first; a < op.stop; ++a) tensors_[at(seen(a).tensor)].next = a;
  }
  for (std::size_t t = 0; t < tensors_.size(); ++t) {
    const Bytes reads = tensors_[t].reads;
    const Bytes writes = tensors_[t].writes;
    tensors_[t].reads = tensors_[t].writes = 0;
    if (program_->tensors[t].tracked) account(static_cast<Index>(t), reads, writes);
  }
  for (const Index o : program_->order) left_idle_ += program_->idle[at(o)];
  if (rules.free_order) {
    waits_ = program_->waits;
    for (const Index o : program_->order) {
      if (waits_[at(o)] == 0) ready_.push_back(o);
    }
  }
  base_ = rules.traffic ? static_cast<double>(moved_) : program_->base_sum * program_->factor;
  value_ = told_ = base_;
  advance();
  evaluate();
  played_ = 0;
}

double Game::reward() {
  const double gain = told_ - value_;
  told_ = value_;
  return base() > 0 ? gain / base() : 0;
}

void Game::drop_the_rest() {
  while (!over_) play(picking() ? kPick : (offer_.drop ? kDrop : kNoCopy));
}

bool Game::legal(int move) const {
  if (over_) return false;
  if (picking()) return move >= kPick && pick(move - kPick) >= 0;
  if (move == kCopy) return offer_.copy;
  if (move == kNoCopy) return offer_.no_copy;
  return move == kDrop && offer_.drop;
}

Index Game::pick(int k) const {
  if (!picking() || k < 0 || k >= kReady || at(k) >= ready_.size()) return -1;
  return ready_[at(k)];
}

void Game::play(int move) {
  if (picking()) {
    enter(pick(move - kPick));
    ++played_;
  } else {
    serve(move);
  }
  advance();
  evaluate();
}

// Plays on to the next choice.
void Game::advance() {
  while (!over_) {
    if (operator_ < 0) {
      if (step_ == program_->count()) {
        finish();
      } else if (!program_->rules.free_order) {
        enter(program_->order[at(step_)]);
      } else if (ready_.size() == 1) {
        enter(ready_.front());
        ++played_;
      } else {
        return;
      }
      continue;
    }
    if (access_ == node().stop) {
      leave();
      continue;
    }
    if (!program_->tensors[at(seen(access_).tensor)].tracked) {
      if (access_ < node().results) --tensors_[at(seen(access_).tensor)].left;
      ++access_;
      continue;
    }
    offer_ = offers();
    if (offer_.copy + offer_.no_copy + offer_.drop > 1) return;
    serve(offer_.copy ? kCopy : (offer_.no_copy ? kNoCopy : kDrop));
  }
}

void Game::enter(Index operator_index) {
  operator_ = operator_index;
  order_.push_back(operator_index);
  if (program_->rules.free_order) {
    ready_.erase(std::find(ready_.begin(), ready_.end(), operator_index));
  }
  access_ = node().first;
  const auto count = at(node().stop - node().first);
  on_.assign(count, 0);
  match();
  left_base_ -= program_->base[at(operator_)];
  left_idle_ -= program_->idle[at(operator_)];
  undecided_ = 0;
  if (resident()) {
    for (Index a = node().first; a < node().stop; ++a) {
      const GameTensor& facts = program_->tensors[at(seen(a).tensor)];
      if (!facts.tracked) continue;
      const bool wanted = facts.readers > 0 || facts.leaves();
      undecided_ += a < node().results ? facts.load : (wanted ? facts.store : 0);
    }
    if (!pack(access_, nullptr, places_)) {
      stuck_ = operator_;
      over_ = true;
    }
  }
  settle();
}

// The step is over: what nobody wants any more ends.
void Game::leave() {
  settle();
  channel_.run_to(step_);
  ++step_;
  for (Index a = node().first; a < node().stop; ++a) {
    const Index tensor = seen(a).tensor;
    TensorState& state = tensors_[at(tensor)];
    if (!state.standing || state.left > 0) continue;
    state.standing = false;
    board_.entries()[at(state.held)].hold = Hold::taken;
    if (state.dirty && program_->tensors[at(tensor)].leaves()) store_open(tensor);
  }
  channel_.run_to(step_ - 1);
  for (Held& held : board_.entries()) {
    if (held.hold != Hold::leaving) continue;
    const Index done = channel_.done_at(held.tensor);
    if (done >= 0) store_closed(held.tensor, done);
  }
  board_.forget(step_ - GameChannel::kReach, [&](Index tensor, Index from, Index to) {
    if (tensors_[at(tensor)].held == from) tensors_[at(tensor)].held = to;
  });
  if (program_->rules.free_order) {
    for (Index a = node().results; a < node().stop; ++a) {
      const Index tensor = seen(a).tensor;
      for (Index i = program_->reader_first[at(tensor)]; i < program_->reader_first[at(tensor) + 1];
           ++i) {
        const Index reader = program_->reader[at(i)];
        if (--waits_[at(reader)] > 0) continue;
        const auto place =
            std::lower_bound(ready_.begin(), ready_.end(), reader, [&](Index one, Index two) {
              return program_->rank[at(one)] < program_->rank[at(two)];
            });
        ready_.insert(place, reader);
      }
    }
  }
  operator_ = -1;
}

void Game::finish() {
  final_ = channel_.finish(step_);
  for (Held& held : board_.entries()) {
    if (held.hold != Hold::leaving) continue;
    held.stop = step_;
    held.hold = Hold::taken;
  }
  over_ = true;
}

// Objective traffic: what the tensor moves changes by so much.
void Game::account(Index tensor, Bytes reads, Bytes writes) {
  const GameTensor& facts = program_->tensors[at(tensor)];
  TensorState& state = tensors_[at(tensor)];
  const bool given = facts.kind == TensorKind::input || facts.kind == TensorKind::weight;
  const Bytes due_read = given && facts.readers > 0 ? facts.bytes : 0;
  const Bytes due_write = facts.leaves() ? facts.bytes : 0;
  const auto extra = [&] {
    return std::max<Bytes>(0, state.reads - due_read) +
           std::max<Bytes>(0, state.writes - due_write);
  };
  moved_ -= extra();
  state.reads += reads;
  state.writes += writes;
  moved_ += extra();
}

// The seconds of the step as far as it is decided.
void Game::settle() {
  if (program_->rules.traffic) return;
  Seconds off = 0;
  Seconds near = 0;
  for (Index a = node().first; a < node().stop; ++a) {
    const GameAccess& access = seen(a);
    const bool on = resident() ? program_->tensors[at(access.tensor)].tracked : on_[slot(a)] != 0;
    (on ? near : off) += on ? access.near : access.off;
  }
  channel_.set_step(step_, std::max(node().compute, off + near), off);
}

void Game::evaluate() {
  if (program_->rules.traffic) {
    value_ = static_cast<double>(moved_);
    return;
  }
  if (over_) {
    value_ = final_;
    return;
  }
  if (operator_ >= 0) settle();
  const Index border = operator_ >= 0 ? step_ + 1 : step_;
  channel_.run_to(border - 1);
  const Seconds queued = std::max(0.0, channel_.pending(border) - left_idle_);
  value_ = channel_.time(border) + (left_base_ + undecided_) * program_->factor + queued;
}

std::vector<Game::Residence> Game::residencies() const {
  std::vector<Residence> all;
  for (const auto* list : {&board_.past(), &board_.entries()}) {
    for (const Held& held : *list) all.push_back({held.tensor, held.bottom, held.start, held.stop});
  }
  return all;
}

std::vector<GameChannel::Copy> Game::copies() const {
  std::vector<GameChannel::Copy> all = channel_.queue(0);
  all.insert(all.end(), channel_.queue(1).begin(), channel_.queue(1).end());
  return all;
}

}  // namespace cosmalloc
