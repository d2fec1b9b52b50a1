"""How good the learned cost model is, beside the paper's models and simpler ones.

    python -m benchmarks.cost_model --data kernels.parquet [--only PART ...] [--models NAME ...]
        [--seed N] [--weights learned:cpu|FILE] [--anew JSON] [--new other.parquet] [--core K]
        [--cache FOLDER] [--output docs/data] [--prefix cost-model]

Parts, each by itself with `--only`, in this order:

    tune        settings of the paper's models by the validation kernels; those of `TUNED` else
    split       which families of models train, choose and test, with kernels
    table       every model on every metric, a table per target: on families that no model saw, and
                on a random split of the training families (the paper's kind; not the ablations);
                `fresh` are families that nobody looked at while the model was made
    learning    errors against 1,000, 5,000, 20,000 and all kernels of training
    adaptation  errors on another machine (`--new`) after 0, 10, 30, 100 and 300 of its kernels
    speed       kernels per second in batches, milliseconds for one
    programs    held-out example models: summed predictions against the measured program

What a model predicted, and what it was tuned to, is kept in `--cache`, so that a part that ran
costs nothing. Baselines take a minute, each of the paper's models one to five and as much again for
tuning, on one core and 20,000 kernels; ours trained anew (random split, ablations, learning) takes
as long as `cosmalloc cost train`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.cost_curves import LEARNERS, adaptation, draw_curves, learning
from benchmarks.cost_programs import compare
from benchmarks.cost_rivals import (
    ABLATIONS,
    NAMES,
    PAPERS,
    Array,
    Predicted,
    Sets,
    Workshop,
    at_random,
    held_out,
    shipped,
)
from benchmarks.cost_speed import speed
from benchmarks.doc_csv import write_table
from cosmalloc.cost_model.corpus.split import SPLITS, split_of
from cosmalloc.cost_model.dataset import Dataset, load
from cosmalloc.cost_model.estimator import FLOORS, TARGETS, Target
from cosmalloc.cost_model.metrics import Metrics, metrics
from cosmalloc.cost_model.prediction import Predictor
from cosmalloc.cost_model.roofline import fit_roofline
from cosmalloc.cost_model.roofline_predictor import RooflinePredictor
from examples.models.export import ARTIFACTS
from examples.models.export import NAMES as EXAMPLES

HEAD = ("MAPE", "median", "RMSE of log", "relative RMSE", "Spearman", "Kendall")
SHARES = ("in 50 %", "in 80 %", "in 95 %")
TITLES: dict[Target, str] = {
    "seconds": "Seconds of a kernel",
    "temporary_bytes": "Temporary bytes of a kernel",
    "code_bytes": "Generated code of a kernel, bytes",
}


@dataclass(frozen=True)
class Bench:
    """data: all kernels. new: of another machine. prefix: of the files in `output`."""

    data: Dataset
    shop: Workshop
    models: tuple[str, ...]
    output: Path
    new: Dataset | None
    core: int
    prefix: str

    def write(
        self, name: str, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]
    ) -> None:
        """A table of the documentation, shown here, too."""
        about = self.data.about
        machine = f"{about.get('machine', '?')}, {about.get('device', '?')}"
        path = self.output / f"{self.prefix}-{name}.csv"
        command = f"python -m benchmarks.cost_model --data kernels.parquet --only {self.part(name)}"
        note = f"{machine}, jax {about.get('jax', '?')}, seed {self.shop.seed}"
        write_table(path, title, command, head, rows, note)
        print(f"\n{title} ({note})\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
        print(*(f"| {' | '.join(row)} |" for row in rows), sep="\n", flush=True)

    @staticmethod
    def part(name: str) -> str:
        """The part that writes a table, as the command line has it."""
        return f"{name if name in PARTS else 'table'}{' --new FILE' * (name == 'adaptation')}"


def cells(found: Metrics) -> tuple[str, ...]:
    return (
        f"{found.mape:.1%}",
        f"{found.median:.1%}",
        f"{found.rmse_log:.3f}",
        f"{found.rmse_relative:.1%}",
        f"{found.spearman:.4f}",
        f"{found.kendall:.4f}",
    )


def split(bench: Bench) -> None:
    """Every family with its split and kernels."""
    counts = Counter(zip(bench.data.split, bench.data.family, strict=True))
    ordered = sorted(counts.items(), key=lambda item: (SPLITS.index(item[0][0]), item[0][1]))
    rows = [(where, family, f"{count:,}") for (where, family), count in ordered]
    bench.write("split", "Families of source models", ("split", "family", "kernels"), rows)


def tune(bench: Bench) -> None:
    """The paper's models tuned anew on the split by families."""
    for name in PAPERS:
        if name in bench.models:
            found = bench.shop.tune(name, held_out(bench.data))
            print(f"{name}: {found}", flush=True)


