#include "join.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace cosmalloc {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
constexpr int kRounds = 60;

// A block, joined or not, that can be joined.
struct Box {
  Index node;
  Step lower;
  Step upper;
  Bytes size;
  Bytes alignment;
};

// What starts, or ends, at each step: (step, size), sorted, with the sum of sizes before each.
class Ends {
 public:
  void add(Step step, Bytes size) { ends_.emplace_back(step, size); }
  void sort() {
    std::sort(ends_.begin(), ends_.end());
    before_.assign(1, 0);
    for (const auto& end : ends_) before_.push_back(before_.back() + end.second);
  }
  std::int64_t count(Step step) const { return first(step + 1) - first(step); }
  std::int64_t count(Step step, Bytes size) const {
    return std::upper_bound(ends_.begin(), ends_.end(), End{step, size}) -
           std::lower_bound(ends_.begin(), ends_.end(), End{step, size});
  }
  Bytes sum(Step step) const { return before_[at(first(step + 1))] - before_[at(first(step))]; }

 private:
  using End = std::pair<Step, Bytes>;
  std::int64_t first(Step step) const {
    return std::lower_bound(ends_.begin(), ends_.end(), End{step, -1}) - ends_.begin();
  }
  std::vector<End> ends_;
  std::vector<Bytes> before_;
};

