"""Operations that make each output element from the input elements at the same place.

    flops = output elements            for arithmetic, comparisons, conversions
    transcendentals = output elements  for the functions in TRANSCENDENTAL

One complex operation counts as one, as in XLA's HloCostAnalysis.
"""

from __future__ import annotations

from cosmalloc.passes.rules.rule import Cost, Node, Rule, named

ARITHMETIC = named(
    "stablehlo",
    "abs add and ceil clamp compare complex convert count_leading_zeros divide floor imag "
    "is_finite maximum minimum multiply negate not or popcnt real reduce_precision remainder "
    "round_nearest_afz round_nearest_even select shift_left shift_right_arithmetic "
    "shift_right_logical sign subtract uniform_dequantize uniform_quantize xor",
)
TRANSCENDENTAL = named(
    "stablehlo",
    "atan2 cbrt cosine exponential exponential_minus_one log log_plus_one logistic power rsqrt "
    "sine sqrt tan tanh",
)
CHLO_ARITHMETIC = named(
    "chlo",
    "conj is_inf is_neg_inf is_pos_inf mulhi next_after square broadcast_add broadcast_and "
    "broadcast_compare broadcast_complex broadcast_divide broadcast_maximum broadcast_minimum "
    "broadcast_multiply broadcast_next_after broadcast_or broadcast_remainder broadcast_select "
    "broadcast_shift_left broadcast_shift_right_arithmetic broadcast_shift_right_logical "
    "broadcast_subtract broadcast_xor",
)
CHLO_TRANSCENDENTAL = named(
    "chlo",
    "_asin_acos_kernel acos acosh asin asinh atan atanh bessel_i1e broadcast_atan2 "
    "broadcast_polygamma broadcast_power broadcast_zeta cosh digamma erf erf_inv erfc lgamma "
    "polygamma sinh tan zeta",
)


def _arithmetic(node: Node) -> Cost:
    return node.all_bytes(flops=node.results[0].elements)


def _transcendental(node: Node) -> Cost:
    return node.all_bytes(transcendentals=node.results[0].elements)


def _map(node: Node) -> Cost:
    """flops = output elements * flops of the body."""
    flops, transcendentals = node.region()
    elements = node.results[0].elements
    return node.all_bytes(flops=elements * flops, transcendentals=elements * transcendentals)


BY_NAME = (*ARITHMETIC, *TRANSCENDENTAL, *CHLO_ARITHMETIC, *CHLO_TRANSCENDENTAL)
RULES: dict[str, Rule] = {
    **dict.fromkeys((*ARITHMETIC, *CHLO_ARITHMETIC), Rule("elementwise", _arithmetic)),
    **dict.fromkeys((*TRANSCENDENTAL, *CHLO_TRANSCENDENTAL), Rule("elementwise", _transcendental)),
    "stablehlo.map": Rule("elementwise", _map),
}
