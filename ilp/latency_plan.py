"""From a solution of the latency program to plans.

The uses on chip and the links kept are the solution's. A load is issued when the channel, in the
order in which the loads are due, comes to it, the later the better:

    begin[j] = the step or wait in which sum of in[.] first exceeds sum_{i due before j} load[i]

with in[.] of the solution that has least loaded ahead. A store is over when the steps after its
production have left it the seconds that it takes. Where a step is too full with all of these,
copies give way, and where the native allocator finds no offsets, they give way by halves.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cosmalloc import native
from cosmalloc.greedy.agree import agreed
from cosmalloc.greedy.links import Choice
from cosmalloc.greedy.offsets import pack
from cosmalloc.greedy.prices import Floats, Prices, ResidentTraffic
from cosmalloc.greedy.seconds_prices import AnywhereSeconds
from cosmalloc.greedy.solver import plans_on, turns_for
from cosmalloc.greedy.stays import Stays, stays_of
from cosmalloc.greedy.transfers import Copies, blocking_copies, plan_of
from cosmalloc.greedy.uses import Bools, Ints
from cosmalloc.greedy.working_set import in_place_pairs
from cosmalloc.ilp.latency_rows import Program
from cosmalloc.in_place import updates_agree
from cosmalloc.plan import Plan
from cosmalloc.presence import Presence

ABSENT = -1
AHEAD = 1e-4  # price of a second loaded ahead, in seconds: decides between equals
TRIES = 24  # packings
EXACT = 0.1  # seconds for one exact packing
SHARES = (0.5, 0.8)  # of a use or link that the relaxation keeps, to keep it
NOTHING = 1e-7  # of a copy: less is none


def plans_of(program: Program, x: Floats, seconds: float, seed: int) -> Iterator[Plan]:
    """Legal plans with the solution's links, as far as offsets are found; the likely best first."""
    uses = program.uses
    on, kept = program.held.chosen(x)
    late = solution_with(program, on, kept, seconds, AHEAD)
    pairs = in_place_pairs(uses)
    stays = stays_of(uses, Choice.of(kept, on), pairs)
    copies = blocking_copies(
        uses, Choice.of(kept, on), stays, np.zeros(len(stays), np.int64), stays.before >= 0
    )
    blocking = _copied(copies)
    if late is not None and uses.problem.target.copy_engines > 0:
        _issue_loads(program, late, copies)
        _end_stores(program, late, copies)
        give_way(program, copies, blocking)
    if packed(program, stays, copies, blocking, seed):
        plan = plan_of(uses, copies)
        if updates_agree(uses.problem, plan):
            yield plan
    yield from _by_board(program, on, kept, seconds, seed)


def solution_with(
    program: Program, on: Bools, kept: Bools, seconds: float, price: float = 0.0
) -> Floats | None:
    """The quickest solution with these uses on chip and links kept; None if they have no room.

    price: of a second loaded ahead, in seconds.
    """
    fixed = {column: float(on[u]) for u, column in enumerate(program.held.x)}
    fixed |= {column: float(kept[u]) for u, column in program.held.kept.items()}
    cost = list(program.rows.cost)
    for column in program.ahead:
        cost[column] += price
    return program.rows.solve(seconds, whole=False, fixed=fixed, cost=cost).x


def plans_near(program: Program, x: Floats, seconds: float, seed: int) -> Iterator[Plan]:
    """Plans with the links that a solution of the relaxation keeps for the most part."""
    held = program.held
    kept = np.zeros(len(held.x), np.bool_)
    for share in SHARES:
        on = np.array([x[column] > share for column in held.x], np.bool_)
        for u, column in held.kept.items():
            kept[u] = x[column] > share
        on |= kept | np.append(False, kept)[: len(on)]
        yield from _by_board(program, on, kept.copy(), seconds / len(SHARES), seed)


def choice_of_plan(program: Program, plan: Plan) -> tuple[Bools, Bools]:
    """bool[U]: the uses that a plan of the program's order has on chip, and the links it keeps."""
    uses, here = program.uses, Presence.of(plan)
    starts = [
        here.start(t, step)
        for t, step in zip(uses.tensor.tolist(), uses.step.tolist(), strict=True)
    ]
    on = np.array([start is not None for start in starts], np.bool_)
    kept = np.zeros(len(on), np.bool_)
    for u in program.held.kept:
        kept[u] = starts[u] is not None and starts[u] == starts[u + 1]
    return on, kept


def _issue_loads(program: Program, x: Floats, copies: Copies) -> None:
    """Loads begin as in the module's formula; none is issued before one that is due earlier."""
    uses = program.uses
    lanes = zip(program.inward.wait, program.inward.step, strict=False)
    carried = np.cumsum([x[column] for pair in lanes for column in pair])
    seconds = copies.bytes / uses.problem.target.offchip_read_bytes_per_second / program.unit
    loaded = np.flatnonzero(copies.load[:, 0] >= 0)
    done, bar = 0.0, 0
    for k in loaded[np.lexsort((copies.bytes[loaded], copies.load[loaded, 1]))].tolist():
        begin = int(np.searchsorted(carried, done + NOTHING * seconds[k])) // 2
        due = int(copies.load[k, 1])
        begin = min(due, max(begin, bar, _ready(program, copies, k)))
        copies.load[k, 0] = copies.start[k] = bar = begin
        done += float(seconds[k])


