"""A plan as C: compiled by gcc under sanitizers, run on an int8 network, equal to XLA's bits."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import cosmalloc
from cosmalloc.emit import Copy, c_files, constants, walk
from cosmalloc.emit.c import RUNTIME, header_text, runtime_text
from cosmalloc.emit.c_words import identifier, identifiers, literal
from cosmalloc.errors import InputError
from cosmalloc.passes.plan_in import read_program
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from tests.c_kernels import kernels_text
from tests.command import cosmalloc as command
from tests.int8_net import mapped, network
from tests.nets import tangle

FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
SANITIZERS = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="there is no gcc on this machine")

MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "net.h"
int operate(const cosmalloc_run *run, const cosmalloc_step *step);
static void *aligned(unsigned char *from) {
  return from + (NET_ALIGNMENT - (uintptr_t)from % NET_ALIGNMENT) % NET_ALIGNMENT;
}
static void begin(const cosmalloc_run *run, uint32_t copy, void *to, const void *from, size_t n) {
  (void)from;
  if (run->plan->copies[copy].kind == COSMALLOC_LOAD) memset(to, 0xA5, n);
}
static void wait(const cosmalloc_run *run, uint32_t copy, void *to, const void *from, size_t n) {
  (void)run, (void)copy;
  memcpy(to, from, n);
}
int main(void) {
  unsigned char *arena = malloc(NET_ARENA_BYTES + NET_ALIGNMENT);
  unsigned char *heap = malloc(NET_HEAP_BYTES + NET_ALIGNMENT);
  void *homes[NET_TENSORS] = {0};
  memset(arena, 0xA5, NET_ARENA_BYTES + NET_ALIGNMENT);
  for (int t = 0; t < NET_TENSORS; t++) {
    if (net_tensors[t].heap != COSMALLOC_CALLER) continue;
    homes[t] = calloc(1, (size_t)net_tensors[t].bytes);
    if (net_tensors[t].kind != COSMALLOC_OUTPUT &&
        fread(homes[t], 1, (size_t)net_tensors[t].bytes, stdin) != net_tensors[t].bytes)
      return 3;
  }
  cosmalloc_run run = {&net_plan, aligned(arena), aligned(heap), homes, operate, begin, wait, NULL};
  if (cosmalloc_walk(&run)) return 4;
  for (int t = 0; t < NET_TENSORS; t++) {
    if (net_tensors[t].kind == COSMALLOC_OUTPUT)
      fwrite(homes[t], 1, (size_t)net_tensors[t].bytes, stdout);
    free(homes[t]);
  }
  free(arena), free(heap);
  return 0;
}
"""


