"""Packing, side by side: `python -m benchmarks.offsets TABLE [--files FOLDER] [--peers PYTHON]`.

TABLE is one of
  fit      does it fit the capacity: ours with five seeds, then the peers; CPU seconds
  ablation the same without one deduction at a time
  peak     the smallest peak and the proven bound; ours
  greedy   peak / capacity of the heuristics
  hidden   hidden perfect packings of 100 to 2,000 buffers: solved in 10 s
  models   lifetimes of every example model at its smallest peak; float and one byte an element
  large    growth from 10^3 to 10^6 buffers: seconds and peak / load bound
  threads  wall seconds with one and with two threads

--files: a folder with MiniMalloc's challenging instances (`A.1048576.csv` to `K.1048576.csv`).
--peers: a Python with `cosmalloc[bench]`'s packages, default this one.
One process at a time, one thread each.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from benchmarks import offset_instances as make
from benchmarks.offset_instances import Instance
from cosmalloc import native

PEERS = ("supermalloc", "cpsat", "omni", "telamalloc", "vela", "minimalloc")
HEURISTICS: tuple[tuple[str, native.Order, native.Fit], ...] = (
    ("TFLite greedy by size", "size", "first"),
    ("XLA best fit, spatial", "spatial", "best"),
    ("XLA best fit, temporal", "temporal", "best"),
    ("greedy by area", "area", "first"),
    ("linear scan, best fit", "scan", "best"),
    ("skyline", "skyline", "best"),
)
# CPU seconds of Google's MiniMalloc on the eleven files, 2-core machine, November 2026
MINIMALLOC = dict(
    zip(
        "ABCDEFGHIJK",
        (4.40, 3.04, 0.54, 2.15, 3.02, 4.60, 0.91, 1.65, 3.04, 0.72, 0.45),
        strict=True,
    )
)


def legal(instance: Instance, offsets: make.Ints, capacity: int) -> bool:
    """By sweeping: what starts must not meet what is alive."""
    standing = native.Allocation()
    for i in np.argsort(instance.lower, kind="stable").tolist():
        lower, upper, size = (int(c[i]) for c in (instance.lower, instance.upper, instance.size))
        if int(offsets[i]) + size > capacity:
            return False
        if not standing.is_free(lower, upper, int(offsets[i]), size):
            return False
        standing.insert_at(i, lower, upper, size, int(offsets[i]))
    return True


def cpu(instance: Instance, seconds: float, seed: int) -> tuple[native.Fitting, float]:
    """The exact search on one thread, and its CPU seconds."""
    columns = (instance.lower, instance.upper, instance.size)
    before = time.process_time()
    found = native.fit(*columns, instance.capacity, seconds=seconds, seed=seed)
    return found, time.process_time() - before


def fit(instances: list[Instance], seconds: float, python: str) -> None:
    """CPU seconds to an allocation within the capacity, per instance and solver."""
    table([("solver", *(i.name for i in instances), "total", "found")], head=True)
    ratios: list[float] = []
    for seed in range(5):
        times: list[float | None] = []
        for instance in instances:
            found, spent = cpu(instance, seconds, seed)
            good = found.offsets is not None and legal(instance, found.offsets, instance.capacity)
            times.append(spent if good else None)
            if good and instance.name in MINIMALLOC:
                ratios.append(spent / MINIMALLOC[instance.name])
        table([row(f"ours, seed {seed}", times)])
    for peer in PEERS if python else ():
        table([row(peer, list(peer_times(peer, instances, seconds, python)))])
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"\ngeometric mean of the ratio to MiniMalloc's recorded seconds: {mean:.4f}")


def peer_times(
    peer: str, instances: Iterable[Instance], seconds: float, python: str
) -> Iterator[float | None]:
    """CPU seconds of a peer per instance, None where it did not fit the capacity or is missing."""
    script = Path(__file__).with_name("offset_peers.py")
    with tempfile.TemporaryDirectory() as folder:
        for instance in instances:
            path = Path(folder) / "buffers.csv"
            lines = ["id,lower,upper,size"]
            columns = (instance.lower, instance.upper, instance.size)
            rows = zip(*(c.tolist() for c in columns), strict=True)
            lines += [f"{i},{a},{b},{z}" for i, (a, b, z) in enumerate(rows)]
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            words = [python, str(script), peer, str(path), str(instance.capacity), str(seconds)]
            try:
                ended = subprocess.run(words, capture_output=True, text=True, timeout=6 * seconds)
            except subprocess.TimeoutExpired:
                yield None
                continue
            if ended.returncode != 0:
                print(f"{peer}: {ended.stderr.splitlines()[-1:]}", file=sys.stderr)
                yield None
                continue
            answer = json.loads(ended.stdout.splitlines()[-1])
            fits = answer["peak"] is not None and answer["peak"] <= instance.capacity
            yield answer["cpu"] if fits else None


def ablation(instances: list[Instance], seconds: float) -> None:
    """CPU seconds with one deduction off, seeds 0 to 2 added up."""
    table([("without", *(i.name for i in instances), "total", "found")], head=True)
    for word, switches in (
        ("nothing", (True, True, True, True, True)),
        ("joins", (True, True, True, True, False)),
        ("borders", (True, True, True, False, True)),
        ("holes", (True, False, True, True, True)),
        ("not first", (False, True, True, True, True)),
        ("twins", (True, True, False, True, True)),
        ("all of these", (False, False, False, False, False)),
    ):
        times: list[float | None] = []
        for instance in instances:
            total: float | None = 0.0
            for seed in range(3):
                blocks = native.Buffers(instance.lower, instance.upper, instance.size).blocks
                before = time.process_time()
                status = blocks.fit(instance.capacity, seconds, seed, 1, *switches)[0]
                spent = time.process_time() - before
                total = total + spent if status == 0 and total is not None else None
            times.append(total)
        table([row(word, times)])


def peak(instances: list[Instance], seconds: float) -> None:
    """The smallest peak found and proven."""
    table([("instance", "load bound", "bound", "peak", "status", "s")], head=True)
    for i in instances:
        least = native.minimize(i.lower, i.upper, i.size, seconds=seconds)
        assert legal(i, least.offsets, least.peak)
        load = native.load_bound(i.lower, i.upper, i.size)
        table([(i.name, load, least.bound, least.peak, least.status, f"{least.seconds:.2f}")])


def greedy(instances: list[Instance]) -> None:
    """peak / capacity of the heuristics."""
    table([("heuristic", *(i.name for i in instances))], head=True)
    for word, order, how in HEURISTICS:
        shares = []
        for i in instances:
            placed = native.place(i.lower, i.upper, i.size, order=order, fit=how)
            shares.append(f"{placed.peak / i.capacity:.3f}")
        table([(word, *shares)])


def hidden(seconds: float, python: str, peers: bool) -> None:
    """Share of hidden perfect packings that are found."""
    table([("instance", "ours, CPU s", *(PEERS[:2] if peers else ()))], head=True)
    for instance in hidden_instances():
        found, spent = cpu(instance, seconds, 0)
        cells = [f"{spent:.2f}" if found.status == "feasible" else "-"]
        for peer in PEERS[:2] if peers else ():
            time_of = next(peer_times(peer, [instance], seconds, python))
            cells.append("-" if time_of is None else f"{time_of:.2f}")
        table([(instance.name, *cells)])


def hidden_instances() -> Iterator[Instance]:
    """100 to 2,000 buffers."""
    for count in (100, 200, 500, 1000, 2000):
        for seed in range(3):
            yield make.hidden(count, seed)
            yield make.nested(count, seed)
            yield make.coarse(count, seed)
        yield make.pinwheels(count, 0)


def models() -> None:
    """The smallest peak of every example model's tensors, in source order."""
    from benchmarks.models import paths
    from cosmalloc.map_model import problem_of

    head = ("model", "buffers", "load bound", "peak", "status", "s")
    table([(*head, "bytes 1: peak", "status", "s")], head=True)
    for path in paths([], None):
        cells: list[str] = []
        for unit in (None, 1):
            i = make.lifetimes(problem_of(path, bytes_per_element=unit))
            least = native.minimize(i.lower, i.upper, i.size)
            if unit is None:
                load = native.load_bound(i.lower, i.upper, i.size)
                cells += [f"{len(i.size):,}", f"{load:,}"]
            cells += [f"{least.peak:,}", least.status, f"{least.seconds:.4f}"]
        table([(path.name.partition(".")[0], *cells)])


