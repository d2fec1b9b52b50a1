"""Trained models of other people through every door: mapped, legal, run beside their runtime.

    pip install 'cosmalloc[mlir,bench]' and, for `.pt2`, torch
    python -m benchmarks.doors [--cache FOLDER] [--keras FOLDER] [--seconds S] [NAME ...]

Budgets under the rule `resident`, activations planned: M_R the largest operands and results of one
operator, M_P the least peak that `greedy` finds, M_H half-way. A cell is the non-compulsory traffic
by `greedy` / `ilp`; `*` is proven to be the least. `difference`: the mapped program, run through
its plan at M_H, against onnxruntime, LiteRT or torch: largest difference over largest output.
`s/1000`: seconds of a processor for the import beyond the converter's own, per 1,000 operations of
the module. A quarter of an hour and more: `--seconds` is ILP's time for each of three budgets.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.doors_models import CACHE, Model, models

HEAD = (
    *("file", "door", "operations", "operators", "tensors", "M_R", "M_P"),
    *("at M_R", "at M_H", "at M_P", "legal", "difference", "converter s", "s/1000"),
)
EQUAL = 1e-3


@dataclass(frozen=True)
class Row:
    """What one file gave; fault: why there is nothing more.

    traffic: per budget (greedy, ilp) as words. difference: None where nothing could be compared,
    `why` says why then. seconds: of the import beyond its converter.
    """

    file: str
    door: str
    fault: str = ""
    operations: int = 0
    operators: int = 0
    tensors: int = 0
    m_r: int = 0
    m_p: int = 0
    traffic: tuple[str, ...] = ()
    plans: int = 0
    legal: int = 0
    difference: float | None = None
    why: str = ""
    converter: float = 0.0
    seconds: float = 0.0
    opaque: bool = False

    @property
    def per_thousand(self) -> float:
        return 1000 * self.seconds / max(1, self.operations)


def measure(model: Model, seconds: float) -> Row:
    """One row, in a process of its own."""
    from benchmarks.doors_run import measured

    return measured(model, seconds)


def rows(found: list[Model], seconds: float) -> Iterator[Row]:
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool:
        for model in found:
            yield pool.submit(measure, model, seconds).result()


def cells(row: Row) -> tuple[str, ...]:
    from cosmalloc.sizes import format_bytes

    name = row.file + (" (black boxes)" if row.opaque else "")
    if not row.operators:
        return (name, row.door, row.fault, *[""] * (len(HEAD) - 3))
    found = row.why if row.difference is None else f"{row.difference:.1e}"
    return (
        name,
        row.door,
        f"{row.operations:,}",
        f"{row.operators:,}",
        f"{row.tensors:,}",
        format_bytes(row.m_r),
        format_bytes(row.m_p),
        *row.traffic,
        f"{row.legal}/{row.plans}",
        found,
        f"{row.converter:.2f}",
        f"{row.per_thousand:.2f}",
    )


def chosen(options: argparse.Namespace) -> list[Model]:
    found = []
    for model in models(options.cache):
        if model.path.suffix == ".safetensors":
            model = Model(_minilm(model.path))
        found.append(model)
    if options.keras is not None:
        found += [Model(path) for path in sorted(options.keras.glob("*.mlirbc"))]
    return [m for m in found if not options.names or m.path.stem in options.names]


def _minilm(weights: Path) -> Path:
    out = weights.with_name("minilm.pt2")
    if weights.parent.name and not out.exists():
        words = ("-m", "benchmarks.doors_minilm", str(weights), str(out))
        subprocess.run([sys.executable, *words], check=False)
    return out


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="files without suffix")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the wheels")
    parser.add_argument("--keras", type=Path, help="folder that `benchmarks.keras_models` filled")
    parser.add_argument("--seconds", type=float, default=10.0, help="of ILP for each budget")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(words)
    print(f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", sep="\n", flush=True)
    made = []
    for row in rows(chosen(options), options.seconds):
        print(f"| {' | '.join(cells(row))} |", flush=True)
        made.append(row)
    mapped = [row for row in made if row.operators]
    equal = [r for r in mapped if r.difference is not None and r.difference <= EQUAL]
    print(f"\n{len(mapped)} of {len(made)} files map, {len(equal)} compute the same", flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in made], indent=1))
    return int(any(row.legal != row.plans for row in made))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
