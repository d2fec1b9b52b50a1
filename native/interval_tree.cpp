#include "interval_tree.hpp"

#include <algorithm>

namespace cosmalloc {
namespace {

// Vigna's SplitMix64 finalizer: one round is enough to balance a treap.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

bool IntervalTree::before(Index a, Index b) const {
  const Step la = nodes_[index(a)].entry.lower;
  const Step lb = nodes_[index(b)].entry.lower;
  return la != lb ? la < lb : a < b;
}

void IntervalTree::renew(Index node) {
  Node& here = nodes_[index(node)];
  here.max_upper = here.entry.upper;
  here.max_top = here.entry.top;
  for (const Index child : {here.left, here.right}) {
    if (child < 0) continue;
    here.max_upper = std::max(here.max_upper, nodes_[index(child)].max_upper);
    here.max_top = std::max(here.max_top, nodes_[index(child)].max_top);
  }
}

Index IntervalTree::merge(Index left, Index right) {
  if (left < 0) return right;
  if (right < 0) return left;
  if (nodes_[index(left)].priority > nodes_[index(right)].priority) {
    const Index child = merge(nodes_[index(left)].right, right);
    nodes_[index(left)].right = child;
    renew(left);
    return left;
  }
  const Index child = merge(left, nodes_[index(right)].left);
  nodes_[index(right)].left = child;
  renew(right);
  return right;
}

void IntervalTree::split(Index node, Index pivot, Index& left, Index& right) {
  if (node < 0) {
    left = right = -1;
  } else if (before(node, pivot)) {
    Index middle = -1;
    split(nodes_[index(node)].right, pivot, middle, right);
    nodes_[index(node)].right = middle;
    renew(node);
    left = node;
  } else {
    Index middle = -1;
    split(nodes_[index(node)].left, pivot, left, middle);
    nodes_[index(node)].left = middle;
    renew(node);
    right = node;
  }
}

Index IntervalTree::insert(const Entry& entry) {
  Index handle = static_cast<Index>(nodes_.size());
  if (unused_.empty()) {
    nodes_.emplace_back();
  } else {
    handle = unused_.back();
    unused_.pop_back();
  }
  nodes_[index(handle)] = {entry, entry.upper, entry.top, mix(index(handle)), -1, -1};
  Index left = -1;
  Index right = -1;
  split(root_, handle, left, right);
  root_ = merge(merge(left, handle), right);
  ++count_;
  return handle;
}

Index IntervalTree::erase_below(Index node, Index handle) {
  if (node == handle) return merge(nodes_[index(node)].left, nodes_[index(node)].right);
  if (before(handle, node)) {
    const Index child = erase_below(nodes_[index(node)].left, handle);
    nodes_[index(node)].left = child;
  } else {
    const Index child = erase_below(nodes_[index(node)].right, handle);
    nodes_[index(node)].right = child;
  }
  renew(node);
  return node;
}

void IntervalTree::erase(Index handle) {
  root_ = erase_below(root_, handle);
  unused_.push_back(handle);
  --count_;
}

void IntervalTree::clear() {
  nodes_.clear();
  unused_.clear();
  root_ = -1;
  count_ = 0;
}

}  // namespace cosmalloc