def _ready(program: Program, copies: Copies, k: int) -> int:
    """The first border at which stay k may start to load."""
    uses, tensor = program.uses, int(copies.tensor[k])
    if k > 0 and copies.tensor[k - 1] == tensor:
        return int(max(copies.stop[k - 1], copies.store[k - 1, 1]))
    return int(uses.step[uses.begin[tensor]]) + 1 if uses.made[tensor] else 0


def _end_stores(program: Program, x: Floats, copies: Copies) -> None:
    """Stores take the seconds that steps leave of the channel, one after the other."""
    uses, roofline = program.uses, program.roofline
    on, _ = program.held.chosen(x)
    idle = roofline.idle(on) - np.array([x[c] for c in program.inward.step]) * program.unit
    seconds = copies.bytes / uses.problem.target.offchip_write_bytes_per_second
    stored = np.flatnonzero(copies.store[:, 0] >= 0)
    for k in stored[np.argsort(copies.store[stored, 0], kind="stable")].tolist():
        stop, need = int(copies.store[k, 0]), float(seconds[k])
        limit = int(copies.limit[k])
        if k + 1 < len(copies.tensor) and copies.tensor[k + 1] == copies.tensor[k]:
            limit = min(limit, int(copies.start[k + 1]))
        while stop < limit and need > NOTHING * seconds[k]:
            taken = min(max(0.0, float(idle[stop])), need)
            idle[stop] -= taken
            need -= taken
            stop += 1
        copies.store[k, 1] = stop
        copies.stop[k] = max(copies.stop[k], stop)


Windows = tuple[Ints, Ints, Ints, Ints]  # start, stop, load, store of every stay


def _copied(copies: Copies) -> Windows:
    return (copies.start.copy(), copies.stop.copy(), copies.load.copy(), copies.store.copy())


def give_way(program: Program, copies: Copies, blocking: Windows) -> None:
    """Copies are shorter where a step holds too much: the load due last, else the store.

    blocking: how the stays are when all copies block, and fit.
    """
    uses = program.uses
    size, room = uses.size[copies.tensor], uses.capacity
    starts, stops = blocking[0], blocking[1]
    for s in range(uses.steps):
        alive = (copies.start <= s) & (copies.stop > s)
        over = int(size[alive].sum()) - room
        loads = np.flatnonzero(alive & (starts > s))
        for k in loads[np.argsort(-starts[loads], kind="stable")].tolist():
            if over > 0:
                copies.load[k, 0] = copies.start[k] = s + 1
                over -= int(size[k])
        stores = np.flatnonzero(alive & (stops <= s))
        for k in stores[np.argsort(-size[stores], kind="stable")].tolist():
            if over > 0:
                copies.stop[k] = max(int(stops[k]), s)
                copies.store[k, 1] = min(copies.store[k, 1], copies.stop[k])
                over -= int(size[k])


def packed(program: Program, stays: Stays, copies: Copies, blocking: Windows, seed: int) -> bool:
    """Sets the offsets; windows of copies near what finds no place are halved until all do."""
    target = program.uses.problem.target
    align, room, group = target.alignment, target.scratchpad_bytes, stays.group
    for turn in range(TRIES):
        box = (copies.start, copies.stop, copies.bytes)
        offsets = native.portfolio(*box, alignment=align, capacity=room, alias=group).offsets
        if turn % 4 == 3 and (offsets == ABSENT).any():
            found = native.fit(*box, room, alignment=align, alias=group, seconds=EXACT, seed=seed)
            if found.interrupted:
                raise KeyboardInterrupt
            offsets = offsets if found.offsets is None else found.offsets
        if (offsets != ABSENT).all():
            copies.offset[:] = offsets
            return True
        if not _halve_near(copies, np.flatnonzero(offsets == ABSENT), blocking):
            return False
    return False


def _halve_near(copies: Copies, lost: Ints, blocking: Windows) -> bool:
    """Halves the windows of the stays without a place, or of those that they meet."""
    starts, stops = blocking[0], blocking[1]
    wide = (copies.start < starts) | (copies.stop > stops)
    near = np.zeros(len(wide), np.bool_)
    for k in lost.tolist():
        if wide[k]:
            near[k] = True
        else:
            near |= wide & (copies.start < copies.stop[k]) & (copies.stop > copies.start[k])
    for k in np.flatnonzero(near).tolist():
        begin = (int(copies.start[k]) + int(starts[k]) + 1) // 2
        if copies.load[k, 0] >= 0:
            copies.load[k, 0] = copies.start[k] = begin
        stop = (int(copies.stop[k]) + int(stops[k])) // 2
        copies.stop[k] = stop
        if copies.store[k, 0] >= 0:
            copies.store[k, 1] = max(copies.store[k, 0], min(int(copies.store[k, 1]), stop))
    return bool(near.any())


def _by_board(
    program: Program, on: Bools, kept: Bools, seconds: float, seed: int
) -> Iterator[Plan]:
    """The same links by the ways of `greedy`, which drop some where offsets are lacking."""
    uses, prices = program.uses, _prices(program, on)
    pairs = in_place_pairs(uses)
    board = pack(uses, kept, prices, pairs, seconds, seed)
    if prices.may_leave:
        board = agreed(board, pairs)
    yield from plans_on(board, pairs, program.roofline, turns_for("latency", uses.steps))


def _prices(program: Program, on: Bools) -> Prices:
    if program.uses.problem.target.operand_rule == "resident":
        return ResidentTraffic(program.uses)
    prices = AnywhereSeconds(program.uses, program.roofline, 0.5)
    prices.lone = on.copy()
    return prices
