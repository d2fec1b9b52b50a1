"""A peer on one problem, in a process of its own: {"value": bytes|null, "bound": bytes, "proven":
bool, "seconds": wall seconds}.

    python benchmarks/cosma_peers.py cpsat PROBLEM.json SECONDS [WORKERS]

Needs the peer's package (the `bench` extra has them), nothing of cosmalloc. `cpsat`: OR-Tools
CP-SAT on the joint problem, order, residency and offsets, under the operand rule `resident`, for
problems without alias groups. Per operator o, tensor t, step s:

    x[o,s]  o runs at s                 sum_s x[o,s] = sum_o x[o,s] = 1
    done[o,s] = sum_{k<s} x[o,k]        x[o,s] <= done[p,s]              p a predecessor of o
    on[t,s]  on chip                    on[t,s] >= x[o,s]                o touches t
    load[t,s] >= on[t,s] - on[t,s-1] - makes    and before it a store of what is made and no output
    (1)  sum_t size_t on[t,s] <= room                                    each s
    (2)  the stay that starts with t's k-th use is an optional box [start, stop) x [offset, + size)
         and no two boxes overlap
    (3)  min sum_t bytes_t (loads_t - 1 if given) + bytes_t stored_t

Boxes are on[t,.] without a break, at most one per use of t.
"""

from __future__ import annotations

import importlib
import json
import math
import sys
import time
from pathlib import Path
from typing import Any


