// Games for Python: a program goes in as arrays, many games at a time come out as arrays.
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "bindings.hpp"
#include "game_observe.hpp"

namespace cosmalloc {
namespace {

using namespace nb::literals;

using Reals = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Table = nb::ndarray<const std::int64_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Moves = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Array = nb::ndarray<nb::numpy, T>;

using Stepped = std::tuple<Array<double>, Array<bool>>;
using Look = std::tuple<Array<float>, Array<float>, Array<float>, Array<float>, Array<float>,
                        Array<std::int32_t>, Array<std::int32_t>, Array<std::int32_t>>;
using Planned = std::tuple<Array<std::int64_t>, Array<std::int64_t>, Array<std::int64_t>>;
using Use = std::tuple<Index, Index, Index>;

void require(bool holds, const char* sentence) {
  if (!holds) throw nb::value_error(sentence);
}

Index small(std::int64_t value) {
  require(value >= -1 && value < kMaxBuffers, "an index is not -1 to 2^20 - 1");
  return static_cast<Index>(value);
}

template <class T>
Array<T> array(std::vector<std::size_t> shape, T*& data) {
  std::size_t size = 1;
  for (const std::size_t extent : shape) size *= extent;
  data = new T[size]();
  const nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  return Array<T>(data, shape.size(), shape.data(), owner);
}

// Rows (bytes, kind, tracked, group, maker).
void read_tensors(GameProgram& program, const Table& rows, const Reals& load, const Reals& store) {
  require(rows.shape(1) == 5 && load.size() == rows.shape(0) && store.size() == rows.shape(0) &&
              rows.shape(0) < kMaxBuffers,
          "the arrays of tensors don't fit each other");
  for (std::size_t t = 0; t < rows.shape(0); ++t) {
    const std::int64_t* row = rows.data() + 5 * t;
    require(row[0] >= 1 && row[0] <= kMaxSize, "a tensor has not 1 to 2^40 bytes");
    require(row[1] >= 0 && row[1] <= 3, "a tensor's kind is not 0 to 3");
    program.tensors.push_back({row[0], static_cast<TensorKind>(row[1]), row[2] != 0, small(row[3]),
                               small(row[4]), 0, load.data()[t], store.data()[t]});
  }
}

// Operators: rows (first access, first result, end). Accesses: rows (tensor, bytes).
void read_operators(GameProgram& program, const Table& operators, const Reals& compute,
                    const Table& accesses, const Reals& off, const Reals& near) {
  require(operators.shape(1) == 3 && compute.size() == operators.shape(0) &&
              accesses.shape(1) == 2 && off.size() == accesses.shape(0) &&
              near.size() == accesses.shape(0) && accesses.shape(0) < kMaxBuffers,
          "the arrays of operators don't fit each other");
  for (std::size_t a = 0; a < accesses.shape(0); ++a) {
    const std::int64_t* row = accesses.data() + 2 * a;
    const bool known = row[0] >= 0 && row[0] < static_cast<std::int64_t>(program.tensors.size());
    require(known && row[1] >= 0, "an access is of no tensor");
    program.accesses.push_back({small(row[0]), row[1], off.data()[a], near.data()[a]});
  }
  std::int64_t from = 0;
  for (std::size_t o = 0; o < operators.shape(0); ++o) {
    const std::int64_t* row = operators.data() + 3 * o;
    require(row[0] == from && row[1] >= row[0] && row[2] >= row[1] &&
                row[2] <= static_cast<std::int64_t>(accesses.shape(0)),
            "the rows of accesses do not ascend");
    from = row[2];
    program.operators.push_back({small(row[0]), small(row[1]), small(row[2]), compute.data()[o]});
  }
  require(from == static_cast<std::int64_t>(accesses.shape(0)), "an access is of no operator");
}

// A topological order of all operators.
void read_order(GameProgram& program, const Ints& order) {
  const std::size_t count = program.operators.size();
  require(order.size() == count, "the order has not every operator once");
  std::vector<char> seen(count, 0), made(program.tensors.size(), 0);
  for (const std::int64_t o : view(order)) {
    require(
        o >= 0 && o < static_cast<std::int64_t>(count) && seen[static_cast<std::size_t>(o)] == 0,
        "the order has not every operator once");
    seen[static_cast<std::size_t>(o)] = 1;
    const GameOperator& node = program.operators[static_cast<std::size_t>(o)];
    for (Index a = node.first; a < node.stop; ++a) {
      const auto tensor =
          static_cast<std::size_t>(program.accesses[static_cast<std::size_t>(a)].tensor);
      const bool reads = a < node.results;
      require(!reads || program.tensors[tensor].maker < 0 || made[tensor] != 0,
              "an operator runs before what it reads is made");
      if (!reads) {
        require(made[tensor] == 0 && program.tensors[tensor].maker == o,
                "a tensor is made by another operator than it says");
        made[tensor] = 1;
      }
    }
    program.order.push_back(small(o));
  }
}

std::shared_ptr<GameProgram> program_of(const Table& tensors, const Reals& load, const Reals& store,
                                        const Table& operators, const Reals& compute,
                                        const Table& accesses, const Reals& off, const Reals& near,
                                        const Ints& order, const GameRules& rules,
                                        const Reals& bandwidths) {
  require(rules.alignment >= 1 && rules.alignment <= kMaxAlignment && rules.capacity >= 0 &&
              rules.capacity <= kMaxOffset && bandwidths.size() == 2,
          "a capacity or an alignment is out of range");
  auto program = std::make_shared<GameProgram>();
  program->rules = rules;
  program->bandwidths = {static_cast<float>(bandwidths.data()[0]),
                         static_cast<float>(bandwidths.data()[1])};
  read_tensors(*program, tensors, load, store);
  read_operators(*program, operators, compute, accesses, off, near);
  read_order(*program, order);
  program->derive();
  if (rules.resident && !rules.traffic && Game::misfit(*program) < 0 && program->base_sum > 0) {
    Game game(program);
    game.drop_the_rest();
    program->factor = game.value() / program->base_sum;
  }
  return program;
}

struct Slots {  // many games
  std::vector<std::shared_ptr<const GameProgram>> programs;
  std::vector<Game> games;

