"""`custom_call` by its target.

    getrf  m n k - (m + n) k^2 / 2 + k^3 / 3, doubled          k = min(m, n)
    geqrf, orgqr  twice that of getrf                          LAPACK Working Note 41, leading terms
    syevd  9 n^3       geev  25 n^3       gesdd  6 m n^2 + 20 n^3, m >= n
                       Golub and Van Loan, Matrix Computations, sections 8.3, 7.5, 8.6

`mhlo.X` and `chlo.X` behave as the element-wise operation X. Sharding marks and the copies
`mem.load` and `mem.store` leave the value as it is: a mapped module reads back as the unmapped one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import prod

from cosmalloc.passes.rules import elementwise, reduction
from cosmalloc.passes.rules.rule import Cost, Node, Pairs, Rule
from cosmalloc.passes.rules.views import EACH

_Count = Callable[[int, int], int]  # (rows, columns) of one matrix -> flops


def _getrf(m: int, n: int) -> int:
    k = min(m, n)
    return (6 * m * n * k - 3 * (m + n) * k**2 + 2 * k**3) // 3


def _geqrf(m: int, n: int) -> int:
    return 2 * _getrf(m, n)


def _gesdd(m: int, n: int) -> int:
    rows, columns = max(m, n), min(m, n)
    return 6 * rows * columns**2 + 20 * columns**3


_FACTORISATIONS: dict[str, _Count] = {
    "getrf": _getrf,
    "geqrf": _geqrf,
    "geqp3": _geqrf,
    "orgqr": _geqrf,
    "ungqr": _geqrf,
    "potrf": lambda m, n: n**3 // 3,
    "syevd": lambda m, n: 9 * n**3,
    "heevd": lambda m, n: 9 * n**3,
    "gesdd": _gesdd,
    "gesvd": _gesdd,
    "geev": lambda m, n: 25 * n**3,
}
_XLA_NAMES = {
    "Qr": "geqrf",
    "ProductOfElementaryHouseholderReflectors": "orgqr",
    "LuDecomposition": "getrf",
    "Eigh": "syevd",
}
_TOP_K = ("TopK", "mhlo.topk", "chlo.top_k")
_VIEWS = (
    *("Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape", "xla.sdy.FuncResultSharding"),
    *("annotate_device_placement", "LayoutConstraint", "MoveToHost", "MoveToDevice"),
    *("mem.load", "mem.store"),
)


def _factorisation(count: _Count) -> Callable[[Node], Cost]:
    def cost(node: Node) -> Cost:
        *batch, m, n = node.operands[0].shape
        return node.all_bytes(flops=prod(batch) * count(m, n))

    return cost


def _triangular(node: Node) -> Cost:
    """Operand 0 holds the triangle, operand 1 the right-hand sides."""
    return node.all_bytes(flops=node.operands[0].shape[-1] * node.operands[1].elements)


def aliases(node: Node) -> Pairs:
    """What `output_operand_aliases` lets share storage."""
    text = str(node.attribute("output_operand_aliases", ""))
    found = re.findall(r"output_tuple_indices = \[(\d*)\],\s*operand_index = (\d+)", text)
    return tuple((int(result or 0), int(operand)) for result, operand in found)


def _target_rules() -> dict[str, Rule]:
    rules = {}
    for name, count in _FACTORISATIONS.items():
        for letter in "sdcz":
            rules[f"lapack_{letter}{name}_ffi"] = Rule("kernel", _factorisation(count), aliases)
    for letter in "sdcz":
        rules[f"lapack_{letter}trsm_ffi"] = Rule("kernel", _triangular, aliases)
    for name, routine in _XLA_NAMES.items():
        rules[name] = Rule("kernel", _factorisation(_FACTORISATIONS[routine]), aliases)
    for name in elementwise.BY_NAME:
        operation = name.partition(".")[2]
        rules[f"mhlo.{operation}"] = rules[f"chlo.{operation}"] = elementwise.RULES[name]
    rules.update(dict.fromkeys(_TOP_K, reduction.RULES["chlo.top_k"]))
    rules.update(dict.fromkeys(_VIEWS, EACH))
    return rules


TARGETS: dict[str, Rule] = _target_rules()
