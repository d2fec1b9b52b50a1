"""Kernels in, labels out: feeds a timing process, restarts it when it dies or hangs, and keeps
every answer in a journal, so that a run that was killed goes on where it stopped."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from cosmalloc.cost_model.kernel import digest
from cosmalloc.cost_model.timing_child import ENVIRONMENT

SLOW = 1.1  # a pace from which on a kernel is timed again
TRIES = 3
PER_CHILD = 4000  # kernels; a fresh process now and then keeps its memory and heap small


class Labels(Protocol):
    """What answers for a kernel's labels: a `Timer`, or a compiler's estimate. device, core, flags:
    where and how."""

    device: str
    core: int
    flags: str

    def time(self, text: str) -> dict[str, Any]:
        """The fields of `clock.Measured`, or `error`."""
        ...


class Timer:
    """A timing process for one device (`cpu`, `gpu`), pinned to `core` (-1: not pinned).

    flags: further `XLA_FLAGS`, as `--xla_cpu_max_isa=SSE4_2`, which is a machine of its own.
    """

    def __init__(
        self, device: str = "cpu", core: int = -1, limit_seconds: float = 60.0, flags: str = ""
    ) -> None:
        self.device, self.core, self.limit, self.flags = device, core, limit_seconds, flags
        self._process: subprocess.Popen[str] | None = None
        self._served = 0

    def __enter__(self) -> Timer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def time(self, text: str) -> dict[str, Any]:
        """The fields of `Measured`, or `error`. What was timed at a bad pace is timed again, at
        once (a processor that waits is slow when it wakes); the quickest stands."""
        best = self._time(text)
        for _ in range(1, TRIES):
            if best.get("pace", 1.0) <= SLOW:
                break
            again = self._time(text)
            if "error" not in again and again["seconds"] < best["seconds"]:
                best = again
        return best

    def _time(self, text: str) -> dict[str, Any]:
        if self._served >= PER_CHILD:
            self._stop()
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        self._served += 1
        try:
            print(json.dumps(text), file=process.stdin, flush=True)
            ready = bool(select.select([process.stdout], [], [], self.limit)[0])
            line = process.stdout.readline() if ready else ""
        except OSError:
            ready, line = True, ""
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        self._stop()
        return {"error": "the compiler crashed" if ready else f"over {self.limit:g} s"}

    def _start(self) -> subprocess.Popen[str]:
        self._served = 0
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "cosmalloc.cost_model.timing_child",
                self.device,
                str(self.core),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment(),
        )
        return self._process

    def environment(self) -> dict[str, str]:
        """Of the timing process."""
        flags = f"{ENVIRONMENT['XLA_FLAGS']} {self.flags}".strip()
        platforms = "cpu" if self.device == "cpu" else ""  # "": what JAX finds
        return os.environ | ENVIRONMENT | {"XLA_FLAGS": flags, "JAX_PLATFORMS": platforms}

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def measure_all(
    kernels: Iterable[dict[str, Any]],
    journal: Path,
    timer: Labels,
    progress: Callable[[int, dict[str, Any]], None] | None = None,
) -> Iterator[dict[str, Any]]:
    """Each kernel's row with its labels; rows that the journal holds are not timed again.

    kernels: rows with `text` and whatever belongs to it. The journal has one JSON row a line.
    """
    known = read_journal(journal)
    with journal.open("a") as lines:
        for count, row in enumerate(kernels):
            key = digest(row["text"])
            if key not in known:
                known[key] = row | {"digest": key} | timer.time(row["text"])
                print(json.dumps(known[key]), file=lines, flush=True)
            if progress:
                progress(count + 1, known[key])
            yield known[key]


def read_journal(journal: Path) -> dict[str, dict[str, Any]]:
    """Rows by digest; a last line that was cut short is dropped from the file, too."""
    if not journal.exists():
        return {}
    content = journal.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        journal.write_bytes(whole)
    rows = [json.loads(line) for line in whole.splitlines()]
    return {row["digest"]: row for row in rows}
