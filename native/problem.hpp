// The question: buffers of known lifetimes that want offsets in one address space.
//
// A buffer holds bytes [offset, offset + size) in steps [lower, upper), except in its gaps. Two
// buffers alive in one step may not share a byte, unless they belong to one alias group: the
// members of a group stand at one offset. A buffer of no bytes or of no steps takes part in
// nothing; it stands at offset 0, or at its fixed offset.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace cosmalloc {

using Step = std::int64_t;
using Bytes = std::int64_t;
using Index = std::int32_t;

inline constexpr Bytes kMaxSize = Bytes{1} << 40;       // of one buffer
inline constexpr Bytes kMaxAlignment = Bytes{1} << 30;  // of one buffer or alias group
inline constexpr Bytes kMaxOffset = Bytes{1} << 60;  // of a fixed buffer; also the largest capacity
inline constexpr Step kMaxStep = Step{1} << 50;      // steps lie in [-kMaxStep, kMaxStep]
inline constexpr std::int64_t kMaxBuffers = 1 << 20;  // 2^20 sizes of 2^40 stay far inside int64

// The bytes of `buffer` are free in steps [lower, upper).
struct Gap {
  std::int64_t buffer;
  Step lower;
  Step upper;
};

// A view of the caller's arrays, one entry per buffer in all but `gaps`; the last three may be
// empty.
struct Problem {
  std::span<const Step> lower;
  std::span<const Step> upper;
  std::span<const Bytes> size;
  std::span<const Bytes> alignment;     // empty: all 1
  std::span<const Bytes> fixed;         // offset, or -1 where free to move; empty: all free
  std::span<const std::int64_t> alias;  // group, or -1 for none; empty: no groups
  std::span<const Gap> gaps;

  Bytes alignment_of(std::size_t i) const { return alignment.empty() ? 1 : alignment[i]; }
  Bytes fixed_of(std::size_t i) const { return fixed.empty() ? -1 : fixed[i]; }
  std::int64_t alias_of(std::size_t i) const { return alias.empty() ? -1 : alias[i]; }
};

// What is wrong with the problem, in one sentence with the index and the numbers; nothing where it
// is well formed.
std::optional<std::string> fault_of(const Problem& problem);

}  // namespace cosmalloc
