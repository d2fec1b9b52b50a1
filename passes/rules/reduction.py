"""Operations that combine many elements into one, and those that order them.

reduce              (input - output elements) * body    a sum of k elements takes k - 1 additions
reduce_window       output elements * (window - 1) * body           padding counts, as in XLA
select_and_scatter  source elements * ((window - 1) * select + scatter)
sort                elements * ceil(log2(length)) * comparator
top_k               elements * ceil(log2(k)), a heap of k
batch_norm          E elements, F features: training 7 E + 4 F, inference 3 E + 2 F,
                    grad 8 E + 6 F, and F roots each
"""

from __future__ import annotations

from math import prod

from cosmalloc.passes.rules.rule import Cost, Node, Rule
from cosmalloc.passes.rules.windows import touched, windows_of

_REDUCTION = ("window_strides", "base_dilations", "window_dilations")


def _times(node: Node, count: int, region: int = 0) -> tuple[int, int]:
    """(flops, transcendentals) of `count` runs of a region."""
    flops, transcendentals = node.region(region)
    return count * flops, count * transcendentals


def _reduce(node: Node) -> Cost:
    count = max(0, node.operands[0].elements - node.results[0].elements)
    flops, transcendentals = _times(node, count)
    return node.all_bytes(flops=flops, transcendentals=transcendentals)


def _reduce_window(node: Node) -> Cost:
    window = node.numbers("window_dimensions", ())
    count = node.results[0].elements * max(0, prod(window) - 1)
    flops, transcendentals = _times(node, count)
    sizes = tuple(zip(node.operands[0].shape, node.results[0].shape, window, strict=True))
    held = prod(touched(w) for w in windows_of(node, sizes, _REDUCTION))
    half = len(node.operands) // 2  # inputs, then their initial values
    read = (
        *(s.bytes_of(held) for s in node.operands[:half]),
        *(s.bytes for s in node.operands[half:]),
    )
    return node.all_bytes(flops=flops, transcendentals=transcendentals, read=read)


def _select_and_scatter(node: Node) -> Cost:
    source = node.operands[1].elements
    window = prod(node.numbers("window_dimensions", ()))
    select = _times(node, source * max(0, window - 1), 0)
    scatter = _times(node, source, 1)
    return node.all_bytes(flops=select[0] + scatter[0], transcendentals=select[1] + scatter[1])


def _sort(node: Node) -> Cost:
    shape = node.operands[0].shape
    length = shape[node.number("dimension", -1)] if shape else 1
    count = node.operands[0].elements * max(0, length - 1).bit_length()
    flops, transcendentals = _times(node, count)
    return node.all_bytes(flops=flops, transcendentals=transcendentals)


def _top_k(node: Node) -> Cost:
    k = node.results[0].shape[-1]
    return node.all_bytes(flops=node.operands[0].elements * max(1, max(0, k - 1).bit_length()))


def _scan(node: Node) -> Cost:
    """The body runs once per position of the scanned dimension, on slices."""
    steps = node.operands[0].shape[node.number("dimension", 0)]
    flops, transcendentals = _times(node, steps)
    return node.all_bytes(flops=flops, transcendentals=transcendentals)


def _batch_norm(per_element: int, per_feature: int) -> Rule:
    def cost(node: Node) -> Cost:
        elements, features = node.operands[0].elements, node.operands[1].elements
        flops = per_element * elements + per_feature * features
        return node.all_bytes(flops=flops, transcendentals=features)

    return Rule("kernel", cost)


RULES: dict[str, Rule] = {
    "stablehlo.reduce": Rule("kernel", _reduce),
    "stablehlo.reduce_window": Rule("kernel", _reduce_window),
    "stablehlo.select_and_scatter": Rule("kernel", _select_and_scatter),
    "stablehlo.sort": Rule("kernel", _sort),
    "chlo.top_k": Rule("kernel", _top_k),
    "chlo.scan": Rule("kernel", _scan),
    "stablehlo.batch_norm_training": _batch_norm(7, 4),
    "stablehlo.batch_norm_inference": _batch_norm(3, 2),
    "stablehlo.batch_norm_grad": _batch_norm(8, 6),
}
