"""One peer on one packing problem, in a process of its own: {"peak": bytes|null, "cpu": seconds}.

    python benchmarks/offset_peers.py PEER BUFFERS.csv CAPACITY SECONDS

Needs the peer's package (the `bench` extra has them), nothing of cosmalloc. Answers are checked.
PEER: supermalloc (given capacity + 1 as its bound: its search only shows its strength so), omni,
telamalloc, vela (hill climb), cpsat (no_overlap_2d), minimalloc (the binary, if on the PATH).
"""

from __future__ import annotations

import csv
import importlib
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Rows = list[tuple[int, int, int]]  # lower, upper, size
Offsets = list[int] | None


def supermalloc(rows: Rows, capacity: int, seconds: float) -> Offsets:
    """OmniMalloc's partition solver, its own three orders in turn, below capacity + 1."""
    omni = importlib.import_module("omnimalloc")
    module = importlib.import_module("omnimalloc.allocators.supermalloc")
    wanted = [omni.Allocation(id=i, size=z, start=a, end=b) for i, (a, b, z) in enumerate(rows)]
    base = module.Partition.from_allocations(tuple(wanted))
    orders = module.DEFAULT_HEURISTICS  # on one thread it would give all the time to the first
    for order in orders:
        portfolio = module._Portfolio(
            partitions=[base.reorder("".join(order))],
            threads=1,
            deadline=time.monotonic() + seconds / len(orders),
        )
        found = portfolio.solve((capacity + 1,))
        if found is not None:
            return _by_id(found.allocations)
    return None


def omnimalloc(name: str) -> Callable[[Rows, int, float], Offsets]:
    """An allocator of OmniMalloc by its name."""

    def run(rows: Rows, capacity: int, seconds: float) -> Offsets:
        omni = importlib.import_module("omnimalloc")
        wanted = [omni.Allocation(id=i, size=z, start=a, end=b) for i, (a, b, z) in enumerate(rows)]
        return _by_id(omni.allocate(wanted, name))

    return run


def _by_id(allocations: Any) -> list[int]:
    return [one.offset for one in sorted(allocations, key=lambda one: int(one.id))]


def vela(rows: Rows, capacity: int, seconds: float) -> Offsets:
    """Vela's hill climb, its own number of iterations, on compressed steps."""
    climb = importlib.import_module("ethosu.vela.hillclimb_allocation")
    points = sorted({p for a, b, _ in rows for p in (a, b)})
    step = {p: i for i, p in enumerate(points)}

    class Range:
        def __init__(self, start: int, stop: int, size: int) -> None:
            self.start_time, self.end_time, self.size = step[start], step[stop] - 1, size

        def get_alignment(self) -> int:
            return 1

    ranges = [Range(*row) for row in rows]
    return [int(at) for at in climb.allocate_live_ranges(ranges, None, capacity)]


def cpsat(rows: Rows, capacity: int, seconds: float) -> Offsets:
    """OR-Tools CP-SAT, one worker."""
    cp = importlib.import_module("ortools.sat.python.cp_model")
    model = cp.CpModel()
    offsets, across, up = [], [], []
    for a, b, size in rows:
        offset = model.new_int_var(0, capacity - size, "")
        offsets.append(offset)
        across.append(model.new_fixed_size_interval_var(a, b - a, ""))
        up.append(model.new_fixed_size_interval_var(offset, size, ""))
    model.add_no_overlap_2d(across, up)
    solver = cp.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = seconds
    if solver.solve(model) not in (cp.OPTIMAL, cp.FEASIBLE):
        return None
    return [solver.value(offset) for offset in offsets]


def minimalloc(path: str, capacity: int, seconds: float) -> Offsets:
    """Google's binary: --capacity --input --output."""
    binary = shutil.which("minimalloc")
    if binary is None:
        raise SystemExit("no minimalloc on the PATH")
    out = Path(path).with_suffix(".out")
    words = [binary, f"--capacity={capacity}", f"--input={path}", f"--output={out}"]
    try:
        subprocess.run(words, timeout=seconds, check=True, capture_output=True)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return None
    with out.open() as lines:
        return [int(row["offset"]) for row in csv.DictReader(lines)]


PEERS: dict[str, Callable[[Rows, int, float], Offsets]] = {
    "supermalloc": supermalloc,
    "omni": omnimalloc("omni"),
    "telamalloc": omnimalloc("telamalloc"),
    "vela": vela,
    "cpsat": cpsat,
}


def overlaps(rows: Rows, offsets: list[int]) -> bool:
    """True where two buffers share a byte in one step: by definition."""
    for i, (a, b, size) in enumerate(rows):
        for j in range(i):
            c, d, other = rows[j]
            if (
                a < d
                and c < b
                and offsets[i] < offsets[j] + other
                and offsets[j] < offsets[i] + size
            ):
                return True
    return False


def main() -> None:
    peer, path, capacity, seconds = sys.argv[1:]
    with Path(path).open() as lines:
        rows = [(int(r["lower"]), int(r["upper"]), int(r["size"])) for r in csv.DictReader(lines)]
    if peer in PEERS:
        PEERS[peer]([(0, 1, 1)], 1, 1.0)  # imports are not the peer's time
    before = _cpu()
    if peer == "minimalloc":
        offsets = minimalloc(path, int(capacity), float(seconds))
    else:
        offsets = PEERS[peer](rows, int(capacity), float(seconds))
    cpu = _cpu() - before
    if offsets is not None and overlaps(rows, offsets):
        raise SystemExit(f"{peer} returned offsets that overlap")
    peak = None
    if offsets is not None:
        peak = max(at + row[2] for at, row in zip(offsets, rows, strict=True))
    print(json.dumps({"peak": peak, "cpu": cpu}))


def _cpu() -> float:
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, who))


if __name__ == "__main__":
    main()
