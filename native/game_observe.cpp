#include "game_observe.hpp"

#include <algorithm>
#include <cmath>

namespace cosmalloc {
namespace {

std::size_t at(Index index) { return static_cast<std::size_t>(index); }

float real(double value) { return static_cast<float>(value); }
float logged(double value) { return real(std::log1p(std::max(0.0, value))); }

class Eye {
 public:
  Eye(const Game& game, const View& view, const Seen& seen)
      : game_(game), program_(game.program()), view_(view), seen_(seen) {}

  void look() const {
    board();
    queue();
    uses();
    ready();
    position();
  }

 private:
  double capacity() const {
    return std::max<double>(1, static_cast<double>(program_.rules.capacity));
  }
  double share(Bytes bytes) const { return static_cast<double>(bytes) / capacity(); }
  const GameTensor& facts(Index tensor) const { return program_.tensors[at(tensor)]; }
  bool deciding() const { return !game_.over() && !game_.picking(); }
  // Costs: seconds, or bytes.
  float cost(Seconds seconds, Bytes bytes) const {
    const double value = program_.rules.traffic ? static_cast<double>(bytes) : seconds;
    return logged(value / program_.scale);
  }

  float standing(Index tensor) const {
    const Game::TensorState& state = game_.tensor(tensor);
    if (program_.rules.free_order) return 0.5F;
    if (state.next < 0) return 0;
    const Index away = program_.rank[at(program_.owner[at(state.next)])] - game_.step();
    return real(1.0 / (1 + std::max(0, away)));
  }

  // Adds `value`, times the share of each part that is covered, to the rows of steps [from, to).
  void fill(int channel, Bytes bottom, Bytes top, Index from, Index to, float value) const {
    const Index last = game_.step();
    const int first_row = std::max(0, view_.height - 1 - (last - from));
    const int stop_row = std::min(view_.height, view_.height - (last - (to - 1)));
    if (first_row >= stop_row) return;
    const double part = capacity() / view_.width;
    const double low = static_cast<double>(bottom) / part;
    const double high = static_cast<double>(std::min(top, program_.rules.capacity)) / part;
    const int stop = std::min(view_.width, static_cast<int>(std::ceil(high)));
    for (int column = static_cast<int>(low); column < stop; ++column) {
      const double covered = std::min(high, column + 1.0) - std::max(low, 1.0 * column);
      const float amount = value * real(covered);
      for (int row = first_row; row < stop_row; ++row) {
        seen_.board[(row * view_.width + column) * kChannels + channel] += amount;
      }
    }
  }

  void board() const {
    std::fill_n(seen_.board, view_.height * view_.width * kChannels, 0.0F);
    const Index now = game_.step() + 1;
    for (const Held& held : game_.board().entries()) {
      fill(0, held.bottom, held.top, held.start, held.stop, 1);
      if (held.hold == Hold::taken || held.stop >= now) continue;
      const bool stands = held.hold == Hold::standing;
      fill(stands ? 1 : 2, held.bottom, held.top, held.stop, now,
           stands ? standing(held.tensor) : 1);
    }
    if (!deciding()) return;
    const Game::Offer& offer = game_.offer();
    const Bytes bytes = facts(tensor()).bytes;
    if (offer.copy) fill(3, offer.copy_at, offer.copy_at + bytes, offer.copy_start, now, 1);
    if (!offer.copy && offer.no_copy) {
      const bool reads = game_.access() < program_.operators[at(game_.current())].results;
      const Index since = reads ? game_.tensor(tensor()).gone : game_.step();
      fill(3, offer.stay_at, offer.stay_at + bytes, since, now, 1);
    }
  }

  Index tensor() const { return program_.accesses[at(game_.access())].tensor; }

