#include "skyline.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <queue>

namespace cosmalloc {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }
constexpr Index kNever = std::numeric_limits<Index>::max();

struct Box {
  Index block;
  Index lower;  // in points: the distinct ends of all lifetimes
  Index upper;
  Bytes size;
};

// Boxes sorted by (lower ascending, upper descending): the first with lower >= a and upper <= b
// that is not yet taken.
class Waiting {
 public:
  explicit Waiting(std::span<const Box> boxes) : boxes_(boxes) {
    while (leaves_ < boxes.size()) leaves_ *= 2;
    least_upper_.assign(2 * leaves_, kNever);
    for (std::size_t i = 0; i < boxes.size(); ++i) least_upper_[leaves_ + i] = boxes[i].upper;
    for (std::size_t i = leaves_ - 1; i > 0; --i) renew(i);
  }

  // Index into boxes, or boxes.size().
  std::size_t first_within(Index a, Index b) const {
    const auto begin = std::partition_point(boxes_.begin(), boxes_.end(),
                                            [&](const Box& box) { return box.lower < a; });
    std::size_t node = leaves_ + static_cast<std::size_t>(begin - boxes_.begin());
    if (begin == boxes_.end()) return boxes_.size();
    while (least_upper_[node] > b) {  // climb to the next subtree on the right that has one
      while (node & 1) node /= 2;
      if (node == 0) return boxes_.size();
      ++node;
    }
    while (node < leaves_) node = least_upper_[2 * node] <= b ? 2 * node : 2 * node + 1;
    return node - leaves_;
  }

  void take(std::size_t box) {
    std::size_t node = leaves_ + box;
    least_upper_[node] = kNever;
    while (node /= 2) renew(node);
  }

 private:
  void renew(std::size_t node) {
    least_upper_[node] = std::min(least_upper_[2 * node], least_upper_[2 * node + 1]);
  }

  std::span<const Box> boxes_;
  std::size_t leaves_ = 1;
  std::vector<Index> least_upper_;
};

// Heights over [0, points), as segments that start at some point.
class Skyline {
 public:
  explicit Skyline(Index points)
      : height_(at(points), 0), next_(at(points), -1), previous_(at(points), -1) {
    next_[0] = points;
    push(0);
  }

  // Offsets per block.
  void fill(std::span<const Box> boxes, std::span<const Bytes> alignment,
            std::vector<Bytes>& offsets) {
    Waiting waiting(boxes);
    std::size_t left = boxes.size();
    while (left > 0 && !valleys_.empty()) {
      const auto [height, a] = valleys_.top();
      valleys_.pop();
      if (next_[at(a)] < 0 || height_[at(a)] != height) continue;  // gone or changed
      const Index b = next_[at(a)];
      const std::size_t found = waiting.first_within(a, b);
      if (found == boxes.size()) {
        raise(a);
        continue;
      }
      const Box& box = boxes[found];
      waiting.take(found);
      --left;
      const Bytes align = alignment[at(box.block)];
      const Bytes offset = (height + align - 1) / align * align;
      offsets[at(box.block)] = offset;
      split(a, box.lower);
      split(box.lower, box.upper);
      height_[at(box.lower)] = offset + box.size;
      push(box.lower);
      if (box.upper < b) push(box.upper);
      if (box.lower > a) raise(a);  // nothing fits left of the box
    }
  }

 private:
  Index points() const { return static_cast<Index>(height_.size()); }
  void push(Index start) { valleys_.emplace(height_[at(start)], start); }

  // Makes `point` the start of a segment; it lies in the one that starts at `start`.
  void split(Index start, Index point) {
    if (point == start || point == next_[at(start)] || point == points()) return;
    height_[at(point)] = height_[at(start)];
    next_[at(point)] = next_[at(start)];
    previous_[at(point)] = start;
    if (next_[at(point)] < points()) previous_[at(next_[at(point)])] = point;
    next_[at(start)] = point;
  }

  void unlink(Index start) {  // its points join the segment before
    const Index before = previous_[at(start)];
    next_[at(before)] = next_[at(start)];
    if (next_[at(start)] < points()) previous_[at(next_[at(start)])] = before;
    next_[at(start)] = -1;
  }

  // Up to the lower wall, and one with it.
  void raise(Index start) {
    const Index before = previous_[at(start)];
    const Index after = next_[at(start)];
    const Bytes left = before < 0 ? std::numeric_limits<Bytes>::max() : height_[at(before)];
    const Bytes right = after == points() ? std::numeric_limits<Bytes>::max() : height_[at(after)];
    if (before < 0 && after == points()) return;  // no walls: whatever is left fits nowhere
    height_[at(start)] = std::min(left, right);
    if (right == height_[at(start)]) unlink(after);
    if (left == height_[at(start)]) {
      unlink(start);
      push(before);
    } else {
      push(start);
    }
  }

  using Valley = std::pair<Bytes, Index>;
  std::vector<Bytes> height_;
  std::vector<Index> next_;  // start of the next segment, -1 where none starts here
  std::vector<Index> previous_;
  std::priority_queue<Valley, std::vector<Valley>, std::greater<>> valleys_;
};

}  // namespace

Placement place_on_skyline(const Blocks& blocks) {
  Placement out;
  out.order = Order::skyline;
  out.offsets.assign(at(blocks.count()), 0);
  if (blocks.count() == 0) return out;
  std::vector<Step> points;
  for (const Piece& piece : blocks.pieces) {
    points.push_back(piece.lower);
    points.push_back(piece.upper);
  }
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  const auto point = [&](Step step) {
    return static_cast<Index>(std::lower_bound(points.begin(), points.end(), step) -
                              points.begin());
  };
  std::vector<Box> boxes;
  for (Index b = 0; b < blocks.count(); ++b) {
    const Piece& piece = blocks[b].front();
    boxes.push_back({b, point(piece.lower), point(piece.upper), piece.size});
  }
  std::sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) {
    if (a.lower != b.lower) return a.lower < b.lower;
    return a.upper != b.upper ? a.upper > b.upper : a.block < b.block;
  });
  Skyline(static_cast<Index>(points.size()) - 1).fill(boxes, blocks.alignment, out.offsets);
  out.peak = peak_of(blocks, out.offsets);
  return out;
}

}  // namespace cosmalloc
