#include <map>
#include <random>

#include "check.hpp"
#include "states_walk.hpp"

namespace cosmalloc {
namespace {

using M = Mask<1>;

// The tensors that are used twice at least; the others are fixed bytes of their operator.
StateFacts spanning(const StateFacts& all) {
  StateFacts f;
  f.before = all.before;
  f.fixed = all.fixed;
  f.lends.resize(all.before.size());
  f.reads.resize(all.before.size());
  f.makes.resize(all.before.size());
  for (std::size_t t = 0; t < all.size.size(); ++t) {
    const std::int64_t maker = all.maker[t];
    std::vector<std::size_t> users;
    if (maker >= 0) users.push_back(static_cast<std::size_t>(maker));
    users.insert(users.end(), all.readers[t].begin(), all.readers[t].end());
    const bool spans = users.size() > 1;
    for (std::size_t k = 0; k < users.size(); ++k) {
      const bool made = maker >= 0 && k == 0;
      if (!spans) f.fixed[users[k]] += all.size[t];
      if (spans) (made ? f.makes : f.reads)[users[k]].push_back(f.size.size());
    }
    for (std::size_t o = 0; o < all.lends.size(); ++o) {
      for (const Lending& each : all.lends[o]) {
        if (each.operands[0].tensor != static_cast<std::int64_t>(t)) continue;
        f.lends[o].push_back(each);
        f.lends[o].back().operands[0].tensor =
            spans ? static_cast<std::int64_t>(f.size.size()) : -1;
      }
    }
    if (!spans) continue;
    if (std::count(all.spills.begin(), all.spills.end(), t) != 0) f.spills.push_back(f.size.size());
    f.size.push_back(all.size[t]);
    f.bytes.push_back(all.bytes[t]);
    f.readers.push_back(all.readers[t]);
    f.maker.push_back(maker);
  }
  return f;
}

// A random program: every operator reads up to three earlier tensors and makes one; some results
// take over an operand's bytes, some tensors are outputs, some operands come from outside.
StateFacts some_facts(std::mt19937_64& random, std::size_t operators) {
  StateFacts f;
  const auto tensor = [&](std::int64_t maker) {
    f.size.push_back(static_cast<Bytes64>(1 + random() % 5));
    f.bytes.push_back(std::max<Bytes64>(1, f.size.back() - static_cast<Bytes64>(random() % 2)));
    f.readers.emplace_back();
    f.maker.push_back(maker);
    if (maker >= 0 && random() % 4 != 0) f.spills.push_back(f.size.size() - 1);
    return f.size.size() - 1;
  };
  tensor(-1);
  tensor(-1);
  Bytes64 largest = 0;
  for (std::size_t o = 0; o < operators; ++o) {
    Set reads, before;
    Bytes64 own = 0;
    for (std::size_t k = 0; k < 1 + random() % 3; ++k) {
      const std::size_t t = random() % f.size.size();
      if (std::count(reads.begin(), reads.end(), t) != 0) continue;
      reads.push_back(t);
      own += f.size[t];
      f.readers[t].push_back(o);
      if (f.maker[t] >= 0) before.push_back(static_cast<std::size_t>(f.maker[t]));
    }
    const std::size_t made = tensor(static_cast<std::int64_t>(o));
    f.lends.emplace_back();
    if (random() % 3 == 0) {
      const auto operand = static_cast<std::int64_t>(reads[0]);
      f.lends.back().push_back({{{operand, f.size[reads[0]]}}, {f.size[made]}});
    }
    f.fixed.push_back(static_cast<Bytes64>(random() % 2));
    largest = std::max(largest, own + f.size[made] + f.fixed.back());
    f.reads.push_back(reads);
    f.makes.push_back({made});
    f.before.push_back(before);
  }
  f = spanning(f);
  f.room = largest + static_cast<Bytes64>(random() % 2);
  f.brim = static_cast<Bytes64>(random() % 2);
  for (std::size_t t = 0; t < f.size.size(); ++t) {
    if (random() % 2 == 0) f.brim_tensors.push_back(t);
  }
  return f;
}

// The least traffic from a state on, any set dropped at any step: no rule of the search is used.
class Oracle {
 public:
  explicit Oracle(const Graph<1>& graph) : graph_(graph) {}

