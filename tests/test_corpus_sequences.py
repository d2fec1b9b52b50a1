"""The families of the corpus that work on sequences, tables and graphs."""

from __future__ import annotations

import jax
import pytest

from cosmalloc.cost_model.corpus.draw import Draw
from cosmalloc.cost_model.corpus.fit import MOST_ELEMENTS
from cosmalloc.cost_model.corpus.sequences import SEQUENCES

NAMES = sorted(SEQUENCES)


def _text(name: str, seed: int) -> str:
    function, arguments = SEQUENCES[name](Draw(seed))
    return jax.jit(function).lower(*arguments).as_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_draws_one_model_and_another_seed_another(name: str) -> None:
    first = _text(name, 1)
    assert first == _text(name, 1)
    assert first != _text(name, 2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3, 6))
def test_arguments_are_small_and_of_the_drawn_dtype(name: str, seed: int) -> None:
    draw = Draw(seed)
    _, arguments = SEQUENCES[name](draw)
    allowed = {draw.dtype, "int32"} | ({"int8"} if name.startswith("quantised") else set())
    leaves = jax.tree.leaves(arguments)
    assert {str(leaf.dtype) for leaf in leaves} <= allowed
    assert all(leaf.size <= MOST_ELEMENTS for leaf in leaves)