def table(bench: Bench) -> None:
    """Every model on both splits, ablations on families alone: one table per target."""
    lines: dict[Target, list[tuple[str, ...]]] = {target: [] for target in TARGETS}
    for sets in (held_out(bench.data), at_random(bench.data, bench.shop.seed)):
        for name in bench.models:
            if name in ABLATIONS and sets.name != "held-out":
                continue
            for target, row in _rows(bench, name, sets):
                lines[target].append(row)
                bench.shop.say(f"{target}: {', '.join(row)}")
    for target, rows in lines.items():
        head = ("split", "test kernels", "model", *HEAD)
        more = (*SHARES, "known", "training, CPU minutes") if target == "seconds" else ()
        bench.write(target.replace("_", "-"), TITLES[target], (*head, *more), rows)


def _rows(bench: Bench, name: str, sets: Sets) -> Iterator[tuple[Target, tuple[str, ...]]]:
    """A row per target and part of what is tested."""
    found = bench.shop.predicted(name, sets)
    splits = np.array(sets.test.split)
    for title, split in ((sets.name, splits != "fresh"), ("fresh", splits == "fresh")):
        if split.any():
            for target, values in found.values.items():
                row = (title, f"{split.sum():,}", name)
                yield target, (*row, *_cells_of(sets.test, found, target, values, split))


def _cells_of(
    test: Dataset, found: Predicted, target: Target, values: Array, rows: npt.NDArray[np.bool_]
) -> tuple[str, ...]:
    measured = np.asarray(getattr(test, target), np.float64)
    if target != "seconds":
        return cells(metrics(measured[rows], values[rows], None, FLOORS[target]))
    spread = None if found.spread is None else found.spread[rows]
    errors = metrics(measured[rows], values[rows], spread, FLOORS[target])
    shares = [f"{share:.0%}" for share in errors.coverage] or ["-"] * len(SHARES)
    return (*cells(errors), *shares, f"{found.inside:.1%}", f"{found.cpu_seconds / 60:.1f}")


def learn(bench: Bench) -> None:
    """Errors against kernels of training, table and picture."""
    names = [name for name in LEARNERS if name in bench.models]
    rows = learning(bench.shop, held_out(bench.data), names)
    bench.write(
        "learning",
        "Errors on held-out models against kernels of training",
        ("model", "kernels", *HEAD, "training, CPU minutes"),
        [(name, f"{n:,}", *cells(found), f"{cpu / 60:.1f}") for name, n, found, cpu in rows],
    )
    picture = bench.output / f"{bench.prefix}-learning.svg"
    draw_curves(picture, [row[:3] for row in rows], "kernels of training")


def adapt(bench: Bench) -> None:
    """Errors on another machine against kernels measured there."""
    if bench.new is None:
        bench.shop.say("adaptation: left out, give another machine's kernels with `--new`")
        return
    rows = adaptation(bench.shop, bench.data, bench.new, _adapted)
    bench.write(
        "adaptation",
        f"Errors on {bench.new.about.get('machine', 'another machine')} after few of its kernels",
        ("model", "kernels", *HEAD),
        [(way, str(count), *cells(found)) for way, count, found in rows],
    )
    draw_curves(bench.output / f"{bench.prefix}-adaptation.svg", rows, "kernels of the machine", 3)


