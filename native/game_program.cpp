#include "game_program.hpp"

#include <algorithm>

namespace cosmalloc {
namespace {

std::size_t at(Index index) { return static_cast<std::size_t>(index); }

// Seconds of an operator with every tracked operand on chip, or none; of it on the channel.
struct Span {
  Seconds total, off;
};

Span span_of(const GameProgram& program, const GameOperator& node, bool near) {
  Seconds off = 0;
  Seconds on = 0;
  for (Index a = node.first; a < node.stop; ++a) {
    const GameAccess& access = program.accesses[at(a)];
    const bool here = near && program.tensors[at(access.tensor)].tracked;
    (here ? on : off) += here ? access.near : access.off;
  }
  return {std::max(node.compute, off + on), off};
}

double base_of(const GameProgram& program, const GameOperator& node, Seconds& idle) {
  const GameRules& rules = program.rules;
  const Span span = span_of(program, node, rules.resident);
  idle = span.total - span.off;
  double cost = rules.traffic ? 0 : span.total;
  for (Index a = node.first; a < node.stop; ++a) {
    const GameAccess& access = program.accesses[at(a)];
    const GameTensor& tensor = program.tensors[at(access.tensor)];
    if (!tensor.tracked) continue;
    const bool result = a >= node.results;
    const bool moved = !result || tensor.readers > 0 || tensor.leaves();
    if (rules.resident && moved) {
      cost +=
          rules.traffic ? static_cast<double>(tensor.bytes) : (result ? tensor.store : tensor.load);
    }
    if (!rules.resident && rules.traffic) cost += static_cast<double>(access.count);
  }
  return cost;
}

double saving_of(const GameProgram& program, Index a) {
  const GameRules& rules = program.rules;
  const GameAccess& access = program.accesses[at(a)];
  const GameTensor& tensor = program.tensors[at(access.tensor)];
  if (rules.traffic) return static_cast<double>(rules.resident ? tensor.bytes : access.count);
  if (rules.resident) return tensor.load;
  const GameOperator& node = program.operators[at(program.owner[at(a)])];
  const Span span = span_of(program, node, false);
  const Seconds all = access.off - access.near;
  const Seconds other = span.off - all;  // the seconds that bytes take with this one on chip
  return std::max(0.0, span.total - std::max(node.compute, other)) + 0.05 * std::max(0.0, all);
}

}  // namespace

void GameProgram::derive() {
  rank.assign(operators.size(), 0);
  for (std::size_t step = 0; step < order.size(); ++step) {
    rank[at(order[step])] = static_cast<Index>(step);
  }
  owner.assign(accesses.size(), 0);
  next.assign(accesses.size(), -1);
  waits.assign(operators.size(), 0);
  reader_first.assign(tensors.size() + 1, 0);
  reader.clear();
  std::vector<std::vector<Index>> readers(tensors.size());
  std::vector<Index> later(tensors.size(), -1);
  for (auto step = order.rbegin(); step != order.rend(); ++step) {
    const GameOperator& node = operators[at(*step)];
    for (Index a = node.first; a < node.stop; ++a) {
      const Index tensor = accesses[at(a)].tensor;
      owner[at(a)] = *step;
      next[at(a)] = later[at(tensor)];
      later[at(tensor)] = a;
      if (a >= node.results) continue;
      readers[at(tensor)].push_back(*step);
      if (tensors[at(tensor)].maker >= 0) ++waits[at(*step)];
    }
  }
  for (std::size_t tensor = 0; tensor < tensors.size(); ++tensor) {
    reader.insert(reader.end(), readers[tensor].begin(), readers[tensor].end());
    reader_first[tensor + 1] = static_cast<Index>(reader.size());
    tensors[tensor].readers = static_cast<Index>(readers[tensor].size());
    if (tensors[tensor].tracked) tracked_bytes += tensors[tensor].bytes;
  }
  base.resize(operators.size());
  idle.resize(operators.size());
  for (std::size_t o = 0; o < operators.size(); ++o) {
    base[o] = base_of(*this, operators[o], idle[o]);
  }
  for (const Index o : order) base_sum += base[at(o)];
  if (base_sum > 0) scale = base_sum / static_cast<double>(operators.size());
  mean_saving.assign(tensors.size(), 0);
  saving.resize(accesses.size());
  for (Index a = 0; a < static_cast<Index>(accesses.size()); ++a) {
    saving[at(a)] = saving_of(*this, a);
    const GameTensor& tensor = tensors[at(accesses[at(a)].tensor)];
    if (a < operators[at(owner[at(a)])].results) {
      mean_saving[at(accesses[at(a)].tensor)] += saving[at(a)] / tensor.readers;
    }
  }
}

}  // namespace cosmalloc
