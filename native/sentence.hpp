// Words and numbers joined into one sentence.
#pragma once

#include <sstream>
#include <string>

namespace cosmalloc {

template <class... Parts>
std::string sentence(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

}  // namespace cosmalloc