def _adapted(model: Predictor, few: Dataset) -> Predictor:
    from cosmalloc.cost_model.learned import Learned

    if not isinstance(model, Learned):
        raise TypeError(f"{model.name} learns nothing")
    return model.adapted(few.text, few.seconds)


def fast(bench: Bench) -> None:
    """Throughput and latency of our model."""
    found = speed(shipped(bench.shop.weights), bench.data.only("test").text)
    cores = len(os.sched_getaffinity(0))
    bench.write(
        "speed",
        f"How fast predictions are, on {cores} {'cores' if cores > 1 else 'core'}",
        ("kernels per second, batches", "one kernel, ms", "its 99th, ms"),
        [(f"{found.batch:,.0f}", f"{found.one:.2f}", f"{found.slow:.2f}")],
    )


def programs(bench: Bench) -> None:
    """Held-out example models as a whole."""
    train = bench.data.only("train")
    fitted = fit_roofline(bench.shop.book.of(train.text), train.seconds)
    models = (shipped(bench.shop.weights), RooflinePredictor(fitted, "fitted roofline"))
    journal = bench.shop.cache / "programs.json"
    rows, errors = [], []
    for path in (ARTIFACTS / f"{name}.mlirbc" for name in EXAMPLES if split_of(name) == "test"):
        row = compare(path, models, journal, bench.core)
        off = [row.predicted[model.name] / row.measured - 1 for model in models]
        errors.append(off)
        shown = (f"{row.predicted[model.name] * 1e3:.3f}" for model in models)
        rows.append(
            (
                *(row.name, str(row.operators), f"{row.measured * 1e3:.3f}", *shown),
                *(f"{each:+.1%}" for each in off),
                f"{row.outside:.1%}",
            )
        )
        bench.shop.say(", ".join(rows[-1]))
    mean = np.abs(errors).mean(axis=0)
    rows.append(("mean of absolute", *("",) * 4, *(f"{each:.1%}" for each in mean), ""))
    head = ("model", "operators", "measured", "ours", "roofline", "ours off by", "roofline off by")
    title = "Held-out models as one program, XLA on one thread: milliseconds"
    bench.write("programs", title, (*head, "unknown operators"), rows)


PARTS: dict[str, Callable[[Bench], None]] = {
    "tune": tune,
    "split": split,
    "table": table,
    "learning": learn,
    "adaptation": adapt,
    "speed": fast,
    "programs": programs,
}


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="what `cost measure` wrote")
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), default=list(PARTS)[1:])
    parser.add_argument("--models", nargs="+", choices=NAMES, default=list(NAMES), metavar="NAME")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weights", default="learned:cpu", help="ours: a name, or a file")
    parser.add_argument(
        "--anew",
        type=json.loads,
        default={},
        metavar="JSON",
        help='settings of training ours anew: \'{"members": 1, "epochs": 20}\'',
    )
    parser.add_argument("--new", type=Path, help="kernels measured on another machine")
    parser.add_argument("--core", type=int, default=-1, help="that whole models are timed on")
    parser.add_argument("--cache", type=Path, default=Path("build/cost-model"))
    parser.add_argument("--output", type=Path, default=Path("docs/data"))
    parser.add_argument("--prefix", default="cost-model", help="of the tables' file names")
    options = parser.parse_args(words)
    for folder in (options.cache, options.output):
        folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        load(options.data),
        Workshop(options.cache, options.seed, options.weights, options.anew, say=_say),
        tuple(options.models),
        options.output,
        load(options.new) if options.new else None,
        options.core,
        options.prefix,
    )
    for part in options.only:
        PARTS[part](bench)
    return 0


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
