// What a move does to the position.
#include <algorithm>

#include "game.hpp"

namespace cosmalloc {
namespace {

constexpr Index kWindows[] = {0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192};  // steps

}  // namespace

void Game::serve(int move) {
  const Index access = access_;
  TensorState& state = tensors_[at(seen(access).tensor)];
  if (access < node().results) {
    serve_operand(move);
    --state.left;
  } else {
    serve_result(move);
  }
  state.next = program_->next[at(access)];
  ++access_;
  ++played_;
  ++uses_;
  settle();
}

void Game::serve_operand(int move) {
  const Index access = access_;
  const Index tensor = seen(access).tensor;
  const GameTensor& facts = program_->tensors[at(tensor)];
  TensorState& state = tensors_[at(tensor)];
  const Bytes count = resident() ? facts.bytes : seen(access).count;
  const bool update = pairs_[slot(access)].update;
  Bytes bytes = facts.bytes;
  if (update)
    bytes = std::max(bytes, program_->tensors[at(seen(pairs_[slot(access)].other).tensor)].bytes);
  if (resident()) undecided_ -= facts.load;
  bool kept_place = false;  // `resident`: at the place reserved
  if (move == kNoCopy) {
    Held& held = board_.entries()[at(state.held)];
    if (bytes > facts.bytes) cover(held.bottom, bytes, step_, tensor, -1);
    held.stop = state.gone = step_ + 1;
    held.top = held.bottom + bytes;
    on_[slot(access)] = 1;
    account(tensor, -count, 0);
    ++served_;
  } else {
    if (state.leaving) store_closed(tensor, step_);
    if (state.standing) release(tensor, step_);
    if (move == kCopy) {
      on_[slot(access)] = 1;
      if (!program_->rules.blocking()) choose_window(tensor, bytes);
      cover(offer_.copy_at, bytes, offer_.copy_start, tensor, -1);
      kept_place = resident() && offer_.copy_at == places_[slot(access)];
      load_now(tensor, offer_.copy_at, offer_.copy_start);
      board_.entries().back().top = offer_.copy_at + bytes;
      state.standing = true;
      board_.entries().back().hold = Hold::standing;
      on_[slot(access)] = 1;
      account(tensor, facts.bytes - count, 0);
    } else {
      if (resident()) {
        cover(places_[slot(access)], bytes, step_, tensor, -1);
        load_now(tensor, places_[slot(access)], step_);
        on_[slot(access)] = 1;
        kept_place = true;
      }
    }
  }
  if (resident() && !kept_place) pack(access + 1, nullptr, places_);
}

void Game::serve_result(int move) {
  const Index access = access_;
  const Index tensor = seen(access).tensor;
  const GameTensor& facts = program_->tensors[at(tensor)];
  TensorState& state = tensors_[at(tensor)];
  const bool wanted = facts.readers > 0 || facts.leaves();
  const Bytes count = resident() ? (wanted ? facts.bytes : 0) : seen(access).count;
  if (resident() && wanted) undecided_ -= facts.store;
  if (move == kDrop && !resident()) {
    state.valid = step_ + 1;
    return;
  }
  const Bytes offset = move == kDrop ? places_[slot(access)] : offer_.stay_at;
  const Index other = pairs_[slot(access)].other;
  Index lender = -1;
  if (other >= 0 && on_[slot(other)] != 0) {
    const Index operand = seen(other).tensor;
    if (board_.entries()[at(tensors_[at(operand)].held)].bottom == offset) lender = operand;
  }
  if (lender >= 0) lend(lender);
  cover(offset, facts.bytes, step_, tensor, lender);
  stand(tensor, offset, step_, facts.bytes);
  state.last_write = step_;
  state.dirty = true;
  on_[slot(access)] = 1;
  account(tensor, 0, -count);
  const bool kept_place = resident() && offset == places_[slot(access)];
  if (move == kNoCopy) {
    state.standing = true;
    board_.entries().back().hold = Hold::standing;
    ++served_;
  } else if (wanted) {
    store_open(tensor);
  }
  if (resident() && !kept_place) pack(access + 1, nullptr, places_);
}

void Game::stand(Index tensor, Bytes offset, Index start, Bytes bytes) {
  TensorState& state = tensors_[at(tensor)];
  state.held = static_cast<Index>(board_.entries().size());
  state.gone = step_ + 1;
  board_.entries().push_back({offset, offset + bytes, tensor, start, step_ + 1, Hold::taken});
}

// The shortest window, of a few lengths, with which the steps so far take the least seconds.
void Game::choose_window(Index tensor, Bytes bytes) {
  const GameTensor& facts = program_->tensors[at(tensor)];
  settle();
  channel_.run_to(step_);
  const Seconds least = channel_.time(step_ + 1);  // without the load
  const Index low = std::max({Index{0}, tensors_[at(tensor)].gone, tensors_[at(tensor)].valid,
                              step_ - GameChannel::kReach + 1});
  Seconds best = std::numeric_limits<Seconds>::infinity();
  for (const Index back : kWindows) {
    const Index start = std::max(low, step_ - back);
    const Found found = find(start, bytes);
    if (found.offset >= 0 && leaves_room(found.offset, bytes)) {
      channel_.add(true, tensor, facts.load, start, step_);
      channel_.run_to(step_);
      const Seconds then = channel_.time(step_ + 1);
      channel_.remove_load(tensor, start);
      if (then < best * (1 - 1e-9)) {
        best = then;
        offer_.copy_at = found.offset;
        offer_.copy_start = start;
      }
      if (best <= least * (1 + 1e-9)) break;
    }
    if (start == low) break;
  }
}

// A load in [start, step], the tensor on chip in this step.
void Game::load_now(Index tensor, Bytes offset, Index start) {
  stand(tensor, offset, start, program_->tensors[at(tensor)].bytes);
  channel_.add(true, tensor, program_->tensors[at(tensor)].load, start, step_);
}

// What stands or leaves in these bytes makes room from `start` on.
void Game::cover(Bytes bottom, Bytes bytes, Index start, Index except, Index lender) {
  for (Held& held : board_.entries()) {
    if (held.hold == Hold::taken || held.tensor == except || held.tensor == lender) continue;
    if (held.top <= bottom || bottom + bytes <= held.bottom) continue;
    if (held.hold == Hold::leaving) {
      store_closed(held.tensor, start);
    } else {
      release(held.tensor, start);
    }
  }
}

// It stands no longer; it is stored by border `limit` if somebody wants it.
void Game::release(Index tensor, Index limit) {
  TensorState& state = tensors_[at(tensor)];
  state.standing = false;
  board_.entries()[at(state.held)].hold = Hold::taken;
  if (state.dirty) store(tensor, limit);
}

// Stored in the background from its last write on, by border `limit` at the latest.
void Game::store(Index tensor, Index limit) {
  store_open(tensor);
  TensorState& state = tensors_[at(tensor)];
  if (!state.leaving) return;
  channel_.run_to(step_ - 1);
  const Index done = channel_.done_at(tensor);
  store_closed(tensor, done < 0 ? limit : std::min(done, limit));
}

void Game::store_open(Index tensor) {
  const GameTensor& facts = program_->tensors[at(tensor)];
  TensorState& state = tensors_[at(tensor)];
  account(tensor, 0, facts.bytes);
  state.dirty = false;
  const Index start = std::max(state.last_write + 1, step_ - GameChannel::kReach + 1);
  if (program_->rules.blocking()) {
    channel_.add(false, tensor, facts.store, start, start);
    state.valid = start;
    Held& held = board_.entries()[at(state.held)];
    held.stop = state.gone = std::max(held.stop, start);
    return;
  }
  channel_.add(false, tensor, facts.store, start, GameChannel::kOpen);
  state.leaving = true;
  board_.entries()[at(state.held)].hold = Hold::leaving;
}

void Game::store_closed(Index tensor, Index stop) {
  TensorState& state = tensors_[at(tensor)];
  channel_.close(tensor, stop);
  Held& held = board_.entries()[at(state.held)];
  held.stop = state.gone = std::max(held.stop, stop);
  held.hold = Hold::taken;
  state.valid = stop;
  state.leaving = false;
}

// Its bytes become the result's in this step.
void Game::lend(Index tensor) {
  TensorState& state = tensors_[at(tensor)];
  Held& held = board_.entries()[at(state.held)];
  held.top = held.bottom + program_->tensors[at(tensor)].bytes;
  held.hold = Hold::taken;
  state.standing = false;
  if (state.dirty && program_->tensors[at(tensor)].leaves()) store(tensor, step_);
}

}  // namespace cosmalloc