def gcc(folder: Path, *words: str) -> None:
    done = subprocess.run(
        ["gcc", *FLAGS, *SANITIZERS, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:2000]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network's kernels as an object file: they know nothing of the plan."""
    model, _ = mapped()
    assert model.module is not None
    with model.module.context:
        text = kernels_text(read_program(model.module.operation).program)
    folder = tmp_path_factory.mktemp("kernels")
    (folder / RUNTIME).write_text(runtime_text())
    (folder / "kernels.c").write_text(f'#include "{RUNTIME}"\n{text}')
    gcc(folder, "-c", "kernels.c")
    return folder / "kernels.o"


def run_c(folder: Path, kernels: Path, header: str) -> bytes | None:
    """What the network computes in C under this header; None where a sanitizer stops it."""
    (folder / "net.h").write_text(header)
    (folder / RUNTIME).write_text(runtime_text())
    (folder / "main.c").write_text(MAIN)
    gcc(folder, "-o", "main", "main.c", str(kernels))
    data = b"".join(array.tobytes() for array in mapped()[1])
    done = subprocess.run([str(folder / "main")], input=data, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


@needs_gcc
def test_an_int8_network_computes_in_c_what_it_computes_in_jax(
    tmp_path: Path, kernels: Path
) -> None:
    model, arguments = mapped()
    todo = walk(model.problem, model.plan)
    assert any(copy.kind == "load" and copy.start > 0 for copy in todo.copies)  # it spills
    assert todo.heap.bytes > 0
    *params, x = arguments
    expected = np.asarray(network(dict(zip("abcde", params, strict=True)), x))
    assert len(set(expected.ravel().tolist())) > 5
    header = header_text(model.problem, model.plan, "net")
    assert run_c(tmp_path, kernels, header) == expected.tobytes()


@needs_gcc
def test_a_sabotaged_plan_computes_something_else(tmp_path: Path, kernels: Path) -> None:
    model, _ = mapped()
    problem, plan = model.problem, model.plan
    header = header_text(problem, plan, "net")
    good = run_c(tmp_path, kernels, header)
    assert good is not None
    back = next(t for t in plan.transfers if t.kind == "load" and t.start > 0)
    out = next(t for t in plan.transfers if t.tensor == back.tensor and t.kind == "store")
    there = next(r for r in plan.residencies if r.tensor == back.tensor and r.start == back.start)
    others = tuple(r for r in plan.residencies if r != there)
    crowded = next(r for r in others if r.start <= there.start < r.stop)
    moved = replace(there, offset=crowded.offset)
    for wrong in (
        replace(plan, transfers=tuple(t for t in plan.transfers if t != out)),
        replace(plan, residencies=(*others, moved)),
    ):
        assert cosmalloc.verify(problem, wrong)
        assert run_c(tmp_path, kernels, header_text(problem, wrong, "net")) != good
    wait = f"    {{COSMALLOC_WAIT, {walk(problem, plan).copies.index(loaded(problem, plan))}u}},\n"
    before, after = header.split(wait)
    first, rest = after.split("\n", 1)
    assert "COSMALLOC_RUN" in first
    assert run_c(tmp_path, kernels, f"{before}{first}\n{wait}{rest}") != good
    beyond = f"_ARENA_BYTES {walk(problem, plan).arena_bytes}u"
    small = header.replace(beyond, "_ARENA_BYTES 1024u")
    assert run_c(tmp_path, kernels, small) is None  # the address sanitizer has a word


def loaded(problem: Problem, plan: Plan) -> Copy:
    """The first copy that comes back."""
    copies = walk(problem, plan).copies
    return next(copy for copy in copies if copy.kind == "load" and copy.start > 0)


@needs_gcc
def test_names_from_a_model_stay_names(tmp_path: Path) -> None:
    names = [
        '"; system("touch /tmp/x"); //',
        "*/ #error broken /*",
        "a\nb\\\n#error broken",
        "??/\" ??' ??>",
        "π\0é\ud800",
        "",
        "int",
        "9 lives",
        "%s%n",
        "x" * 5000,
    ]
    model, _ = mapped()
    tensors = tuple(
        replace(t, name=names[i % len(names)]) for i, t in enumerate(model.problem.tensors)
    )
    operators = tuple(
        replace(o, name=names[-1 - i % len(names)]) for i, o in enumerate(model.problem.operators)
    )
    for title in ("cosmalloc", *names):
        problem = Problem(title, model.problem.target, tensors, operators)
        (header, text), _ = c_files(problem, model.plan).items()
        assert text.isascii()
        assert text.count("\n#") == text.count("\n#define") + text.count("\n#include") + 2
        assert header.removesuffix(".h").isidentifier()
    word = "net_cosmalloc"
    text = header_text(problem, model.plan, "cosmalloc")
    loop = f"for (uint32_t i = 0; i < {word}_plan.tensor_count; i++) puts({word}_tensors[i].name);"
    source = f'#include "it.h"\n#include <stdio.h>\nint main(void) {{ {loop} return 0; }}\n'
    for file, content in (("it.h", text), (RUNTIME, runtime_text()), ("main.c", source)):
        (tmp_path / file).write_text(content)
    gcc(tmp_path, "-o", "main", "main.c")
    told = subprocess.run([str(tmp_path / "main")], capture_output=True, check=True).stdout
    wanted = [t.name.encode(errors="replace")[:1000].split(b"\0")[0] for t in tensors]
    assert told == b"".join(name + b"\n" for name in wanted)


@needs_gcc
def test_constants_of_the_program_come_with_it(tmp_path: Path) -> None:
    table = np.arange(4096).astype(np.int8).reshape(64, 64)  # smaller ones are in kernels

    def twice(x: Any) -> Any:
        return jnp.dot(x, jnp.asarray(table))

    model = cosmalloc.map_model(twice, (np.ones((8, 64), np.int8),), solver="greedy")
    assert model.module is not None
    found = constants(model.module)
    assert list(found.values()) == [table.tobytes()]
    for name, text in c_files(model.problem, model.plan, "net.h", found).items():
        (tmp_path / name).write_text(text)
    (tensor,) = found
    (tmp_path / "main.c").write_text(f"""
#include <stdio.h>
#include "net.h"
int main(void) {{
  void *homes[NET_TENSORS] = {{0}};
  cosmalloc_run run = {{&net_plan, NULL, NULL, homes, NULL, NULL, NULL, NULL}};
  fwrite(cosmalloc_home(&run, {tensor}), 1, net_tensors[{tensor}].bytes, stdout);
  return -cosmalloc_walk(&run);
}}
""")
    gcc(tmp_path, "-o", "main", "main.c")
    done = subprocess.run([str(tmp_path / "main")], capture_output=True, check=False)
    assert done.stdout == table.tobytes()
    assert done.returncode == 101  # there is no arena
    small = cosmalloc.map_model(
        lambda x: x @ jnp.asarray(table, jnp.float32),
        (np.ones((8, 64), np.float32),),
        solver="greedy",
        bytes_per_element=1,
    )
    with pytest.raises(InputError, match="has 16384 bytes, the plan counts 4096"):
        constants(small.module)  # type: ignore[arg-type]


def test_identifiers_are_different_whatever_the_names() -> None:
    words = identifiers(["a b", "a_b", "a b", ""], "net_tensor")
    assert words[0] == "NET_TENSOR_0_A_B"
    assert len(set(words)) == 4
    assert identifier("") == "n"
    assert identifier("9") == "n9"
    assert literal('"\\?') == '"\\042\\134\\077"'


def test_a_plan_with_faults_is_not_written() -> None:
    model, _ = mapped()
    wrong = replace(model.plan, transfers=())
    with pytest.raises(InputError, match="faults, the first: law 4"):
        c_files(model.problem, wrong)
    with pytest.raises(InputError, match="so is the runtime"):
        c_files(model.problem, model.plan, RUNTIME)


@needs_gcc
@pytest.mark.parametrize("rule", ["resident", "anywhere"])
def test_every_plan_compiles(rule: Any, tmp_path: Path) -> None:
    made = 0
    includes = []
    for seed in range(24):
        problem = tangle(8, seed, rule)
        outcome = cosmalloc.solve(problem, solver="greedy", seconds=2)
        if outcome.plan is None:
            continue
        made += 1
        name = f"net_{seed}"
        for file, text in c_files(problem, outcome.plan, f"{name}.h").items():
            (tmp_path / file).write_text(text)
        includes.append(f'#include "{name}.h"\nconst cosmalloc_plan *p{seed} = &{name}_plan;\n')
    assert made >= 6
    (tmp_path / "main.c").write_text("".join(includes))
    gcc(tmp_path, "-c", "main.c")


def test_the_command_writes_a_header_and_the_runtime(tmp_path: Path) -> None:
    model = "examples/models/artifacts/cnn.mlirbc"
    folder = tmp_path / "out"
    folder.mkdir()
    for place, header in ((folder, folder / "cnn.h"), (tmp_path / "my.h", tmp_path / "my.h")):
        done = command("map", model, "--solver", "greedy", "--emit", "c", "-o", place)
        assert done.code == 0, done.err
        assert header.is_file()
        assert (header.parent / RUNTIME).read_text() == runtime_text()
    assert "CNN_ARENA_BYTES" in (folder / "cnn.h").read_text()
    assert "MY_ARENA_BYTES" in (tmp_path / "my.h").read_text()


def test_the_command_says_where_c_can_go(tmp_path: Path) -> None:
    model = "examples/models/artifacts/cnn.mlirbc"
    for words, fact in (
        (["--emit", "c"], "--emit c needs a place"),
        (["--emit", "c", "-o", tmp_path / "a.c"], "neither a folder nor ends in .h"),
        (["--emit", "fortran", "-o", tmp_path / "a.h"], "--emit is `fortran`"),
        (["--emit", "c", "-o", tmp_path / "no" / "a.h"], "there is no folder"),
    ):
        done = command("map", model, "--solver", "greedy", *words)
        assert done.code == 2
        assert fact in done.err
    assert list(tmp_path.iterdir()) == []
