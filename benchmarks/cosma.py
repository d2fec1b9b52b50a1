"""COSMA's evaluation (arXiv 2311.18246) again: non-compulsory bytes of the baselines and of ours.

    python -m benchmarks.cosma [--group fuse|single] [--seconds S] [--json FILE] [NAME ...]

Group: `single` has one operator per node of the graph, as the paper; `fuse` one per kernel.

Budgets: M_R the largest operands and results of one operator, M_P the least peak footprint of any
order, M_H their mean; of the activations alone, and with the weights. Elements have one byte.

online, offline: least and mean of the four baselines {source order, least-peak order} x {belady,
cheapest} (see `cosmalloc.baselines`). gap: (ours - bound) / ours. `verify` judges every plan.
The reduction of a row is 1 - ours / mean of the online baselines; rows in which all move nothing
are left out of the means.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean

from cosmalloc import map_model
from cosmalloc.baselines import offline, online
from cosmalloc.baselines.replacement import RULES
from cosmalloc.ilp.facts import facts_of
from cosmalloc.ilp.peak import lowest_order
from cosmalloc.lifetimes import source_order
from cosmalloc.passes.grouping import Policy
from cosmalloc.passes.reading import Tracking
from cosmalloc.plan import Plan
from cosmalloc.problem import Problem
from cosmalloc.sizes import format_bytes
from cosmalloc.solve import solve
from cosmalloc.traffic import traffic
from cosmalloc.verify import verify
from cosmalloc.working_set import working_set_bytes
from examples.models.export import ARTIFACTS

HAND = (
    "resnet50",
    "densenet121",
    "resnext50",
    "r2plus1d_18",
    "s3d",
    "fcn_resnet50",
    "lraspp_mobilenet_v3",
    "deeplabv3_resnet50",
    "transformer_base",
    "vit_b16",
)
NAS = ("nasnet_a_mobile", "pnasnet5_mobile", "amoebanet_d", "darts")
TRACKINGS: tuple[Tracking, ...] = ("activations", "all")
HEAD = (
    "network",
    "tracked",
    "budget",
    "bytes",
    "operators",
    "tensors",
    "online least",
    "online mean",
    "offline least",
    "offline mean",
    "greedy",
    "ours",
    "bound",
    "gap",
    "seconds",
)


@dataclass(frozen=True)
class Row:
    """One problem. All traffic in non-compulsory bytes; None where there is no plan."""

    network: str
    tracked: str
    budget: str
    scratchpad: int
    operators: int
    tensors: int
    online: tuple[int, ...]
    offline: tuple[int, ...]
    greedy: float | None
    ours: float | None
    bound: float | None
    status: str
    seconds: float

    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        gap = "-"
        if self.ours is not None and self.bound is not None:
            gap = "0" if self.ours == self.bound else f"{1 - self.bound / self.ours:.1%}"
        return (
            self.network,
            self.tracked,
            self.budget,
            f"{self.scratchpad:,}",
            f"{self.operators}",
            f"{self.tensors}",
            *(_cell(pick(moved)) for moved in (self.online, self.offline) for pick in (min, mean)),
            _cell(self.greedy),
            _cell(self.ours),
            _cell(self.bound),
            gap,
            f"{self.seconds:.2f}",
        )


def _cell(count: float | None) -> str:
    return "-" if count is None else format_bytes(round(count)) if count else "0"


def rows(name: str, tracked: Tracking, seconds: float, group: Policy = "fuse") -> Iterator[Row]:
    """The three budgets of one network."""
    mapped = map_model(
        ARTIFACTS / f"{name}.mlirbc",
        target="npu-8mib",
        bytes_per_element=1,
        track=tracked,
        group=group,
        solver="greedy",
        scratchpad=2**40,
        alignment=1,
    )
    roomy = mapped.problem
    low = lowest_order(facts_of(roomy), seconds)
    m_r = max(working_set_bytes(roomy, o) for o in range(len(roomy.operators)))
    m_p = low.load if low.order is not None else low.bound
    orders = [source_order(roomy), *([low.order] if low.order is not None else [])]
    for budget, size in (("M_R", m_r), ("M_H", (m_r + m_p) // 2), ("M_P", m_p)):
        problem = replace(roomy, target=replace(roomy.target, scratchpad_bytes=size))
        yield row(problem, (name, tracked, budget), orders, seconds)


def row(
    problem: Problem, words: tuple[str, str, str], orders: list[tuple[int, ...]], seconds: float
) -> Row:
    """All solvers on one problem."""
    made = [
        [moved(problem, make(problem, order, rule)) for order in orders for rule in RULES]
        for make in (online, offline)
    ]
    greedy = solve(problem, solver="greedy", seconds=seconds)
    began = time.perf_counter()
    ours = solve(problem, solver="ilp", seconds=seconds)
    return Row(
        *words,
        problem.target.scratchpad_bytes,
        len(problem.operators),
        sum(tensor.tracked for tensor in problem.tensors),
        *(tuple(count for count in each if count is not None) for each in made),
        greedy.value,
        ours.value,
        ours.bound,
        ours.status,
        time.perf_counter() - began,
    )


def moved(problem: Problem, plan: Plan | None) -> int | None:
    """Non-compulsory bytes of a plan, judged."""
    if plan is None:
        return None
    faults = verify(problem, plan)
    assert not faults, f"{problem.name}: {faults[0]}"
    return traffic(problem, plan).non_compulsory


def summary(found: list[Row], names: tuple[str, ...], words: str) -> Iterator[str]:
    """Means over a group of networks."""
    group = [each for each in found if each.network in names]
    if not group:
        return
    proven = sum(each.status == "optimal" for each in group)
    slowest = max(each.seconds for each in group)
    yield (
        f"{words}: {proven} of {len(group)} proven, mean {mean(e.seconds for e in group):.2f} s,"
        f" slowest {slowest:.2f} s"
    )
    for budget in ("M_R", "M_H", "M_P"):
        for kind in ("online", "offline"):
            shares = [
                1 - each.ours / mean(getattr(each, kind))
                for each in group
                if each.budget == budget and each.ours is not None and any(getattr(each, kind))
            ]
            if shares:
                yield f"  {budget}: {mean(shares):.1%} fewer bytes than {kind}, {len(shares)} rows"
        left = sum(each.ours or 0 for each in group if each.budget == budget)
        yield f"  {budget}: ours moves {left:,.0f} bytes in all"


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="networks; default: the fourteen")
    parser.add_argument("--group", choices=("fuse", "single"), default="fuse")
    parser.add_argument("--seconds", type=float, default=10.0, help="per plan, default 10")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(words)
    print(f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}", sep="\n", flush=True)
    found = []
    for name in options.names or (*HAND, *NAS):
        for tracked in TRACKINGS:
            for each in rows(name, tracked, options.seconds, options.group):
                print(f"| {' | '.join(each.cells())} |", flush=True)
                found.append(each)
    for line in (*summary(found, HAND, "hand-designed"), *summary(found, NAS, "searched")):
        print(line)
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in found], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
