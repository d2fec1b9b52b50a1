// The order and replacement with the least traffic, without regard to offsets: exact search over
// what has run and what is held. The words are those of ilp/facts.py and ilp/steps.py.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "control.hpp"

namespace cosmalloc {

using Set = std::vector<std::size_t>;
using Bytes64 = std::int64_t;

// Results that take over the bytes of operands in place: one alias group of one operator.
struct Lending {
  struct Operand {
    std::int64_t tensor;  // number, or -1
    Bytes64 size;
  };
  std::vector<Operand> operands;
  std::vector<Bytes64> results;  // descending
};

struct StateFacts {
  std::vector<Bytes64> size;                // per tensor, rounded
  std::vector<Bytes64> bytes;               // per tensor
  std::vector<Set> readers;                 // per tensor: operators
  std::vector<std::int64_t> maker;          // per tensor: operator, or -1
  Set spills;                               // tensors whose first drop costs a store
  std::vector<Set> before;                  // per operator: the operators that it waits for
  std::vector<Set> reads;                   // per operator: tensors
  std::vector<Set> makes;                   // per operator: tensors
  std::vector<Bytes64> fixed;               // per operator
  std::vector<std::vector<Lending>> lends;  // per operator
  Bytes64 room = 0;
  Bytes64 brim = 0;
  Set brim_tensors;
  Set brim_operators;
};

struct StateOptions {
  Bytes64 below = std::numeric_limits<Bytes64>::max() / 4;  // only paths under it count
  Set order;                                                // the order given, or empty
  std::int64_t nodes = 1 << 20;                             // sets of operators at most
  std::int64_t memory = std::int64_t{1} << 31;              // bytes at most
  std::int64_t widest = 0;  // above 0: one walk with so many states per step at most
  bool duals = true;        // bounds from the lattice of sets of operators
  bool fixing = true;       // operators leave the lattice by their reduced cost
};

struct StateResult {
  bool found = false;
  Set order;
  std::vector<Set> drops;  // per step: tensors
  Bytes64 paid = 0;
  Bytes64 bound = 0;  // no path moves less, or none moves less than `below`
  bool proven = false;
  bool too_wide = false;  // more than `nodes` sets of operators
  std::int64_t states = 0;
  std::int64_t lattice = 0;  // sets of operators at first
  std::int64_t left = 0;     // and at the end
  std::int64_t rounds = 0;   // of the duals
  double dual_bound = 0;     // of the lattice alone
};

StateResult search_states(const StateFacts& facts, const StateOptions& options,
                          const Control& control);

}  // namespace cosmalloc
