"""The TPU compiler's estimates as labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from cost_kernels import MATMUL

from cosmalloc.errors import InputError
from cosmalloc.tpu import labels
from cosmalloc.tpu.compile import Compiled
from cosmalloc.tpu.labels import TpuTimer
from cosmalloc.tpu.topology import topology
from tests.command import cosmalloc

LOG = "Estimated elapsed time with async copies (sec): 1.5e-06"


@pytest.fixture
def timer(monkeypatch: pytest.MonkeyPatch) -> TpuTimer:
    monkeypatch.setattr(labels, "library", lambda: Path("libtpu.so"))
    return TpuTimer(topology("v5e"))


def test_a_kernel_s_seconds_are_the_compiler_s(
    timer: TpuTimer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        labels, "compile_for", lambda *_, **__: Compiled("", "", "", LOG, 2.0, False)
    )
    found = timer.time(MATMUL)
    assert found["seconds"] == 1.5e-6
    assert found["temporary_bytes"] == -1


def test_what_the_compiler_refuses_is_a_failed_kernel(
    timer: TpuTimer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> Compiled:
        raise InputError("libtpu did not compile the program")

    monkeypatch.setattr(labels, "compile_for", refuse)
    assert "did not compile" in timer.time(MATMUL)["error"]


def test_without_libtpu_the_error_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TPU_LIBRARY_PATH", str(tmp_path / "none.so"))
    out = str(tmp_path / "k.parquet")
    done = cosmalloc("cost", "measure", "--corpus", "3", "--device", "tpu:v5e", "-o", out)
    assert done.code == 2
    assert "none.so" in done.err
    assert not list(tmp_path.iterdir())