def threads(instances: list[Instance], seconds: float) -> None:
    """Wall seconds to the capacity and to the smallest peak, seeds 0 to 4 added up."""
    table([("instance", "fit, 1 thread", "2 threads", "peak, 1 thread", "2 threads")], head=True)
    for i in instances:
        columns = (i.lower, i.upper, i.size)
        cells = []
        for least in (False, True):
            for count in (1, 2):
                spent = 0.0
                for seed in range(5):
                    if least:
                        found = native.minimize(*columns, seconds=seconds, seed=seed, threads=count)
                        spent += found.seconds
                    else:
                        spent += native.fit(
                            *columns, i.capacity, seconds=seconds, seed=seed, threads=count
                        ).seconds
                cells.append(f"{spent:.3f}")
        table([(i.name, *cells)])


def large() -> None:
    """Growth of the fast heuristics."""
    table([("instance", "buffers", "CPU s", "peak / load bound")], head=True)
    for build in (make.tiling, make.staircase, make.hidden):
        for count in (10**3, 10**4, 10**5, 10**6):
            i = build(count, 0)
            before = time.process_time()
            if count < 50_000:
                order: tuple[native.Order, ...] = ("scan", "scan_back", "skyline")
                best = min(native.place(i.lower, i.upper, i.size, order=o).peak for o in order)
            else:
                best = native.portfolio(i.lower, i.upper, i.size).peak
            spent = time.process_time() - before
            bound = native.load_bound(i.lower, i.upper, i.size)
            table([(i.name, f"{len(i.size):,}", f"{spent:.2f}", f"{best / bound:.4f}")])


