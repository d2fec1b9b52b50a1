// The decisions of XLA's memory space assignment (openxla/xla, xla/service/
// memory_space_assignment), in words of our own: webs one after the other in order of benefit, the
// uses of each in order of time, each use kept, prefetched or left off-chip; nothing is taken back.
//
// The seconds E(s) are those of step s with everything off-chip, elapsed(b, e) their sum over steps
// [b, e), W the seconds of a load of `window` bytes, or of the web itself.
//   benefit(w) = sum over its reads, and the step that makes it whole, of seconds that the step's
//                bytes take less with this one on chip, where bytes bound the step; else the
//                largest of (byte seconds - compute)
//   priority(w) = benefit(w) / sqrt(bytes), largest first; then more bytes, then longer life (what
//                is only read lives throughout), then the earlier last use; compared as floats
//   a use is kept without a copy if the web is on chip before, the gap's elapsed is less than
//   `most` * seconds of a load of the whole scratchpad, and the bytes are free
//   a load starts at the border b whose elapsed(b, use) is nearest to preferred * W, with
//   elapsed(b, use) + seconds the use saves >= least * W and elapsed <= most as above; then one
//   border later, one earlier, two later, …, the first with room, at most `outstanding` copies in
//   one window, and bandwidth: copies in order of start, each taking the E of its window's steps,
//   are all done in time
//   what is written on chip and read off-chip later is stored as soon as it is written, in a window
//   of preferred * W if that is free, never without one, and if bandwidth allows: stores have their
//   own
//   a stay whose copies move more than twice the bytes that its events access is taken back
//   a trip of a loop is planned like all others: a load begins in the trip of its use, and a stay
//   that begins with a load in a trip ends in it; events in loops count `repeated` times
#pragma once

#include "decode.hpp"

namespace cosmalloc {

struct MsaOptions {
  double preferred = 2;
  double least = 1;
  double most = 8;
  int outstanding = 40;
  int repacks = 4;
  bool cross_program = false;     // the largest web that is only read stays for the whole program
  std::vector<double> priority;   // per web, larger first; empty: priority(w)
  Bytes window = 0;               // 0: the web's own
  std::vector<Index> trips = {};  // per step the first of its trip, -1 outside; empty: no loops
  double repeated = 5;            // a loop is taken to have so many trips
};

// Fills an empty draft.
void decode_msa(Draft& draft, const MsaOptions& options);

// priority(w) of every web.
std::vector<double> msa_priority(const Program& program, const MsaOptions& options);

}  // namespace cosmalloc
