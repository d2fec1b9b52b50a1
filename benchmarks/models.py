"""Map example models and Keras networks at several scratchpads, verify the plans, print a table.

    python -m benchmarks.models [--keras FOLDER] [--csv FILE] [--json FILE] [NAME ...]

Sizes are 1, 1.25, 1.5 and 2 times the smallest scratchpad that has a plan under the rule
`resident`, and 2 MiB; under the rule `anywhere` the same sizes are used. A cell is the
non-compulsory traffic: `0*` is proven to be the least, `-` has no plan. Times and memory are of a
process of its own.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, fields
from multiprocessing import get_context
from pathlib import Path

from benchmarks.model_sizes import FACTORS, Point, Settings, Sweep, sweep
from cosmalloc.sizes import format_bytes
from cosmalloc.target import OPERAND_RULES, OperandRule
from examples.models.export import ARTIFACTS
from examples.models.export import NAMES as EXAMPLES

COLUMNS = ("model", "rule", "operations", "operators", "tensors", "smallest")
SIZES = (*(f"{factor:g}x" for factor in FACTORS), "2MiB")
HEAD = (*COLUMNS, *SIZES, "solve s", "map s", "MiB", "legal")


def paths(names: list[str], keras: Path | None) -> Iterator[Path]:
    """The artifacts of the models named, of all if none is."""
    known = [ARTIFACTS / f"{name}.mlirbc" for name in EXAMPLES]
    known += sorted(keras.glob("*.mlirbc")) if keras else []
    found = [path for path in known if not names or path.name.split("-")[0].split(".")[0] in names]
    if not found:
        raise SystemExit(f"error: no artifact of {', '.join(names) or 'any model'}")
    yield from found


def cells(swept: Sweep) -> tuple[str, ...]:
    """One row of the table."""
    plans = [point for point in swept.points if point.faults is not None]
    legal = sum(point.faults == 0 for point in plans)
    return (
        swept.model,
        swept.rule,
        f"{swept.operations:,}",
        f"{swept.operators:,}",
        f"{swept.tensors:,}",
        format_bytes(swept.smallest),
        *map(_traffic, swept.points),
        f"{max(point.seconds for point in swept.points):.2f}",
        f"{swept.map_seconds:.2f}",
        f"{swept.peak_bytes / 2**20:.0f}",
        f"{legal}/{len(plans)}",
    )


def _traffic(point: Point) -> str:
    if point.traffic is None:
        return "-"
    least = "*" if point.bound is not None and point.traffic <= point.bound else ""
    return (format_bytes(point.traffic) if point.traffic else "0") + least


def run(found: Iterable[Path], rules: Iterable[OperandRule], settings: Settings) -> Iterator[Sweep]:
    """Sweep after sweep, each in a fresh process."""
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool:
        for path in found:
            for rule in rules:
                yield pool.submit(sweep, path, rule, settings).result()


def write_csv(path: Path, swept: list[Sweep]) -> None:
    """One line per solve."""
    outer = [field.name for field in fields(Sweep) if field.name != "points"]
    inner = [field.name for field in fields(Point)]
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*outer, *inner])
        for one in swept:
            for point in one.points:
                rows.writerow([getattr(one, n) for n in outer] + [getattr(point, n) for n in inner])


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="models; default: all there are")
    parser.add_argument("--keras", type=Path, help="folder that `benchmarks.keras_models` filled")
    parser.add_argument("--csv", type=Path, help="one line per solve")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rule", choices=OPERAND_RULES, help="default: both")
    parser.add_argument("--target", default=Settings.target)
    parser.add_argument("--track", choices=("activations", "all"))
    parser.add_argument("--bytes-per-element", type=int)
    parser.add_argument("--solver", default=Settings.solver)
    parser.add_argument("--seconds", type=float, default=Settings.seconds)
    options = vars(parser.parse_args(words))
    settings = Settings(**{field.name: options[field.name] for field in fields(Settings)})
    print(f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", sep="\n", flush=True)
    swept = []
    rules = (options["rule"],) if options["rule"] else OPERAND_RULES
    for one in run(list(paths(options["names"], options["keras"])), rules, settings):
        print(f"| {' | '.join(cells(one))} |", flush=True)
        swept.append(one)
    if options["csv"]:
        write_csv(options["csv"], swept)
    if options["json"]:
        options["json"].write_text(json.dumps([asdict(one) for one in swept], indent=1))
    return int(any(point.faults for one in swept for point in one.points))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
