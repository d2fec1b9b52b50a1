"""One-place mutations of a legal plan, each with the one law it breaks.

A mutation is offered only where it breaks that law and no other; the conditions are checked by
brute force, never by the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from cosmalloc.plan import Plan, Residency, Transfer
from cosmalloc.problem import Problem
from tests.widen import (
    covers,
    is_free,
    off_chip_needs,
    overwritten,
    share_bytes,
    updates_agree,
    updates_in_place,
    valid_from,
    with_copy,
    with_stay,
)


@dataclass(frozen=True)
class Mutation:
    """law: what `plan` breaks. name: how it was made."""

    law: int
    name: str
    plan: Plan


def mutations(problem: Problem, plan: Plan) -> Iterator[Mutation]:
    """All of them, every kind at every place."""
    for law, make in KINDS:
        for broken in make(problem, plan):
            if make in APART or law == 1 or updates_agree(problem, broken):
                yield Mutation(law, make.__name__.strip("_"), broken)


def _swap_of_dependents(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for step in range(1, len(plan.order)):
        one, two = plan.order[step - 1 : step + 1]
        if one in problem.predecessors(two):
            order = (*plan.order[: step - 1], two, one, *plan.order[step + 1 :])
            yield replace(plan, order=order)


def _operator_run_twice(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for step in range(1, len(plan.order)):
        order = (*plan.order[:step], plan.order[0], *plan.order[step + 1 :])
        yield replace(plan, order=order)


def _order_cut_short(problem: Problem, plan: Plan) -> Iterator[Plan]:
    yield replace(plan, order=plan.order[:-1])


def _unknown_operator(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for step in range(len(plan.order)):
        for operator in (-1, len(plan.order)):
            yield replace(plan, order=(*plan.order[:step], operator, *plan.order[step + 1 :]))


def _offset_into_a_neighbour(problem: Problem, plan: Plan) -> Iterator[Plan]:
    """A neighbour of another step span, lest the two look like a result made in place."""
    for index, stay in enumerate(plan.residencies):
        for other in plan.residencies:
            together = stay.start < other.stop and other.start < stay.stop
            fits = other.offset + _size(problem, stay) <= problem.target.scratchpad_bytes
            by_one = stay.stop - other.start == 1 or other.stop - stay.start == 1
            if together and fits and not by_one and other.tensor != stay.tensor:
                yield with_stay(plan, index, replace(stay, offset=other.offset))


def _the_same_stay_twice(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for stay in plan.residencies:
        if not _shares_in_place(problem, plan, stay):
            yield replace(plan, residencies=(*plan.residencies, stay))


def _operand_kept_under_its_result(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for index, stay in enumerate(plan.residencies):
        if overwritten(problem, plan, stay) and stay.stop < len(plan.order):
            yield with_stay(plan, index, replace(stay, stop=stay.stop + 1))


def _offset_off_the_grid(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for index, stay in enumerate(plan.residencies):
        moved = replace(stay, offset=stay.offset + 1)
        alone = not any(
            other is not stay
            and other.start < stay.stop
            and stay.start < other.stop
            and share_bytes(problem, moved, other)
            for other in plan.residencies
        )
        room = moved.offset + _size(problem, stay) <= problem.target.scratchpad_bytes
        if problem.target.alignment > 1 and room and alone:
            yield with_stay(plan, index, moved)


def _beyond_the_scratchpad(problem: Problem, plan: Plan) -> Iterator[Plan]:
    step = problem.target.alignment
    for index, stay in enumerate(plan.residencies):
        offset = -(-problem.target.scratchpad_bytes // step) * step
        yield with_stay(plan, index, replace(stay, offset=offset))


def _beyond_the_last_step(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for index, stay in enumerate(plan.residencies):
        if stay.stop == len(plan.order) and not overwritten(problem, plan, stay):
            yield with_stay(plan, index, replace(stay, stop=stay.stop + 1))


def _stay_of_a_stranger(problem: Problem, plan: Plan) -> Iterator[Plan]:
    untracked = [t for t, tensor in enumerate(problem.tensors) if not tensor.tracked]
    for tensor in (*untracked, len(problem.tensors)):
        yield replace(plan, residencies=(*plan.residencies, Residency(tensor, 0, 0, 1)))


def _load_dropped(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for index, copy in enumerate(plan.transfers):
        if copy.kind == "load":
            yield _without(plan, index)


def _load_twice(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for copy in plan.transfers:
        if copy.kind == "load":
            yield replace(plan, transfers=(*plan.transfers, copy))


def _load_late(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for index, copy in enumerate(plan.transfers):
        late = replace(copy, start=copy.start + 1, stop=max(copy.stop, copy.start + 1))
        starts = {stay.start for stay in plan.residencies if stay.tensor == copy.tensor}
        if copy.kind == "load" and late.stop <= len(plan.order) and late.start not in starts:
            yield with_copy(plan, index, late)


def _load_early(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for index, copy in enumerate(plan.transfers):
        starts = {stay.start for stay in plan.residencies if stay.tensor == copy.tensor}
        if copy.kind == "load" and copy.start > 0 and copy.start - 1 not in starts:
            yield with_copy(plan, index, replace(copy, start=copy.start - 1))


def _load_until_after_the_use(problem: Problem, plan: Plan) -> Iterator[Plan]:
    """Under `resident` the first use is law 4's; a load that fills its stay always is."""
    for index, copy in enumerate(plan.transfers):
        if copy.kind != "load" or _stores(plan, copy.tensor):
            continue
        stay = _started_by(plan, copy)
        uses = [s for s in _reads(problem, plan, copy.tensor) if stay.start <= s < stay.stop]
        if uses and problem.target.operand_rule == "resident":
            yield with_copy(plan, index, replace(copy, stop=uses[0] + 1))
        yield with_copy(plan, index, replace(copy, stop=stay.stop))
        yield with_copy(plan, index, replace(copy, stop=len(plan.order) + 1))