std::uint64_t mixed(std::uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

class Joiner {
 public:
  Joiner(const Blocks& blocks, const Joining& joining) : blocks_(blocks), joining_(joining) {
    into_.assign(at(blocks.count()), -1);
    above_.assign(at(blocks.count()), 0);
    for (Index b = 0; b < blocks.count(); ++b) {
      const auto pieces = blocks[b];
      if (pieces.size() != 1 || blocks.fixed[at(b)] >= 0) continue;
      const Piece& only = pieces.front();
      boxes_.push_back({b, only.lower, only.upper, only.size, blocks.alignment[at(b)]});
    }
    movable_.assign(at(blocks.count()), 0);
    for (const Box& box : boxes_) movable_[at(box.node)] = 1;
  }

  Joined run(const Control* control) {
    for (int round = 0; round < kRounds; ++round) {
      if (control != nullptr && control->stop()) break;
      list_ends();
      if (chains() + stacks() == 0) break;
    }
    return result();
  }

 private:
  void list_ends() {
    starts_ = stops_ = Ends{};
    for (Index b = 0; b < blocks_.count(); ++b) {
      if (movable_[at(b)]) continue;
      for (const Piece& piece : blocks_[b]) add(piece.lower, piece.upper, piece.size);
    }
    for (const Box& box : boxes_) add(box.lower, box.upper, box.size);
    starts_.sort();
    stops_.sort();
  }

  void add(Step lower, Step upper, Bytes size) {
    starts_.add(lower, size);
    stops_.add(upper, size);
  }

  // Always the same for the same join.
  bool chosen(Step step, Step other, Bytes size) const {
    if (joining_.share >= 1) return true;
    std::uint64_t word = mixed(joining_.seed ^ static_cast<std::uint64_t>(step));
    word = mixed(word ^ static_cast<std::uint64_t>(other));
    word = mixed(word ^ static_cast<std::uint64_t>(size));
    return static_cast<double>(word >> 11) * 0x1.0p-53 < joining_.share;
  }

  bool may_follow(Step step, Bytes size) const {
    if (starts_.count(step) == 1 && stops_.count(step) == 1) return true;
    return joining_.pairs && size >= joining_.least && starts_.count(step, size) == 1 &&
           stops_.count(step, size) == 1 && chosen(step, step, size);
  }

  // Nothing of the group's sum, or all of it, on the other side of its first or last step.
  bool may_stack(Step lower, Step upper, Bytes sum) const {
    if (stops_.count(lower) == 1 && stops_.sum(lower) == starts_.sum(lower)) return true;
    if (starts_.count(upper) == 1 && stops_.sum(upper) == starts_.sum(upper)) return true;
    if (joining_.stacks) return chosen(lower, upper, sum);
    return joining_.pairs && (stops_.count(lower, sum) > 0 || starts_.count(upper, sum) > 0) &&
           chosen(lower, upper, sum);
  }

  Index new_node(std::span<const Box> members, bool stacked) {
    const auto node = static_cast<Index>(into_.size());
    into_.push_back(-1);
    above_.push_back(0);
    Bytes top = 0;
    for (const Box& member : members) {
      into_[at(member.node)] = node;
      above_[at(member.node)] = top;
      if (stacked) top += member.size;
    }
    return node;
  }

  std::size_t chains() {
    const auto key = [](const Box& x) { return std::tuple(x.size, x.alignment, x.lower, x.node); };
    std::sort(boxes_.begin(), boxes_.end(),
              [&](const Box& x, const Box& y) { return key(x) < key(y); });
    // within one size and alignment sorted by start: who starts where this one stops
    const auto follower = [&](const Box& box) -> std::int64_t {
      const auto next = std::lower_bound(boxes_.begin(), boxes_.end(),
                                         std::tuple(box.size, box.alignment, box.upper, Index{-1}),
                                         [&](const Box& x, const auto& k) { return key(x) < k; });
      if (next == boxes_.end() || next->size != box.size || next->alignment != box.alignment ||
          next->lower != box.upper || !may_follow(box.upper, box.size)) {
        return -1;
      }
      return next - boxes_.begin();
    };
    std::vector<std::int64_t> next(boxes_.size());
    std::vector<char> follows(boxes_.size());
    for (std::size_t i = 0; i < boxes_.size(); ++i) {
      next[i] = follower(boxes_[i]);
      if (next[i] >= 0) follows[at(next[i])] = 1;
    }
    std::vector<Box> out;
    std::vector<Box> chain;
    for (std::size_t i = 0; i < boxes_.size(); ++i) {
      if (follows[i]) continue;
      chain.clear();
      for (std::int64_t j = static_cast<std::int64_t>(i); j >= 0; j = next[at(j)]) {
        chain.push_back(boxes_[at(j)]);
      }
      Box box = chain.front();
      box.upper = chain.back().upper;
      if (chain.size() > 1) box.node = new_node(chain, false);
      out.push_back(box);
    }
    const std::size_t joined = boxes_.size() - out.size();
    boxes_ = std::move(out);
    if (joined > 0) list_ends();
    return joined;
  }

  std::size_t stacks() {
    const auto life = [](const Box& x) { return std::tuple(x.lower, x.upper, x.alignment); };
    std::sort(boxes_.begin(), boxes_.end(), [&](const Box& x, const Box& y) {
      return std::tuple(life(x), -x.size, x.node) < std::tuple(life(y), -y.size, y.node);
    });
    std::vector<Box> out;
    for (auto first = boxes_.begin(); first != boxes_.end();) {
      const auto last =
          std::find_if(first, boxes_.end(), [&](const Box& x) { return life(x) != life(*first); });
      const std::span<const Box> group(first, last);
      Box box = *first;
      box.size = 0;
      for (const Box& member : group) box.size += member.size;
      const bool even = std::all_of(group.begin(), group.end(),
                                    [](const Box& x) { return x.size % x.alignment == 0; });
      if (group.size() > 1 && even && may_stack(box.lower, box.upper, box.size)) {
        box.node = new_node(group, true);
        out.push_back(box);
      } else {
        out.insert(out.end(), first, last);
      }
      first = last;
    }
    const std::size_t joined = boxes_.size() - out.size();
    boxes_ = std::move(out);
    return joined;
  }

  // Blocks that stay as they are keep their sequence; joined ones follow by lifetime.
  Joined result() {
    Joined out;
    std::vector<Index> place(into_.size(), -1);
    const auto append = [&](Index node, std::span<const Piece> pieces, Bytes alignment,
                            Bytes fixed) {
      place[at(node)] = out.blocks.count();
      out.blocks.pieces.insert(out.blocks.pieces.end(), pieces.begin(), pieces.end());
      out.blocks.first.push_back(static_cast<Index>(out.blocks.pieces.size()));
      out.blocks.alignment.push_back(alignment);
      out.blocks.fixed.push_back(fixed);
    };
    for (Index b = 0; b < blocks_.count(); ++b) {
      if (into_[at(b)] < 0) append(b, blocks_[b], blocks_.alignment[at(b)], blocks_.fixed[at(b)]);
    }
    for (const Box& box : boxes_) {
      if (box.node < blocks_.count()) continue;
      const Piece whole{box.lower, box.upper, box.size};
      append(box.node, {&whole, 1}, box.alignment, -1);
    }
    for (std::size_t node = into_.size(); node-- > 0;) {  // a node stands before what it is part of
      if (into_[node] < 0) continue;
      place[node] = place[at(into_[node])];
      above_[node] += above_[at(into_[node])];
    }
    out.into.assign(place.begin(), place.begin() + blocks_.count());
    out.above.assign(above_.begin(), above_.begin() + blocks_.count());
    return out;
  }

  const Blocks& blocks_;
  const Joining& joining_;
  std::vector<Box> boxes_;     // not part of others
  std::vector<char> movable_;  // per block of the whole
  std::vector<Index> into_;    // per node: what it is part of, or -1
  std::vector<Bytes> above_;   // and how far above that one's offset
  Ends starts_;
  Ends stops_;
};

}  // namespace

std::vector<Bytes> Joined::offsets_of_whole(std::span<const Bytes> offsets) const {
  std::vector<Bytes> out(into.size());
  for (std::size_t b = 0; b < into.size(); ++b) out[b] = offsets[at(into[b])] + above[b];
  return out;
}

Joined join(const Blocks& blocks, const Joining& joining, const Control* control) {
  return Joiner(blocks, joining).run(control);
}

}  // namespace cosmalloc
