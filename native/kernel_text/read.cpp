#include "kernel_text/read.hpp"

#include "kernel_text/normal.hpp"
#include "kernel_text/parser.hpp"

namespace cosmalloc::kernel_text {
namespace {

constexpr std::size_t kCharactersOfNode = 90;  // about, of what is read

void reserve(FlatGraphs& graphs, std::span<const std::string_view> texts) {
  std::size_t characters = 0;
  for (const std::string_view text : texts) characters += text.size();
  graphs.numbers.reserve((characters / kCharactersOfNode + texts.size()) * kWidth);
}

}  // namespace

Readings read(std::span<const std::string_view> texts, const Words& words, std::int16_t argument) {
  Readings out;
  reserve(out.graphs, texts);
  GraphWriter writer(out.graphs, argument);
  Kernel kernel;
  for (const std::string_view text : texts) {
    bool is_read = text.size() <= kMaxText && Parser(text, words, kernel).function();
    if (is_read) {
      normalise(kernel, words);
      is_read = writer.add(kernel);
    }
    if (!is_read) writer.add_nothing();
    out.statuses.push_back(is_read ? Status::read : Status::not_mine);
  }
  return out;
}

}  // namespace cosmalloc::kernel_text
