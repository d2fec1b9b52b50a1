"""Which rule an operation has: every family's table in one.

To add a rule: write its cost function in the file of its family and name it in that file's `RULES`.
A `custom_call` target goes to `custom_call.TARGETS`, an operation that can't be mapped to
`unsupported.REASONS`.
"""

from __future__ import annotations

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes.rules import (
    contraction,
    control,
    elementwise,
    movement,
    random_bits,
    reduction,
    views,
)
from cosmalloc.passes.rules.custom_call import TARGETS
from cosmalloc.passes.rules.location import where
from cosmalloc.passes.rules.rule import Cost, Node, Rule
from cosmalloc.passes.rules.unsupported import CALLS, REASONS

OPAQUE = "mem.opaque"  # marks an operation that nobody knows and the user lets through


def _bytes_alone(node: Node) -> Cost:
    return node.all_bytes()


BLACK_BOX = Rule("kernel", _bytes_alone)
RULES: dict[str, Rule] = {
    **elementwise.RULES,
    **contraction.RULES,
    **movement.RULES,
    **reduction.RULES,
    **random_bits.RULES,
    **views.RULES,
    **control.RULES,
}


def find(op: ir.Operation) -> Rule:
    """The operation's rule; InputError says why there is none."""
    if OPAQUE in op.attributes:
        return BLACK_BOX
    name = op.name
    if name == "stablehlo.custom_call":
        return _custom_call(op)
    if name == "stablehlo.composite":
        return _composite(op)
    rule = RULES.get(name)
    if rule is not None:
        return rule
    if name in REASONS:
        fact, hint = REASONS[name]
        raise InputError(f"{where(op)} {fact}", hint)
    raise InputError(f"{where(op)} has no rule", "add one to the tables of `passes/rules`")


def _composite(op: ir.Operation) -> Rule:
    """`stablehlo.composite "chlo.erf"` is how erf is exported: its name says what it means."""
    name = ir.StringAttr(op.attributes["name"]).value
    known = name in elementwise.BY_NAME or name in ("chlo.top_k", "chlo.ragged_dot")
    return RULES[name if known else "stablehlo.composite"]


def _custom_call(op: ir.Operation) -> Rule:
    target = ir.StringAttr(op.attributes["call_target_name"]).value
    rule = TARGETS.get(target)
    if target in CALLS:
        fact, hint = CALLS[target]
        raise InputError(f"{where(op)} {fact}", hint)
    if rule is None:
        raise InputError(
            f"{where(op)} calls `{target}`, whose cost is unknown",
            "add a rule to `TARGETS` in `passes/rules/custom_call.py`",
        )
    return rule
