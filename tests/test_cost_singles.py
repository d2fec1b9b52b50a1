"""Drawn single operations are kernels that XLA compiles."""

from __future__ import annotations

from itertools import islice

import pytest

from cosmalloc.cost_model.corpus.singles import FAMILIES, singles
from cosmalloc.cost_model.kernel import digest, size_of
from cosmalloc.passes import context
from cosmalloc.passes.kernels import compile_module


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_draws_the_same_kernels(family: str) -> None:
    first, again, other = (
        [row["text"] for row in singles({family: 6}, seed)] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert len(set(map(digest, first))) > 4


@pytest.mark.parametrize("family", FAMILIES)
def test_drawn_kernels_compile(family: str) -> None:
    for row in islice(singles({family: 4}, 3), 4):
        assert size_of(row["text"])[1] > 0
        compile_module(context.to_bytecode(context.parse(row["text"], family)))
