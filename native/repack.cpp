#include "repack.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace cosmalloc {
namespace {

std::size_t at(Index index) { return static_cast<std::size_t>(index); }

using AllStays = std::vector<std::vector<Stay>>;  // of each web

struct Item {
  Index web;
  std::size_t stay;
  Bytes bytes;
  Index length;
};

std::vector<Item> items_of(const Draft& draft, const AllStays& stays, Index but) {
  std::vector<Item> items;
  for (std::size_t web = 0; web < stays.size(); ++web) {
    const auto index = static_cast<Index>(web);
    if (index == but) continue;
    for (std::size_t i = 0; i < stays[web].size(); ++i) {
      const Stay& stay = stays[web][i];
      items.push_back({index, i, draft.web(index).bytes, stay.stop - stay.start});
    }
  }
  return items;
}

void sort(std::vector<Item>& items, bool by_length) {
  std::stable_sort(items.begin(), items.end(), [&](const Item& a, const Item& b) {
    return by_length ? std::pair(-a.length, -a.bytes) < std::pair(-b.length, -b.bytes)
                     : std::pair(-a.bytes, -a.length) < std::pair(-b.bytes, -b.length);
  });
}

// Best fit of one item after the other; false if one finds no room.
bool placed(const Draft& draft, const std::vector<Item>& items, AllStays& stays) {
  Draft fresh(draft);
  for (std::size_t web = 0; web < stays.size(); ++web) {
    fresh.lift(static_cast<Index>(web));
    fresh.put(static_cast<Index>(web), {});
  }
  for (const Item& item : items) {
    Stay& stay = stays[at(item.web)][item.stay];
    stay.offset = fresh.find(stay.start, stay.stop, item.bytes);
    if (stay.offset < 0) return false;
    std::vector<Stay> so_far = fresh.stays(item.web);
    so_far.push_back(stay);
    std::sort(so_far.begin(), so_far.end(),
              [](const Stay& a, const Stay& b) { return a.start < b.start; });
    fresh.lift(item.web);
    fresh.put(item.web, std::move(so_far));
  }
  return true;
}

}  // namespace

bool repack(Draft& draft, Index but) {
  const auto webs = static_cast<Index>(draft.program().webs.size());
  AllStays old;
  for (Index web = 0; web < webs; ++web) old.push_back(draft.stays(web));
  std::vector<Item> items = items_of(draft, old, but);
  for (const bool by_length : {true, false}) {
    sort(items, by_length);
    AllStays stays = old;
    if (!placed(draft, items, stays)) continue;
    for (Index web = 0; web < webs; ++web) draft.lift(web);
    for (Index web = 0; web < webs; ++web) {
      if (web != but) draft.put(web, stays[at(web)]);
    }
    return true;
  }
  return false;
}

}  // namespace cosmalloc
