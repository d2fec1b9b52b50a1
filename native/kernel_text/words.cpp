#include "kernel_text/words.hpp"

#include <array>

namespace cosmalloc::kernel_text {
namespace {

struct Written {
  std::string_view names;  // without the dialect, blanks between
  Form form;
  std::uint8_t classes;
};

constexpr std::uint8_t kReal = kFloat | kSigned;
constexpr std::uint8_t kNumber = kFloat | kInteger | kComplex;
constexpr std::uint8_t kBits = kInteger | kBoolean;
constexpr std::uint8_t kSmooth = kFloat | kComplex;

// Which elements each operation takes: the StableHLO specification's constraints.
constexpr std::array kStablehlo{
    Written{"abs", Form::unary, kReal},
    Written{"sign", Form::unary, kReal | kComplex},
    Written{"negate", Form::unary, kNumber},
    Written{"not", Form::unary, kBits},
    Written{"popcnt count_leading_zeros", Form::unary, kInteger},
    Written{"ceil floor round_nearest_afz round_nearest_even", Form::unary, kFloat},
    Written{"cbrt cosine exponential exponential_minus_one log log_plus_one logistic rsqrt sine "
            "sqrt tan tanh",
            Form::unary, kSmooth},
    Written{"add multiply maximum minimum", Form::binary, kAny},
    Written{"divide power remainder subtract", Form::binary, kNumber},
    Written{"atan2", Form::binary, kSmooth},
    Written{"and or xor", Form::binary, kBits},
    Written{"shift_left shift_right_arithmetic shift_right_logical", Form::binary, kInteger},
    Written{"convert", Form::convert, kAny & ~kComplex},
    Written{"real imag", Form::part, kComplex},
    Written{"is_finite", Form::is_finite, kFloat},
    Written{"complex", Form::complex, kFloat},
    Written{"compare", Form::compare, kAny},
    Written{"select", Form::select, kAny},
    Written{"clamp", Form::clamp, kAny},
    Written{"constant", Form::constant, kAny},
    Written{"iota", Form::iota, kNumber},
    Written{"broadcast_in_dim", Form::broadcast_in_dim, kAny},
    Written{"transpose", Form::transpose, kAny},
    Written{"reshape", Form::reshape, kAny},
    Written{"bitcast_convert", Form::bitcast_convert, kFloat | kInteger},
    Written{"slice", Form::slice, kAny},
    Written{"reverse", Form::reverse, kAny},
    Written{"concatenate", Form::concatenate, kAny},
    Written{"pad", Form::pad, kAny},
    Written{"dynamic_slice", Form::dynamic_slice, kAny},
    Written{"dynamic_update_slice", Form::dynamic_update_slice, kAny},
    Written{"dot_general", Form::dot_general, kNumber},
    Written{"convolution", Form::convolution, kNumber},
    Written{"fft", Form::fft, kSmooth},
    Written{"reduce", Form::reduce, kAny},
    Written{"reduce_window", Form::reduce_window, kAny},
    Written{"select_and_scatter", Form::select_and_scatter, kAny},
    Written{"gather", Form::gather, kAny},
    Written{"scatter", Form::scatter, kAny},
    Written{"sort", Form::sort, kAny},
    Written{"while", Form::loop, kAny},
};
constexpr std::array kChlo{
    Written{"acos acosh asin asinh atan atanh bessel_i1e cosh digamma erf erf_inv erfc lgamma sinh "
            "square tan",
            Form::chlo_unary, kFloat},
    Written{"top_k", Form::top_k, kFloat | kInteger},
};
constexpr std::string_view kReducers = " add multiply maximum minimum and or xor ";

bool listed(std::string_view names, std::string_view name) {
  for (std::size_t at = names.find(name); at != std::string_view::npos;
       at = names.find(name, at + 1)) {
    const std::size_t stop = at + name.size();
    if ((at == 0 || names[at - 1] == ' ') && (stop == names.size() || names[stop] == ' ')) {
      return true;
    }
  }
  return false;
}

template <class Table>
const Written* find_in(const Table& table, std::string_view name) {
  for (const Written& written : table) {
    if (listed(written.names, name)) return &written;
  }
  return nullptr;
}

const Written* written_as(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return nullptr;
  const std::string_view dialect = name.substr(0, dot);
  if (dialect == "stablehlo") return find_in(kStablehlo, name.substr(dot + 1));
  return dialect == "chlo" ? find_in(kChlo, name.substr(dot + 1)) : nullptr;
}

}  // namespace

Words::Words(std::vector<Facts> operations, std::vector<Element> elements)
    : elements_(std::move(elements)) {
  for (Facts& facts : operations) {
    const Written* written = written_as(facts.name);
    if (written == nullptr) continue;
    const bool reduces = facts.name.starts_with("stablehlo.") &&
                         listed(kReducers, std::string_view(facts.name).substr(10));
    std::string name = facts.name;
    known_.insert_or_assign(std::move(name),
                            Known{written->form, written->classes, reduces, std::move(facts)});
  }
}

const Known* Words::find(std::string_view name) const {
  const auto found = known_.find(name);
  return found == known_.end() ? nullptr : &found->second;
}

std::vector<std::string> Words::names() const {
  std::vector<std::string> out;
  for (const auto& [name, known] : known_) out.push_back(name);
  return out;
}

}  // namespace cosmalloc::kernel_text
