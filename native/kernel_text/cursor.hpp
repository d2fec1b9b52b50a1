// A place in a text, and the tokens that MLIR prints. What does not match leaves the place as it
// is.
#pragma once

#include <string_view>

#include "kernel_text/limits.hpp"

namespace cosmalloc::kernel_text {

class Cursor {
 public:
  explicit Cursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool at_end() {
    blanks();
    return at_ == end_;
  }

  bool next_is(char c) {
    blanks();
    return at_ != end_ && *at_ == c;
  }

  // These characters, after blanks.
  bool symbol(std::string_view characters) {
    blanks();
    return exactly(characters);
  }

  // These characters, right here.
  bool exactly(std::string_view characters) {
    if (!rest().starts_with(characters)) return false;
    at_ += characters.size();
    return true;
  }

  // This word, whole.
  bool word(std::string_view wanted) {
    blanks();
    const std::string_view left = rest();
    if (!left.starts_with(wanted)) return false;
    if (left.size() > wanted.size() && is_word(left[wanted.size()])) return false;
    at_ += wanted.size();
    return true;
  }

  // The next word, empty if there is none.
  std::string_view word() {
    blanks();
    const char* first = at_;
    if (at_ != end_ && !is_digit(*at_)) {
      while (at_ != end_ && is_word(*at_)) ++at_;
    }
    return {first, at_};
  }

  // What stands before the next `c`, right here; `c` is passed. Empty if there is none.
  std::string_view until(char c) {
    const std::string_view left = rest();
    const std::size_t length = left.find(c);
    if (length == std::string_view::npos) return {};
    at_ += length + 1;
    return left.substr(0, length);
  }

  // A decimal integer of at most 2^40, either sign; no `-0`.
  bool integer(std::int64_t& out) {
    blanks();
    const char* before = at_;
    const bool negative = exactly("-");
    const bool whole = digits(out) && (at_ == end_ || !is_word(*at_));
    if (whole && !(negative && out == 0)) {
      if (negative) out = -out;
      return true;
    }
    at_ = before;
    return false;
  }

  // Decimal digits right here without leading zeros, at most 2^40.
  bool digits(std::int64_t& out) {
    const char* first = at_;
    out = 0;
    while (at_ != end_ && is_digit(*at_) && out <= kMaxNumber) out = 10 * out + (*at_++ - '0');
    const bool leading_zero = at_ - first > 1 && *first == '0';
    return at_ != first && !leading_zero && out <= kMaxNumber && (at_ == end_ || !is_digit(*at_));
  }

  // `%name`: what stands behind the sign, empty if it is none.
  std::string_view value_name() {
    if (!symbol("%")) return {};
    const char* first = at_;
    const bool number = at_ != end_ && is_digit(*at_);
    while (at_ != end_ && (number ? is_digit(*at_) : is_word(*at_))) ++at_;
    if (number && at_ != end_ && is_word(*at_)) return {};
    return {first, at_};
  }

  std::string_view rest() const { return {at_, end_}; }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '$';
  }

 private:
  void blanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }

  const char* at_;
  const char* end_;
};

}  // namespace cosmalloc::kernel_text
