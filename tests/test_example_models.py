"""The artifacts under `examples/models` are what their scripts export, and they run."""

from __future__ import annotations

import functools
import math
from dataclasses import replace

import jax
import numpy as np
import pytest
from jaxlib.mlir import ir

from examples.models import amoebanet_d, export, published, table
from examples.models.arguments import random_arguments
from examples.models.export import ARTIFACTS, NAMES

CHEAP = ("mlp", "cnn", "recurrent", "decode_step")
README = ARTIFACTS.parent / "README.md"
MADE_HERE = f"jax {jax.__version__}," in README.read_text()


def stored_bytes(name: str) -> bytes:
    return (ARTIFACTS / f"{name}.mlirbc").read_bytes()


@functools.cache
def stored(name: str) -> ir.Module:
    return export.parse(stored_bytes(name))


def argument_names(module: ir.Module) -> list[str]:
    return [a.location.name_str for a in module.body.operations[0].regions[0].blocks[0].arguments]


def test_every_artifact_has_a_script_and_every_script_an_artifact() -> None:
    assert sorted(path.stem for path in ARTIFACTS.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_artifact_is_what_its_script_exports_today(name: str) -> None:
    fresh, old = export.parse(export.artifact(name)), stored(name)
    assert argument_names(fresh) == argument_names(old)
    assert str(fresh.body.operations[0].type) == str(old.body.operations[0].type)
    if MADE_HERE:
        assert str(fresh) == str(old)  # text without locations


@pytest.mark.parametrize("name", NAMES)
def test_an_artifact_names_its_arguments_and_no_files(name: str) -> None:
    _, (params, *others) = export.load(name)
    names = argument_names(stored(name))
    weights = [n for n in names if n.startswith("params[")]
    assert len(weights) == len(jax.tree.leaves(params))
    assert len(names) - len(weights) == len(jax.tree.leaves(others))
    assert ".py" not in stored(name).operation.get_asm(enable_debug_info=True)


@pytest.mark.parametrize("name", CHEAP)
def test_a_cheap_model_runs_and_its_artifact_computes_the_same(name: str) -> None:
    function, _ = export.load(name)
    arguments = random_arguments(name, seed=0)
    want = jax.tree.leaves(jax.jit(function)(*arguments))
    program = replace(export.export(name), mlir_module_serialized=stored_bytes(name))
    got = jax.tree.leaves(program.call(*arguments))
    for left, right in zip(got, want, strict=True):
        assert np.isfinite(left).all()
        np.testing.assert_allclose(left, right, rtol=1e-6, atol=1e-6)


def test_random_arguments_are_the_same_for_the_same_seed_only() -> None:
    first, again, other = (random_arguments("cnn", seed) for seed in (1, 1, 2))
    assert all(map(np.array_equal, jax.tree.leaves(first), jax.tree.leaves(again)))
    assert not any(map(np.array_equal, jax.tree.leaves(first), jax.tree.leaves(other)))


def test_random_arguments_have_the_shapes_and_types_of_the_model() -> None:
    _, shapes = export.load("train_step")
    for leaf, drawn in zip(
        jax.tree.leaves(shapes), jax.tree.leaves(random_arguments("train_step", 0)), strict=True
    ):
        assert (leaf.shape, leaf.dtype) == (drawn.shape, drawn.dtype)


def test_the_cache_the_parameters_and_the_optimiser_state_are_donated() -> None:
    for name, given in (("decode_step", "cache["), ("train_step", ("params[", "opt_state["))):
        module = stored(name)
        marks = module.body.operations[0].attributes["arg_attrs"]
        for argument, mark in zip(argument_names(module), marks, strict=True):
            assert ("tf.aliasing_output" in mark) == argument.startswith(given), argument


def test_the_readme_holds_the_table_of_today() -> None:
    text = README.read_text()
    assert table.HEAD in text
    for name in NAMES:
        assert table.row(name) in text
    for name in published.PUBLISHED:
        assert table.published_row(name) in text


@pytest.mark.parametrize("name", published.PUBLISHED)
def test_a_network_has_as_many_parameters_as_published_or_the_table_says_why_not(name: str) -> None:
    found = published.PUBLISHED[name]
    agrees = published.agrees(published.parameters(name), found.parameters)
    assert agrees != bool(found.remark)


def test_amoebanet_d_has_the_parameters_that_gpipe_reports() -> None:
    leaves = jax.tree.leaves(amoebanet_d.shapes(layers=18, filters=208))
    assert published.agrees(sum(math.prod(leaf.shape) for leaf in leaves), "82 M")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        SystemExit, match="no example model `resnet`\nhint: one of amoebanet_d, bert"
    ):
        export.load("resnet")
