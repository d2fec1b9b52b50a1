/* Walk the addresses of a plan in another language: print every residency, check bounds and
 * overlaps.
 *
 *     cc -std=c11 -o read_plan read_plan.c && ./read_plan problem.json plan.json
 *
 * Exit code: 0 no fault, 1 faults, 2 a file that is no problem or no plan. */
#include "json_scan.h"

typedef struct {
  Number tensor, start, stop, offset, end, group; /* steps, bytes: half-open; group -1: none */
} Residency;

static Residency residency(const char* p, const char** tensors, Number count) {
  Residency r = {.tensor = number(p, "tensor"),
                 .start = number(p, "start"),
                 .stop = number(p, "stop"),
                 .offset = number(p, "offset")};
  need(0 <= r.tensor && r.tensor < count, "no such tensor:", p);
  r.end = r.offset + number(tensors[r.tensor], "bytes");
  r.group = number(tensors[r.tensor], "alias_group");
  return r;
}

/* A result may take the bytes of the operand it updates, in the one step where both are alive. */
static int in_place(const Residency* a, const Residency* b) {
  return a->group >= 0 && a->group == b->group && a->offset == b->offset &&
         (a->stop == b->start + 1 || b->stop == a->start + 1);
}

static int collide(const Residency* a, const Residency* b) {
  return a->start < b->stop && b->start < a->stop && a->offset < b->end && b->offset < a->end &&
         !in_place(a, b);
}

int main(int words, char** word) {
  need(words == 3, "expected problem.json plan.json after", word[0]);
  const char* problem = document(word[1], "cosmalloc.problem/1");
  const char* plan = document(word[2], "cosmalloc.plan/1");
  Number capacity = number(member(problem, "target"), "scratchpad_bytes");
  Number peak = 0, faults = 0, tensors, count;
  const char** tensor = list(problem, "tensors", &tensors);
  const char** stay = list(plan, "residencies", &count);
  Residency* all = calloc((size_t)count + 1, sizeof *all);
  need(all != NULL, "no memory for", word[2]);
  for (Number i = 0; i < count; ++i) {
    Residency* a = all + i;
    *a = residency(stay[i], tensor, tensors);
    printf("steps [%lld, %lld) bytes [%lld, %lld) tensor %lld\n", a->start, a->stop, a->offset,
           a->end, a->tensor);
    if (a->end > peak) peak = a->end;
    if (a->end > capacity && ++faults)
      printf("fault: ends %lld bytes past the scratchpad\n", a->end - capacity);
    for (const Residency* b = all; b < a; ++b)
      if (collide(a, b) && ++faults)
        printf("fault: overlaps tensor %lld in steps [%lld, %lld)\n", b->tensor, b->start, b->stop);
  }
  printf("%lld residencies, %lld faults, peak %lld of %lld bytes\n", count, faults, peak, capacity);
  return faults > 0;
}
