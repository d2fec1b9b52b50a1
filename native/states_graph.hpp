// StateFacts as masks, and what one step does.
#pragma once

#include <algorithm>
#include <numeric>

#include "states.hpp"
#include "states_mask.hpp"

namespace cosmalloc {

template <std::size_t W>
struct Graph {
  using M = Mask<W>;

  explicit Graph(const StateFacts& f)
      : facts(f), operators(f.before.size()), tensors(f.size.size()) {
    for (const Set& set : f.readers) readers.push_back(mask(set));
    for (const Set& set : f.before) before.push_back(mask(set));
    for (const Set& set : f.reads) reads.push_back(mask(set));
    for (const Set& set : f.makes) makes.push_back(mask(set));
    spills = mask(f.spills);
    brim_tensors = mask(f.brim_tensors);
    brim_operators = mask(f.brim_operators);
    for (std::size_t o = 0; o < operators; ++o) {
      everything.set(o);
      touched.push_back(reads[o] | makes[o]);
      own.push_back(sizes(touched[o]) + f.fixed[o]);
    }
    for (const Bytes64 each : f.bytes) unit = std::gcd(unit, each);
    unit = std::max<Bytes64>(unit, 1);
  }

  static M mask(const Set& set) {
    M out;
    for (const std::size_t k : set) out.set(k);
    return out;
  }
  Bytes64 sizes(const M& set) const {
    Bytes64 total = 0;
    set.each([&](std::size_t t) { total += facts.size[t]; });
    return total;
  }
  Bytes64 moved(const M& set) const {
    Bytes64 total = 0;
    set.each([&](std::size_t t) { total += facts.bytes[t]; });
    return total;
  }
  bool can_run(std::size_t o, const M& done) const {
    return !done.test(o) && !(before[o] - done).any();
  }
  // Whether tensor t, alive or not, has a reader left.
  bool wanted(std::size_t t, const M& done) const { return (readers[t] - done).any(); }
  // Tensors that exist and have a reader left.
  M alive(const M& done) const {
    M out;
    for (std::size_t t = 0; t < tensors; ++t) {
      const std::int64_t maker = facts.maker[t];
      const bool born =
          maker >= 0 ? done.test(static_cast<std::size_t>(maker)) : (readers[t] & done).any();
      if (born && wanted(t, done)) out.set(t);
    }
    return out;
  }
  // Bytes that results of o take over in place when `done`, o among them, has run.
  Bytes64 lent(std::size_t o, const M& done) const {
    Bytes64 total = 0;
    for (const Lending& lending : facts.lends[o]) {
      std::vector<Bytes64> free;
      for (const auto& [tensor, size] : lending.operands) {
        if (tensor < 0 || !wanted(static_cast<std::size_t>(tensor), done)) free.push_back(size);
      }
      std::sort(free.rbegin(), free.rend());
      const std::size_t pairs = std::min(free.size(), lending.results.size());
      for (std::size_t k = 0; k < pairs; ++k) total += std::min(free[k], lending.results[k]);
    }
    return total;
  }
  // Bytes of what o touches when `done`, o among them, has run.
  Bytes64 own_of(std::size_t o, const M& done) const {
    return facts.lends[o].empty() ? own[o] : own[o] - lent(o, done);
  }
  bool fits(std::size_t o, const M& on_chip, Bytes64 total) const {
    if (total <= facts.room) return true;
    return facts.brim != 0 && total == facts.room + facts.brim &&
           ((brim_tensors & on_chip).any() || brim_operators.test(o));
  }
  // What a drop of t costs. dirty: a spill not yet stored.
  Bytes64 price(std::size_t t, bool dirty) const { return facts.bytes[t] * (dirty ? 2 : 1); }

  const StateFacts& facts;
  std::size_t operators, tensors;
  std::vector<M> readers, before, reads, makes, touched;
  std::vector<Bytes64> own;
  M spills, brim_tensors, brim_operators, everything;
  Bytes64 unit = 0;
};

}  // namespace cosmalloc