  void queue() const {
    std::fill_n(seen_.queue, kQueue, 0.0F);
    const GameRules& rules = program_.rules;
    const Index step = game_.step();
    if (!rules.traffic) {
      const Index border = step + (deciding() ? 1 : 0);
      const bool known = !game_.over();
      seen_.queue[0] = known ? logged(game_.channel().pending_count(border)) : 0;
      seen_.queue[1] = known ? logged(game_.channel().pending(border) / program_.scale) : 0;
      const Seconds load = deciding() ? facts(tensor()).load : program_.scale;
      Seconds idle = 0;
      Index back = 0;
      for (int k = 0; k < 7; ++k) {
        for (; back < (1 << k) && back < step && back < GameChannel::kReach - 1; ++back) {
          idle += game_.channel().spare(step - 1 - back);
        }
        seen_.queue[2 + k] = logged(idle / load);
      }
      idle = 0;
      Index ahead = step + 1;
      for (int k = 0; k < 7 && !rules.free_order; ++k) {
        for (; ahead <= step + (1 << k) && ahead < program_.count(); ++ahead) {
          idle += program_.idle[at(program_.order[at(ahead)])];
        }
        seen_.queue[9 + k] = logged(idle / program_.scale);
      }
      if (known && game_.value() > 0) {
        seen_.queue[20] = real(game_.channel().waited(border) / game_.value());
      }
    }
    Bytes taken = 0;
    Bytes stands = 0;
    Bytes leaves = 0;
    for (const Held& held : game_.board().entries()) {
      const Bytes bytes = held.top - held.bottom;
      if (held.stop > step) {
        taken += bytes;
      } else if (held.hold != Hold::taken) {
        (held.hold == Hold::standing ? stands : leaves) += bytes;
      }
    }
    seen_.queue[16] = real(share(taken));
    seen_.queue[17] = real(share(stands));
    seen_.queue[18] = real(share(leaves));
    seen_.queue[19] = real(share(game_.board().largest_hole(step)));
    seen_.queue[21 + std::clamp(rules.engines, 0, 2)] = 1;
  }

  void uses() const {
    std::fill_n(seen_.uses, view_.uses * kUse, 0.0F);
    std::fill_n(seen_.operators, view_.uses, -1);
    std::fill_n(seen_.tensors, view_.uses, -1);
    if (!deciding()) return;
    Index step = game_.step();
    Index op = game_.current();
    Index access = game_.access();
    for (int k = 0; k < view_.uses;) {
      if (access == program_.operators[at(op)].stop) {
        if (program_.rules.free_order || ++step >= program_.count()) return;
        op = program_.order[at(step)];
        access = program_.operators[at(op)].first;
        continue;
      }
      const Index name = program_.accesses[at(access)].tensor;
      if (facts(name).tracked) {
        use(seen_.uses + k * kUse, access, step, k == 0);
        seen_.operators[k] = op;
        seen_.tensors[k] = name;
        ++k;
      }
      ++access;
    }
  }

  void use(float* row, Index access, Index step, bool first) const {
    const GameAccess& facts_of = program_.accesses[at(access)];
    const GameTensor& tensor = facts(facts_of.tensor);
    const Game::TensorState& state = game_.tensor(facts_of.tensor);
    const GameOperator& op = program_.operators[at(program_.owner[at(access)])];
    const bool made = access < op.results || step > game_.step()
                          ? state.last_write >= 0 || tensor.maker < 0 || state.valid != Game::kNever
                          : false;
    row[0] = 1;
    row[1] = access < op.results;
    row[2] = tensor.kind == TensorKind::input;
    row[3] = tensor.kind == TensorKind::weight;
    row[4] = tensor.leaves();
    row[5] = state.standing;
    row[6] = made && state.valid == Game::kNever;
    row[7] = state.valid != Game::kNever;
    row[8] = real(std::min(2.0, share(tensor.bytes)));
    row[9] = real(std::max(-1.0, std::log2(share(tensor.bytes)) / 20 + 1));
    row[10] = cost(facts_of.off, facts_of.count);
    row[11] = cost(facts_of.near, 0);
    row[12] = cost(tensor.load, tensor.bytes);
    row[13] = cost(tensor.store, tensor.bytes);
    row[14] = cost(op.compute, 0);
    row[15] = logged(program_.base[at(program_.owner[at(access)])] / program_.scale);
    row[16] = logged(program_.saving[at(access)] / program_.scale);
    row[17] = real(std::min(2.0, (step - game_.step()) / 64.0));
    const Index next = program_.next[at(access)];
    if (!program_.rules.free_order && next >= 0) {
      row[18] = real(1.0 / std::max(1, program_.rank[at(program_.owner[at(next)])] - step));
    }
    row[19] = logged(state.left - (access < op.results ? 1 : 0));
    row[20] = state.standing ? logged((game_.step() + 1 - state.gone) / 64.0) : 0;
    row[21] = game_.updated(access) >= 0;
    if (!first) return;
    const Game::Offer& offer = game_.offer();
    if (offer.copy) row[22] = real((game_.step() - offer.copy_start) / 64.0);
    row[23] = logged((offer.copy ? offer.copy_cover : offer.stay_cover) / program_.scale);
  }

