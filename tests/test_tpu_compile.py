"""The child process: libtpu missing, crashing, dawdling; and the real one where it is installed."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from xla_texts import AFTER, BEFORE, BUFFERS

from cosmalloc.errors import InputError
from cosmalloc.tpu import compile as compiling
from cosmalloc.tpu.compile import LIBRARY, compile_for, library
from cosmalloc.tpu.topology import GENERATIONS, topology

V5E = topology("v5e")


def test_without_libtpu_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LIBRARY, raising=False)
    monkeypatch.setattr(compiling, "find_spec", lambda _name: None)
    with pytest.raises(InputError) as error:
        compile_for(b"", V5E)
    assert error.value.fact == "XLA's compiler for TPUs (libtpu) is not installed"
    assert error.value.hint == "pip install 'cosmalloc[tpu]'"


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIBRARY, "/nowhere/libtpu.so")
    with pytest.raises(InputError, match=r"TPU_LIBRARY_PATH is /nowhere/libtpu\.so"):
        library()


def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A child that runs `body` instead of the compiler; it knows DUMP and JOB."""
    script = tmp_path / "python"
    setup = (
        "import json, os, sys, time; from pathlib import Path; JOB = json.load(open(sys.argv[3]))"
    )
    dump = "DUMP = Path(os.environ['XLA_FLAGS'].split('=', 1)[1]); DUMP.mkdir()"
    (tmp_path / "body.py").write_text(f"{setup}\n{dump}\n{body}\n")
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path}/body.py "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setattr(sys, "executable", str(script))
    (tmp_path / "libtpu.so").touch()
    monkeypatch.setenv(LIBRARY, str(tmp_path / "libtpu.so"))


WRITE = "\n".join(
    f"(DUMP / 'm.{end}').write_text({text!r})"
    for end, text in (
        (compiling.PARTS["before"], BEFORE),
        (compiling.PARTS["buffers"], BUFFERS),
        (compiling.PARTS["after"], AFTER),
    )
)


def test_what_the_child_leaves_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, WRITE + "\nprint('Cost for <', JOB['options'], JOB['topology'])")
    answer = compile_for(b"module", V5E, {"a": "b"}, estimate_only=False)
    assert (answer.before, answer.after, answer.buffers) == (BEFORE, AFTER, BUFFERS)
    assert answer.log.split("\n")[-1] == "Cost for < {'a': 'b'} v5e:2x2"
    assert answer.finished


def test_the_back_end_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, WRITE + "\ntime.sleep(60)")
    assert not compile_for(b"module", V5E, seconds=50).finished


def test_a_crash_of_the_child_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path, monkeypatch, "sys.stderr.write('x: Check failed: 1 > 2\\n'); os.abort()")
    with pytest.raises(InputError, match=r"did not compile.*Check failed: 1 > 2"):
        compile_for(b"module", V5E)


def test_a_child_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path, monkeypatch, "time.sleep(60)")
    with pytest.raises(InputError, match=r"took more than 0.5 s to compile for v5e:2x2"):
        compile_for(b"module", V5E, seconds=0.5)


def test_answers_are_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, WRITE)
    cache = tmp_path / "cache"
    first = compile_for(b"module", V5E, cache=cache)
    assert len(list(cache.iterdir())) == 1
    (tmp_path / "body.py").write_text("raise SystemExit(1)")
    assert compile_for(b"module", V5E, cache=cache) == first
    with pytest.raises(InputError):
        compile_for(b"another", V5E, cache=cache)


def test_the_budget_becomes_a_flag_or_an_option() -> None:
    mib = 2**20
    assert V5E.budget_options(None) == ({}, "")
    assert V5E.budget_options(16 * mib) == ({}, "--xla_tpu_override_vmem_size_kib=32768")
    options, flags = topology("v4").budget_options(16 * mib)
    assert (options, flags) == (
        {"xla_tpu_max_cmem_used_by_memory_space_assignment": "16384"},
        "",
    )


def test_a_budget_beyond_the_memory_is_refused() -> None:
    with pytest.raises(InputError, match="is not 0 to the 117440512 of v5e:2x2"):
        V5E.budget_options(2**30)


def test_topologies_have_two_names_each() -> None:
    for short, found in GENERATIONS.items():
        assert topology(short) == topology(found.name) == found
    with pytest.raises(InputError, match="there is no topology `v9`"):
        topology("v9")


@pytest.mark.skipif(
    not os.environ.get("COSMALLOC_TEST_LIBTPU"),
    reason="COSMALLOC_TEST_LIBTPU=1 runs the real compiler; it needs libtpu",
)
def test_the_real_compiler_follows_our_overrides() -> None:
    import jax
    import jax.numpy as jnp

    from cosmalloc.tpu import tune

    shape = jax.ShapeDtypeStruct((1024, 1024), jnp.bfloat16)
    found = tune(lambda x, w: jnp.tanh(x @ w) @ w, (shape, shape), solver="greedy", seconds=2)
    assert found.best.seconds <= found.variants[0].seconds
    assert json.dumps(found.best.options)


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_the_child_ends_when_its_parent_is_killed() -> None:
    child = "from cosmalloc.tpu.child import end_with; import sys, time; end_with(int(sys.argv[1]))"
    child += "; print('here', flush=True); time.sleep(60)"
    parent = f"""if True:
        import os, subprocess, sys
        subprocess.Popen([sys.executable, "-c", {child!r}, str(os.getpid())]).wait()"""
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == b"here\n"
        started.kill()
        assert started.stdout.read() == b""  # at the end of the last who could write


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_child_whose_parent_is_gone_does_not_begin() -> None:
    code = "from cosmalloc.tpu.child import end_with; end_with(2**30)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (1, "the parent is gone\n")
