"""Operations that make or move elements without arithmetic, and the indexed reads and updates.

A slice reads what it keeps; a gather and a dynamic_slice read as much as they return; a
dynamic_update_slice and a scatter work in place: they write their update, and read the part they
combine with, if they combine.
"""

from __future__ import annotations

from math import prod

from jaxlib.mlir import ir

from cosmalloc.passes.rules.rule import Cost, Node, Pairs, Rule, free, named
from cosmalloc.passes.rules.views import view_if
from cosmalloc.passes.rules.windows import hits


def _copy(node: Node) -> Cost:
    return node.all_bytes()


def _make(node: Node) -> Cost:
    """Results alone; an operand only lends its type."""
    return node.all_bytes(read=(0,) * len(node.operands))


def _slice(node: Node) -> Cost:
    """Reads of operand 0 as many elements as the result has; the other operands are indices."""
    kept = node.operands[0].bytes_of(node.results[0].elements)
    return node.all_bytes(read=(kept, *(s.bytes for s in node.operands[1:])))


def _keeps_all(node: Node) -> bool:
    """A slice of everything, a concatenation of one operand: the operand under another name."""
    return node.operands[0].shape == node.results[0].shape


def _pads_nothing(node: Node) -> bool:
    low, high = node.numbers("edge_padding_low", ()), node.numbers("edge_padding_high", ())
    return _keeps_all(node) and not any(low) and not any(high)


def _pad(node: Node) -> Cost:
    """Negative padding drops elements: they are not read."""
    before, after = node.operands[0], node.results[0]
    low = node.numbers("edge_padding_low", ())
    interior = node.numbers("interior_padding", ())
    kept = prod(
        hits(n, interior[d] + 1, low[d], after.shape[d], 1) for d, n in enumerate(before.shape)
    )
    return node.all_bytes(read=(before.bytes_of(kept), node.operands[1].bytes))


def _dynamic_update_slice(node: Node) -> Cost:
    read = (0, *(s.bytes for s in node.operands[1:]))
    return Cost(0, 0, read, (node.results[0].bytes_of(node.operands[1].elements),))


def _first_in_place(node: Node) -> Pairs:
    return ((0, 0),)


def _scatter(node: Node) -> Cost:
    """n inputs, indices, n updates -> n results; flops = update elements * body."""
    count = len(node.results)
    inputs, updates = node.operands[:count], node.operands[count + 1 :]
    elements = updates[0].elements
    flops, transcendentals = node.region()
    part = tuple(s.bytes_of(elements) for s in inputs)
    before = part if _combines(node) else (0,) * count
    read = (*before, node.operands[count].bytes, *(s.bytes for s in updates))
    return Cost(elements * flops, elements * transcendentals, read, part)


def _combines(node: Node) -> bool:
    """Whether the body looks at what was there: not if it returns its update arguments alone."""
    block = node.op.regions[0].blocks[0]
    arguments = list(block.arguments)[len(node.results) :]
    returned = list(block.operations[len(block.operations) - 1].operands)
    return returned != arguments


def _results_in_place(node: Node) -> Pairs:
    return tuple((index, index) for index in range(len(node.results)))


def _collective(node: Node) -> Cost:
    """Within groups of one participant a collective copies.

    A wider one takes seconds on an interconnect of which no target says anything.
    """
    if _participants(node) != 1:
        raise node.fault(
            "exchanges data with other devices, and no target describes the interconnect",
            "map the program of one device (export it without collectives)",
        )
    return node.all_bytes()


def _participants(node: Node) -> int:
    """Devices per group, 0 where the attribute does not say."""
    pairs = node.attribute("source_target_pairs")
    if pairs is not None:
        flat = node.numbers("source_target_pairs", ())
        return 1 if flat[::2] == flat[1::2] else 2
    groups = node.attribute("replica_groups")
    if groups is None or not isinstance(groups, ir.DenseElementsAttr):
        return 0
    return int(ir.ShapedType(groups.type).get_dim_size(1)) if len(groups) else 0


_COLLECTIVES = named(
    "stablehlo",
    "all_gather all_reduce all_to_all collective_broadcast collective_permute cross-replica-sum "
    "reduce_scatter",
)

RULES: dict[str, Rule] = {
    "stablehlo.constant": Rule("constant", free),
    "chlo.constant": Rule("constant", free),
    "chlo.constant_like": Rule("constant", _make),
    "stablehlo.iota": Rule("constant", _make),
    "stablehlo.get_dimension_size": Rule("constant", _make),
    "stablehlo.partition_id": Rule("constant", _make),
    "stablehlo.replica_id": Rule("constant", _make),
    "stablehlo.broadcast": Rule("broadcast", _copy),
    "stablehlo.slice": view_if(_keeps_all, "movement", _slice),
    "stablehlo.reverse": Rule("movement", _copy),
    "stablehlo.concatenate": view_if(_keeps_all, "kernel", _copy),
    "stablehlo.pad": view_if(_pads_nothing, "kernel", _pad),
    "stablehlo.dynamic_slice": view_if(_keeps_all, "kernel", _slice),
    "stablehlo.gather": Rule("kernel", _slice),
    "stablehlo.torch_index_select": Rule("kernel", _slice),
    "stablehlo.dynamic_update_slice": Rule("kernel", _dynamic_update_slice, _first_in_place),
    "stablehlo.scatter": Rule("kernel", _scatter, _results_in_place),
    **dict.fromkeys(_COLLECTIVES, Rule("kernel", _collective)),
}
