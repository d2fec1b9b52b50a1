// What a use is offered: which moves are legal, and the windows and places that the rule picks.
#include <algorithm>

#include "game.hpp"

namespace cosmalloc {
namespace {

struct Unit {
  Bytes bytes, padding;
  Index first, second;  // accesses, -1 for none
};

// Bytes that all tracked tensors of the operator take side by side.
Bytes together(const GameProgram& program, const GameOperator& node) {
  const Bytes step = program.rules.alignment;
  Bytes sum = 0;
  Bytes padding = 0;
  for (Index a = node.first; a < node.stop; ++a) {
    const auto tensor =
        static_cast<std::size_t>(program.accesses[static_cast<std::size_t>(a)].tensor);
    const GameTensor& facts = program.tensors[tensor];
    if (!facts.tracked) continue;
    const Bytes padded = (facts.bytes + step - 1) / step * step;
    sum += padded;
    padding = std::max(padding, padded - facts.bytes);
  }
  return sum - padding;
}

}  // namespace

// Which results of the operator lie upon which operands.
void Game::match() {
  pairs_.assign(on_.size(), {});
  if (!resident()) match_updates();
  match_others();
}

// By law: as cosmalloc.in_place says. A result without an operand of its own stays off-chip, and so
// do the operands that it could lie upon, unless one of them never comes on chip anyway.
void Game::match_updates() {
  for (Index r = node().results; r < node().stop; ++r) {
    const GameTensor& result = program_->tensors[at(seen(r).tensor)];
    if (!result.tracked || result.group < 0 || seen(r).count >= result.bytes) continue;
    const auto lends = [&](Index a) {
      const GameTensor& operand = program_->tensors[at(seen(a).tensor)];
      return operand.group == result.group && !operand.leaves() && last_read(seen(a).tensor);
    };
    Index chosen = -1;
    bool any = false;
    bool streams = false;
    for (Index a = node().first; a < node().results; ++a) {
      if (!lends(a)) continue;
      any = true;
      const bool tracked = program_->tensors[at(seen(a).tensor)].tracked;
      streams = streams || !tracked;
      if (chosen < 0 && tracked && pairs_[slot(a)].other < 0) chosen = a;
    }
    if (!any) continue;
    Pair& mine = pairs_[slot(r)];
    mine.update = true;
    if (chosen >= 0) {
      mine.other = chosen;
      pairs_[slot(chosen)] = {r, true, pairs_[slot(chosen)].barred};
      continue;
    }
    mine.barred = true;
    for (Index a = node().first; a < node().results; ++a) {
      if (!lends(a) || streams) continue;
      Pair& operand = pairs_[slot(a)];
      operand.barred = true;
      if (operand.other >= 0) pairs_[slot(operand.other)].barred = true;
    }
  }
}

// By choice: within an alias group the largest result upon the largest operand, and so on.
void Game::match_others() {
  std::vector<Index> results;
  for (Index r = node().results; r < node().stop; ++r) {
    const GameTensor& facts = program_->tensors[at(seen(r).tensor)];
    if (facts.tracked && facts.group >= 0 && !pairs_[slot(r)].update) results.push_back(r);
  }
  const auto bytes = [&](Index a) { return program_->tensors[at(seen(a).tensor)].bytes; };
  std::stable_sort(results.begin(), results.end(),
                   [&](Index one, Index two) { return bytes(one) > bytes(two); });
  for (const Index r : results) {
    const Index group = program_->tensors[at(seen(r).tensor)].group;
    Index chosen = -1;
    for (Index a = node().first; a < node().results; ++a) {
      const Pair& pair = pairs_[slot(a)];
      const GameTensor& facts = program_->tensors[at(seen(a).tensor)];
      const bool can = facts.tracked && facts.group == group && last_read(seen(a).tensor);
      if (!can || pair.other >= 0 || pair.barred) continue;
      if (chosen < 0 || bytes(a) > bytes(chosen)) chosen = a;
    }
    if (chosen < 0) continue;
    pairs_[slot(r)].other = chosen;
    pairs_[slot(chosen)].other = r;
  }
}

Game::Offer Game::offers() const {
  Offer offer;
  if (access_ < node().results) {
    offer_operand(offer);
  } else {
    offer_result(offer);
  }
  return offer;
}

void Game::offer_operand(Offer& offer) const {
  const Index tensor = seen(access_).tensor;
  const GameTensor& facts = program_->tensors[at(tensor)];
  const TensorState& state = tensors_[at(tensor)];
  const Pair& pair = pairs_[slot(access_)];
  offer.drop = true;
  if (pair.barred) return;
  Bytes bytes = facts.bytes;
  if (pair.update) bytes = std::max(bytes, program_->tensors[at(seen(pair.other).tensor)].bytes);
  if (state.standing) {
    const Held& held = board_.entries()[at(state.held)];
    offer.stay_at = held.bottom;
    offer.no_copy =
        board_.is_free(step_, held.bottom, bytes, tensor) && leaves_room(held.bottom, facts.bytes);
    if (offer.no_copy && bytes > facts.bytes) {
      offer.stay_cover = board_.covered(held.bottom, bytes, tensor,
                                        [&](const Held& other) { return worth(other); });
    }
    if (offer.no_copy) return;
  }
  const bool again = state.left > 1 || !program_->rules.blocking() || !resident();
  offer.copy = again && offer_load(offer, bytes);
}

bool Game::offer_load(Offer& offer, Bytes bytes) const {
  const Index tensor = seen(access_).tensor;
  const TensorState& state = tensors_[at(tensor)];
  Index low = std::max({Index{0}, state.gone, step_ - GameChannel::kReach + 1});
  if (state.leaving || state.dirty) {
    low = step_;
  } else {
    low = std::max(low, state.valid);
  }
  const bool blocking = program_->rules.blocking();
  Index start = blocking ? step_ : window(low, program_->tensors[at(tensor)].load);
  for (;;) {
    const Found found = find(start, bytes);
    if (found.offset >= 0 && leaves_room(found.offset, bytes)) {
      offer.copy_start = start;
      offer.copy_at = found.offset;
      offer.copy_cover = found.cost;
      return true;
    }
    if (start == step_) break;
    start = step_ - (step_ - start) / 2;
  }
  if (!resident()) return false;
  offer.copy_start = step_;
  offer.copy_at = places_[slot(access_)];
  offer.copy_cover =
      board_.covered(offer.copy_at, bytes, tensor, [&](const Held& other) { return worth(other); });
  return true;
}

// The latest border with as much idle channel behind it as the load needs.
Index Game::window(Index low, Seconds need) const {
  Index start = step_;
  for (Seconds idle = 0; start > low && idle < need; --start) idle += channel_.spare(start - 1);
  return start;
}

void Game::offer_result(Offer& offer) const {
  const Index tensor = seen(access_).tensor;
  const GameTensor& facts = program_->tensors[at(tensor)];
  const Pair& pair = pairs_[slot(access_)];
  const auto cost = [&](const Held& other) { return worth(other); };
  if (pair.update) {
    const bool near = !pair.barred && on_[slot(pair.other)] != 0;
    offer.no_copy = near;
    offer.drop = !near;
    if (near) offer.stay_at = lent_at(access_);
    return;
  }
  offer.drop = !resident() || facts.readers > 0;
  const Bytes lent = lent_at(access_);
  const Found found = find(step_, facts.bytes);
  double lent_cost = 0;
  if (lent >= 0) {
    lent_cost = board_.covered(lent, facts.bytes, seen(pair.other).tensor, cost);
    const bool better = found.offset < 0 || lent_cost <= found.cost;
    if (better && leaves_room(lent, facts.bytes)) {
      offer.no_copy = true;
      offer.stay_at = lent;
      offer.stay_cover = lent_cost;
      return;
    }
  }
  if (found.offset >= 0 && leaves_room(found.offset, facts.bytes)) {
    offer.no_copy = true;
    offer.stay_at = found.offset;
    offer.stay_cover = found.cost;
  } else if (resident()) {
    offer.no_copy = true;
    offer.stay_at = places_[slot(access_)];
    offer.stay_cover = board_.covered(offer.stay_at, facts.bytes, tensor, cost);
  }
}

// Where the result could lie upon its operand, -1 for nowhere.
Bytes Game::lent_at(Index access) const {
  const Index other = pairs_[slot(access)].other;
  if (other < 0 || on_[slot(other)] == 0) return -1;
  const Index operand = seen(other).tensor;
  const Held& held = board_.entries()[at(tensors_[at(operand)].held)];
  const Bytes bytes = program_->tensors[at(seen(access).tensor)].bytes;
  return board_.is_free(step_, held.bottom, bytes, operand) ? held.bottom : -1;
}

// What is lost where this is covered: what its next use saves, less the further away that is, and
// of its store what is not done in the meantime.
double Game::worth(const Held& held) const {
  const GameTensor& facts = program_->tensors[at(held.tensor)];
  const TensorState& state = tensors_[at(held.tensor)];
  if (held.hold == Hold::leaving) return facts.store;
  double cost = 0;
  Index away = 3;
  if (program_->rules.free_order) {
    cost = program_->mean_saving[at(held.tensor)];
  } else if (state.next >= 0) {
    cost = program_->saving[at(state.next)];
    away = program_->rank[at(program_->owner[at(state.next)])] - step_;
  }
  cost /= 1 + away;
  if (!state.dirty) return cost;
  if (program_->rules.traffic)
    return cost + (facts.leaves() ? 0 : static_cast<double>(facts.bytes));
  Seconds store = facts.store;  // what of its store is not done by now
  for (Index s = step_ - 1; s > state.last_write && s > step_ - 16 && store > 0; --s) {
    store -= channel_.spare(s);
  }
  return cost + std::max(0.0, store) + 0.1 * facts.store;
}

// Whether the tensor is an operand of this step that is not decided yet.
bool Game::reads_now(Index tensor) const {
  const Index next = tensors_[at(tensor)].next;
  if (!program_->rules.free_order) {
    return next >= access_ && next < node().results;
  }
  for (Index a = access_; a < node().results; ++a) {
    if (seen(a).tensor == tensor) return true;
  }
  return false;
}

Found Game::find(Index start, Bytes bytes) const {
  const auto lasts = [&](const Held& held) {
    if (held.hold == Hold::taken) return false;
    const TensorState& state = tensors_[at(held.tensor)];
    if (held.hold == Hold::leaving) return true;
    const Index now = reads_now(held.tensor) ? 1 : 0;
    return state.left > now || (state.dirty && program_->tensors[at(held.tensor)].leaves());
  };
  return board_.find(start, step_, bytes, [&](const Held& held) { return worth(held); }, lasts);
}

// `resident`: whether the rest of the step fits beside the use at hand in these bytes.
bool Game::leaves_room(Bytes offset, Bytes bytes) const {
  if (!resident()) return true;
  static thread_local std::vector<Bytes> places;
  const Held tentative{offset, offset + bytes, seen(access_).tensor, step_, step_ + 1, Hold::taken};
  return pack(access_ + 1, &tentative, places);
}

// Places for the accesses from `from` on beside what is decided in this step: first the results
// that fit upon an operand decided, then the others, largest first, lowest place; or, where that
// fails, the one with the most padding last.
bool Game::pack(Index from, const Held* tentative, std::vector<Bytes>& places) const {
  struct Span {
    Bytes bottom, top;
    Index tensor;
  };
  std::vector<Span> decided;
  for (const Held& held : board_.entries()) {
    if (held.stop > step_ && (tentative == nullptr || held.tensor != tentative->tensor)) {
      decided.push_back({held.bottom, held.top, held.tensor});
    }
  }
  if (tentative != nullptr) {
    decided.push_back({tentative->bottom, tentative->top, tentative->tensor});
  }
  places.assign(on_.size(), -1);
  const auto size = [&](Index a) { return program_->tensors[at(seen(a).tensor)].bytes; };
  const Bytes capacity = board_.capacity();
  for (Index r = std::max(from, node().results); r < node().stop; ++r) {
    const Index other = pairs_[slot(r)].other;
    if (other < 0 || other >= from) continue;
    const Index operand = seen(other).tensor;
    Bytes bottom = -1;
    for (const Span& span : decided) {
      if (span.tensor == operand) bottom = span.bottom;
    }
    bool free = bottom >= 0 && bottom + size(r) <= capacity;
    for (const Span& span : decided) {
      free =
          free && (span.tensor == operand || span.top <= bottom || bottom + size(r) <= span.bottom);
    }
    if (!free) continue;
    places[slot(r)] = bottom;
    decided.push_back({bottom, bottom + size(r), operand});
  }
  std::vector<Unit> units;
  for (Index a = from; a < node().stop; ++a) {
    if (!program_->tensors[at(seen(a).tensor)].tracked || places[slot(a)] >= 0) continue;
    const Index other = pairs_[slot(a)].other;
    if (other >= from && other < a) continue;  // a result, together with its operand
    const bool both = other >= from;
    const Bytes bytes = both ? std::max(size(a), size(other)) : size(a);
    units.push_back({bytes, board_.align(bytes) - bytes, a, both ? other : -1});
  }
  std::stable_sort(units.begin(), units.end(),
                   [](const Unit& a, const Unit& b) { return a.bytes > b.bytes; });
  const auto place_all = [&] {
    std::vector<Span> taken = decided;
    for (const Unit& unit : units) {
      Bytes best = unit.bytes <= capacity ? 0 : -1;
      for (bool moved = true; moved && best >= 0;) {
        moved = false;
        for (const Span& span : taken) {
          if (span.top <= best || best + unit.bytes <= span.bottom) continue;
          best = board_.align(span.top);
          moved = true;
        }
        if (best + unit.bytes > capacity) best = -1;
      }
      if (best < 0) return false;
      places[slot(unit.first)] = best;
      if (unit.second >= 0) places[slot(unit.second)] = best;
      taken.push_back({best, best + unit.bytes, -1});
    }
    return true;
  };
  if (place_all()) return true;
  const auto padded =
      std::max_element(units.begin(), units.end(),
                       [](const Unit& a, const Unit& b) { return a.padding < b.padding; });
  if (padded == units.end()) return false;
  std::rotate(padded, padded + 1, units.end());
  return place_all();
}

Index Game::updated(Index access) const {
  if (operator_ < 0 || access < node().first || access >= node().stop) return -1;
  const Pair& pair = pairs_[slot(access)];
  return pair.update ? pair.other : -1;
}

bool Game::fits(Index operator_index) const {
  const GameOperator& op = program_->operators[at(operator_index)];
  return together(*program_, op) <= board_.capacity();
}

Index Game::misfit(const GameProgram& program) {
  if (!program.rules.resident) return -1;
  if (!program.rules.free_order) {
    Game game(std::shared_ptr<const GameProgram>(std::shared_ptr<void>(), &program));
    game.drop_the_rest();
    return game.stuck_;
  }
  for (Index o = 0; o < program.count(); ++o) {
    if (together(program, program.operators[at(o)]) > program.rules.capacity) return o;
  }
  return -1;
}

}  // namespace cosmalloc
