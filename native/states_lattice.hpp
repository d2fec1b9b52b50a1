// The lattice of the sets D of operators that can have run, and lower bounds on it.
//
// A path from {} to everything is an order. For prices a, b >= 0 per set and tensor alive there,
//
//     h(D, held, stored) = c[D] + sum_{t held} (b[D,t] if t is stored or costs no store, else
//     a[D,t])
//
// is less than the traffic of any way from there on if for every arc D -> D' (operator o)
//
//     (1)  c[D] <= V(arc) = max_{lambda >= 0} c[D'] - lambda (room - own_o)
//                           + sum_t min over states of t at D and what may become of it of
//                               its price, if it is dropped, + lambda size_t, if it stays over
//                               o untouched, + its term of h at D' - its term of h at D
//
// lambda is what a byte is worth while o runs; (1) holds for any lambda, a and b, and makes
// c[D] = min over arcs of V(arc). c[{}] is the dual of the linear program in which an order is a
// flow through the lattice and every tensor a flow through its states beside it. a and b climb
// along its subgradient: where, in the flow of the cheap orders, a tensor comes in more often than
// it goes out as priced, its price is too low.
//
// Every order through an arc moves at least c[{}] + the least sum of V(arc) - c[D] of the arcs of a
// path through it; where that is not below the best path known, the arc goes (reduced cost fixing).
#pragma once

#include <cmath>
#include <limits>
#include <span>
#include <unordered_map>

#include "states_graph.hpp"

namespace cosmalloc {

constexpr double kNever = std::numeric_limits<double>::infinity();

struct LatticeArc {
  std::uint32_t op;
  std::uint32_t to;
  double value = 0;   // V
  double lambda = 0;  // at which V is reached
  double flow = 0;
};

template <std::size_t W>
struct LatticeNode {
  Mask<W> done, alive;
  std::uint32_t first = 0, arcs = 0;  // in Lattice::arcs
  std::size_t at = 0;                 // in the prices
  double c = 0, reached = kNever, flow = 0;
};

template <std::size_t W>
class Lattice {
 public:
  using M = Mask<W>;
  using Node = LatticeNode<W>;
  static constexpr std::size_t kBytesPerPrice = 6 * sizeof(float);

  explicit Lattice(const Graph<W>& graph) : graph_(graph) {}

  // All sets, or false where there are more than the options allow or the time is up.
  bool build(const StateOptions& options, const Control& control) {
    const std::size_t n = graph_.operators;
    nodes_.push_back({});
    level_.assign(1, 0);
    std::size_t prices = 0;
    for (std::size_t depth = 0; depth < n; ++depth) {
      const std::size_t begin = level_.back(), end = nodes_.size();
      level_.push_back(end);
      std::unordered_map<M, std::uint32_t, MaskHash<W>> seen;
      for (std::size_t at = begin; at < end; ++at) {
        if (at % 256 == 0 && control.stop()) return false;
        nodes_[at].first = static_cast<std::uint32_t>(arcs_.size());
        const M done = nodes_[at].done;
        const auto add = [&](std::size_t o) {
          M after = done;
          after.set(o);
          const auto [where, fresh] =
              seen.try_emplace(after, static_cast<std::uint32_t>(nodes_.size()));
          if (fresh) {
            Node node;
            node.done = after;
            node.alive = graph_.alive(after);
            node.at = prices;
            prices += node.alive.count();
            nodes_.push_back(node);
          }
          arcs_.push_back({static_cast<std::uint32_t>(o), where->second});
        };
        if (!options.order.empty()) {
          add(options.order[depth]);
        } else {
          (graph_.everything - done).each([&](std::size_t o) {
            if (graph_.can_run(o, done)) add(o);
          });
        }
        nodes_[at].arcs = static_cast<std::uint32_t>(arcs_.size()) - nodes_[at].first;
        const auto held = nodes_.size() * sizeof(Node) + arcs_.size() * sizeof(LatticeArc) +
                          prices * kBytesPerPrice;
        if (static_cast<std::int64_t>(nodes_.size()) > options.nodes ||
            static_cast<std::int64_t>(held) > options.memory / 2) {
          return false;
        }
      }
    }
    level_.push_back(nodes_.size());
    for (auto* each : {&a_, &b_, &grad_a_, &grad_b_, &step_a_, &step_b_})
      each->assign(prices, 0.0F);
    double mean = 0;
    for (const Bytes64 each : graph_.facts.bytes) mean += static_cast<double>(each);
    heat_ = graph_.tensors == 0 ? 1.0 : mean / static_cast<double>(graph_.tensors) / 2;
    for (const Bytes64 each : graph_.facts.bytes) scale_ += 4 * static_cast<double>(each);
    for (std::size_t o = 0; o < n; ++o) scale_ += 4 * static_cast<double>(graph_.own[o]);
    return true;
  }

