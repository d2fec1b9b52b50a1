"""Real networks through their plans: outputs equal the unmapped run's, and `jax.jit`'s nearly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import cosmalloc
from cosmalloc.passes import execute, execute_unmapped
from examples.models.arguments import load, random_arguments

ARTIFACTS = Path(__file__).parent.parent / "examples" / "models" / "artifacts"
TOLERANCE = 1e-5  # of the largest output; kernels are the same, XLA fuses a whole program otherwise
CASES: list[tuple[str, dict[str, Any]]] = [
    ("mlp", {"scratchpad": 6272, "track": "all"}),
    ("cnn", {"scratchpad": "8KiB", "operand_rule": "anywhere"}),
    ("decode_step", {"scratchpad": "300KiB"}),
    ("recurrent", {"scratchpad": "20KiB"}),
    ("mobilenet_v2", {"scratchpad": "1.5MiB", "bytes_per_element": 1}),
    ("resnet50", {"scratchpad": "2MiB", "bytes_per_element": 1}),
    ("transformer_layer", {"target": "tpu-v5e", "scratchpad": "4MiB", "objective": "latency"}),
]


@pytest.mark.parametrize(("name", "options"), CASES, ids=[name for name, _ in CASES])
def test_a_network_runs_through_its_plan(name: str, options: dict[str, Any]) -> None:
    model = cosmalloc.map_model(ARTIFACTS / f"{name}.mlirbc", **options)
    assert model.module is not None, model.outcome.reason
    assert model.plan.residencies
    arguments = random_arguments(name, seed=1)
    leaves = jax.tree.leaves(arguments)
    through = execute(model.module, leaves)
    for got, plain in zip(through, execute_unmapped(model.module, leaves), strict=True):
        np.testing.assert_array_equal(got, plain)
    function, _ = load(name)
    whole = jax.tree.leaves(jax.jit(function)(*arguments))
    for got, want in zip(through, whole, strict=True):
        want = np.asarray(want)
        assert np.abs(got - want).max() <= TOLERANCE * np.abs(want).max()
