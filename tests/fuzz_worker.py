"""Reads models in a process of its own: damaged bytes may end it.

stdin: per request one letter (`m`: map, `r`: rehearse), 8 bytes of length, the model's bytes.
stdout: per request a line: `plan`, `no plan`, `error FACT` for an InputError, or `bug TRACEBACK`.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from cosmalloc import InputError, map_model
from cosmalloc.cli.rehearsal import rehearse


def mapped(data: bytes) -> str:
    model = map_model(data, scratchpad=4096, solver="greedy", seconds=1.0)
    return "no plan" if model.module is None else "plan"


def rehearsed(data: bytes) -> str:
    rehearse(data, seconds=5)
    return "read"


def answer(work: Callable[[bytes], str], data: bytes) -> str:
    try:
        return work(data)
    except InputError as error:
        return f"error {error.fact}"
    except Exception:  # noqa: BLE001  what else is raised is what the test looks for
        return f"bug {traceback.format_exc()}"


def main() -> None:
    stdin = sys.stdin.buffer
    while letter := stdin.read(1):
        data = stdin.read(int.from_bytes(stdin.read(8), "little"))
        work = mapped if letter == b"m" else rehearsed
        print(ascii(answer(work, data)), flush=True)


if __name__ == "__main__":
    main()
