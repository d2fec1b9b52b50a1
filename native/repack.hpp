#pragma once

#include "draft.hpp"

namespace cosmalloc {

// New offsets for all stays but those of one web, the longest first, then the largest first, if
// that leaves none of them out. The web `but` has no stays afterwards.
bool repack(Draft& draft, Index but);

}  // namespace cosmalloc