  // First prices: those of the cheap arcs, each with the lambda at which all that is alive would
  // share the room.
  bool start(const Control& control) {
    std::vector<std::vector<double>> wa, wb;
    for (std::size_t at = nodes_.size() - 1; at-- > 0;) {
      if (at % 64 == 0 && control.stop()) return false;
      Node& node = nodes_[at];
      const std::size_t live = node.alive.count();
      wa.assign(node.arcs, std::vector<double>(live));
      wb = wa;
      std::vector<double> share(node.arcs, 1.0 / std::max(1U, node.arcs));
      for (std::size_t k = 0; k < node.arcs; ++k) guess(node, arcs_[node.first + k], wa[k], wb[k]);
      for (int round = 0; round < 3; ++round) {
        for (std::size_t t = 0; t < live; ++t) {
          double a = 0, b = 0;
          for (std::size_t k = 0; k < node.arcs; ++k)
            a += share[k] * wa[k][t], b += share[k] * wb[k][t];
          a_[node.at + t] = static_cast<float>(a);
          b_[node.at + t] = static_cast<float>(b);
        }
        value_arcs(node);
        if (!(node.c < kNever)) break;
        double sum = 0;
        for (std::size_t k = 0; k < node.arcs; ++k) {
          sum += share[k] = std::exp((node.c - arcs_[node.first + k].value) / heat_);
        }
        for (double& each : share) each /= sum;
      }
    }
    return true;
  }

  // One step of the climb. below: arcs of orders that move no less than that go. False if the time
  // is up; the bound stands either way.
  bool climb(Bytes64 below, bool fixing, const Control& control) {
    const double heat = heat_ / (1 + static_cast<double>(rounds_) / 30);
    if (!flow(below, fixing, heat, control)) return false;
    ++rounds_;
    const double rate = 0.6 / (1 + static_cast<double>(rounds_) / 20);
    for (std::size_t at = nodes_.size() - 1; at-- > 0;) {
      Node& node = nodes_[at];
      if (node.reached == kNever) {
        node.c = kNever;
        continue;
      }
      if (!late_ && at % 64 == 0 && control.stop()) late_ = true;
      if (node.flow > 1e-30 && !late_) move(node, rate);
      value_arcs(node);
    }
    return !late_;
  }

  double bound() const { return nodes_[0].c; }
  std::int64_t rounds() const { return rounds_; }
  std::size_t size() const { return nodes_.size(); }
  std::size_t reached() const {
    std::size_t total = 0;
    for (const Node& node : nodes_) total += node.reached < kNever;
    return total;
  }
  // Errors of rounding: a bound x in doubles stands for x - tolerance.
  double tolerance() const { return scale_ * 1e-11; }
  // The least multiple of the unit that a bound x allows.
  double whole(double x) const {
    if (!(x < kNever)) return x;
    const auto unit = static_cast<double>(graph_.unit);
    return std::max(0.0, std::ceil((x - tolerance()) / unit) * unit);
  }
  const Node& node(std::size_t at) const { return nodes_[at]; }
  std::span<const LatticeArc> arcs_of(const Node& node) const {
    return {arcs_.data() + node.first, node.arcs};
  }
  // The node that o leads to, 0 if no path below the limit goes there.
  std::size_t next(const Node& node, std::size_t o) const {
    for (const LatticeArc& arc : arcs_of(node)) {
      if (arc.op == o) return arc.to;
    }
    return 0;
  }
  // The term of t in h; 0 if it is not alive there.
  double toll_at(const Node& node, std::size_t t, const M& stored) const {
    if (!node.alive.test(t)) return 0;
    const std::size_t k = node.at + node.alive.rank(t);
    return graph_.spills.test(t) && !stored.test(t) ? a_[k] : b_[k];
  }
  // h, in bytes.
  double toll(const Node& node, const M& held, const M& stored) const {
    double total = node.c;
    std::size_t k = node.at;
    node.alive.each([&](std::size_t t) {
      if (held.test(t)) total += graph_.spills.test(t) && !stored.test(t) ? a_[k] : b_[k];
      ++k;
    });
    return total;
  }

 private:
  // What a tensor that o does not touch can do. Infinite where it can't.
  struct Choice {
    double drop_a, drop_b, stay_a, stay_b, size;
    std::size_t here, there;  // in the prices
  };

  // The most that a path below the limit moves.
  double limit_of(Bytes64 below) const {
    return static_cast<double>((below - 1) / graph_.unit * graph_.unit) + tolerance();
  }

