"""Seconds from typing a command to its end, and where they go.

    python -m benchmarks.startup [--runs N] [--json FILE] [--csv FILE]

wall, processor: medians over the runs, each in a process of its own, the first one left out; on a
busy machine the processor's seconds say more. The second table is `python -X importtime` of the
same command: seconds that the modules of each package take to import, without what they import;
`the rest` is the work itself, and starting Python.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.doc_csv import write_table
from examples.models.export import ARTIFACTS

COMMANDS: dict[str, tuple[str, ...]] = {
    "cosmalloc --help": ("--help",),
    "cosmalloc --version": ("--version",),
    "cosmalloc targets": ("targets",),
    "cosmalloc map cnn.mlirbc": ("map", str(ARTIFACTS / "cnn.mlirbc")),
    "cosmalloc map mobilenet_v2.mlirbc": (
        "map",
        str(ARTIFACTS / "mobilenet_v2.mlirbc"),
        "--scratchpad",
        "16MiB",
    ),
}
PROGRAM = "import sys; from cosmalloc.cli import main; sys.argv[0] = 'cosmalloc'; main()"
SHOWN = 9  # packages of the second table


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. imports: per top-level package, the largest first."""

    command: str
    wall: float
    processor: float
    imports: dict[str, float]


def measure(command: str, runs: int) -> Timing:
    """Medians of one command."""
    walls, processors = [], []
    for _ in range(runs + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        _run(command)
        walls.append(time.perf_counter() - began)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processors.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return Timing(command, median(walls[1:]), median(processors[1:]), imports(command))


def imports(command: str) -> dict[str, float]:
    """Seconds of importing, by top-level package."""
    found: dict[str, float] = defaultdict(float)
    for line in _run(command, "-X", "importtime").splitlines():
        head, _, rest = line.partition("import time:")
        fields = rest.split("|")
        if not head and len(fields) == 3 and fields[0].strip().isdigit():
            found[_package(fields[2].strip())] += int(fields[0]) / 1e6
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _package(module: str) -> str:
    top = module.partition(".")[0].removeprefix("_editable_skbc_")
    return "Python's own" if top in sys.stdlib_module_names else top


def _run(command: str, *options: str) -> str:
    words = [sys.executable, *options, "-c", PROGRAM, *COMMANDS[command]]
    return subprocess.run(words, capture_output=True, text=True, check=True).stderr


def _top(timing: Timing) -> str:
    """The packages that take longest to import."""
    top = list(timing.imports.items())[:SHOWN]
    return ", ".join(f"{name} {seconds:.3f}" for name, seconds in top)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="default 5")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--csv", type=Path, help="the table of docs/benchmarks.md")
    options = parser.parse_args(words)
    print("| command | wall s | processor s |", "|---|---|---|", sep="\n", flush=True)
    found = []
    for command in COMMANDS:
        found.append(measure(command, options.runs))
        print(f"| `{command}` | {found[-1].wall:.2f} | {found[-1].processor:.2f} |", flush=True)
    print("\n| command | imports s, by package | the rest s |", "|---|---|---|", sep="\n")
    for timing in found:
        rest = max(0.0, timing.wall - sum(timing.imports.values()))
        print(f"| `{timing.command}` | {_top(timing)} | {rest:.2f} |")
    if options.csv:
        write_table(
            options.csv,
            "Startup",
            "python -m benchmarks.startup --csv docs/data/startup.csv",
            ("command", "wall s", "processor s", "imports s, by package"),
            [(t.command, f"{t.wall:.2f}", f"{t.processor:.2f}", _top(t)) for t in found],
            "Medians of whole processes; on a busy machine the processor's seconds say more.",
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
