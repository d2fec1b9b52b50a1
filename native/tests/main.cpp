// Runs the tests of one area, or all.
#include <string_view>

#include "check.hpp"

namespace cosmalloc::tests {

std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

int& failures() {
  static int count = 0;
  return count;
}

}  // namespace cosmalloc::tests

int main(int count, char** words) {
  int ran = 0;
  for (const auto& test : cosmalloc::tests::tests()) {
    if (count > 1 && std::string_view(words[1]) != test.area) continue;
    const int before = cosmalloc::tests::failures();
    test.run();
    ++ran;
    std::printf("%s: %s\n", cosmalloc::tests::failures() == before ? "ok" : "FAILED",
                test.sentence);
  }
  return ran == 0 || cosmalloc::tests::failures() > 0 ? 1 : 0;
}