  // Per tensor alive at the node a and b that the arc alone would ask for.
  void guess(const Node& node, const LatticeArc& arc, std::vector<double>& wa,
             std::vector<double>& wb) {
    const Node& next = nodes_[arc.to];
    const auto& touched = graph_.touched[arc.op];
    const auto& f = graph_.facts;
    std::vector<std::pair<double, double>> rivals;  // lambda at which it goes, size
    double need = static_cast<double>(graph_.own_of(arc.op, next.done) - f.room - f.brim);
    (node.alive - touched).each([&](std::size_t t) {
      const std::size_t there = next.at + next.alive.rank(t);
      const bool spill = graph_.spills.test(t);
      const double price = static_cast<double>(graph_.price(t, spill));
      const double rest = price - (spill ? a_[there] : b_[there]);
      const double size = static_cast<double>(f.size[t]);
      rivals.emplace_back(std::max(0.0, rest) / size, size);
      need += size;
    });
    std::sort(rivals.begin(), rivals.end());
    double lambda = 0;
    for (const auto& [at, size] : rivals) {
      if (need <= 0) break;
      lambda = at;
      need -= size;
    }
    std::size_t k = 0;
    node.alive.each([&](std::size_t t) {
      const bool alive = next.alive.test(t);
      const std::size_t there = alive ? next.at + next.alive.rank(t) : 0;
      if (touched.test(t)) {
        wb[k] = 0;
        wa[k] = alive && graph_.spills.test(t) ? std::max(0.0F, a_[there] - b_[there]) : 0;
      } else {
        const double more = lambda * static_cast<double>(f.size[t]);
        wa[k] = std::min(static_cast<double>(graph_.price(t, true)), a_[there] + more);
        wb[k] = std::min(static_cast<double>(graph_.price(t, false)), b_[there] + more);
      }
      ++k;
    });
  }

  void value_arcs(Node& node) {
    node.c = kNever;
    for (std::size_t k = 0; k < node.arcs; ++k) {
      LatticeArc& arc = arcs_[node.first + k];
      arc.value = value(node, arc, 0);
      node.c = std::min(node.c, arc.value);
    }
  }

  // V(arc); with a flow, what comes in and goes out as priced is added to the gradients.
  double value(const Node& node, LatticeArc& arc, double flow) {
    const Node& next = nodes_[arc.to];
    const auto& f = graph_.facts;
    const std::size_t o = arc.op;
    if (!(next.c < kNever)) return kNever;
    const double spare = static_cast<double>(f.room + f.brim - graph_.own_of(o, next.done));
    if (spare < 0) return kNever;
    double total = next.c;
    const auto part = static_cast<float>(flow);
    // Born here: made, or an input read for the first time.
    ((next.alive & graph_.touched[o]) - node.alive).each([&](std::size_t t) {
      const std::size_t there = next.at + next.alive.rank(t);
      const bool spill = graph_.spills.test(t);
      total += spill ? a_[there] : b_[there];
      if (flow > 0) (spill ? grad_a_ : grad_b_)[there] += part;
    });
    std::size_t here = node.at;
    choices_.clear();
    node.alive.each([&](std::size_t t) {
      const bool spill = graph_.spills.test(t);
      const double a = spill ? a_[here] : 0, b = b_[here];
      if (graph_.touched[o].test(t)) {
        const bool alive = next.alive.test(t);
        const std::size_t there = alive ? next.at + next.alive.rank(t) : 0;
        const double to_b = alive ? b_[there] : 0;
        const double clean = spill ? (alive ? a_[there] : 0) - a : kNever;
        const double on = to_b - b, off = to_b;
        const double least = std::min({clean, on, off});
        total += least;
        if (flow > 0) {
          const bool by_off = least == off, by_on = !by_off && least == on;
          if (!by_off) (by_on ? grad_b_ : grad_a_)[here] -= part;
          if (alive) (by_off || by_on ? grad_b_ : grad_a_)[there] += part;
        }
      } else {
        const std::size_t there = next.at + next.alive.rank(t);
        const double once = static_cast<double>(f.bytes[t]);
        choices_.push_back({spill ? 2 * once - a : kNever, once - b, spill ? a_[there] - a : kNever,
                            b_[there] - b, static_cast<double>(f.size[t]), here, there});
      }
      ++here;
    });
    if (flow > 0) {
      spread(arc.lambda, part);
      return total;
    }
    arc.lambda = best_lambda(spare);
    return total + at_lambda(arc.lambda, spare);
  }

  // The part of V that lambda touches.
  double at_lambda(double lambda, double spare) const {
    double total = -lambda * spare;
    for (const Choice& each : choices_) {
      const double go = std::min({0.0, each.drop_a, each.drop_b});
      total += std::min(go, std::min(each.stay_a, each.stay_b) + lambda * each.size);
    }
    return total;
  }

