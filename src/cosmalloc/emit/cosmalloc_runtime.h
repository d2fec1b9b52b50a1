/* Walks a plan of cosmalloc: copies between off-chip memory and the arena, operators in between.
 * C99, no allocation, no state of its own. The plan's header holds the tables, you bring memory,
 * an operator callback and, where copies are not plain memcpy, two callbacks of a DMA engine.
 */
#ifndef COSMALLOC_RUNTIME_H
#define COSMALLOC_RUNTIME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define COSMALLOC_OFF_CHIP (-1) /* an operand's offset: it is not in the arena */
#define COSMALLOC_CALLER (-1)   /* a tensor's place in the heap: the caller has a buffer for it */
#define COSMALLOC_NOWHERE (-2)  /* a tensor's place in the heap: it is never off-chip */

enum { COSMALLOC_INPUT, COSMALLOC_WEIGHT, COSMALLOC_INTERMEDIATE, COSMALLOC_OUTPUT };
enum { COSMALLOC_LOAD, COSMALLOC_STORE };
enum { COSMALLOC_BEGIN, COSMALLOC_WAIT, COSMALLOC_RUN };

/* What cosmalloc_walk returns; anything else came out of the operator callback. */
enum {
  COSMALLOC_DONE = 0,
  COSMALLOC_BAD_ARENA = -101, /* no arena, or its address is no multiple of the alignment */
  COSMALLOC_BAD_HEAP = -102,  /* the same of the heap */
  COSMALLOC_NO_HOME = -103    /* a tensor that is needed off-chip has no buffer of the caller's */
};

typedef struct {
  const char* name;
  uint64_t bytes;
  int kind;      /* COSMALLOC_INPUT ... */
  uint32_t home; /* the tensor in whose buffer it lies off-chip, mostly itself */
  int64_t heap;  /* offset of that buffer in the heap, COSMALLOC_CALLER or COSMALLOC_NOWHERE */
  const unsigned char* data; /* of a constant of the program, else NULL; homes comes before it */
} cosmalloc_tensor;

typedef struct {
  uint32_t tensor;
  int64_t offset; /* in the arena, or COSMALLOC_OFF_CHIP */
} cosmalloc_operand;

typedef struct {
  uint32_t operator_index; /* of the plan's operators */
  uint32_t first;          /* of the plan's operands: its inputs, then its outputs */
  uint32_t inputs, outputs;
} cosmalloc_step;

typedef struct {
  uint32_t tensor;
  int kind;             /* COSMALLOC_LOAD or COSMALLOC_STORE */
  uint32_t start, stop; /* begun before step start, complete before step stop */
  uint64_t offset;      /* in the arena */
} cosmalloc_copy;

typedef struct {
  int what;       /* COSMALLOC_BEGIN, COSMALLOC_WAIT: a copy; COSMALLOC_RUN: a step */
  uint32_t index; /* of the copies or the steps */
} cosmalloc_event;

typedef struct {
  uint64_t arena_bytes, heap_bytes, alignment;
  uint32_t tensor_count, operator_count, step_count, copy_count, event_count;
  const cosmalloc_tensor* tensors;
  const char* const* operators; /* names */
  const cosmalloc_operand* operands;
  const cosmalloc_step* steps;
  const cosmalloc_copy* copies;
  const cosmalloc_event* events;
} cosmalloc_plan;

typedef struct cosmalloc_run cosmalloc_run;
typedef void cosmalloc_mover(const cosmalloc_run* run, uint32_t copy, void* to, const void* from,
                             size_t bytes);

struct cosmalloc_run {
  const cosmalloc_plan* plan;
  unsigned char *arena, *heap;
  void* const* homes; /* per tensor the caller's buffer off-chip: inputs, weights, outputs */
  int (*operate)(const cosmalloc_run* run, const cosmalloc_step* step); /* 0, or it ends here */
  cosmalloc_mover *begin, *wait; /* NULL: nothing is done at begin, memcpy at wait */
  void* user;
};

/* Where a tensor lies off-chip; NULL where nobody has a buffer for it. */
static inline void* cosmalloc_home(const cosmalloc_run* run, uint32_t tensor) {
  const cosmalloc_tensor* it = &run->plan->tensors[tensor];
  if (it->heap >= 0) return run->heap + it->heap;
  if (it->heap == COSMALLOC_NOWHERE) return NULL;
  return run->homes[it->home] ? run->homes[it->home] : (void*)run->plan->tensors[it->home].data;
}

/* Operand k of a step: inputs count from 0, outputs from step->inputs. */
static inline void* cosmalloc_at(const cosmalloc_run* run, const cosmalloc_step* step, uint32_t k) {
  const cosmalloc_operand* it = &run->plan->operands[step->first + k];
  if (it->offset == COSMALLOC_OFF_CHIP) return cosmalloc_home(run, it->tensor);
  return run->arena + it->offset;
}

static inline int cosmalloc_check(const cosmalloc_run* run) {
  const cosmalloc_plan* plan = run->plan;
  if (plan->arena_bytes && (!run->arena || (uintptr_t)run->arena % plan->alignment))
    return COSMALLOC_BAD_ARENA;
  if (plan->heap_bytes && (!run->heap || (uintptr_t)run->heap % plan->alignment))
    return COSMALLOC_BAD_HEAP;
  for (uint32_t i = 0; i < plan->copy_count; i++)
    if (!cosmalloc_home(run, plan->copies[i].tensor)) return COSMALLOC_NO_HOME;
  for (uint32_t s = 0; s < plan->step_count; s++)
    for (uint32_t k = 0; k < plan->steps[s].inputs + plan->steps[s].outputs; k++)
      if (!cosmalloc_at(run, &plan->steps[s], k)) return COSMALLOC_NO_HOME;
  return COSMALLOC_DONE;
}

static inline void cosmalloc_move(const cosmalloc_run* run, uint32_t index, int waits) {
  const cosmalloc_copy* copy = &run->plan->copies[index];
  cosmalloc_mover* mover = waits ? run->wait : run->begin;
  void *on = run->arena + copy->offset, *off = cosmalloc_home(run, copy->tensor);
  void *to = copy->kind == COSMALLOC_LOAD ? on : off,
       *from = copy->kind == COSMALLOC_LOAD ? off : on;
  size_t bytes = (size_t)run->plan->tensors[copy->tensor].bytes;
  if (mover)
    mover(run, index, to, from, bytes);
  else if (waits)
    memcpy(to, from, bytes);
}

/* Everything in the plan's order. Returns COSMALLOC_DONE or why it stopped. */
static inline int cosmalloc_walk(const cosmalloc_run* run) {
  int state = cosmalloc_check(run);
  for (uint32_t i = 0; state == COSMALLOC_DONE && i < run->plan->event_count; i++) {
    const cosmalloc_event* event = &run->plan->events[i];
    if (event->what == COSMALLOC_RUN)
      state = run->operate(run, &run->plan->steps[event->index]);
    else
      cosmalloc_move(run, event->index, event->what == COSMALLOC_WAIT);
  }
  return state;
}

#endif
