// The reader of kernels' texts for Python: strings come in as views, arrays leave without a copy.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.hpp"
#include "kernel_text/read.hpp"

namespace cosmalloc {
namespace {

using namespace nb::literals;
using namespace kernel_text;

template <class T, class... Shape>
using Array = nb::ndarray<nb::numpy, T, Shape..., nb::c_contig>;

// A numpy array over the values, rows of `width`; it keeps `owner` alive.
template <class A, class T>
A rows(std::vector<T>& values, std::size_t width, const nb::capsule& owner) {
  return A(values.data(), {values.size() / width, width}, owner);
}
template <class A, class T>
A column(std::vector<T>& values, const nb::capsule& owner) {
  return A(values.data(), {values.size()}, owner);
}

template <class T>
using Column = Array<T, nb::ndim<1>>;
template <class T>
using Table = Array<T, nb::ndim<2>>;
using Answer = std::tuple<Column<std::uint8_t>, Column<std::int16_t>, Column<std::int16_t>,
                          Table<std::int8_t>, Table<float>, Table<double>, Table<std::int32_t>,
                          Table<float>, Column<std::int64_t>, Column<std::int64_t>>;

Answer arrays_of(Readings&& readings) {
  auto* kept = new Readings(std::move(readings));
  const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<Readings*>(p); });
  FlatGraphs& graphs = kept->graphs;
  static_assert(sizeof(Status) == sizeof(std::uint8_t));
  auto* statuses = reinterpret_cast<std::uint8_t*>(kept->statuses.data());
  return {Column<std::uint8_t>(statuses, {kept->statuses.size()}, owner),
          column<Column<std::int16_t>>(graphs.kind, owner),
          column<Column<std::int16_t>>(graphs.body, owner),
          rows<Table<std::int8_t>>(graphs.types, 2, owner),
          rows<Table<float>>(graphs.numbers, kWidth, owner),
          rows<Table<double>>(graphs.costs, kCosts, owner),
          rows<Table<std::int32_t>>(graphs.edges, 2, owner),
          rows<Table<float>>(graphs.whole, kWhole, owner),
          column<Column<std::int64_t>>(graphs.node_offsets, owner),
          column<Column<std::int64_t>>(graphs.edge_offsets, owner)};
}

using FactsRow = std::tuple<std::string, int, bool, bool, bool, int, int>;
using ElementRow = std::tuple<std::string, int, int, std::string>;

std::uint8_t class_of(const std::string& word) {
  if (word == "float") return kFloat;
  if (word == "signed") return kSigned;
  if (word == "unsigned") return kUnsigned;
  if (word == "boolean") return kBoolean;
  if (word == "complex") return kComplex;
  throw nb::value_error("a class of elements is none of float, signed, unsigned, boolean, complex");
}

Words words_of(const std::vector<FactsRow>& operations, const std::vector<ElementRow>& elements) {
  std::vector<Facts> facts;
  for (const auto& [name, kind, partial, as_needed, whole, flops, transcendentals] : operations) {
    facts.push_back(
        {name, static_cast<std::int16_t>(kind), partial, as_needed, whole, flops, transcendentals});
  }
  std::vector<Element> types;
  for (const auto& [name, index, bytes, kind] : elements) {
    if (bytes < 1 || bytes > 16) throw nb::value_error("an element is not 1 to 16 bytes");
    types.push_back({name, static_cast<std::int8_t>(index), bytes, class_of(kind)});
  }
  return {std::move(facts), std::move(types)};
}

struct KernelReader {
  Words words;
  std::int16_t argument;
};

using Texts = nb::typed<nb::tuple, nb::str, nb::ellipsis>;

// What is no text, or holds half characters, is left like any text that is not understood.
Answer read_texts(const KernelReader& self, const Texts& texts) {
  std::vector<std::string_view> views;
  views.reserve(texts.size());
  for (const nb::handle text : texts) {
    Py_ssize_t length = 0;
    const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &length);
    if (data == nullptr) {
      PyErr_Clear();
      length = 0;
    }
    views.emplace_back(data, static_cast<std::size_t>(length));
  }
  Readings readings;
  {
    const nb::gil_scoped_release release;
    readings = read(views, self.words, self.argument);
  }
  return arrays_of(std::move(readings));
}

}  // namespace

void bind_kernels(nb::module_& module) {
  nb::class_<KernelReader>(module, "KernelReader", "Reads kernels' texts to graphs.")
      .def(
          "__init__",
          [](KernelReader* self, const std::vector<FactsRow>& operations,
             const std::vector<ElementRow>& elements, int argument) {
            new (self)
                KernelReader{words_of(operations, elements), static_cast<std::int16_t>(argument)};
          },
          "operations"_a, "elements"_a, "argument"_a)
      .def("names", [](const KernelReader& self) { return self.words.names(); })
      .def("read", &read_texts, "texts"_a);
}

}  // namespace cosmalloc
