// A part of a problem, read in several ways: as it is, and with more or fewer blocks joined.
//
// An allocation of any reading is one of the part; only the part as it is can be refuted.
#pragma once

#include <array>
#include <memory>
#include <mutex>

#include "join.hpp"
#include "layout.hpp"

namespace cosmalloc {

struct Reading {
  Joined joined;  // empty for the part as it is
  Layout layout;
  // Offsets per block of the part.
  std::vector<Bytes> offsets(std::span<const Bytes> of_layout) const;
};

class Readings {
 public:
  enum Kind { much, little, as_it_is };  // how much is joined
  static constexpr int kKinds = 3;

  // control: must live as long; null readings where it says stop.
  Readings(Blocks part, const Control& control) : part_(std::move(part)), control_(control) {}

  // Made when it is first asked for, by whichever thread. Null where nothing is joined, or no more
  // than with `little`, and where there are too many blocks to search.
  const Reading* get(Kind kind) const;
  // One with joins chosen by the seed; null where there is nothing to choose.
  std::unique_ptr<Reading> any(std::uint64_t seed) const;
  bool any_to_search(bool joined) const;
  const Blocks& part() const { return part_; }

 private:
  std::unique_ptr<Reading> make(Kind kind) const;
  const Reading* made(Kind kind) const;

  std::unique_ptr<Reading> laid_out(Joined joined) const;

  Blocks part_;
  const Control& control_;
  mutable std::mutex mutex_;
  mutable std::array<std::unique_ptr<Reading>, kKinds> readings_;
  mutable std::array<bool, kKinds> known_{};
};

}  // namespace cosmalloc
