// A set of up to 64 W numbers.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace cosmalloc {

template <std::size_t W>
struct Mask {
  std::array<std::uint64_t, W> word{};

  static constexpr std::uint64_t bit(std::size_t k) { return std::uint64_t{1} << (k % 64); }
  bool test(std::size_t k) const { return (word[k / 64] & bit(k)) != 0; }
  void set(std::size_t k) { word[k / 64] |= bit(k); }
  void reset(std::size_t k) { word[k / 64] &= ~bit(k); }
  bool any() const {
    std::uint64_t all = 0;
    for (const std::uint64_t w : word) all |= w;
    return all != 0;
  }
  // How many members are below k.
  std::size_t rank(std::size_t k) const {
    std::size_t total = 0;
    for (std::size_t i = 0; i < k / 64; ++i)
      total += static_cast<std::size_t>(std::popcount(word[i]));
    return total + static_cast<std::size_t>(std::popcount(word[k / 64] & (bit(k) - 1)));
  }
  std::size_t count() const {
    std::size_t total = 0;
    for (const std::uint64_t w : word) total += static_cast<std::size_t>(std::popcount(w));
    return total;
  }
  // work(k) for every member, ascending.
  template <class Work>
  void each(Work&& work) const {
    for (std::size_t i = 0; i < W; ++i) {
      for (std::uint64_t w = word[i]; w != 0; w &= w - 1) {
        work(i * 64 + static_cast<std::size_t>(std::countr_zero(w)));
      }
    }
  }
  friend Mask operator&(Mask a, const Mask& b) {
    for (std::size_t i = 0; i < W; ++i) a.word[i] &= b.word[i];
    return a;
  }
  friend Mask operator|(Mask a, const Mask& b) {
    for (std::size_t i = 0; i < W; ++i) a.word[i] |= b.word[i];
    return a;
  }
  // The members of a that b has not.
  friend Mask operator-(Mask a, const Mask& b) {
    for (std::size_t i = 0; i < W; ++i) a.word[i] &= ~b.word[i];
    return a;
  }
  friend bool operator==(const Mask&, const Mask&) = default;
};

template <std::size_t W>
struct MaskHash {
  std::size_t operator()(const Mask<W>& mask) const {
    std::uint64_t h = 0x9e3779b97f4a7c15U;
    for (const std::uint64_t w : mask.word) {
      h = (h ^ w) * 0xff51afd7ed558ccdU;
      h ^= h >> 32;
    }
    return static_cast<std::size_t>(h);
  }
};

}  // namespace cosmalloc
