"""The one call: every kind of model, and what it says to what is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from cosmalloc import InputError, MappedModel, load_target, map_model
from cosmalloc.errors import NoPlanError
from cosmalloc.passes import context

SHAPE = jax.ShapeDtypeStruct((4, 4), jnp.float32)


def sine(x: jax.Array) -> jax.Array:
    return jnp.sin(x) @ x


def mapped(model: Any, arguments: Any = None, **options: Any) -> MappedModel:
    return map_model(model, arguments, solver="greedy", **options)


def test_every_kind_of_model_is_the_same_problem(tmp_path: Path) -> None:
    exported = export.export(jax.jit(sine))(SHAPE)
    data = exported.mlir_module_serialized
    path = tmp_path / "sine.mlirbc"
    path.write_bytes(data)
    module = context.parse(data, "sine")
    text = module.operation.get_asm(enable_debug_info=True)
    want = mapped(sine, (SHAPE,), name="x").problem
    for model in (jax.jit(sine), exported, data, path, str(path), module, text):
        arguments = (SHAPE,) if callable(model) else None
        assert mapped(model, arguments, name="x").problem == want
    assert str(module) == str(context.parse(data, "sine"))  # it is copied, not changed


def test_a_problem_is_called_after_its_function_or_file(tmp_path: Path) -> None:
    data = export.export(jax.jit(sine))(SHAPE).mlir_module_serialized
    (tmp_path / "net.v2.mlirbc").write_bytes(data)
    assert mapped(sine, (SHAPE,)).problem.name == "sine"
    assert mapped(tmp_path / "net.v2.mlirbc").problem.name == "net"
    assert mapped(data).problem.name == "sine"
    assert mapped(sine, (SHAPE,), name="mine").problem.name == "mine"


def test_a_target_may_be_changed_in_words_or_numbers() -> None:
    for size in ("1KiB", 1024):
        found = mapped(sine, (SHAPE,), target=load_target("npu-8mib"), scratchpad=size)
        assert found.problem.target.scratchpad_bytes == 1024
        assert found.problem.target.alignment == 64


def test_a_mapped_model_is_saved_simulated_and_run(tmp_path: Path) -> None:
    model = mapped(sine, (SHAPE,))
    for name in ("out.mlir", "out.mlirbc"):
        model.save(tmp_path / name)
        content = (tmp_path / name).read_bytes()
        assert content.startswith(context.PORTABLE_MAGIC) == name.endswith("bc")
        assert context.to_text(context.parse(content, name)) == model.text()
    assert model.timeline.latency > 0
    x = np.arange(16, dtype=np.float32).reshape(4, 4)
    (result,) = model.execute(x)
    np.testing.assert_allclose(result, np.sin(x) @ x, rtol=1e-5, atol=1e-4)


def test_without_a_plan_every_view_of_it_says_why(tmp_path: Path) -> None:
    model = mapped(sine, (SHAPE,), scratchpad=8)
    assert (model.module, model.outcome.status) == (None, "infeasible")
    why = (
        "there is no plan (infeasible): operator 0 (`dot_general_0`) needs 128 bytes on chip at"
        " once, the scratchpad has 8"
    )
    asks: tuple[Callable[[], object], ...] = (
        lambda: model.plan,
        lambda: model.timeline,
        model.text,
        lambda: model.save(tmp_path / "x"),
        lambda: model.execute(np.zeros((4, 4), np.float32)),
    )
    for ask in asks:
        with pytest.raises(NoPlanError) as caught:
            ask()
        assert caught.value.fact == why
    assert list(tmp_path.iterdir()) == []


ONE = "pass them as a tuple; `jax.ShapeDtypeStruct`s do"
KINDS = (
    "give a path, an MLIR module, a `jax.export.Exported`, a torch `ExportedProgram` or a JAX"
    " function with arguments"
)
CALLBACKS = "map the part of the program without callbacks"


@pytest.mark.parametrize(
    ("model", "arguments", "fact", "hint"),
    [
        (3, None, "a model of type `int` is not read", KINDS),
        (sine, None, "function `sine` came without example arguments", ONE),
        ("x.mlir", (SHAPE,), "arguments were given for a str, not for a function", ""),
        ("no\0file", None, "cannot read no\0file: embedded null byte", ""),
        (
            b"\1\2",
            None,
            "the model is not a module this reader knows: line 1, column 1: unexpected character",
            "give StableHLO as text, MLIR bytecode or a portable artifact (`jax.export`)",
        ),
    ],
)
def test_what_is_no_model_is_named(model: Any, arguments: Any, fact: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        mapped(model, arguments)
    assert (caught.value.fact, caught.value.hint) == (fact, hint)


def test_a_host_callback_can_not_be_mapped() -> None:
    def shows(x: jax.Array) -> jax.Array:
        jax.debug.print("{x}", x=x)
        return x + 1

    with pytest.raises(InputError, match="function `shows` can't be exported: ") as caught:
        mapped(shows, (SHAPE,))
    assert caught.value.hint == CALLBACKS


def test_symbolic_shapes_can_not_be_mapped() -> None:
    (size,) = export.symbolic_shape("b")
    exported = export.export(jax.jit(jnp.sin))(jax.ShapeDtypeStruct((size, 4), jnp.float32))
    with pytest.raises(InputError) as caught:
        mapped(exported)
    assert caught.value.fact.startswith("`stablehlo.custom_call` at ")
    assert caught.value.fact.endswith(" asserts symbolic shapes")
    assert caught.value.hint.startswith("export with concrete shapes")


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        ({"scratchpad": -1}, "target `custom` has a scratchpad of -1 bytes"),
        ({"scratchpad": 1.5}, "target `custom` has a scratchpad of 1.5 bytes"),
        ({"alignment": 0}, "target `custom` has alignment 0, not 1 to 2**30"),
        ({"target": "npu"}, "there is no target `npu`"),
        ({"operand_rule": "here"}, "target `custom` has operand rule `here`"),
        ({"objective": "speed"}, "there is no objective `speed`"),
        ({"group": "all"}, "`group-operators` has policy `all`"),
        ({"track": "some"}, "tracking is `some`"),
        ({"bytes_per_element": 0}, "bytes per element is 0, not 1 to 16"),
        ({"bytes_per_element": 1.5}, "bytes per element is 1.5, not 1 to 16"),
        ({"trip_count": -1}, "the trip count is -1, below 0"),
        ({"seconds": -1.0}, "a solver can't have -1.0 seconds"),
        ({"name": "\ud800"}, "the problem's name '\\ud800' is no Unicode text"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(options: dict[str, Any], fact: str) -> None:
    with pytest.raises(InputError) as caught:
        mapped(sine, (SHAPE,), **options)
    assert caught.value.fact == fact
