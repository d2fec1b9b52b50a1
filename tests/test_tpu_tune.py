"""Tuning with a compiler that is played: what is tried, what is kept, what is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command import cosmalloc
from test_tpu_solution import compiled
from xla_texts import AFTER, BEFORE

from cosmalloc.errors import InputError
from cosmalloc.simulate import simulate
from cosmalloc.tpu import Tuned, compiler, tune
from cosmalloc.tpu.compile import Compiled
from cosmalloc.tpu.overrides import FORCES, PREFETCHES, TENSORS
from cosmalloc.verify import verify

ALL_HBM = replace(compiled(), after=BEFORE)


class Played:
    """Answers like the compiler's: a slow plan without overrides, a fast one with them.

    refuse: how many demands in a row it refuses. broken: it can't finish programs with overrides.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.refuse = 0
        self.broken = False
        self.deaf = False

    def __call__(
        self, module: bytes, topology: Any, options: Mapping[str, str], **how: Any
    ) -> Compiled:
        self.asked.append(dict(options))
        steered = PREFETCHES in options or TENSORS in options
        if "pin_in" in options.get(TENSORS, "") and self.refuse > 0:
            self.refuse -= 1
            raise InputError(
                "MSA strict override failed for instruction 'b' operand 0, shape f32[8,128],"
                " defining instruction 'a': no room"
            )
        if steered and self.broken and not how["estimate_only"]:
            raise InputError("libtpu did not compile the program")
        return compiled(after=AFTER) if steered and not self.deaf else ALL_HBM


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    playing = Played()
    monkeypatch.setattr(compiler, "compile_for", playing)
    return playing


def tuned(**options: Any) -> Tuned:
    return tune(b"module", solver="greedy", seconds=1.0, name="placed", **options)


def test_what_the_compiler_does_with_our_options_is_measured_and_kept(played: Played) -> None:
    found = tuned()
    assert found.best.name == "wish"
    assert found.best.seconds < found.alone.seconds
    assert found.best.seconds == simulate(found.program.problem, found.best.plan).latency
    assert verify(found.program.problem, found.best.plan) == []
    assert 0 < found.followed(found.best) <= 1
    assert [v.name for v in found.variants[:3]] == ["default", "alone", "wish"]
    assert {v.name for v in found.variants[3:]} <= set(FORCES)


def test_a_compiler_that_does_not_listen_leaves_its_own_plan(played: Played) -> None:
    played.deaf = True
    found = tuned()
    assert found.best.name == "default"
    assert found.best.options == {}


def test_a_refused_demand_is_dropped_and_the_rest_asked_again(played: Played) -> None:
    played.refuse = 1
    found = tuned()
    assert found.dropped == 1
    demands = [asked[TENSORS] for asked in played.asked if "pin_in" in asked.get(TENSORS, "")]
    assert "regex: 'a' } pin_in" in demands[0]
    assert all("regex: 'a' } pin_in" not in demand for demand in demands[1:])


def test_options_that_the_back_end_breaks_on_are_not_given_out(played: Played) -> None:
    played.broken = True
    found = tuned()
    assert found.best.name in ("default", "alone", "sequence")
    assert PREFETCHES not in found.best.options
    played.broken = False
    assert tuned(confirm=False).best.name == "wish"


def test_a_budget_is_told_to_the_compiler_and_the_user(played: Played) -> None:
    found = tuned(budget=2**20)
    assert found.program.problem.target.scratchpad_bytes == 2**20
    assert found.init_args == "--xla_tpu_override_vmem_size_kib=17408"


def test_the_command_prints_both_and_writes_the_options(played: Played, tmp_path: Path) -> None:
    model, out = tmp_path / "net.mlir", tmp_path / "options.json"
    model.write_text("module {}")
    done = cosmalloc("tpu", "tune", model, "--seconds", "1", "--solver", "greedy", "-o", out)
    assert done.code == 0
    for words in ("as it is", "cross-program", "copies wished", "less"):
        assert words in " ".join(done.out.split())
    assert '"xla_msa_max_cross_program_prefetches": "0"' in out.read_text()
    done = cosmalloc("tpu", "tune", model, "--json", "--seconds", "1", "--solver", "greedy")
    assert done.json["best"] == "wish"
    assert done.json["gain"] > 0
    assert {v["name"] for v in done.json["variants"]} >= {"default", "alone", "wish"}


def test_the_command_names_what_it_does_not_know(played: Played, tmp_path: Path) -> None:
    model = tmp_path / "net.mlir"
    model.write_text("module {}")
    done = cosmalloc("tpu", "tune", model, "--topology", "v1")
    assert done.code == 2
    assert "there is no topology `v1`" in done.err
    done = cosmalloc("tpu", "tune", model, "--budget", "1GiB")
    assert done.code == 2
    assert "a budget of 1073741824 bytes is not 0 to the 117440512 of v5e:2x2" in done.err
