// Drafts for Python: a program goes in as arrays, stays come out as rows.
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "decode_msa.hpp"
#include "interruptible.hpp"
#include "search_latency.hpp"

namespace cosmalloc {
namespace {

using namespace nb::literals;

using Reals = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Events = nb::ndarray<const std::int64_t, nb::shape<-1, 4>, nb::c_contig, nb::device::cpu>;
using Lends = nb::ndarray<const std::int64_t, nb::shape<-1, 2>, nb::c_contig, nb::device::cpu>;
using Stays = nb::ndarray<const std::int64_t, nb::shape<-1, 9>, nb::c_contig, nb::device::cpu>;

std::vector<double> reals(const Reals& array) {
  return {array.data(), array.data() + array.size()};
}

void require(bool holds, const char* sentence) {
  if (!holds) throw nb::value_error(sentence);
}

Index small(std::int64_t value) {
  require(value >= -1 && value < kMaxBuffers, "an index is not -1 to 2^20 - 1");
  return static_cast<Index>(value);
}

struct Arrays {
  const Reals &compute, &off, &near, &load, &store;  // the last two per event
  const Ints &first, &bytes, &leaves;
  const Events& events;
  const Lends& lends;
};

// Events: rows (web, step, read, write), by web, then step. Lends: rows (lender, heir).
Program program_of(const Arrays& arrays, int engines, Bytes capacity, Bytes alignment) {
  Program program;
  program.steps = {reals(arrays.compute), {}, reals(arrays.off), reals(arrays.near), engines};
  for (const std::int64_t row : view(arrays.first)) program.steps.first.push_back(small(row));
  const std::size_t accesses = program.steps.off.size();
  require(program.steps.first.size() == program.steps.compute.size() + 1 &&
              arrays.near.size() == accesses && accesses < kMaxBuffers &&
              program.steps.first.front() == 0 &&
              program.steps.first.back() == static_cast<Index>(accesses) &&
              std::is_sorted(program.steps.first.begin(), program.steps.first.end()),
          "the arrays of steps and accesses don't fit each other");
  const std::size_t webs = arrays.bytes.size();
  require(arrays.leaves.size() == webs && arrays.load.size() == arrays.events.shape(0) &&
              arrays.store.size() == arrays.load.size() && webs < kMaxBuffers,
          "the arrays of webs don't fit each other");
  require(alignment >= 1 && alignment <= kMaxAlignment && capacity >= 0 && capacity <= kMaxOffset,
          "a capacity or an alignment is out of range");
  program.capacity = capacity;
  program.alignment = alignment;
  program.event_of.assign(accesses, -1);
  for (std::size_t web = 0; web < webs; ++web) {
    const Bytes bytes = arrays.bytes.data()[web];
    require(bytes >= 1 && bytes <= kMaxSize, "a web has not 1 to 2^40 bytes");
    program.webs.push_back({bytes, 0, 0, arrays.leaves.data()[web] != 0});
  }
  for (std::size_t i = 0; i < arrays.events.shape(0); ++i) {
    const std::int64_t* row = arrays.events.data() + 4 * i;
    const Event event{small(row[0]), small(row[1]),         small(row[2]),
                      small(row[3]), arrays.load.data()[i], arrays.store.data()[i]};
    const bool fits = event.web >= 0 && event.web < static_cast<Index>(webs) && event.step >= 0 &&
                      event.step < program.steps.count() && (event.read >= 0 || event.write >= 0);
    require(fits, "an event is of no web, no step or no access");
    const bool new_web = i == 0 || program.events.back().web < event.web;
    const bool next = i > 0 && program.events.back().web == event.web &&
                      program.events.back().step < event.step && event.read >= 0;
    require(new_web || next, "the events are not sorted, or a later one only writes");
    const auto number = static_cast<Index>(i);
    for (const Index access : {event.read, event.write}) {
      if (access < 0) continue;
      const auto& first = program.steps.first;
      require(access >= first[static_cast<std::size_t>(event.step)] &&
                  access < first[static_cast<std::size_t>(event.step) + 1] &&
                  program.event_of[static_cast<std::size_t>(access)] < 0,
              "an event's access is not of its step, or of two events");
      program.event_of[static_cast<std::size_t>(access)] = number;
    }
    Web& web = program.webs[static_cast<std::size_t>(event.web)];
    if (new_web) web.first = number;
    web.stop = number + 1;
    program.events.push_back(event);
  }
  for (std::size_t i = 0; i < arrays.lends.shape(0); ++i) {
    const Index lender = small(arrays.lends.data()[2 * i]);
    const Index heir = small(arrays.lends.data()[2 * i + 1]);
    const auto count = static_cast<Index>(webs);
    require(0 <= lender && lender < count && 0 <= heir && heir < count, "who lends is no web");
    Web& from = program.webs[static_cast<std::size_t>(lender)];
    Web& to = program.webs[static_cast<std::size_t>(heir)];
    require(from.first < from.stop && to.first < to.stop, "who lends or takes has no events");
    const Event& last = program.events[static_cast<std::size_t>(from.stop) - 1];
    const Event& first = program.events[static_cast<std::size_t>(to.first)];
    require(last.step == first.step && last.write < 0 && first.read < 0,
            "a lender's last read is not where its heir is made");
    from.heirs.push_back(heir);
    to.lenders.push_back(lender);
  }
  return program;
}

using StayRows = nb::ndarray<nb::numpy, std::int64_t, nb::shape<-1, 9>>;

// Rows (first event, last event, start, ready, stop, offset, store start, store stop, loaded).
StayRows rows_of(const std::vector<std::vector<Stay>>& webs) {
  auto* rows = new std::vector<std::int64_t>;
  for (const auto& stays : webs) {
    for (const Stay& s : stays) {
      rows->insert(rows->end(), {s.first, s.last, s.start, s.ready, s.stop, s.offset, s.store_start,
                                 s.store_stop, s.loaded});
    }
  }
  const nb::capsule owner(
      rows, [](void* p) noexcept { delete static_cast<std::vector<std::int64_t>*>(p); });
  return StayRows(rows->data(), {rows->size() / 9, 9}, owner);
}

std::vector<std::vector<Stay>> all_stays(const Draft& draft) {
  std::vector<std::vector<Stay>> webs;
  for (Index web = 0; web < static_cast<Index>(draft.program().webs.size()); ++web) {
    webs.push_back(draft.stays(web));
  }
  return webs;
}

// Gives each web the stays of the rows, which name its events; all other webs none. by_half: what
// has no free place there goes to another, or its web has none; else that is an error.
void set_stays(Draft& draft, std::vector<std::vector<Stay>> webs, bool by_half) {
  const Bytes alignment = draft.program().alignment;
  for (Index web = 0; web < static_cast<Index>(webs.size()); ++web) draft.lift(web);
  for (Index web = 0; web < static_cast<Index>(webs.size()); ++web) {
    auto& stays = webs[static_cast<std::size_t>(web)];
    bool whole = draft.legal(web, stays);
    require(whole || by_half, "the stays of a web are not legal");
    for (Stay& stay : stays) {
      if (stay.offset % alignment == 0 && draft.is_free(web, stay)) continue;
      require(by_half, "a stay has no free, aligned offset");
      stay.offset = draft.find(web, stay);
      whole = whole && stay.offset >= 0;
    }
    if (!whole) stays.clear();
    draft.put(web, std::move(stays));
  }
}

std::vector<std::vector<Stay>> stays_from(const Draft& draft, const Stays& rows) {
  std::vector<std::vector<Stay>> webs(draft.program().webs.size());
  const Index end = draft.program().steps.count();
  for (std::size_t i = 0; i < rows.shape(0); ++i) {
    const std::int64_t* row = rows.data() + 9 * i;
    for (int k = 0; k < 8; ++k) {
      if (k != 5) small(row[k]);
    }
    const Stay stay{small(row[0]), small(row[1]), small(row[2]), small(row[3]), small(row[4]),
                    row[5],        small(row[6]), small(row[7]), row[8] != 0};
    require(stay.first >= 0 && stay.last >= stay.first && stay.start >= 0 &&
                stay.start < stay.stop && stay.stop <= end &&
                stay.last < static_cast<Index>(draft.program().events.size()),
            "a stay is of no events or no steps");
    const Index web = draft.event(stay.first).web;
    require(web == draft.event(stay.last).web, "a stay is of two webs");
    webs[static_cast<std::size_t>(web)].push_back(stay);
  }
  return webs;
}

// stays, latency, moves, moves accepted, every improvement as (seconds, move, latency), interrupted
using Searched = std::tuple<StayRows, double, std::int64_t, std::int64_t,
                            std::vector<std::tuple<double, std::int64_t, double>>, bool>;

Searched search(Draft& draft, double seconds, std::int64_t seed, std::int64_t moves, double hot,
                double cold) {
  const LatencyOptions options{static_cast<std::uint64_t>(seed), moves, hot, cold};
  LatencyResult result;
  const bool interrupted = run_interruptibly([&](const std::atomic<bool>& cancel) {
    const Control control(seconds, &cancel);
    result = search_latency(draft, options, control);
  });
  std::vector<std::tuple<double, std::int64_t, double>> curve;
  for (const LatencyPoint& point : result.curve) {
    curve.emplace_back(point.seconds, point.move, point.latency);
  }
  return {rows_of(result.stays), result.latency,   result.moves,
          result.accepted,       std::move(curve), interrupted};
}

}  // namespace

void bind_latency(nb::module_& module) {
  nb::class_<Draft>(module, "Draft", "A plan in the making.")
      .def(
          "__init__",
          [](Draft* self, const Reals& compute, const Ints& first, const Reals& off,
             const Reals& near, const Events& events, const Ints& bytes, const Ints& leaves,
             const Reals& load, const Reals& store, int engines, Bytes capacity, Bytes alignment,
             const Lends& lends) {
            const Arrays arrays{compute, off,   near,   load,   store,
                                first,   bytes, leaves, events, lends};
            new (self) Draft(
                std::make_shared<const Program>(program_of(arrays, engines, capacity, alignment)));
          },
          "compute"_a.noconvert(), "first"_a.noconvert(), "off"_a.noconvert(), "near"_a.noconvert(),
          "events"_a.noconvert(), "bytes"_a.noconvert(), "leaves"_a.noconvert(),
          "load"_a.noconvert(), "store"_a.noconvert(), "engines"_a, "capacity"_a, "alignment"_a,
          "lends"_a.noconvert())
      .def("copy", [](const Draft& self) { return Draft(self); })
      .def("latency", &Draft::latency)
      .def("stays", [](const Draft& self) { return rows_of(all_stays(self)); })
      .def(
          "set_stays",
          [](Draft& self, const Stays& rows, bool by_half) {
            set_stays(self, stays_from(self, rows), by_half);
          },
          "rows"_a.noconvert(), "by_half"_a = false)
      .def(
          "decode_msa",
          [](Draft& self, double preferred, double least, double most, int outstanding, int repacks,
             bool cross_program, const Reals& priority, Bytes window, const Ints& trips) {
            MsaOptions options{preferred,     least,           most,  outstanding, repacks,
                               cross_program, reals(priority), window};
            const auto steps = static_cast<std::size_t>(self.program().steps.count());
            for (const std::int64_t first : view(trips)) options.trips.push_back(small(first));
            require(options.trips.empty() || options.trips.size() == steps,
                    "one trip per step, please");
            require(window >= 0 && window <= kMaxSize, "a window has not 0 to 2^40 bytes");
            require(
                options.priority.empty() || options.priority.size() == self.program().webs.size(),
                "one priority per web, please");
            const nb::gil_scoped_release release;
            decode_msa(self, options);
          },
          "preferred"_a, "least"_a, "most"_a, "outstanding"_a, "repacks"_a, "cross_program"_a,
          "priority"_a, "window"_a, "trips"_a)
      .def("search", &search, "seconds"_a, "seed"_a, "moves"_a, "hot"_a, "cold"_a);
}

}  // namespace cosmalloc