  Game& at(std::int64_t slot) { return games[checked(slot)]; }
  std::size_t checked(std::int64_t slot) const {
    require(slot >= 0 && slot < static_cast<std::int64_t>(games.size()), "there is no such slot");
    return static_cast<std::size_t>(slot);
  }
};

struct Kept {  // positions of some slots
  std::vector<std::size_t> slots;
  std::vector<Game> games;
};

Array<bool> legal(Slots& self, const Ints& slots) {
  bool* data = nullptr;
  Array<bool> out = array<bool>({slots.size(), kMoves}, data);
  for (const std::int64_t slot : view(slots)) {
    const Game& game = self.at(slot);
    for (int move = 0; move < kMoves; ++move) *data++ = game.legal(move);
  }
  return out;
}

// The operators behind kPick + k, -1 for none.
Array<std::int32_t> picks(Slots& self, const Ints& slots) {
  std::int32_t* data = nullptr;
  Array<std::int32_t> out = array<std::int32_t>({slots.size(), kReady}, data);
  for (const std::int64_t slot : view(slots)) {
    const Game& game = self.at(slot);
    for (int k = 0; k < kReady; ++k) *data++ = game.pick(k);
  }
  return out;
}

// The first entry whose move is illegal, -1 if there is none. Games that are over take any.
std::int64_t illegal(Slots& self, const Moves& moves, const Ints& slots) {
  require(moves.size() == slots.size(), "one move per slot, please");
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Game& game = self.at(slots.data()[i]);
    if (!game.over() && !game.legal(moves.data()[i])) return static_cast<std::int64_t>(i);
  }
  return -1;
}

// Of legal moves: rewards and whether games are over.
Stepped step(Slots& self, const Moves& moves, const Ints& slots) {
  require(moves.size() == slots.size(), "one move per slot, please");
  double* reward = nullptr;
  bool* done = nullptr;
  Array<double> rewards = array<double>({slots.size()}, reward);
  Array<bool> dones = array<bool>({slots.size()}, done);
  for (const std::int64_t slot : view(slots)) self.checked(slot);
  {
    const nb::gil_scoped_release release;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      Game& game = self.games[static_cast<std::size_t>(slots.data()[i])];
      if (!game.over() && game.legal(moves.data()[i])) {
        game.play(moves.data()[i]);
        reward[i] = game.reward();
      }
      done[i] = game.over();
    }
  }
  return {rewards, dones};
}

