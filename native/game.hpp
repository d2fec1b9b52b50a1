// mallocGame: one player, one program. See rl_agent/game.py for what the moves mean.
//
// A game is a value: copying it copies the position. Steps are walked in order; in each step every
// tracked access is a use that asks for a move. All looking is back, at most GameChannel::kReach
// steps, so that nothing that lies ahead binds the player: every position can be played to its end.
#pragma once

#include <memory>

#include "game_board.hpp"
#include "game_channel.hpp"
#include "game_program.hpp"

namespace cosmalloc {

enum Move : int { kCopy, kNoCopy, kDrop, kPick };
inline constexpr int kReady = 8;  // operators to pick from
inline constexpr int kMoves = kPick + kReady;

class Game {
 public:
  explicit Game(std::shared_ptr<const GameProgram> program);

  const GameProgram& program() const { return *program_; }
  bool over() const { return over_; }
  bool picking() const { return !over_ && operator_ < 0; }
  bool legal(int move) const;
  void play(int move);  // a legal one, and all that follow without a choice
  double value() const { return value_; }
  // What was gained since the last call, as a share of base().
  double reward();
  double base() const { return base_; }            // the value with everything dropped
  std::int64_t played() const { return played_; }  // moves, those of the game itself too

  // What the use at hand is offered.
  struct Offer {
    bool copy = false, no_copy = false, drop = false;
    Index copy_start = 0;  // of the load's window
    Bytes copy_at = 0, stay_at = 0;
    double copy_cover = 0, stay_cover = 0;  // worth of what would be covered
  };
  const Offer& offer() const { return offer_; }

  struct TensorState {
    Index held = -1;        // its last entry on the board, -1: forgotten or never there
    Index left = 0;         // reads to come
    Index next = -1;        // order given: the next access
    Index valid = 0;        // border from which it is valid off-chip, kNever if it is not
    Index last_write = -1;  // the step that makes it on chip
    Index gone = 0;         // where its last residency stops
    bool standing = false;
    bool leaving = false;         // its store is open
    bool dirty = false;           // on chip alone
    Bytes reads = 0, writes = 0;  // moved, if what is left is dropped
  };
  static constexpr Index kNever = std::numeric_limits<Index>::max();

  Index step() const { return step_; }
  Index current() const { return operator_; }  // -1: none
  Index access() const { return access_; }
  const TensorState& tensor(Index index) const { return tensors_[at(index)]; }
  const GameBoard& board() const { return board_; }
  const GameChannel& channel() const { return channel_; }
  const std::vector<Index>& order() const { return order_; }  // of the steps begun
  Index pick(int k) const;                                    // operator, -1 for none
  bool fits(Index operator_index) const;                      // all its tensors at once
  Index waiting(Index operator_index) const {  // operands not made yet; order given: 0
    return waits_.empty() ? 0 : waits_[at(operator_index)];
  }
  Index served() const { return served_; }  // uses on chip without a copy
  Index uses() const { return uses_; }
  double left_base() const { return left_base_; }
  Seconds left_idle() const { return left_idle_; }
  Index updated(Index access) const;  // the access it makes a pair with, -1 for none

  struct Residence {
    Index tensor;
    Bytes offset;
    Index start, stop;
  };
  // Of a game that is over. Copies of each kind as they queue.
  std::vector<Residence> residencies() const;
  std::vector<GameChannel::Copy> copies() const;

  // An operator whose tensors never fit on chip together, -1 if there is none.
  static Index misfit(const GameProgram& program);
  void drop_the_rest();

 private:
  struct Pair {
    Index other = -1;     // access
    bool update = false;  // in one memory, by law; else they may share bytes
    bool barred = false;  // off-chip, by rule
  };
  static std::size_t at(Index index) { return static_cast<std::size_t>(index); }
  const GameAccess& seen(Index access) const { return program_->accesses[at(access)]; }
  const GameOperator& node() const { return program_->operators[at(operator_)]; }
  std::size_t slot(Index access) const { return at(access - node().first); }
  bool resident() const { return program_->rules.resident; }

  void advance();
  void enter(Index operator_index);
  void leave();
  void finish();
  void match();
  void match_updates();
  void match_others();
  bool last_read(Index tensor) const { return tensors_[at(tensor)].left == 1; }

  Offer offers() const;
  void offer_operand(Offer& offer) const;
  void offer_result(Offer& offer) const;
  bool offer_load(Offer& offer, Bytes bytes) const;
  Index window(Index low, Seconds need) const;
  Bytes lent_at(Index access) const;
  double worth(const Held& held) const;
  bool reads_now(Index tensor) const;
  Found find(Index start, Bytes bytes) const;
  bool pack(Index from, const Held* tentative, std::vector<Bytes>& places) const;
  bool leaves_room(Bytes offset, Bytes bytes) const;

  void serve(int move);
  void serve_operand(int move);
  void serve_result(int move);
  void choose_window(Index tensor, Bytes bytes);
  void load_now(Index tensor, Bytes offset, Index start);
  void stand(Index tensor, Bytes offset, Index start, Bytes bytes);
  void cover(Bytes bottom, Bytes bytes, Index start, Index except, Index lender);
  void store(Index tensor, Index limit);
  void store_open(Index tensor);
  void store_closed(Index tensor, Index stop);
  void release(Index tensor, Index limit);
  void lend(Index tensor);
  void account(Index tensor, Bytes reads, Bytes writes);
  void settle();
  void evaluate();

  std::shared_ptr<const GameProgram> program_;
  std::vector<TensorState> tensors_;
  GameBoard board_;
  GameChannel channel_;
  std::vector<Index> order_, ready_, waits_;  // ready_: by rank
  Index step_ = 0, operator_ = -1, access_ = 0;
  std::vector<char> on_;       // per access of the operator
  std::vector<Pair> pairs_;    // alike
  std::vector<Bytes> places_;  // alike; `resident`: free for what is not decided yet
  Offer offer_;
  double left_base_ = 0, undecided_ = 0;
  Seconds left_idle_ = 0, final_ = 0;
  std::int64_t moved_ = 0;  // non-compulsory bytes
  double base_ = 0, value_ = 0, told_ = 0;
  std::int64_t played_ = 0;
  Index served_ = 0, uses_ = 0;
  Index stuck_ = -1;  // the operator that has no room
  bool over_ = false;
};

}  // namespace cosmalloc