  // Where that part, concave in lambda, is greatest: below it more bytes stay than there is room.
  double best_lambda(double spare) {
    turns_.clear();
    double stays = 0;
    for (const Choice& each : choices_) {
      const double go = std::min({0.0, each.drop_a, each.drop_b});
      const double turn = (go - std::min(each.stay_a, each.stay_b)) / each.size;
      if (!(turn > 0)) continue;
      stays += each.size;
      turns_.emplace_back(turn, each.size);
    }
    if (stays <= spare) return 0;
    std::sort(turns_.begin(), turns_.end());
    for (const auto& [turn, size] : turns_) {
      stays -= size;
      if (stays <= spare) return turn;
    }
    return 0;
  }

  void spread(double lambda, float part) {
    for (const Choice& each : choices_) {
      double least = 0;
      int which = 0;
      const std::array<double, 4> ways{each.drop_a, each.drop_b, each.stay_a + lambda * each.size,
                                       each.stay_b + lambda * each.size};
      for (int way = 0; way < 4; ++way) {
        if (ways[static_cast<std::size_t>(way)] < least) {
          least = ways[static_cast<std::size_t>(way)];
          which = way + 1;
        }
      }
      if (which == 0) continue;
      (which % 2 == 1 ? grad_a_ : grad_b_)[each.here] -= part;
      if (which == 3) grad_a_[each.there] += part;
      if (which == 4) grad_b_[each.there] += part;
    }
  }

  // Distances and flows from {} on; arcs that no path below the limit uses go.
  bool flow(Bytes64 below, bool fixing, double heat, const Control& control) {
    std::fill(grad_a_.begin(), grad_a_.end(), 0.0F);
    std::fill(grad_b_.begin(), grad_b_.end(), 0.0F);
    for (Node& node : nodes_) node.flow = 0, node.reached = kNever;
    nodes_[0].flow = 1;
    nodes_[0].reached = 0;
    const double limit = limit_of(below), root = nodes_[0].c;
    for (std::size_t at = 0; at + 1 < nodes_.size(); ++at) {
      Node& node = nodes_[at];
      if (node.reached == kNever || !(node.c < kNever)) continue;
      if (!late_ && at % 64 == 0 && control.stop()) late_ = true;
      std::uint32_t kept = 0;
      double sum = 0;
      for (std::size_t k = 0; k < node.arcs; ++k) {
        LatticeArc arc = arcs_[node.first + k];
        if (!(arc.value < kNever) ||
            (fixing && root + node.reached + (arc.value - node.c) > limit)) {
          continue;
        }
        nodes_[arc.to].reached =
            std::min(nodes_[arc.to].reached, node.reached + arc.value - node.c);
        sum += arc.flow = std::exp((node.c - arc.value) / heat);
        arcs_[node.first + kept++] = arc;
      }
      node.arcs = kept;
      for (std::size_t k = 0; k < node.arcs; ++k) {
        LatticeArc& arc = arcs_[node.first + k];
        arc.flow *= node.flow / sum;
        nodes_[arc.to].flow += arc.flow;
        if (!late_ && arc.flow > 1e-9 * node.flow) (void)value(node, arc, arc.flow);
      }
    }
    return !late_;
  }

  void move(const Node& node, double rate) {
    std::size_t k = node.at;
    node.alive.each([&](std::size_t t) {
      const auto turn = [&](std::vector<float>& price, std::vector<float>& step,
                            const std::vector<float>& grad, Bytes64 most) {
        const double slope = grad[k] / node.flow;
        step[k] = static_cast<float>(0.9 * step[k] + 0.1 * slope);
        const double moved = price[k] + rate * static_cast<double>(graph_.facts.bytes[t]) * step[k];
        price[k] = static_cast<float>(std::clamp(moved, 0.0, static_cast<double>(most)));
        if (static_cast<double>(price[k]) > static_cast<double>(most)) {
          price[k] = std::nextafter(price[k], 0.0F);  // never more than a drop costs
        }
      };
      turn(a_, step_a_, grad_a_, graph_.price(t, true));
      turn(b_, step_b_, grad_b_, graph_.price(t, false));
      ++k;
    });
  }

  const Graph<W>& graph_;
  std::vector<Node> nodes_;
  std::vector<LatticeArc> arcs_;
  std::vector<std::size_t> level_;
  std::vector<float> a_, b_, grad_a_, grad_b_, step_a_, step_b_;
  std::vector<Choice> choices_;
  std::vector<std::pair<double, double>> turns_;  // lambda, size
  double heat_ = 1, scale_ = 1;
  std::int64_t rounds_ = 0;
  bool late_ = false;
};

}  // namespace cosmalloc