Look look(Slots& self, const Ints& slots, int height, int width, int uses) {
  require(height >= 1 && width >= 1 && uses >= 1 && height <= 1024 && width <= 1024 && uses <= 1024,
          "a board has 1 to 1024 rows and columns, 1 to 1024 uses are looked at");
  const View view_{height, width, uses};
  const std::size_t b = slots.size();
  const auto h = static_cast<std::size_t>(height);
  const auto w = static_cast<std::size_t>(width);
  const auto k = static_cast<std::size_t>(uses);
  Seen seen{};
  Array<float> board = array<float>({b, h, w, kChannels}, seen.board);
  Array<float> queue = array<float>({b, kQueue}, seen.queue);
  Array<float> use = array<float>({b, k, kUse}, seen.uses);
  Array<float> ready = array<float>({b, kReady, kOperator}, seen.ready);
  Array<float> position = array<float>({b, kPosition}, seen.position);
  Array<std::int32_t> operators = array<std::int32_t>({b, k}, seen.operators);
  Array<std::int32_t> tensors = array<std::int32_t>({b, k}, seen.tensors);
  Array<std::int32_t> picks = array<std::int32_t>({b, kReady}, seen.picks);
  for (const std::int64_t slot : view(slots)) self.checked(slot);
  {
    const nb::gil_scoped_release release;
    for (const std::int64_t slot : view(slots)) {
      observe(self.games[static_cast<std::size_t>(slot)], view_, seen);
      seen.board += h * w * kChannels;
      seen.queue += kQueue;
      seen.uses += k * kUse;
      seen.ready += kReady * kOperator;
      seen.position += kPosition;
      seen.operators += k;
      seen.tensors += k;
      seen.picks += kReady;
    }
  }
  return {board, queue, use, ready, position, operators, tensors, picks};
}

// (order, residencies (tensor, offset, start, stop), copies (tensor, is a load, start, stop)) of
// the game, what is left of it dropped.
Planned plan(Slots& self, std::int64_t slot) {
  Game game = self.at(slot);
  game.drop_the_rest();
  std::int64_t* data = nullptr;
  Array<std::int64_t> order = array<std::int64_t>({game.order().size()}, data);
  for (const Index o : game.order()) *data++ = o;
  const auto stays = game.residencies();
  Array<std::int64_t> residencies = array<std::int64_t>({stays.size(), 4}, data);
  for (const auto& stay : stays) {
    for (const std::int64_t value : {std::int64_t{stay.tensor}, stay.offset,
                                     std::int64_t{stay.start}, std::int64_t{stay.stop}}) {
      *data++ = value;
    }
  }
  const auto queued = game.copies();
  Array<std::int64_t> copies = array<std::int64_t>({queued.size(), 4}, data);
  for (const auto& copy : queued) {
    for (const Index value : {copy.tensor, Index{copy.load}, copy.start, copy.stop})
      *data++ = value;
  }
  return {order, residencies, copies};
}

void clone(Slots& self, const Ints& sources, const Ints& targets) {
  require(sources.size() == targets.size(), "one target per source, please");
  bool mixed = false;
  std::vector<char> read(self.games.size(), 0);
  for (const std::int64_t slot : view(sources)) read[self.checked(slot)] = 1;
  for (const std::int64_t slot : view(targets)) mixed = mixed || read[self.checked(slot)] != 0;
  if (!mixed) {
    for (std::size_t i = 0; i < sources.size(); ++i) {
      self.at(targets.data()[i]) = self.at(sources.data()[i]);
    }
    return;
  }
  std::vector<Game> copies;
  for (const std::int64_t slot : view(sources)) copies.push_back(self.at(slot));
  for (std::size_t i = 0; i < sources.size(); ++i) self.at(targets.data()[i]) = copies[i];
}

// One number per slot.
template <class T, class Of>
Array<T> numbers(Slots& self, const Ints& slots, Of&& of) {
  T* data = nullptr;
  Array<T> out = array<T>({slots.size()}, data);
  for (const std::int64_t slot : view(slots)) *data++ = of(self.at(slot));
  return out;
}

}  // namespace

