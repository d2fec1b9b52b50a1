#include "orders.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace cosmalloc {
namespace {

using Key = std::array<double, 2>;  // compared ascending

struct Outline {
  Step lower;
  Step upper;
  double steps;
  double size;  // of the largest piece
  double area;
};

std::vector<Outline> outlines(const Blocks& blocks) {
  std::vector<Outline> all;
  all.reserve(static_cast<std::size_t>(blocks.count()));
  for (Index b = 0; b < blocks.count(); ++b) {
    const auto pieces = blocks[b];
    Outline one{pieces.front().lower, pieces.back().upper, 0, 0, 0};
    for (const Piece& piece : pieces) {
      const auto steps = static_cast<double>(piece.upper - piece.lower);
      const auto size = static_cast<double>(piece.size);
      one.steps += steps;
      one.size = std::max(one.size, size);
      one.area += steps * size;
    }
    all.push_back(one);
  }
  return all;
}

// Sum of weights of the outlines that share a step with each: those that start before its end, less
// those that ended by its start, less itself. O(n log n).
std::vector<double> met(const std::vector<Outline>& all, bool by_size) {
  const std::size_t n = all.size();
  std::vector<std::pair<Step, double>> starts;
  std::vector<std::pair<Step, double>> stops;
  for (const Outline& one : all) {
    const double weight = by_size ? one.size : 1;
    starts.emplace_back(one.lower, weight);
    stops.emplace_back(one.upper, weight);
  }
  const auto below = [](std::vector<std::pair<Step, double>>& ends) {
    std::sort(ends.begin(), ends.end());
    for (std::size_t i = 1; i < ends.size(); ++i) ends[i].second += ends[i - 1].second;
  };
  below(starts);
  below(stops);
  const auto sum = [](const std::vector<std::pair<Step, double>>& ends, auto last) {
    return last == ends.begin() ? 0.0 : std::prev(last)->second;
  };
  std::vector<double> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto begun = std::partition_point(
        starts.begin(), starts.end(), [&](const auto& end) { return end.first < all[i].upper; });
    const auto ended = std::partition_point(
        stops.begin(), stops.end(), [&](const auto& end) { return end.first <= all[i].lower; });
    out[i] = sum(starts, begun) - sum(stops, ended) - (by_size ? all[i].size : 1);
  }
  return out;
}

// Largest load among the steps of each outline, by a sparse table over the sweep's events. O(n log
// n).
std::vector<double> depths(const std::vector<Outline>& all) {
  std::vector<std::pair<Step, double>> ends;
  for (const Outline& one : all) {
    ends.emplace_back(one.lower, one.size);
    ends.emplace_back(one.upper, -one.size);
  }
  std::sort(ends.begin(), ends.end());
  std::vector<Step> steps;
  std::vector<std::vector<double>> table(1);
  double load = 0;
  for (std::size_t i = 0; i < ends.size();) {
    const Step step = ends[i].first;
    for (; i < ends.size() && ends[i].first == step; ++i) load += ends[i].second;
    steps.push_back(step);
    table[0].push_back(load);
  }
  for (std::size_t width = 1; 2 * width <= steps.size(); width *= 2) {
    const std::vector<double>& last = table.back();
    std::vector<double> next(steps.size() - 2 * width + 1);
    for (std::size_t i = 0; i < next.size(); ++i) next[i] = std::max(last[i], last[i + width]);
    table.push_back(std::move(next));
  }
  const auto at = [&](Step step) {
    return static_cast<std::size_t>(std::lower_bound(steps.begin(), steps.end(), step) -
                                    steps.begin());
  };
  std::vector<double> out;
  for (const Outline& one : all) {
    const std::size_t from = at(one.lower);
    const std::size_t to = at(one.upper);
    std::size_t level = 0;
    while ((std::size_t{2} << level) <= to - from) ++level;
    out.push_back(std::max(table[level][from], table[level][to - (std::size_t{1} << level)]));
  }
  return out;
}

}  // namespace

std::vector<Index> sequence(const Blocks& blocks, Order order) {
  const std::vector<Outline> all = outlines(blocks);
  std::vector<double> extra;
  if (order == Order::conflict || order == Order::degree)
    extra = met(all, order == Order::conflict);
  if (order == Order::depth) extra = depths(all);
  const auto key = [&](std::size_t i) -> Key {
    switch (order) {
      case Order::given:
        return {0, 0};
      case Order::scan:
      case Order::scan_back:
      case Order::skyline:
      case Order::start:
        return {static_cast<double>(all[i].lower), -all[i].size};
      case Order::size:
        return {-all[i].size, static_cast<double>(all[i].lower)};
      case Order::spatial:
        return {-all[i].size, -all[i].steps};
      case Order::temporal:
        return {-all[i].steps, -all[i].size};
      case Order::area:
        return {-all[i].area, -all[i].size};
      case Order::conflict:
      case Order::degree:
      case Order::depth:
        return {-extra[i], -all[i].size};
    }
    return {0, 0};
  };
  std::vector<Key> keys(all.size());
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = key(i);
  std::vector<Index> out(all.size());
  std::iota(out.begin(), out.end(), 0);
  std::stable_sort(out.begin(), out.end(), [&](Index a, Index b) {
    const auto x = static_cast<std::size_t>(a);
    const auto y = static_cast<std::size_t>(b);
    const bool free_x = blocks.fixed[x] < 0;
    const bool free_y = blocks.fixed[y] < 0;
    return free_x != free_y ? free_y : keys[x] < keys[y];
  });
  return out;
}

}  // namespace cosmalloc