class Model:
    """The model of one problem, in units of the greatest common divisor of all sizes."""

    def __init__(self, problem: dict[str, Any], offsets: bool) -> None:
        self.cp = importlib.import_module("ortools.sat.python.cp_model")
        self.model = self.cp.CpModel()
        self.problem = problem
        self.operators = problem["operators"]
        self.tensors = problem["tensors"]
        self.steps = range(len(self.operators))
        target = problem["target"]
        if target["operand_rule"] != "resident" or target["alignment"] != 1:
            raise SystemExit("cpsat wants the operand rule `resident` and no alignment")
        if any(tensor["alias_group"] is not None for tensor in self.tensors):
            raise SystemExit("cpsat has no results in place")
        self.unit = _gcd(tensor["bytes"] for tensor in self.tensors)
        self.room = target["scratchpad_bytes"] // self.unit
        self.size = [tensor["bytes"] // self.unit for tensor in self.tensors]
        self.producer = {t: o for o, node in enumerate(self.operators) for t in node["outputs"]}
        self.order_rows()
        self.residency_rows(offsets)

    def order_rows(self) -> None:
        """x and done."""
        model, steps = self.model, self.steps
        self.x = [[model.new_bool_var("") for _ in steps] for _ in steps]
        self.at = [model.new_int_var(0, len(steps) - 1, "") for _ in steps]
        for o in steps:
            model.add_exactly_one(self.x[o])
            model.add_exactly_one(self.x[k][o] for k in steps)
            model.add(self.at[o] == sum(s * self.x[o][s] for s in steps))
        self.done = [[model.new_bool_var("") for _ in range(len(steps) + 1)] for _ in steps]
        for o in steps:
            model.add(self.done[o][0] == 0)
            for s in steps:
                model.add(self.done[o][s + 1] == self.done[o][s] + self.x[o][s])
        for o, node in enumerate(self.operators):
            for p in {self.producer[t] for t in node["inputs"] if t in self.producer}:
                model.add(self.at[p] + 1 <= self.at[o])
                for s in steps:
                    model.add_implication(self.x[o][s], self.done[p][s])

    def residency_rows(self, offsets: bool) -> None:
        """on, load, store, (1), (2), (3)."""
        model, steps = self.model, self.steps
        readers: dict[int, list[int]] = {}
        for o, node in enumerate(self.operators):
            for t in node["inputs"]:
                readers.setdefault(t, []).append(o)
        cost, self.on = [], {}
        across, up = [], []
        for t, tensor in enumerate(self.tensors):
            touching = [*readers.get(t, ()), *([self.producer[t]] if t in self.producer else [])]
            if not tensor["tracked"] or not touching:
                continue
            on = [model.new_bool_var("") for _ in steps]
            load = [model.new_bool_var("") for _ in steps]
            begin = [model.new_bool_var("") for _ in steps]
            made = self.producer.get(t)
            for s in steps:
                for o in touching:
                    model.add_implication(self.x[o][s], on[s])
                produced = self.x[made][s] if made is not None else 0
                earlier = on[s - 1] if s else 0
                model.add(begin[s] == load[s] + produced)
                model.add(on[s] <= earlier + begin[s])
                model.add(load[s] <= on[s])
                model.add(load[s] <= sum(self.x[o][s] for o in readers.get(t, ())))
                if made is not None:
                    model.add(on[s] <= self.done[made][s + 1])
                    model.add(load[s] <= self.done[made][s])
            if made is None:
                cost.append((sum(load) - 1) * self.size[t])
            else:
                cost.append(sum(load) * self.size[t])
                if tensor["kind"] != "output":
                    stored = model.new_bool_var("")
                    for s in steps:
                        model.add_implication(load[s], stored)
                    cost.append(stored * self.size[t])
            self.on[t] = on
            if offsets:
                self.boxes(t, on, begin, len(touching), across, up)
        for s in steps:
            model.add(sum(self.size[t] * on[s] for t, on in self.on.items()) <= self.room)  # (1)
        if offsets:
            model.add_no_overlap_2d(across, up)  # (2)
        model.minimize(sum(cost))  # (3)

    def boxes(
        self, t: int, on: list[Any], begin: list[Any], uses: int, across: list[Any], up: list[Any]
    ) -> None:
        """One optional box per stay; the k-th box is the k-th stay."""
        model, steps, count = self.model, self.steps, len(self.steps)
        member = [[model.new_bool_var("") for _ in steps] for _ in range(uses)]
        for s in steps:
            model.add(sum(row[s] for row in member) == on[s])
        for k, row in enumerate(member):
            here = model.new_bool_var("")
            start = model.new_int_var(0, count, "")
            stop = model.new_int_var(0, count, "")
            span = model.new_int_var(0, count, "")
            offset = model.new_int_var(0, max(0, self.room - self.size[t]), "")
            model.add(sum(row) == span)
            model.add(span >= 1).only_enforce_if(here)
            model.add(span == 0).only_enforce_if(here.negated())
            for s in steps:
                model.add(start <= s).only_enforce_if(row[s])
                model.add(stop >= s + 1).only_enforce_if(row[s])
                if s:  # a step on from the one before in the same box, or a start
                    model.add(row[s] <= row[s - 1] + begin[s])
                    for later in member[k + 1 :]:
                        model.add_implication(later[s - 1], row[s].negated())
                if s:
                    model.add(row[s] + row[s - 1] + begin[s] <= 2)
            across.append(model.new_optional_interval_var(start, span, stop, here, ""))
            up.append(model.new_optional_fixed_size_interval_var(offset, self.size[t], here, ""))


def _gcd(numbers: Any) -> int:
    return math.gcd(*numbers)


def solve(problem: dict[str, Any], seconds: float, workers: int) -> dict[str, Any]:
    """CP-SAT's answer, building included in the time."""
    begun = time.monotonic()
    built = Model(problem, offsets=True)
    solver = built.cp.CpSolver()
    solver.parameters.num_workers = workers
    solver.parameters.max_time_in_seconds = max(1.0, seconds - (time.monotonic() - begun))
    status = solver.solve(built.model)
    found = status in (built.cp.OPTIMAL, built.cp.FEASIBLE)
    return {
        "value": round(solver.objective_value) * built.unit if found else None,
        "bound": max(0, round(solver.best_objective_bound)) * built.unit,
        "proven": status == built.cp.OPTIMAL,
        "seconds": time.monotonic() - begun,
    }


def main(words: list[str]) -> int:
    peer, path, seconds = words[0], words[1], float(words[2])
    if peer != "cpsat":
        raise SystemExit(f"no peer `{peer}`; there is cpsat")
    workers = int(words[3]) if len(words) > 3 else 1
    print(json.dumps(solve(json.loads(Path(path).read_text()), seconds, workers)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
