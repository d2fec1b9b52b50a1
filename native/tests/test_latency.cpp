#include <algorithm>
#include <cmath>
#include <random>

#include "check.hpp"
#include "decode_msa.hpp"
#include "search_latency.hpp"

namespace cosmalloc {
namespace {

// A chain with skips, weights, and results that update an operand in place.
std::shared_ptr<const Program> some_program(std::uint64_t seed, Index count, Bytes capacity) {
  std::mt19937_64 random(seed);
  auto program = std::make_shared<Program>();
  struct Use {
    Index step, read, write;
  };
  std::vector<std::vector<Use>> uses;
  std::vector<Bytes> bytes;
  program->steps.first.push_back(0);
  program->steps.engines = static_cast<int>(random() % 3);
  const auto access = [&](Bytes size) {
    program->steps.off.push_back(static_cast<double>(size));
    program->steps.near.push_back(static_cast<double>(size) / 16);
    return static_cast<Index>(program->steps.off.size()) - 1;
  };
  for (Index step = 0; step < count; ++step) {
    const std::size_t known = uses.size();
    for (std::uint64_t reads = random() % 3; reads > 0 && known > 0; --reads) {
      const std::size_t web = known - 1 - random() % std::min<std::size_t>(known, 12);
      if (!uses[web].empty() && uses[web].back().step == step) continue;
      const Index read = access(bytes[web]);
      uses[web].push_back({step, read, random() % 4 == 0 ? access(bytes[web]) : -1});
    }
    bytes.push_back(1 + static_cast<Bytes>(random() % 9));
    const bool made = random() % 2 == 0;
    uses.push_back({});
    if (made) uses.back().push_back({step, -1, access(bytes.back())});
    program->steps.compute.push_back(static_cast<double>(random() % 30));
    program->steps.first.push_back(static_cast<Index>(program->steps.off.size()));
  }
  program->event_of.assign(program->steps.off.size(), -1);
  for (std::size_t web = 0; web < uses.size(); ++web) {
    const auto first = static_cast<Index>(program->events.size());
    for (const Use& use : uses[web]) {
      const auto seconds = static_cast<double>(bytes[web]);
      const auto number = static_cast<Index>(program->events.size());
      if (use.read >= 0) program->event_of[static_cast<std::size_t>(use.read)] = number;
      if (use.write >= 0) program->event_of[static_cast<std::size_t>(use.write)] = number;
      program->events.push_back(
          {static_cast<Index>(web), use.step, use.read, use.write, seconds, seconds});
    }
    program->webs.push_back(
        {bytes[web], first, static_cast<Index>(program->events.size()), random() % 4 == 0});
  }
  for (Index lender = 0; lender < static_cast<Index>(uses.size()); ++lender) {
    for (Index heir = 0; heir < static_cast<Index>(uses.size()); ++heir) {
      const auto& old = uses[static_cast<std::size_t>(lender)];
      const auto& fresh = uses[static_cast<std::size_t>(heir)];
      const bool meet = !old.empty() && !fresh.empty() && old.back().step == fresh.front().step;
      if (!meet || old.back().write >= 0 || fresh.front().read >= 0) continue;
      program->webs[static_cast<std::size_t>(lender)].heirs.push_back(heir);
      program->webs[static_cast<std::size_t>(heir)].lenders.push_back(lender);
    }
  }
  program->capacity = capacity;
  program->alignment = 1 + static_cast<Bytes>(random() % 2);
  return program;
}

// Every web legal, no two stays in the same bytes, and the latency that of a draft made anew.
bool sound(const std::shared_ptr<const Program>& program,
           const std::vector<std::vector<Stay>>& webs, double latency) {
  Draft fresh(program);
  for (Index web = 0; web < static_cast<Index>(webs.size()); ++web) {
    const auto& stays = webs[static_cast<std::size_t>(web)];
    if (!fresh.legal(web, stays)) return false;
    for (const Stay& stay : stays) {
      if (!fresh.is_free(web, stay)) return false;
      if (stay.offset % program->alignment != 0) return false;
    }
    fresh.lift(web);
    fresh.put(web, stays);
  }
  return std::abs(fresh.latency() - latency) <= 1e-9 * latency;
}

std::vector<std::vector<Stay>> all(const Draft& draft) {
  std::vector<std::vector<Stay>> webs;
  for (Index web = 0; web < static_cast<Index>(draft.program().webs.size()); ++web) {
    webs.push_back(draft.stays(web));
  }
  return webs;
}

TEST(latency, decodes, "XLA's decisions are sound, whatever the scratchpad and the constants") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const auto program = some_program(seed, 40, static_cast<Bytes>(seed % 30));
    Draft draft(program);
    MsaOptions options;
    options.cross_program = seed % 2 == 0;
    options.preferred = static_cast<double>(seed % 4);
    options.window = static_cast<Bytes>(seed % 3) * 5;
    for (Index step = 0; seed % 5 > 0 && step < program->steps.count(); ++step) {
      const auto trip = static_cast<Index>(seed % 5) * 2;
      options.trips.push_back(step < 10 ? -1 : 10 + (step - 10) / trip * trip);
    }
    decode_msa(draft, options);
    CHECK(sound(program, all(draft), draft.latency()));
  }
}

TEST(latency, anneals, "annealing ends with a sound draft, and never with a worse one") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const auto program = some_program(seed, 50, 4 + static_cast<Bytes>(seed));
    Draft draft(program);
    const double before = draft.latency();
    LatencyOptions options;
    options.seed = seed;
    options.moves = 1500;
    options.hot = seed % 2 == 0 ? 0.05 : 0.003;
    const LatencyResult result = search_latency(draft, options, Control(100));
    CHECK(result.latency <= before);
    CHECK(sound(program, result.stays, result.latency));
    CHECK(sound(program, all(draft), draft.latency()));
  }
}

}  // namespace
}  // namespace cosmalloc
