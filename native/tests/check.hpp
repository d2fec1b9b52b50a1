// A test is a function with a sentence; CHECK counts what does not hold and says where.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "blocks.hpp"

namespace cosmalloc::tests {

struct Test {
  const char* area;
  const char* sentence;
  void (*run)();
};
std::vector<Test>& tests();
int& failures();

struct Registered {
  Registered(const char* area, const char* sentence, void (*run)()) {
    tests().push_back({area, sentence, run});
  }
};

// Buffers with their own memory, and the definition of a legal answer.
struct Rows {
  std::vector<Step> lower;
  std::vector<Step> upper;
  std::vector<Bytes> size;
  std::vector<Bytes> alignment;
  void add(Step from, Step to, Bytes bytes, Bytes align = 1) {
    lower.push_back(from);
    upper.push_back(to);
    size.push_back(bytes);
    alignment.push_back(align);
  }
  Blocks blocks() const {
    const Problem problem{lower, upper, size, alignment, {}, {}, {}};
    return std::get<Blocks>(blocks_of(problem));
  }
  bool legal(const std::vector<Bytes>& at, Bytes capacity) const {
    for (std::size_t i = 0; i < at.size(); ++i) {
      if (at[i] < 0 || at[i] + size[i] > capacity || at[i] % alignment[i] != 0) return false;
      for (std::size_t j = 0; j < i; ++j) {
        if (lower[i] < upper[j] && lower[j] < upper[i] && at[i] < at[j] + size[j] &&
            at[j] < at[i] + size[i]) {
          return false;
        }
      }
    }
    return true;
  }
};

}  // namespace cosmalloc::tests

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      std::printf("%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      ++cosmalloc::tests::failures();                                           \
    }                                                                           \
  } while (false)
#define TEST(area, name, sentence)                                                    \
  static void name();                                                                 \
  static const cosmalloc::tests::Registered registered_##name(#area, sentence, name); \
  static void name()
