#include "problem.hpp"

#include "sentence.hpp"

namespace cosmalloc {
namespace {

std::string lifetime(Step lower, Step upper) { return sentence("[", lower, ", ", upper, ")"); }

std::optional<std::string> fault_of_lengths(const Problem& problem) {
  const std::size_t n = problem.lower.size();
  if (static_cast<std::int64_t>(n) > kMaxBuffers) {
    return sentence(n, " buffers, at most ", kMaxBuffers);
  }
  for (const auto& [length, may_be_empty] :
       {std::pair{problem.upper.size(), false}, std::pair{problem.size.size(), false},
        std::pair{problem.alignment.size(), true}, std::pair{problem.fixed.size(), true},
        std::pair{problem.alias.size(), true}}) {
    if (length != n && !(may_be_empty && length == 0)) {
      return sentence("arrays of ", n, " and ", length, " entries for the same buffers");
    }
  }
  return std::nullopt;
}

std::optional<std::string> fault_of_buffer(const Problem& problem, std::size_t i) {
  const Step lower = problem.lower[i];
  const Step upper = problem.upper[i];
  const Bytes size = problem.size[i];
  const Bytes alignment = problem.alignment_of(i);
  const Bytes fixed = problem.fixed_of(i);
  if (upper < lower) {
    return sentence("buffer ", i, " has lifetime ", lifetime(lower, upper),
                    ", which ends before it starts");
  }
  if (lower < -kMaxStep || upper > kMaxStep) {
    return sentence("buffer ", i, " has lifetime ", lifetime(lower, upper),
                    ", steps lie within 2^50 of 0");
  }
  if (size < 0 || size > kMaxSize) {
    return sentence("buffer ", i, " has ", size, " bytes, not 0 to 2^40");
  }
  if (alignment < 1 || alignment > kMaxAlignment) {
    return sentence("buffer ", i, " has alignment ", alignment, ", not 1 to 2^30");
  }
  if (fixed < -1 || fixed > kMaxOffset) {
    return sentence("buffer ", i, " has fixed offset ", fixed, ", not -1 (free) to 2^60");
  }
  if (fixed > 0 && fixed % alignment != 0) {
    return sentence("buffer ", i, " has fixed offset ", fixed, ", no multiple of its alignment ",
                    alignment);
  }
  if (problem.alias_of(i) < -1) {
    return sentence("buffer ", i, " has alias group ", problem.alias_of(i),
                    ", not -1 (none) or more");
  }
  return std::nullopt;
}

std::optional<std::string> fault_of_gap(const Problem& problem, const Gap& gap) {
  const std::size_t n = problem.lower.size();
  if (gap.buffer < 0 || gap.buffer >= static_cast<std::int64_t>(n)) {
    return sentence("a gap names buffer ", gap.buffer, " of ", n);
  }
  const auto b = static_cast<std::size_t>(gap.buffer);
  if (gap.upper < gap.lower || gap.lower < problem.lower[b] || gap.upper > problem.upper[b]) {
    return sentence("buffer ", gap.buffer, " has gap ", lifetime(gap.lower, gap.upper),
                    ", its lifetime is ", lifetime(problem.lower[b], problem.upper[b]));
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> fault_of(const Problem& problem) {
  if (auto fault = fault_of_lengths(problem)) return fault;
  for (std::size_t i = 0; i < problem.lower.size(); ++i) {
    if (auto fault = fault_of_buffer(problem, i)) return fault;
  }
  for (const Gap& gap : problem.gaps) {
    if (auto fault = fault_of_gap(problem, gap)) return fault;
  }
  return std::nullopt;
}

}  // namespace cosmalloc