def _load_of_a_stranger(problem: Problem, plan: Plan) -> Iterator[Plan]:
    untracked = [t for t, tensor in enumerate(problem.tensors) if not tensor.tracked]
    for tensor in (*untracked, len(problem.tensors)):
        yield replace(plan, transfers=(*plan.transfers, Transfer(tensor, "load", 0, 0)))


def _load_into_the_blue(problem: Problem, plan: Plan) -> Iterator[Plan]:
    """A load of an input that starts no stay."""
    for tensor in _inputs(problem):
        for border in range(len(plan.order) + 1):
            if all(stay.start != border for stay in plan.residencies if stay.tensor == tensor):
                load = Transfer(tensor, "load", border, border)
                yield replace(plan, transfers=(*plan.transfers, load))


def _stay_from_nothing(problem: Problem, plan: Plan) -> Iterator[Plan]:
    """A stay that starts one step before its cause."""
    for index, stay in enumerate(plan.residencies):
        made_by = problem.producer[stay.tensor]
        made_before = made_by is not None and plan.order.index(made_by) == stay.start - 1
        free = stay.start > 0 and is_free(problem, plan, stay, stay.start - 1, stay.start)
        if free and not made_before and not _shares_in_place(problem, plan, stay):
            yield with_stay(plan, index, replace(stay, start=stay.start - 1))


