// The value names that are visible, innermost last: a table of chains that scopes unwind.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "kernel_text/limits.hpp"

namespace cosmalloc::kernel_text {

class Names {
 public:
  Names() { heads_.fill(kNone); }

  // False if the name is taken. It stands for `count` values from `first`.
  bool define(std::string_view name, std::uint32_t first, std::uint32_t count) {
    const std::size_t bucket = hash(name);
    if (name.empty() || seek(name, bucket) != nullptr) return false;
    entries_.push_back({name, bucket, first, count, heads_[bucket]});
    heads_[bucket] = static_cast<std::int32_t>(entries_.size() - 1);
    return true;
  }

  // position: of `%name#position`; none for `%name`, which must stand for one value alone.
  std::optional<std::uint32_t> find(std::string_view name,
                                    std::optional<std::uint32_t> position) const {
    const Entry* found = seek(name, hash(name));
    if (found == nullptr || position.value_or(0) >= found->count) return {};
    if (!position && found->count != 1) return {};
    return found->first + position.value_or(0);
  }

  std::size_t mark() const { return entries_.size(); }

  // Forgets what was defined since `mark`.
  void unwind(std::size_t mark) {
    while (entries_.size() > mark) {
      heads_[entries_.back().bucket] = entries_.back().next;
      entries_.pop_back();
    }
  }

 private:
  static constexpr std::int32_t kNone = -1;

  struct Entry {
    std::string_view name;
    std::size_t bucket;
    std::uint32_t first;
    std::uint32_t count;
    std::int32_t next;
  };

  static std::size_t hash(std::string_view name) {
    std::size_t out = 5381;
    for (const char c : name) out = out * 33 + static_cast<unsigned char>(c);
    return out % 512;
  }

  const Entry* seek(std::string_view name, std::size_t bucket) const {
    for (std::int32_t i = heads_[bucket]; i != kNone;) {
      const Entry& entry = entries_[static_cast<std::size_t>(i)];
      if (entry.name == name) return &entry;
      i = entry.next;
    }
    return nullptr;
  }

  std::vector<Entry> entries_;
  std::array<std::int32_t, 512> heads_;
};

}  // namespace cosmalloc::kernel_text