  Bytes64 from(const M& done, const M& held, const M& stored) {
    if (done == graph_.everything) return 0;
    const auto key = std::array{done.word[0], held.word[0], stored.word[0]};
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    Bytes64 least = kHopeless;
    for (std::size_t o = 0; o < graph_.operators; ++o) {
      if (!graph_.can_run(o, done)) continue;
      M after = done;
      after.set(o);
      const M others = held - graph_.touched[o];
      for (std::uint64_t gone = others.word[0];; gone = (gone - 1) & others.word[0]) {
        const M dropped{{gone}};
        const M stay = others - dropped;
        if (graph_.fits(o, graph_.touched[o] | stay,
                        graph_.own_of(o, after) + graph_.sizes(stay))) {
          const M store = (dropped & graph_.spills) - stored;
          const M alive = graph_.alive(after);
          const Bytes64 rest =
              from(after, (stay | graph_.touched[o]) & alive, (stored | store) & alive);
          least = std::min(least, graph_.moved(dropped) + graph_.moved(store) + rest);
        }
        if (gone == 0) break;
      }
    }
    return known_[key] = least;
  }

  template <class Work>
  void each(Work&& work) const {
    for (const auto& [key, rest] : known_) work(M{{key[0]}}, M{{key[1]}}, M{{key[2]}}, rest);
  }

  static constexpr Bytes64 kHopeless = 1 << 30;

 private:
  const Graph<1>& graph_;
  std::map<std::array<std::uint64_t, 3>, Bytes64> known_;
};

TEST(states, prices, "the lattice never asks for more than the rest of the way costs") {
  std::mt19937_64 random(5);
  int costly = 0, tight = 0;
  for (int round = 0; round < 120; ++round) {
    const StateFacts facts = some_facts(random, 5 + random() % 3);
    const Graph<1> graph(facts);
    Oracle oracle(graph);
    const Bytes64 best = oracle.from({}, {}, {});
    Lattice<1> lattice(graph);
    const Control control(60);
    CHECK(lattice.build({}, control));
    CHECK(lattice.start(control));
    std::map<std::uint64_t, std::size_t> node_of;
    for (std::size_t at = 0; at < lattice.size(); ++at) node_of[lattice.node(at).done.word[0]] = at;
    for (int climb = 0; climb < 40; ++climb)
      CHECK(lattice.climb(Oracle::kHopeless, false, control));
    oracle.each([&](const M& done, const M& held, const M& stored, Bytes64 rest) {
      const auto& node = lattice.node(node_of[done.word[0]]);
      CHECK(lattice.whole(lattice.toll(node, held, stored)) <= static_cast<double>(rest));
    });
    if (best == 0 || best == Oracle::kHopeless) continue;
    ++costly;
    if (lattice.whole(lattice.bound()) == static_cast<double>(best)) ++tight;
  }
  CHECK(costly >= 10);
  CHECK(4 * tight >= costly);
}

TEST(states, fixing, "what leaves the lattice is on no path below the limit") {
  std::mt19937_64 random(6);
  for (int round = 0; round < 60; ++round) {
    const StateFacts facts = some_facts(random, 4 + random() % 3);
    const Graph<1> graph(facts);
    const Bytes64 best = Oracle(graph).from({}, {}, {});
    if (best == Oracle::kHopeless) continue;
    Lattice<1> lattice(graph);
    const Control control(60);
    CHECK(lattice.build({}, control));
    CHECK(lattice.start(control));
    for (int climb = 0; climb < 40; ++climb) CHECK(lattice.climb(best + 1, true, control));
    CHECK(lattice.whole(lattice.bound()) <= static_cast<double>(best));
    const Walked walked =
        Walk<1>(graph, &lattice, {}, {best + 1, 1 << 20, 1 << 20, 1 << 20, 1 << 30}, control).run();
    CHECK(walked.found);
    CHECK(walked.whole);
    CHECK(walked.paid == best);
    for (int climb = 0; climb < 40; ++climb) CHECK(lattice.climb(best, true, control));
    CHECK(lattice.whole(lattice.bound()) <= static_cast<double>(best) ||
          !(lattice.bound() < kNever));
  }
}

TEST(states, search, "the search is the oracle, with and without the lattice") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 120; ++round) {
    const StateFacts facts = some_facts(random, 4 + random() % 4);
    const Graph<1> graph(facts);
    const Bytes64 best = Oracle(graph).from({}, {}, {});
    for (const bool duals : {true, false}) {
      StateOptions options;
      options.duals = duals;
      const StateResult result = search_states(facts, options, Control(60));
      CHECK(result.proven);
      CHECK(result.found == (best < Oracle::kHopeless));
      if (!result.found) continue;
      CHECK(result.paid == best);
      CHECK(result.bound == best);
    }
  }
}

TEST(states, late, "without time there is a bound of nothing and no path") {
  std::mt19937_64 random(8);
  const StateFacts facts = some_facts(random, 8);
  const StateResult result = search_states(facts, {}, Control(0));
  CHECK(!result.found);
  CHECK(!result.proven);
  CHECK(result.bound == 0);
}

}  // namespace
}  // namespace cosmalloc
