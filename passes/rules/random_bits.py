"""Random bits: integer arithmetic per 32-bit word.

    threefry2x32  2 words: 20 rounds of (add, rotate = 3, xor), 5 key injections of 3 additions
                  20 * 5 + 5 * 3 = 115, 58 per word
    philox4x32    4 words: 10 rounds of (4 multiplications, 4 xors, 2 key additions), 25 per word

Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011. `DEFAULT` counts
as philox. `rng` scales and shifts each number (2 flops); a normal one takes a transcendental more.
"""

from __future__ import annotations

from math import ceil

from jaxlib.mlir.dialects import stablehlo

from cosmalloc.passes.rules.rule import Cost, Node, Rule
from cosmalloc.passes.rules.sizes import Shaped

_PER_WORD = {"THREE_FRY": 58, "PHILOX": 25, "DEFAULT": 25}


def _words(made: Shaped) -> int:
    return ceil(made.elements * made.bits / 32)


def _rng_bit_generator(node: Node) -> Cost:
    algorithm = stablehlo.RngAlgorithmAttr(node.attribute("rng_algorithm")).value
    return node.all_bytes(flops=_PER_WORD[algorithm] * _words(node.results[-1]))


def _rng(node: Node) -> Cost:
    distribution = stablehlo.RngDistributionAttr(node.attribute("rng_distribution")).value
    made = node.results[0]
    flops = _PER_WORD["DEFAULT"] * _words(made) + 2 * made.elements
    return node.all_bytes(
        flops=flops, transcendentals=made.elements if distribution == "NORMAL" else 0
    )


RULES: dict[str, Rule] = {
    "stablehlo.rng": Rule("kernel", _rng),
    "stablehlo.rng_bit_generator": Rule("kernel", _rng_bit_generator),
}
