// Dot products and Fourier transforms.
#include "kernel_text/checks.hpp"
#include "kernel_text/parser.hpp"

namespace cosmalloc::kernel_text {
namespace {

bool is_precision(std::string_view word) {
  return word == "DEFAULT" || word == "HIGH" || word == "HIGHEST";
}

// Whether the result is batch, rows of the left, columns of the right.
bool multiplies(const Kernel& kernel, const Operation& op) {
  const Type &left = kernel.operand(op, 0), &right = kernel.operand(op, 1);
  const Type& made = kernel.result(op);
  const Extents batch = kernel.list(op, List::lhs_batching);
  const Extents other_batch = kernel.list(op, List::rhs_batching);
  const Extents depth = kernel.list(op, List::lhs_contracting);
  const Extents other_depth = kernel.list(op, List::rhs_contracting);
  if (!are_apart(batch, depth, left.rank)) return false;
  if (!are_apart(other_batch, other_depth, right.rank)) return false;
  if (batch.size() != other_batch.size() || depth.size() != other_depth.size()) return false;
  std::array<std::int64_t, 2 * kMaxRank> shape;
  std::size_t rank = 0;
  for (std::size_t i = 0; i < depth.size(); ++i) {
    if (at(left.shape(), depth[i]) != at(right.shape(), other_depth[i])) return false;
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    shape[rank++] = at(left.shape(), batch[i]);
    if (shape[rank - 1] != at(right.shape(), other_batch[i])) return false;
  }
  for (std::size_t d = 0; d < left.rank; ++d) {
    if (!contains(batch, d) && !contains(depth, d)) shape[rank++] = left.extents[d];
  }
  for (std::size_t d = 0; d < right.rank; ++d) {
    if (!contains(other_batch, d) && !contains(other_depth, d)) shape[rank++] = right.extents[d];
  }
  return same({shape.data(), rank}, made.shape()) && left.element == right.element &&
         made.element->kind == left.element->kind;
}

}  // namespace

// `%a, %b, batching_dims = [0] x [0], contracting_dims = [2] x [1], precision = [DEFAULT, DEFAULT]
// : (T, U) -> V`
bool Parser::dot_general(Operation& op) {
  if (!operands(op, 2) || !at_.symbol(",")) return false;
  if (at_.word("batching_dims")) {
    if (!at_.symbol("=") || !integers(op, List::lhs_batching) || !at_.word("x")) return false;
    if (!integers(op, List::rhs_batching) || !at_.symbol(",")) return false;
  }
  if (!named(op, "contracting_dims", List::lhs_contracting) || !at_.word("x")) return false;
  if (!integers(op, List::rhs_contracting)) return false;
  if (at_.symbol(",")) {
    if (!at_.word("precision") || !at_.symbol("=") || !at_.symbol("[")) return false;
    if (!is_precision(at_.word()) || !at_.symbol(",") || !is_precision(at_.word())) return false;
    if (!at_.symbol("]")) return false;
  }
  return signature(op) && multiplies(kernel_, op);
}

// `%a, type = RFFT, length = [256] : (T) -> U`
bool Parser::fft(Operation& op) {
  if (!operands(op, 1) || !at_.symbol(",") || !at_.word("type") || !at_.symbol("=")) return false;
  const std::string_view kind = at_.word();
  if (!at_.symbol(",") || !named(op, "length", List::dims) || !signature(op)) return false;
  const Type &given = kernel_.operand(op, 0), &made = kernel_.result(op);
  const Extents lengths = kernel_.list(op, List::dims);
  const std::size_t count = lengths.size(), rank = given.rank;
  if (count < 1 || count > 3 || rank < count || made.rank != rank) return false;
  if (!within(lengths, 1, kMaxNumber)) return false;
  const bool real_in = kind == "RFFT", real_out = kind == "IRFFT";
  if (!real_in && !real_out && kind != "FFT" && kind != "IFFT") return false;
  const Type &real = real_out ? made : given, &other = real_out ? given : made;
  if (real_in || real_out) {
    if (!real.is(kFloat) || other.element->name != "complex<" + real.element->name + ">") {
      return false;
    }
  } else if (!given.is(kComplex) || given.element != made.element) {
    return false;
  }
  std::int64_t points = 1;
  for (std::size_t d = 0; d < rank; ++d) {
    std::int64_t wanted = real.extents[d];
    if (d + count >= rank) {
      const std::int64_t length = lengths[d + count - rank];
      if (length != wanted || points > kMaxElements / length) return false;
      points *= length;
      if (d + 1 == rank && (real_in || real_out)) wanted = length / 2 + 1;
    }
    if (other.extents[d] != wanted) return false;
  }
  return true;
}

}  // namespace cosmalloc::kernel_text
