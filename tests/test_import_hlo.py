"""HLO protos, scheduled and not, and text without a schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from cosmalloc import InputError, map_model


@pytest.fixture(scope="module")
def lowered() -> Any:
    shape: Any = jax.ShapeDtypeStruct((8, 8), jnp.float32)
    return jax.jit(lambda x, y: jnp.tanh(x @ y)).lower(shape, shape)


def test_a_proto_without_a_schedule_is_stablehlo(lowered: Any, tmp_path: Path) -> None:
    file = tmp_path / "model.hlo.pb"
    file.write_bytes(lowered.compiler_ir("hlo").as_serialized_hlo_module_proto())
    mapped = map_model(file, solver="greedy")
    assert mapped.module is not None
    assert [t.bytes for t in mapped.problem.tensors] == [256, 256, 256]


def test_text_without_a_schedule_is_stablehlo(lowered: Any, tmp_path: Path) -> None:
    file = tmp_path / "model.hlo"
    file.write_text(lowered.compiler_ir("hlo").as_hlo_text())
    assert map_model(file, solver="greedy").module is not None


def test_a_scheduled_proto_keeps_its_schedule(lowered: Any, tmp_path: Path) -> None:
    (module,) = lowered.compile().runtime_executable().hlo_modules()
    file = tmp_path / "model.pb"
    file.write_bytes(module.as_serialized_hlo_module_proto())
    mapped = map_model(file, solver="greedy")
    assert mapped.module is None
    assert mapped.outcome.plan is not None


@pytest.mark.parametrize("content", [b"", b"\x08", b"\x0a\x03abc", b"\x0a\x02\x0a\x00"])
def test_what_is_no_proto_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.pb"
    file.write_bytes(content)
    with pytest.raises(InputError, match="is no HLO"):
        map_model(file)
