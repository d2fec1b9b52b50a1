// From decisions to stays: which events are on chip, which of them follow each other in one stay,
// and how early copies start, become stays that keep the laws.
#pragma once

#include <optional>

#include "draft.hpp"

namespace cosmalloc {

// One flag per event of a web. link[k]: event k and event k + 1 lie in one stay; only between
// events that are both on.
struct Choice {
  std::vector<char> on;
  std::vector<char> link;
};

Choice choice_of(const Draft& draft, Index web);
void turn_off(Choice& choice, std::size_t event);

// What to change beside the choice. Events count within the program.
struct Wish {
  Index load_of = -1;      // the stay that begins with this event
  Index load_start = -1;   // is loaded from this border on, as far as that is legal
  Index not_before = 0;    // and not before this one
  Index store_after = -1;  // the store of the stay that ends with this event
  Index store_stop = -1;   // ends there, as far as that is legal
  Index store_by = -1;     // and there at the latest, or there is no answer
  double reach = 1;        // new copies get this many times their seconds of idle channel
};

// Stays without offsets (those of old stays where they begin with the same event, else -1), copies
// as the web's old stays have them where those still fit. Nothing where no legal stays exist.
std::optional<std::vector<Stay>> timed(const Draft& draft, Index web, const Choice& choice,
                                       const Wish& wish);

// Offsets for stays of a lifted web: the one it has if free, else best fit. The index of the first
// stay without a place, or -1.
Index place(const Draft& draft, Index web, std::vector<Stay>& stays);

// The latest border b in [low, high] with `seconds` of idle channel in steps [b, high), else low,
// or the one 200 steps away.
Index reach_back(const Clock& clock, Index low, Index high, Seconds seconds);
// The first border b in [low, high] with as much in [low, b), else high.
Index reach_on(const Clock& clock, Index low, Index high, Seconds seconds);

}  // namespace cosmalloc
