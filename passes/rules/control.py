"""Loops, branches and calls: the cost of their regions.

while     (trips + 1) * condition + trips * body
case, if  for every number the largest of the branches
call      the callee
"""

from __future__ import annotations

from jaxlib.mlir import ir

from cosmalloc.passes.rules.regions import captures, flow
from cosmalloc.passes.rules.rule import Cost, Node, Pairs, Rule, Value, free


def _while(node: Node) -> Cost:
    op, rules = node.op, node.rules
    trips = rules.trip_count(op)
    condition, body = (region.blocks[0] for region in op.regions)
    test, work = flow(rules, condition), flow(rules, body)

    def total(per_test: int, per_trip: int) -> int:
        return (trips + 1) * per_test + trips * per_trip

    def read(tested: Value, worked: Value) -> int:
        return total(test.read.get(tested, 0), work.read.get(worked, 0))

    carried = zip(condition.arguments, body.arguments, strict=True)
    by_carry = [read(tested, worked) for tested, worked in carried]
    outer = [read(value, value) for value in captures(op)]
    direct = _direct(op, {value: read(value, value) for value in op.operands})
    return Cost(
        total(test.flops, work.flops),
        total(test.transcendentals, work.transcendentals),
        (*map(sum, zip(by_carry, direct, strict=True)), *outer),
        tuple(trips * count for count in work.returned),
        total(test.inside + sum(test.returned), work.inside),
    )


def _branches(node: Node) -> Cost:
    op = node.op
    runs = [flow(node.rules, region.blocks[0]) for region in op.regions]

    def read(value: Value) -> int:
        return max(run.read.get(value, 0) for run in runs)

    selector = op.operands[0]
    return Cost(
        max(run.flops for run in runs),
        max(run.transcendentals for run in runs),
        (node.operands[0].bytes + read(selector), *map(read, captures(op))),
        tuple(map(max, zip(*(run.returned for run in runs), strict=True))),
        max(run.inside for run in runs),
    )


def _direct(op: ir.Operation, read: dict[Value, int]) -> list[int]:
    """What regions read of operands by their outer name: it counts at each one's first place."""
    return [read.pop(value, 0) for value in op.operands]


def _call(node: Node) -> Cost:
    return node.rules.callee_cost(node.op)


def _carries_in_place(node: Node) -> Pairs:
    """A carry may keep its start's storage: once per value, not if a region reads it by name."""
    pairs = []
    taken = _used_inside(node.op)
    for index, value in enumerate(node.op.operands):
        if value not in taken:
            pairs.append((index, index))
            taken.add(value)
    return tuple(pairs)


def _used_inside(op: ir.Operation) -> set[Value]:
    """Operands that a region of `op` also reads by their outer name."""
    return {
        value
        for value in op.operands
        if any(_inside(use.owner.operation, op) for use in value.uses)
    }


def _inside(op: ir.Operation, outer: ir.Operation) -> bool:
    while op.parent is not None:
        op = op.parent.operation
        if op == outer:
            return True
    return False


STRUCTURE = (
    *("builtin.module", "func.func", "func.return", "stablehlo.return"),
    *("sdy.mesh", "sdy.return", "sdy.sharding_group"),
)
RULES: dict[str, Rule] = {
    "stablehlo.while": Rule("control", _while, _carries_in_place),
    "stablehlo.case": Rule("control", _branches),
    "stablehlo.if": Rule("control", _branches),
    "func.call": Rule("structure", _call),
    "stablehlo.composite": Rule("structure", _call),
    **dict.fromkeys(STRUCTURE, Rule("structure", free)),
}