void bind_game(nb::module_& module) {
  nb::class_<GameProgram>(module, "GameProgram", "A program as mallocGame plays it.")
      .def_static(
          "of",
          [](const Table& tensors, const Reals& load, const Reals& store, const Table& operators,
             const Reals& compute, const Table& accesses, const Reals& off, const Reals& near,
             const Ints& order, bool resident, bool traffic, bool free_order, int engines,
             Bytes capacity, Bytes alignment, const Reals& bandwidths) {
            const GameRules rules{resident, traffic, free_order, engines, capacity, alignment};
            return program_of(tensors, load, store, operators, compute, accesses, off, near, order,
                              rules, bandwidths);
          },
          "tensors"_a.noconvert(), "load"_a.noconvert(), "store"_a.noconvert(),
          "operators"_a.noconvert(), "compute"_a.noconvert(), "accesses"_a.noconvert(),
          "off"_a.noconvert(), "near"_a.noconvert(), "order"_a.noconvert(), "resident"_a,
          "traffic"_a, "free_order"_a, "engines"_a, "capacity"_a, "alignment"_a,
          "bandwidths"_a.noconvert())
      .def("misfit", [](const GameProgram& self) { return Game::misfit(self); });
  nb::class_<Kept>(module, "KeptGames", "Positions of some slots.");
  nb::class_<Slots>(module, "Games", "Many games.")
      .def("__init__",
           [](Slots* self, const std::vector<std::shared_ptr<GameProgram>>& programs) {
             for (const auto& program : programs) {
               require(Game::misfit(*program) < 0, "an operator does not fit");
             }
             new (self) Slots{{programs.begin(), programs.end()}, {}};
             for (const auto& program : programs) self->games.emplace_back(program);
           })
      .def("reset",
           [](Slots& self, const Ints& slots) {
             for (const std::int64_t slot : view(slots)) {
               self.at(slot) = Game(self.programs[static_cast<std::size_t>(slot)]);
             }
           })
      .def("legal", &legal, "slots"_a.noconvert())
      .def("illegal", &illegal, "moves"_a.noconvert(), "slots"_a.noconvert())
      .def("step", &step, "moves"_a.noconvert(), "slots"_a.noconvert())
      .def("observe", &look, "slots"_a.noconvert(), "height"_a, "width"_a, "uses"_a)
      .def("done",
           [](Slots& self, const Ints& slots) {
             return numbers<bool>(self, slots, [](const Game& game) { return game.over(); });
           })
      .def("values",
           [](Slots& self, const Ints& slots) {
             return numbers<double>(self, slots, [](const Game& game) { return game.value(); });
           })
      .def("bases",
           [](Slots& self, const Ints& slots) {
             return numbers<double>(self, slots, [](const Game& game) { return game.base(); });
           })
      .def("played",
           [](Slots& self, const Ints& slots) {
             return numbers<std::int64_t>(self, slots,
                                          [](const Game& game) { return game.played(); });
           })
      .def("plan", &plan, "slot"_a)
      // (step, operator, access of it); operator -1 while one is to be picked or the game is over
      .def("use",
           [](Slots& self, std::int64_t slot) {
             const Game& game = self.at(slot);
             const Index op = game.over() ? -1 : game.current();
             if (op < 0) return Use{game.step(), op, -1};
             const GameOperator& node = game.program().operators[static_cast<std::size_t>(op)];
             return Use{game.step(), op, game.access() - node.first};
           })
      .def("picks", &picks, "slots"_a.noconvert())
      .def("clone", &clone, "sources"_a.noconvert(), "targets"_a.noconvert())
      .def("save",
           [](Slots& self, const Ints& slots) {
             Kept kept;
             for (const std::int64_t slot : view(slots)) {
               kept.slots.push_back(self.checked(slot));
               kept.games.push_back(self.at(slot));
             }
             return kept;
           })
      .def("restore", [](Slots& self, const Kept& kept) {
        for (std::size_t i = 0; i < kept.slots.size(); ++i) {
          self.at(static_cast<std::int64_t>(kept.slots[i])) = kept.games[i];
        }
      });
}

}  // namespace cosmalloc