def row(word: str, times: list[float | None]) -> tuple[str, ...]:
    """A line of seconds, `-` where there is none."""
    cells = ["-" if t is None else f"{t:.3f}" for t in times]
    got = [t for t in times if t is not None]
    return (word, *cells, f"{sum(got):.3f}", f"{len(got)}/{len(times)}")


def table(rows: Iterable[tuple[object, ...]], head: bool = False) -> None:
    """Lines of a Markdown table."""
    for cells in rows:
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
        if head:
            print("|" + "---|" * len(cells), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words = ("fit", "ablation", "peak", "greedy", "hidden", "models", "large", "threads")
    parser.add_argument("table", choices=words)
    parser.add_argument("--files", type=Path, help="MiniMalloc's instances")
    parser.add_argument("--peers", default=sys.executable, help="a Python with the peers")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    if given.files is None:
        instances = [make.hidden(100, s) for s in range(3)] + [make.pinwheels(50, 0)]
    else:
        instances = list(make.from_files(given.files))
    python = "" if given.no_peers else given.peers
    match given.table:
        case "fit":
            fit(instances, given.seconds, python)
        case "ablation":
            ablation(instances, given.seconds)
        case "peak":
            peak(instances, given.seconds)
        case "greedy":
            greedy(instances)
        case "hidden":
            hidden(given.seconds, python, not given.no_peers)
        case "models":
            models()
        case "large":
            large()
        case "threads":
            threads(instances, given.seconds)


if __name__ == "__main__":
    main()