def _result_comes_late(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for index, stay in enumerate(plan.residencies):
        stored = any(copy.start == stay.start + 1 for copy in _stores(plan, stay.tensor))
        if _is_produced(problem, plan, stay) and stay.stop - stay.start > 1 and not stored:
            yield with_stay(plan, index, replace(stay, start=stay.start + 1))


def _store_dropped_before_a_load(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for tensor, index in _only_stores(problem, plan):
        loads = [c for c in plan.transfers if c.kind == "load" and c.tensor == tensor]
        direct = len(off_chip_needs(problem, plan, tensor)) > len(loads)
        # a direct read in a load's window reads what the load reads and is no need of its own
        if loads and not direct and problem.tensors[tensor].kind != "output":
            yield _without(plan, index)


def _store_too_late_for_a_load(problem: Problem, plan: Plan) -> Iterator[Plan]:
    """The store moves behind the load, into the stay that the load starts."""
    for tensor, index in _only_stores(problem, plan):
        needs = off_chip_needs(problem, plan, tensor)
        for load in (c for c in plan.transfers if c.kind == "load" and c.tensor == tensor):
            border = max(load.start + 1, load.stop)
            stay = _started_by(plan, load)
            inside = border <= stay.stop - overwritten(problem, plan, stay)
            if len(needs) == 1 and inside:
                yield with_copy(plan, index, Transfer(tensor, "store", border, border))


def _store_from_off_chip(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for tensor in _inputs(problem):
        for border in range(len(plan.order) + 1):
            stays = [r for r in plan.residencies if r.tensor == tensor]
            if not any(r.start < border <= r.stop for r in stays) and not _takers(
                problem, plan, tensor
            ):
                store = Transfer(tensor, "store", border, border)
                yield replace(plan, transfers=(*plan.transfers, store))


def _store_outlives_the_stay(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for index, copy in enumerate(plan.transfers):
        if copy.kind != "store":
            continue
        stay = next(
            r
            for r in plan.residencies
            if r.tensor == copy.tensor and r.start < copy.start <= copy.stop <= r.stop
        )
        needs = off_chip_needs(problem, plan, copy.tensor)
        alone = len(_stores(plan, copy.tensor)) == 1
        late = alone and any(need <= stay.stop for need in needs)
        if not overwritten(problem, plan, stay) and not late:
            yield with_copy(plan, index, replace(copy, stop=stay.stop + 1))


def _store_of_a_stranger(problem: Problem, plan: Plan) -> Iterator[Plan]:
    untracked = [t for t, tensor in enumerate(problem.tensors) if not tensor.tracked]
    for tensor in (*untracked, len(problem.tensors)):
        yield replace(plan, transfers=(*plan.transfers, Transfer(tensor, "store", 0, 0)))


def _stay_cut_before_its_last_use(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for index, stay in enumerate(plan.residencies):
        last = stay.stop - 1
        stored = any(copy.stop == stay.stop for copy in _stores(plan, stay.tensor))
        load = [c for c in plan.transfers if c.kind == "load" and c.tensor == stay.tensor]
        loading = any(c.start == stay.start and c.stop >= last for c in load)
        valid = valid_from(problem, plan, stay.tensor)
        off_chip = problem.target.operand_rule == "anywhere" and valid is not None and valid <= last
        if (
            last > stay.start
            and last in _reads(problem, plan, stay.tensor)
            and not (stored or loading or off_chip)
        ):
            yield with_stay(plan, index, replace(stay, stop=last))


def _result_nowhere(problem: Problem, plan: Plan) -> Iterator[Plan]:
    """Under `resident` a result that nobody wants still needs a place."""
    for index, stay in enumerate(plan.residencies):
        unread = not problem.readers[stay.tensor] and not _stores(plan, stay.tensor)
        made = _is_produced(problem, plan, stay)
        if unread and made and problem.target.operand_rule == "resident":
            stays = (*plan.residencies[:index], *plan.residencies[index + 1 :])
            yield replace(plan, residencies=stays)


def _store_dropped_before_a_direct_read(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for tensor, index in _only_stores(problem, plan):
        loads = [c for c in plan.transfers if c.kind == "load" and c.tensor == tensor]
        needs = off_chip_needs(problem, plan, tensor)
        if needs and not loads and problem.tensors[tensor].kind != "output":
            yield _without(plan, index)


def _result_away_from_what_it_updates(problem: Problem, plan: Plan) -> Iterator[Plan]:
    """Made at another free place."""
    for step, operands, result in updates_in_place(problem, plan):
        for index, stay in enumerate(plan.residencies):
            if (stay.tensor, stay.start) != (result, step) or overwritten(problem, plan, stay):
                continue
            for offset in range(
                0,
                problem.target.scratchpad_bytes - _size(problem, stay) + 1,
                problem.target.alignment,
            ):
                moved = with_stay(plan, index, replace(stay, offset=offset))
                free = is_free(problem, moved, moved.residencies[index], stay.start, stay.stop)
                on_chip = all(covers(plan, operand, step) for operand in operands)
                if free and on_chip and not updates_agree(problem, moved):
                    yield moved


def _operand_left_on_chip_by_its_update(problem: Problem, plan: Plan) -> Iterator[Plan]:
    """The result is written off-chip, the operand's stay goes on through that step."""
    for step, _, result in updates_in_place(problem, plan):
        for index, stay in enumerate(plan.residencies):
            if (
                stay.stop <= step
                and not covers(plan, result, step)
                and not overwritten(problem, plan, stay)
                and is_free(problem, plan, stay, stay.stop, step + 1)
            ):
                longer = with_stay(plan, index, replace(stay, stop=step + 1))
                if not updates_agree(problem, longer):
                    yield longer


def _output_never_stored(problem: Problem, plan: Plan) -> Iterator[Plan]:
    for tensor, index in _only_stores(problem, plan):
        wanted = off_chip_needs(problem, plan, tensor)
        if problem.tensors[tensor].kind == "output" and not wanted:
            yield _without(plan, index)


KINDS: tuple[tuple[int, Callable[[Problem, Plan], Iterator[Plan]]], ...] = (
    (1, _swap_of_dependents),
    (1, _operator_run_twice),
    (1, _order_cut_short),
    (1, _unknown_operator),
    (2, _offset_into_a_neighbour),
    (2, _the_same_stay_twice),
    (2, _operand_kept_under_its_result),
    (3, _offset_off_the_grid),
    (3, _beyond_the_scratchpad),
    (3, _beyond_the_last_step),
    (3, _stay_of_a_stranger),
    (4, _load_dropped),
    (4, _load_twice),
    (4, _load_early),
    (4, _load_late),
    (4, _load_until_after_the_use),
    (4, _load_of_a_stranger),
    (4, _load_into_the_blue),
    (4, _stay_from_nothing),
    (4, _result_comes_late),
    (5, _store_dropped_before_a_load),
    (5, _store_too_late_for_a_load),
    (5, _store_from_off_chip),
    (5, _store_outlives_the_stay),
    (5, _store_of_a_stranger),
    (6, _stay_cut_before_its_last_use),
    (6, _result_nowhere),
    (6, _store_dropped_before_a_direct_read),
    (6, _result_away_from_what_it_updates),
    (6, _operand_left_on_chip_by_its_update),
    (7, _output_never_stored),
)
APART = {_result_away_from_what_it_updates, _operand_left_on_chip_by_its_update}


def _size(problem: Problem, stay: Residency) -> int:
    return problem.tensors[stay.tensor].bytes


def _without(plan: Plan, index: int) -> Plan:
    return replace(plan, transfers=(*plan.transfers[:index], *plan.transfers[index + 1 :]))


def _stores(plan: Plan, tensor: int) -> list[Transfer]:
    return [c for c in plan.transfers if c.kind == "store" and c.tensor == tensor]


def _only_stores(problem: Problem, plan: Plan) -> Iterator[tuple[int, int]]:
    """(tensor, index of its store) for produced tensors that nothing else makes valid off-chip."""
    for index, copy in enumerate(plan.transfers):
        alone = copy.kind == "store" and len(_stores(plan, copy.tensor)) == 1
        made = any(
            r.tensor == copy.tensor and _is_produced(problem, plan, r) for r in plan.residencies
        )
        if alone and made:
            yield copy.tensor, index


def _started_by(plan: Plan, load: Transfer) -> Residency:
    return next(r for r in plan.residencies if r.tensor == load.tensor and r.start == load.start)


def _is_produced(problem: Problem, plan: Plan, stay: Residency) -> bool:
    made_by = problem.producer[stay.tensor]
    return made_by is not None and plan.order.index(made_by) == stay.start


def _reads(problem: Problem, plan: Plan, tensor: int) -> list[int]:
    return [s for s, o in enumerate(plan.order) if tensor in problem.operators[o].inputs]


def _inputs(problem: Problem) -> list[int]:
    return [t for t, x in enumerate(problem.tensors) if x.tracked and x.kind in ("input", "weight")]


def _takers(problem: Problem, plan: Plan, tensor: int) -> bool:
    """Whether some stay of the tensor is overwritten in place."""
    return any(r.tensor == tensor and overwritten(problem, plan, r) for r in plan.residencies)


def _shares_in_place(problem: Problem, plan: Plan, stay: Residency) -> bool:
    return any(
        other is not stay
        and other.start < stay.stop
        and stay.start < other.stop
        and share_bytes(problem, stay, other)
        for other in plan.residencies
    )
