"""Lower bounds for every order at once, for both operand rules: traffic and latency.

Whatever the order, tensor t is *alive* while operator o runs, if what makes it (or, of an input,
some reader) must run before o and some reader after it. Per operand or result of an operator

    x[t,o] = 1  t is on chip while o runs
    g[t]   = 1  t is off-chip while some operator runs at which it is alive
    L[t] loads, V[t] stores of t

    (1)  sum_{t of o} size x[t,o] + sum_{t alive at o} size (1 - g[t]) - shared[o] <= room    each o
    (2)  L[t] >= x[t,r] - x[t,m]                            m makes t, x = 0 of an input; readers r
         L[t] >= g[t] + (1 if t is an input or a weight) - sum_r (1 - x[t,r])
    (3)  V[t] >= x[t,m] + g[t] - 1;  V[t] >= x[t,m] - x[t,r];  V[t] >= x[t,m] of an output
    (4)  r updates a in place, in every order: x[r,o] = x[a,o]

Traffic: as (1) to (3) of `anywhere`. Latency: at least the sum of the operators' seconds, and of
the channel's. Under `resident` all x are 1. Every legal plan keeps these rows: where g[t] = 1 and
all of t's operators have it on chip, t has left and come back.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain

from cosmalloc.ilp.reach import reach
from cosmalloc.ilp.sparse import DOUBT, INF, Sparse, Term
from cosmalloc.in_place import lenders, partly_written
from cosmalloc.problem import Problem
from cosmalloc.seconds import Cost, compute_seconds
from cosmalloc.traffic import due_read, due_write

SCALE = 1000.0
WHOLE = 1e-8  # relative, what a bound in whole units loses before it is rounded up
LARGEST = 1200  # operators: who is alive when takes the square of it
Terms = list[Term]


@dataclass(frozen=True)
class Access:
    """One operand or result of an operator. bytes: accessed. column: its x."""

    tensor: int
    operator: int
    bytes: int
    makes: bool
    column: int


@dataclass(frozen=True)
class Loose:
    """The rows (1) to (4), and what costs are made of: accesses by tensor, loads and stores."""

    problem: Problem
    rows: Sparse
    accesses: dict[int, list[Access]]
    loads: dict[int, int]
    stores: dict[int, int]


def traffic_floor(problem: Problem, seconds: float) -> int:
    """Non-compulsory bytes; no legal plan moves fewer, in whatever order."""
    loose = build(problem)
    amounts = [a.bytes for group in loose.accesses.values() for a in group]
    amounts += [problem.tensors[t].bytes for t in loose.accesses]
    unit = math.gcd(*amounts) or 1
    for t, group in loose.accesses.items():
        size = problem.tensors[t].bytes
        for makes, copy, due in (
            (False, loose.loads[t], due_read(problem, t)),
            (True, loose.stores.get(t), due_write(problem, t)),
        ):
            direct = [a for a in group if a.makes == makes]
            total = sum(a.bytes for a in direct)
            terms = [(a.column, a.bytes / unit) for a in direct]
            terms += [] if copy is None else [(copy, -size / unit)]
            if terms:
                excess = loose.rows.column((total + 2 * size) / unit, cost=1.0)
                loose.rows.row([(excess, 1.0), *terms], (total - due) / unit)
    bound = _solved(loose.rows, seconds, 0.0)
    return max(0, math.ceil(bound - WHOLE * max(1.0, abs(bound)))) * unit if bound > -INF else 0


def latency_floor(problem: Problem, seconds: float, cost: Cost = compute_seconds) -> float:
    """Seconds; no legal plan is faster, in whatever order. InputError where seconds are unknown."""
    loose = build(problem)
    rows, target, tensors = loose.rows, problem.target, problem.tensors
    speeds = {
        False: (target.offchip_read_bytes_per_second, target.onchip_read_bytes_per_second),
        True: (target.offchip_write_bytes_per_second, target.onchip_write_bytes_per_second),
    }
    by_operator: dict[int, list[Access]] = defaultdict(list)
    for group in loose.accesses.values():
        for access in group:
            by_operator[access.operator].append(access)
    stream = [_stream(problem, o) for o in range(len(problem.operators))]
    compute = [cost(problem, o) for o in range(len(problem.operators))]
    most = sum(stream) + sum(compute)
    everyone = chain.from_iterable(loose.accesses.values())
    most += sum(a.bytes / min(speeds[a.makes]) for a in everyone)
    most += 3 * sum(tensors[t].bytes / min(speeds[m][0] for m in speeds) for t in loose.accesses)
    unit = most / SCALE or 1.0
    total = rows.column(SCALE, cost=1.0)
    times: Terms = []
    channel: Terms = [(total, 1.0)]
    moved = sum(stream)
    for o in range(len(problem.operators)):
        time = rows.column(SCALE)
        times.append((time, -1.0))
        rows.row([(time, 1.0)], compute[o] / unit)
        off, saved = stream[o], []
        for access in by_operator[o]:
            far, near = (access.bytes / speed for speed in speeds[access.makes])
            off, moved = off + far, moved + far
            saved.append((access.column, (far - near) / unit))
            channel.append((access.column, far / unit))
        rows.row([(time, 1.0), *saved], off / unit)
    rows.row([(total, 1.0), *times])
    for copies, speed in ((loose.loads, speeds[False][0]), (loose.stores, speeds[True][0])):
        channel += [(c, -tensors[t].bytes / speed / unit) for t, c in copies.items()]
    rows.row(channel, moved / unit)
    bound = _solved(rows, seconds, DOUBT)
    return bound * unit if bound > 0 else 0.0


def _solved(rows: Sparse, seconds: float, doubt: float) -> float:
    loose = rows.solve(seconds / 3, whole=False)
    if loose.ending == "infeasible":
        return -INF  # no plan at all: others say so better
    return max(loose.bound, rows.solve(seconds / 2, doubt=doubt).bound)


def _stream(problem: Problem, operator: int) -> float:
    """Seconds of untracked operands and results."""
    node, target, seconds = problem.operators[operator], problem.target, 0.0
    for ends, counts, speed in (
        (node.inputs, node.input_bytes_accessed, target.offchip_read_bytes_per_second),
        (node.outputs, node.output_bytes_accessed, target.offchip_write_bytes_per_second),
    ):
        for t, count in zip(ends, counts, strict=True):
            if not problem.tensors[t].tracked:
                seconds += count / speed
    return seconds


def build(problem: Problem) -> Loose:
    """(1) to (4)."""
    rows = Sparse()
    resident = problem.target.operand_rule == "resident"
    accesses: dict[int, list[Access]] = defaultdict(list)
    column: dict[tuple[int, int], int] = {}
    for o, node in enumerate(problem.operators):
        for makes, ends, counts in (
            (False, node.inputs, node.input_bytes_accessed),
            (True, node.outputs, node.output_bytes_accessed),
        ):
            for t, count in zip(ends, counts, strict=True):
                if problem.tensors[t].tracked:
                    fits = problem.tensors[t].bytes <= problem.target.scratchpad_bytes
                    x = rows.column(float(fits), whole=not resident)
                    if resident:
                        rows.row([(x, 1.0)], 1.0)
                    column[t, o] = x
                    accesses[t].append(Access(t, o, count, makes, x))
    loads = {t: rows.column(2.0) for t in accesses}
    stores = {t: rows.column() for t in accesses if problem.producer[t] is not None}
    leaves = {t: rows.column(whole=True) for t in accesses}
    loose = Loose(problem, rows, dict(accesses), loads, stores)
    for t, group in accesses.items():
        _copies(loose, t, leaves[t], group)
    _space(loose, column, leaves)
    return loose


def _copies(loose: Loose, t: int, leaves: int, group: list[Access]) -> None:
    """(2), (3)."""
    rows, load = loose.rows, loose.loads[t]
    made = [(a.column, 1.0) for a in group if a.makes]
    reads = [a for a in group if not a.makes]
    for a in reads:
        rows.row([(load, 1.0), (a.column, -1.0), *made])
    given = 0.0 if made else 1.0
    on_chip = [(a.column, -1.0) for a in reads]
    if reads:
        rows.row([(load, 1.0), (leaves, -1.0), *on_chip], given - len(reads))
    if made:
        store, x = loose.stores[t], made[0][0]
        rows.row([(store, 1.0), (x, -1.0), (leaves, -1.0)], -1.0)
        for a in reads:
            rows.row([(store, 1.0), (x, -1.0), (a.column, 1.0)])
        if loose.problem.tensors[t].kind == "output":
            rows.row([(store, 1.0), (x, -1.0)])


def _space(loose: Loose, column: dict[tuple[int, int], int], leaves: dict[int, int]) -> None:
    """(1), (4)."""
    problem, rows = loose.problem, loose.rows
    align, tensors = problem.target.alignment, problem.tensors
    room = -(-problem.target.scratchpad_bytes // align) * align
    scale = SCALE / room if room else 0.0
    size = {t: -(-tensors[t].bytes // align) * align * scale for t in loose.accesses}
    alive = _alive(loose)
    for o, node in enumerate(problem.operators):
        terms: Terms = [(leaves[t], -size[t]) for t in alive[o]]
        held = sum(size[t] for t in alive[o])
        terms += [
            (column[t, o], size[t]) for t in (*node.inputs, *node.outputs) if (t, o) in column
        ]
        pairs: dict[int, Terms] = defaultdict(list)
        for r in node.outputs:
            group = tensors[r].alias_group
            for a in node.inputs if group is not None and (r, o) in column else ():
                if tensors[a].alias_group == group and (a, o) in column:
                    p = rows.column()
                    pairs[a].append((p, -1.0))
                    pairs[r].append((p, -1.0))
                    terms.append((p, -min(size[a], size[r])))
        for t, matched in pairs.items():
            rows.row([(column[t, o], 1.0), *matched])
        rows.row(terms, -INF, SCALE * bool(room) - held)
        if problem.target.operand_rule == "anywhere":
            _updates(loose, o, column)


def _updates(loose: Loose, o: int, column: dict[tuple[int, int], int]) -> None:
    """(4): where the one operand that could be updated has no other reader."""
    for r in partly_written(loose.problem, o):
        operands = lenders(loose.problem, o, r)
        if len(operands) == 1 and loose.problem.readers[operands[0]] == (o,):
            x = column.get((operands[0], o))
            lent = [] if x is None else [(x, -1.0)]
            loose.rows.row([(column[r, o], 1.0), *lent], 0.0 if x is not None else -INF, 0.0)


def _alive(loose: Loose) -> list[list[int]]:
    """Per operator the tensors alive at it in any order, that it does not touch."""
    problem, who = loose.problem, reach(loose.problem)
    readers = dict.fromkeys(loose.accesses, 0)
    begun = dict.fromkeys(loose.accesses, 0)
    for access in chain.from_iterable(loose.accesses.values()):
        t, bit = access.tensor, 1 << access.operator
        readers[t] |= 0 if access.makes else bit
        begun[t] |= bit if access.makes or problem.producer[t] is None else 0
    found: list[list[int]] = []
    for o in range(len(problem.operators)):
        before, after = who.earlier_set(o), who.later_set(o)
        alive = (t for t in loose.accesses if begun[t] & before and readers[t] & after)
        found.append([t for t in alive if not (readers[t] | begun[t]) >> o & 1])
    return found
