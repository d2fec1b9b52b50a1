"""Kernels of randomly drawn networks."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import jax
from jaxlib.mlir import ir

from cosmalloc.cost_model.corpus.draw import Draw, Family
from cosmalloc.cost_model.kernel import digest, kernels_of, size_of
from cosmalloc.passes import context
from cosmalloc.passes.grouping import Policy

POLICIES: tuple[Policy, ...] = ("fuse", "single")
MOST_FLOPS = 2e9
MOST_BYTES = 64 << 20  # of a kernel's arguments and results


def generate(families: Mapping[str, Family], count: int, seed: int) -> Iterator[dict[str, Any]]:
    """About `count` distinct kernels, as many of each family, a model of each in turn.

    Rows hold text, source (family/number), family and policy.
    """
    seen: set[str] = set()
    left = {name: -(-count // len(families)) for name in families}
    number = 0
    while any(quota > 0 for quota in left.values()):
        for name, family in families.items():
            if left[name] <= 0:
                continue
            fresh = 0
            for row in model_kernels(family, name, number, seed):
                key = digest(row["text"])
                if key not in seen:
                    seen.add(key)
                    fresh += 1
                    yield row
            left[name] -= max(fresh, 1)
        number += 1


def model_kernels(family: Family, name: str, number: int, seed: int) -> Iterator[dict[str, Any]]:
    """The kernels of one drawn model under each policy."""
    function, arguments = family(Draw(zlib.crc32(f"{seed} {name} {number}".encode())))
    module = context.parse(_lowered(function, arguments), name)
    yield from module_kernels(module, f"{name}/{number}", name)


def module_kernels(module: ir.Module, source: str, family: str) -> Iterator[dict[str, Any]]:
    """The kernels of one program under each policy, as far as they are small enough to time."""
    seen: set[str] = set()
    for policy in POLICIES:
        for text in kernels_of(module, policy):
            if text not in seen and _fits(text):
                seen.add(text)
                yield {"text": text, "source": source, "family": family, "policy": policy}


def _lowered(function: Any, arguments: tuple[Any, ...]) -> str:
    return str(jax.jit(function).lower(*arguments).as_text())


def _fits(text: str) -> bool:
    flops, data = size_of(text)
    return flops <= MOST_FLOPS and data <= MOST_BYTES