  void ready() const {
    std::fill_n(seen_.ready, kReady * kOperator, 0.0F);
    std::fill_n(seen_.picks, kReady, -1);
    for (int k = 0; k < kReady; ++k) {
      const Index op = game_.pick(k);
      if (op < 0) return;
      seen_.picks[k] = op;
      candidate(seen_.ready + k * kOperator, op);
    }
  }

  void candidate(float* row, Index index) const {
    const GameOperator& op = program_.operators[at(index)];
    Bytes stands = 0;
    Bytes made = 0;
    Bytes last = 0;
    Index frees = 0;
    for (Index a = op.first; a < op.stop; ++a) {
      const Index name = program_.accesses[at(a)].tensor;
      const Game::TensorState& state = game_.tensor(name);
      if (a >= op.results) {
        for (Index i = program_.reader_first[at(name)]; i < program_.reader_first[at(name) + 1];
             ++i) {
          frees += game_.waiting(program_.reader[at(i)]) == 1;
        }
      }
      if (!facts(name).tracked) continue;
      if (a >= op.results) {
        made += facts(name).bytes;
      } else {
        stands += state.standing ? facts(name).bytes : 0;
        last += state.left == 1 && state.standing ? facts(name).bytes : 0;
      }
    }
    row[0] = 1;
    row[1] = game_.fits(index);
    row[2] = logged(program_.base[at(index)] / program_.scale);
    row[3] = real(std::min(4.0, share(stands)));
    row[4] = real(std::min(4.0, share(made)));
    row[5] = real(std::min(4.0, share(last)));
    row[6] = logged(frees);
    row[7] = real(program_.rank[at(index)] / static_cast<double>(program_.count()));
  }

  void position() const {
    std::fill_n(seen_.position, kPosition, 0.0F);
    float* row = seen_.position;
    const GameRules& rules = program_.rules;
    const double count = std::max(1, program_.count());
    row[0] = real(game_.step() / count);
    if (deciding()) {
      const GameOperator& op = program_.operators[at(game_.current())];
      row[1] = real((game_.access() - op.first) / static_cast<double>(op.stop - op.first));
    }
    row[2] = game_.base() > 0 ? real(std::min(4.0, game_.value() / game_.base())) : 0;
    row[3] = real(std::log(count) / 10);
    row[4] = rules.resident;
    row[5] = rules.traffic;
    row[6] = rules.free_order;
    row[7] = game_.picking();
    row[8] = game_.over();
    row[9] = program_.base_sum > 0 ? real(game_.left_base() / program_.base_sum) : 0;
    row[10] = real(std::min(1.0, share(rules.alignment)));
    row[11] = logged(capacity() / std::max<double>(1, static_cast<double>(program_.tracked_bytes)));
    row[12] = program_.bandwidths[0];
    row[13] = program_.bandwidths[1];
    row[14] = logged(static_cast<double>(program_.accesses.size()) / count);
    row[15] = game_.uses() > 0 ? real(game_.served() / static_cast<double>(game_.uses())) : 0;
  }

  const Game& game_;
  const GameProgram& program_;
  const View& view_;
  const Seen& seen_;
};

}  // namespace

void observe(const Game& game, const View& view, const Seen& seen) { Eye(game, view, seen).look(); }

}  // namespace cosmalloc
