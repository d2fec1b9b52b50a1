"""Ask XLA's compiler for TPUs what it would do: a child process, its log and its dumps.

libtpu reads its flags once, when it is loaded, and may end the process that holds it; so every
compilation is a child of its own, with a time limit. With `estimate_only` the child ends as soon
as buffers are assigned, before the slow back end: all that memory planning asks is then known.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from cosmalloc.errors import InputError
from cosmalloc.tpu.log import relevant
from cosmalloc.tpu.topology import Topology

LIBRARY = "TPU_LIBRARY_PATH"  # JAX's own word for a libtpu that is not installed beside it
LOGGED = (
    "memory_space_assignment=3,memory_space_assignment_util=2,algorithm=3,simulator=2,op_cost=1"
)
PARTS = {  # name here -> end of the file's name in the dump
    "before": "after_optimizations_before_buffer_assignment.txt",
    "after": "after_optimizations_after_buffer_assignment.txt",
    "buffers": "after_optimizations-buffer-assignment.txt",
}
POLL = 0.05  # seconds


@dataclass(frozen=True)
class Compiled:
    """What the compiler said about one module.

    before, after: its scheduled HLO text before and after memory space assignment.
    buffers: its buffer assignment. log: what `read_log` reads of it.
    seconds: wall time of the child. finished: whether the back end ran, too.
    """

    before: str
    after: str
    buffers: str
    log: str
    seconds: float = field(compare=False)
    finished: bool


def library() -> Path:
    """Where libtpu is. InputError naming the extra."""
    named = os.environ.get(LIBRARY)
    if named:
        if not Path(named).is_file():
            raise InputError(f"{LIBRARY} is {named}, and there is no such file")
        return Path(named)
    spec = find_spec("libtpu")
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places or not (Path(places[0]) / "libtpu.so").is_file():
        raise InputError(
            "XLA's compiler for TPUs (libtpu) is not installed", "pip install 'cosmalloc[tpu]'"
        )
    return Path(places[0]) / "libtpu.so"


def compile_for(
    module: bytes,
    topology: Topology,
    options: Mapping[str, str] | None = None,
    *,
    budget: int | None = None,
    seconds: float = 600.0,
    estimate_only: bool = True,
    cache: str | Path | None = None,
) -> Compiled:
    """Compile `module` (StableHLO bytecode or text) for one device of `topology`.

    options: compiler options, as `jax.jit(f).lower(...).compile(compiler_options=...)` takes them.
    budget: bytes of fast memory to plan for, None for all that the topology has.
    seconds: the child is ended after so many. cache: a folder where answers are kept and looked
        for. Raises InputError where libtpu is missing, refuses, crashes or takes too long.
    """
    found = library()
    more, flags = topology.budget_options(budget)
    asked = {**more, **(options or {})}
    key = _key(module, topology, {**asked, "flags": flags}, found, estimate_only)
    place = Path(cache) / f"{key}.json" if cache is not None else None
    if place is not None and place.is_file():
        return Compiled(**json.loads(place.read_text()))
    with _folder() as folder:
        answer = _ask(folder, module, topology, asked, flags, found, seconds, estimate_only)
    if place is not None:
        from cosmalloc.files import write_whole

        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, json.dumps(answer.__dict__))
    return answer


def _key(
    module: bytes, topology: Topology, options: Mapping[str, str], library: Path, fast: bool
) -> str:
    size = library.stat()
    words = [topology.name, json.dumps(dict(options), sort_keys=True), LOGGED]
    words += [str(size.st_size), str(size.st_mtime_ns), str(fast)]
    return sha256(module + "\0".join(words).encode()).hexdigest()[:32]


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cosmalloc-tpu-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _ask(
    folder: Path,
    module: bytes,
    topology: Topology,
    options: dict[str, str],
    flags: str,
    library: Path,
    seconds: float,
    estimate_only: bool,
) -> Compiled:
    (folder / "module").write_bytes(module)
    job = {
        "module": str(folder / "module"),
        "topology": topology.name,
        "options": options,
        "parent": os.getpid(),
    }
    (folder / "job.json").write_text(json.dumps(job))
    (folder / "logs").mkdir()
    began = time.monotonic()
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "cosmalloc.tpu.child", str(folder / "job.json")],
            env=_environment(folder, topology, flags, library),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            finished = _watch(child, folder, began + seconds, estimate_only)
        finally:
            child.kill()
            child.wait()
    spent = time.monotonic() - began
    said = (folder / "log").read_text(errors="replace")
    texts = {name: _dumped(folder, end) for name, end in PARTS.items()}
    if finished is None:
        raise InputError(
            f"libtpu took more than {seconds:g} s to compile for {topology.name}",
            "give it more time, or a smaller program",
        )
    if None in texts.values() or (finished and child.returncode != 0):
        raise InputError(
            f"libtpu did not compile the program for {topology.name}: {_reason(said, child)}"
        )
    return Compiled(
        **{name: text or "" for name, text in texts.items()},
        log=relevant(said),
        seconds=spent,
        finished=finished,
    )


def _environment(folder: Path, topology: Topology, flags: str, library: Path) -> dict[str, str]:
    """Of the child: no TPU is looked for, the planner's log goes to standard error."""
    return {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        LIBRARY: str(library),
        "TPU_SKIP_MDS_QUERY": "1",
        "TPU_ACCELERATOR_TYPE": topology.accelerator,
        "TPU_WORKER_HOSTNAMES": "localhost",
        "TPU_WORKER_ID": "0",
        "TPU_STDERR_LOG_LEVEL": "0",
        "ALLOW_MULTIPLE_LIBTPU_LOAD": "true",
        "TPU_LOG_DIR": str(folder / "logs"),
        "TPU_VMODULE": LOGGED,
        "XLA_FLAGS": f"--xla_dump_to={folder / 'dump'}",
        "LIBTPU_INIT_ARGS": flags,
    }


def _watch(
    child: subprocess.Popen[bytes], folder: Path, deadline: float, estimate_only: bool
) -> bool | None:
    """True when the child ended, False when all that was asked is written, None: out of time."""
    while child.poll() is None:
        if estimate_only and _all_said(folder):
            return False
        if time.monotonic() > deadline:
            return None
        time.sleep(POLL)
    return True


def _all_said(folder: Path) -> bool:
    """Whether the dump is written as far as memory planning goes."""
    after = _dumped(folder, PARTS["after"])
    if after is None or not after.rstrip().endswith("}"):
        return False
    return bool(_dumped(folder, PARTS["buffers"])) and bool(_dumped(folder, PARTS["before"]))


def _dumped(folder: Path, end: str) -> str | None:
    """The largest file of the dump whose name ends so: the program, not its helpers."""
    files = list((folder / "dump").glob(f"*.{end}"))
    if not files:
        return None
    return max(files, key=lambda file: file.stat().st_size).read_text(errors="replace")


def _reason(log: str, child: subprocess.Popen[bytes]) -> str:
    """The line of the log that says most."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for mark in ("JaxRuntimeError:", "Error:", "Check failed", "F1", "F0"):
        for line in reversed(lines):
            if mark in line:
                return line[:500]
    return f"the child ended with {child.returncode}"
