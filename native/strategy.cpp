#include "strategy.hpp"

#include <algorithm>
#include <numeric>

namespace cosmalloc {
namespace {

// In [0, 1), the same on every platform.
double unit(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1.0p-53; }

constexpr Strategy kPlain[] = {
    {Key::area, 0.1, 0, false}, {Key::width, 0.1, 0, false}, {Key::sections, 0.3, 0, false},
    {Key::total, 0.0, 0, true}, {Key::total, 0.2, 0, false}, {Key::width, 0.0, 0, true},
};
constexpr Key kNoisy[] = {Key::area, Key::learned,  Key::width,
                          Key::area, Key::sections, Key::total};
constexpr double kLeans[] = {0.4, 0.03, 0.1, 0.2};
constexpr double kSmallLeans[] = {0.05, 0.1, 0.2, 0.02};
constexpr double kNoises[] = {0.03, 0.1, 0.05, 0.2};

}  // namespace

Strategy strategy_of_run(std::int64_t run, std::mt19937_64& random) {
  const auto plain = static_cast<std::int64_t>(std::size(kPlain));
  if (run < plain) return kPlain[run];
  Strategy out;
  out.key = kNoisy[(run - plain) % static_cast<std::int64_t>(std::size(kNoisy))];
  out.lean = kLeans[random() % std::size(kLeans)];
  out.noise = random() % 6 == 0 ? 0.25 : 0.1;
  return out;
}

Strategy strategy_of_chance(std::mt19937_64& random) {
  Strategy out;
  out.key = Key::sections;
  out.lean = kSmallLeans[random() % std::size(kSmallLeans)];
  out.noise = kNoises[random() % std::size(kNoises)];
  return out;
}

std::vector<Index> sequence_of(const Layout& layout, const Strategy& strategy,
                               std::span<const double> weights, std::mt19937_64& random) {
  const auto blocks = static_cast<std::size_t>(layout.count());
  std::vector<double> load(static_cast<std::size_t>(layout.sections));
  for (const Span& span : layout.spans) {
    for (Index s = span.first; s < span.last; ++s) {
      load[static_cast<std::size_t>(s)] += static_cast<double>(span.size);
    }
  }
  std::vector<std::pair<double, double>> keys(blocks);
  for (Index b = 0; b < layout.count(); ++b) {
    const auto i = static_cast<std::size_t>(b);
    double total = 0;
    double weight = 0;
    double sections = 0;
    for (const Span& span : layout.spans_of(b)) {
      for (Index s = span.first; s < span.last; ++s) {
        total = std::max(total, load[static_cast<std::size_t>(s)]);
        weight += weights[static_cast<std::size_t>(s)];
        ++sections;
      }
    }
    const double factor = 1 + strategy.noise * (2 * unit(random) - 1);
    switch (strategy.key) {
      case Key::total:
        keys[i] = {total * factor, layout.steps[i]};
        break;
      case Key::width:
        keys[i] = {layout.steps[i] * factor, layout.area[i]};
        break;
      case Key::area:
        keys[i] = {layout.area[i] * factor, 0};
        break;
      case Key::sections:
        keys[i] = {sections * factor, 0};
        break;
      case Key::learned:
        keys[i] = {weight * factor, 0};
        break;
    }
  }
  std::vector<Index> out(blocks);
  std::iota(out.begin(), out.end(), 0);
  std::stable_sort(out.begin(), out.end(), [&](Index a, Index b) {
    return keys[static_cast<std::size_t>(a)] > keys[static_cast<std::size_t>(b)];
  });
  return out;
}

std::int64_t luby(std::int64_t run) {
  std::int64_t i = run + 1;
  while (true) {
    std::int64_t power = 1;
    while (2 * power - 1 < i) power *= 2;
    if (2 * power - 1 == i) return power;
    i -= power - 1;
  }
}

}  // namespace cosmalloc
