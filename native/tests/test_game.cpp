#include <algorithm>
#include <cmath>
#include <random>

#include "check.hpp"
#include "game.hpp"
#include "game_observe.hpp"

namespace cosmalloc {
namespace {

std::size_t at(Index index) { return static_cast<std::size_t>(index); }

// Operators that read earlier results and weights, some results in place; outputs at the end.
std::shared_ptr<const GameProgram> some_program(std::uint64_t seed, Index count, GameRules rules) {
  std::mt19937_64 random(seed);
  auto program = std::make_shared<GameProgram>();
  program->rules = rules;
  const auto tensor = [&](TensorKind kind, Index maker) {
    const auto bytes = static_cast<Bytes>(1 + random() % 9);
    const auto group = static_cast<Index>(random() % 3) - 1;
    const auto seconds = static_cast<double>(bytes);
    program->tensors.push_back(
        {bytes, kind, random() % 8 != 0, group, maker, 0, seconds, seconds * 2});
    return static_cast<Index>(program->tensors.size()) - 1;
  };
  const auto access = [&](Index name) {
    const Bytes bytes = program->tensors[at(name)].bytes;
    const Bytes read = random() % 4 == 0 ? bytes / 2 : bytes;
    program->accesses.push_back(
        {name, read, static_cast<double>(read), static_cast<double>(read) / 16});
  };
  for (int k = 0; k < 3; ++k) tensor(TensorKind::input, -1);
  for (Index o = 0; o < count; ++o) {
    const auto first = static_cast<Index>(program->accesses.size());
    std::vector<Index> reads;
    for (std::uint64_t k = random() % 3; k > 0; --k) {
      const auto known = program->tensors.size();
      const auto name = static_cast<Index>(known - 1 - random() % std::min<std::size_t>(known, 14));
      if (std::find(reads.begin(), reads.end(), name) == reads.end()) reads.push_back(name);
    }
    if (random() % 2 == 0) reads.push_back(tensor(TensorKind::weight, -1));
    for (const Index name : reads) access(name);
    const auto results = static_cast<Index>(program->accesses.size());
    const bool leaves = random() % 5 == 0;
    access(tensor(leaves ? TensorKind::output : TensorKind::intermediate, o));
    const auto stop = static_cast<Index>(program->accesses.size());
    program->operators.push_back({first, results, stop, static_cast<double>(random() % 30)});
    program->order.push_back(o);
  }
  program->derive();
  return program;
}

std::vector<std::shared_ptr<const GameProgram>> programs() {
  std::vector<std::shared_ptr<const GameProgram>> all;
  for (std::uint64_t seed = 0; seed < 48; ++seed) {
    const bool resident = seed % 2 == 1;
    const GameRules rules{resident,           seed % 4 >= 2,
                          seed % 8 >= 4,      static_cast<int>(seed % 3),
                          resident ? 45 : 24, static_cast<Bytes>(1 + seed % 3)};
    all.push_back(some_program(seed, seed % 5 == 0 ? 150 : 30, rules));
    if (Game::misfit(*all.back()) >= 0) all.pop_back();
  }
  return all;
}

int some_move(const Game& game, std::mt19937_64& random) {
  int chosen = -1;
  std::uint64_t seen = 0;
  for (int move = 0; move < kMoves; ++move) {
    if (game.legal(move) && random() % ++seen == 0) chosen = move;
  }
  return chosen;
}

// Every two residencies that share a step share no byte, but a result upon its operand in the last
// step of that one.
bool apart(const Game& game) {
  const auto stays = game.residencies();
  const auto& tensors = game.program().tensors;
  for (std::size_t i = 0; i < stays.size(); ++i) {
    const auto& a = stays[i];
    if (a.offset < 0 || a.offset + tensors[at(a.tensor)].bytes > game.program().rules.capacity) {
      return false;
    }
    for (std::size_t j = 0; j < i; ++j) {
      const auto& b = stays[j];
      const bool steps = a.start < b.stop && b.start < a.stop;
      const bool bytes = a.offset < b.offset + tensors[at(b.tensor)].bytes &&
                         b.offset < a.offset + tensors[at(a.tensor)].bytes;
      if (!steps || !bytes) continue;
      const bool after = a.start > b.start || (a.start == b.start && a.stop > b.stop);
      const auto& later = after ? a : b;
      const auto& earlier = after ? b : a;
      const bool in_place = later.start == earlier.stop - 1 && later.offset == earlier.offset &&
                            tensors[at(later.tensor)].group >= 0 &&
                            tensors[at(later.tensor)].group == tensors[at(earlier.tensor)].group;
      if (!in_place) return false;
    }
  }
  return true;
}

// The compiled clock's latency of the plan, in the game's order.
Seconds clocked(const Game& game) {
  const GameProgram& program = game.program();
  Steps steps;
  steps.engines = program.rules.engines;
  steps.first.push_back(0);
  std::vector<Index> accesses;
  for (const Index o : game.order()) {
    const GameOperator& node = program.operators[at(o)];
    steps.compute.push_back(node.compute);
    for (Index a = node.first; a < node.stop; ++a) {
      steps.off.push_back(program.accesses[at(a)].off);
      steps.near.push_back(program.accesses[at(a)].near);
      accesses.push_back(a);
    }
    steps.first.push_back(static_cast<Index>(steps.off.size()));
  }
  Clock clock(steps);
  const auto copies = game.copies();
  for (std::size_t s = 0; s < game.order().size(); ++s) {
    for (Index k = steps.first[s]; k < steps.first[s + 1]; ++k) {
      const Index name = program.accesses[at(accesses[at(k)])].tensor;
      for (const auto& stay : game.residencies()) {
        const auto step = static_cast<Index>(s);
        if (stay.tensor != name || step < stay.start || step >= stay.stop) continue;
        Index ready = stay.start;
        for (const auto& copy : copies) {
          if (copy.load && copy.tensor == name && copy.start == stay.start) ready = copy.stop;
        }
        if (ready <= step) clock.set_near(k, true);
      }
    }
  }
  for (std::size_t i = 0; i < copies.size(); ++i) {
    clock.add({copies[i].load, copies[i].need, copies[i].start, copies[i].stop,
               static_cast<std::int64_t>(i)});
  }
  return clock.latency();
}

TEST(game, random_games_hold, "a random game leaves no two tensors in one place, and its seconds") {
  for (const auto& program : programs()) {
    std::mt19937_64 random(7);
    Game game(program);
    double gained = 0;
    bool moved = false;
    while (!game.over()) {
      game.play(some_move(game, random));
      gained += game.reward();
      moved = true;
    }
    CHECK(apart(game));
    if (!program->rules.traffic) {
      CHECK(std::abs(clocked(game) - game.value()) <= 1e-9 * game.value());
    }
    if (moved && game.base() > 0) {
      CHECK(std::abs(gained * game.base() - (game.base() - game.value())) <= 1e-9 * game.base());
    }
  }
}

TEST(game, copies_play_alike, "a copy of a game plays on as the game, and leaves it alone") {
  for (const auto& program : programs()) {
    std::mt19937_64 random(3);
    Game game(program);
    for (int k = 0; k < 20 && !game.over(); ++k) game.play(some_move(game, random));
    const double value = game.value();
    Game one = game;
    Game two(program);
    two = game;
    std::mt19937_64 again = random;
    while (!one.over()) one.play(some_move(one, random));
    CHECK(game.value() == value);
    while (!two.over()) two.play(some_move(two, again));
    CHECK(one.value() == two.value());
    CHECK(one.played() == two.played());
  }
}

TEST(game, what_is_seen_is_finite, "what is seen of a game is finite and stays in its arrays") {
  const View view{7, 5, 4};
  std::vector<float> numbers(7 * 5 * kChannels + kQueue + 4 * kUse + kReady * kOperator +
                             kPosition);
  std::vector<std::int32_t> names(4 + 4 + kReady);
  float* board = numbers.data();
  float* queue = board + 7 * 5 * kChannels;
  float* uses = queue + kQueue;
  float* ready = uses + 4 * kUse;
  const Seen seen{board,
                  queue,
                  uses,
                  ready,
                  ready + kReady * kOperator,
                  names.data(),
                  names.data() + 4,
                  names.data() + 8};
  for (const auto& program : programs()) {
    std::mt19937_64 random(5);
    Game game(program);
    while (!game.over()) {
      observe(game, view, seen);
      CHECK(std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); }));
      game.play(some_move(game, random));
    }
    observe(game, view, seen);
  }
}

}  // namespace
}  // namespace cosmalloc
