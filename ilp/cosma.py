"""COSMA, letter by letter (Li, Gupta, Malik, arXiv 2311.18246), for small problems: a reference.

T = as many steps as operators; t in steps 0 to T - 1. Per tensor a and step t binaries C created,
P preserved, S spilled, R retrieved; L address; per pair a, b and step u a lies above b, d below.
MB = scratchpad bytes, res = C + P + R.

    (1)  C[a,t] + P[a,t] + S[a,t] + R[a,t] <= 1
    (2)  P[a,t] <= C[a,t-1] + P[a,t-1] + R[a,t-1]
    (3)  S[a,t] <= C[a,t-1] + P[a,t-1]
    (4)  R[a,t] <= sum_{k<=t} S[a,k]
    (5)  C[a,t] <= P[b,t] + R[b,t]                       b an input of a's producer
    (6)  C[a,t]  = C[b,t]                                a, b outputs of one operator
    (7)  sum_t C[a,t] = 1
    (8)  sum_t S[a,t] <= 1
    (9)  L[a,t] + size(a) <= MB
    (10) L[a,t] >= L[b,t] + size(b) - MB (1 - u); L[b,t] >= L[a,t] + size(a) - MB (1 - d)
         u + d >= res[a,t] + res[b,t] - 1;  u + d <= 1
    (11) |L[a,t] - L[a,t-1]| <= MB (1 - P[a,t])
    (12) min sum (S[a,t] + R[a,t]) size(a)
    (13) min M_peak   (14) S = R = 0   (15) sum_a (C[a,t] + P[a,t]) size(a) <= M_peak
    (16) C given: (17) C[a,t] = 1 for the step t of a's producer

Where a letter needs a word more:
- Step 0 has nothing to preserve, spill or retrieve; a step runs one operator: with `runs[o,t]`,
  sum_o runs[o,t] = 1, and C of o's outputs = runs[o,t] is (6).
- Inputs and weights are created by their first load: (5) reads runs[o,t] <= C + P + R. They are
  off-chip from the start: S = 0, and (4) reads R[b,t] <= sum_{k<t} C[b,k].
- An output's store is compulsory: its S costs nothing.
- P = 0 and R = 0 after the last use is left to the solver: (10) stands for every pair and step.
- Sizes are counted in their greatest common divisor, or a small tensor vanishes in the tolerance.
- Untracked tensors order the operators and have no rows else.

What it has not: results in place (alias groups). Problems with alias groups are solved without, so
that the optimum here is an upper bound for theirs. It spills and retrieves on borders, as blocking
copies; asynchronous ones move no less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import pulp

from cosmalloc.errors import InputError
from cosmalloc.ilp.milp import Solved, solve_model
from cosmalloc.plan import Outcome, Plan, Residency, Status, Transfer
from cosmalloc.problem import Problem

REASONS = {
    "infeasible": "the model has no solution",
    "unknown": "the time was up before a solution was found",
    "missing": "no solver of integer programs is installed: `pip install highspy`",
    "doubtful": "what the solver calls a solution breaks a row in whole numbers",
}
Row = list[pulp.LpVariable]
Rows = dict[int, Row]  # by tensor, then by step


@dataclass(frozen=True)
class Cosma:
    """The model and its letters. C, P, S, R, L: per tracked tensor in use a row over the steps.

    runs: per operator a row over the steps. unit: bytes per unit of sizes and addresses.
    """

    problem: Problem
    model: pulp.LpProblem
    runs: Rows
    C: Rows
    P: Rows
    S: Rows
    R: Rows
    L: Rows
    unit: int


def solve_cosma(problem: Problem, seconds: float, order: tuple[int, ...] | None = None) -> Outcome:
    """The least non-compulsory traffic, (1) to (12), with (16, 17) where an order is given.

    InputError for the operand rule `anywhere`, which the paper does not have.
    """
    cosma = build(problem, order)
    place(cosma)
    cost = [  # (12)
        problem.tensors[a].bytes // cosma.unit * spilled
        for a in cosma.C
        if problem.tensors[a].kind != "output"
        for spilled in cosma.S[a]
    ]
    cost += [problem.tensors[a].bytes // cosma.unit * back for a in cosma.C for back in cosma.R[a]]
    model = cosma.model
    model += pulp.lpSum(cost)
    solved = solve_model(cosma.model, seconds)
    if solved.ending not in ("optimal", "feasible"):
        status: Status = "infeasible" if solved.ending == "infeasible" else "unknown"
        return Outcome(problem.name, "cosma", status, "traffic", reason=REASONS[solved.ending])
    plan = plan_of(cosma)
    value = round(solved.value) * cosma.unit
    return Outcome(
        problem.name, "cosma", _status(solved), "traffic", plan, value, _bound(solved, cosma.unit)
    )


def lowest_peak(
    problem: Problem, seconds: float, order: tuple[int, ...] | None = None
) -> tuple[int | None, tuple[int, ...]]:
    """(13) to (15): the least bytes on chip at once without spills, and the order; None if late.

    Bytes of tensors, with no regard to addresses; the scratchpad may be smaller.
    """
    cosma = build(problem, order)
    model = cosma.model
    peak = model.add_variable("M_peak", 0)
    model += peak  # (13)
    for t in range(len(problem.operators)):
        for a in cosma.C:
            model += cosma.S[a][t] + cosma.R[a][t] == 0  # (14)
        held = [
            problem.tensors[a].bytes // cosma.unit * (cosma.C[a][t] + cosma.P[a][t])
            for a in cosma.C
        ]
        model += pulp.lpSum(held) <= peak  # (15)
    solved = solve_model(cosma.model, seconds)
    if solved.ending != "optimal":
        return None, ()
    return round(solved.value) * cosma.unit, _order(cosma)


def build(problem: Problem, order: tuple[int, ...] | None = None) -> Cosma:
    """(1) to (8), and (16, 17) where an order is given: who is on chip when."""
    if problem.target.operand_rule != "resident":
        raise InputError(
            "COSMA wants every operand on chip, the target's operand rule is"
            f" `{problem.target.operand_rule}`",
            "use a target with operand rule `resident`",
        )
    steps = range(len(problem.operators))
    model = pulp.LpProblem("cosma", pulp.LpMinimize)
    used = [a for a, tensor in enumerate(problem.tensors) if tensor.tracked and _in_use(problem, a)]
    runs = {o: _row(model, f"runs_{o}", len(steps)) for o in steps}
    letters = {word: {a: _row(model, f"{word}_{a}", len(steps)) for a in used} for word in "CPSR"}
    sizes = [problem.tensors[a].bytes for a in used]
    align = problem.target.alignment
    unit = max(1, math.gcd(*sizes) if align == 1 else math.gcd(align, *sizes))
    C, P, S, R = (letters[word] for word in "CPSR")  # noqa: N806
    cosma = Cosma(problem, model, runs, C, P, S, R, {}, unit)
    _schedule(cosma, order)
    for a in used:
        _residency(cosma, a)
    return cosma


def _in_use(problem: Problem, a: int) -> bool:
    return problem.producer[a] is not None or bool(problem.readers[a])


def _row(model: pulp.LpProblem, name: str, steps: int) -> Row:
    return [model.add_variable(f"{name}_{t}", 0, 1, pulp.LpInteger) for t in range(steps)]


def _schedule(cosma: Cosma, order: tuple[int, ...] | None) -> None:
    """One operator per step, in an order that respects the tensors; (5), (6), (7), (16, 17)."""
    problem, model, runs = cosma.problem, cosma.model, cosma.runs
    steps = range(len(problem.operators))
    for t in steps:
        model += pulp.lpSum(runs[o][t] for o in runs) == 1
    for o, operator in enumerate(problem.operators):
        model += pulp.lpSum(runs[o]) == 1  # (7)
        for before in set(problem.predecessors(o)):
            for t in steps:
                model += runs[o][t] <= pulp.lpSum(runs[before][:t])
        for t in steps:
            if order is not None:
                model += runs[o][t] == int(order[t] == o)  # (17)
            for a in set(operator.outputs) & cosma.C.keys():
                model += cosma.C[a][t] == runs[o][t]  # (6)
            for b in set(operator.inputs) & cosma.C.keys():
                here = cosma.P[b][t] + cosma.R[b][t]
                if problem.producer[b] is None:
                    here += cosma.C[b][t]
                model += runs[o][t] <= here  # (5)


def _residency(cosma: Cosma, a: int) -> None:
    """(1) to (4), (7), (8) of one tensor."""
    model, given = cosma.model, cosma.problem.producer[a] is None
    created, preserved, spilled, back = cosma.C[a], cosma.P[a], cosma.S[a], cosma.R[a]
    if given:
        model += pulp.lpSum(created) == 1  # (7)
    model += pulp.lpSum(spilled) <= (0 if given else 1)  # (8)
    for t in range(len(created)):
        model += created[t] + preserved[t] + spilled[t] + back[t] <= 1  # (1)
        if t == 0:
            model += preserved[0] + spilled[0] + back[0] == 0
            continue
        model += preserved[t] <= created[t - 1] + preserved[t - 1] + back[t - 1]  # (2)
        model += spilled[t] <= created[t - 1] + preserved[t - 1]  # (3)
        model += back[t] <= pulp.lpSum(created[:t] if given else spilled[: t + 1])  # (4)


def place(cosma: Cosma) -> None:
    """(9) to (11): addresses, in units of the alignment where there is one."""
    problem, model = cosma.problem, cosma.model
    align = max(problem.target.alignment // cosma.unit, 1)
    room = problem.target.scratchpad_bytes // cosma.unit
    size = {a: problem.tensors[a].bytes // cosma.unit for a in cosma.C}
    steps = range(len(problem.operators))
    address: dict[tuple[int, int], pulp.LpAffineExpression] = {}
    for a in cosma.C:
        if size[a] > room:
            model += pulp.lpSum(cosma.C[a]) == 0  # no place at all
            room_of_a = 0
        else:
            room_of_a = (room - size[a]) // align  # (9)
        cosma.L[a] = [model.add_variable(f"L_{a}_{t}", 0, room_of_a, pulp.LpInteger) for t in steps]
        address.update({(a, t): align * cosma.L[a][t] for t in steps})
        for t in steps[1:]:
            leeway = room * (1 - cosma.P[a][t])
            model += address[a, t] - address[a, t - 1] <= leeway  # (11)
            model += address[a, t - 1] - address[a, t] <= leeway
    for a, b in combinations(cosma.C, 2):
        for t in steps:
            above = model.add_variable(f"u_{a}_{b}_{t}", 0, 1, pulp.LpInteger)
            below = model.add_variable(f"d_{a}_{b}_{t}", 0, 1, pulp.LpInteger)
            both = _on_chip(cosma, a, t) + _on_chip(cosma, b, t)
            model += address[a, t] >= address[b, t] + size[b] - room * (1 - above)  # (10)
            model += address[b, t] >= address[a, t] + size[a] - room * (1 - below)
            model += above + below >= both - 1
            model += above + below <= 1


def _on_chip(cosma: Cosma, a: int, t: int) -> pulp.LpAffineExpression:
    return cosma.C[a][t] + cosma.P[a][t] + cosma.R[a][t]


def _is(variable: pulp.LpVariable) -> bool:
    return bool(round(variable.value() or 0))


def _order(cosma: Cosma) -> tuple[int, ...]:
    step = {o: next(t for t, here in enumerate(row) if _is(here)) for o, row in cosma.runs.items()}
    return tuple(sorted(step, key=lambda o: step[o]))


def plan_of(cosma: Cosma) -> Plan:
    """The solution as residencies and blocking transfers."""
    stays: list[Residency] = []
    copies: list[Transfer] = []
    steps = len(cosma.problem.operators)
    align = max(cosma.problem.target.alignment // cosma.unit, 1) * cosma.unit
    for a in cosma.C:
        start: int | None = None
        stored = False
        for t in range(steps + 1):
            stays_on = t < steps and _is(cosma.P[a][t])
            if start is not None and not stays_on:
                last = not any(_is(cosma.R[a][k]) for k in range(t, steps))
                due = cosma.problem.tensors[a].kind == "output" and last
                if not stored and (due or (t < steps and _is(cosma.S[a][t]))):
                    copies.append(Transfer(a, "store", t, t))
                    stored = True
                stays.append(Residency(a, _address(cosma, a, start, align), start, t))
                start = None
            if t < steps and (_is(cosma.C[a][t]) or _is(cosma.R[a][t])):
                start = t
                if _is(cosma.R[a][t]) or cosma.problem.producer[a] is None:
                    copies.append(Transfer(a, "load", t, t))
    return Plan(_order(cosma), tuple(stays), tuple(copies))


def _address(cosma: Cosma, a: int, t: int, align: int) -> int:
    return round(cosma.L[a][t].value() or 0) * align


def _status(solved: Solved) -> Status:
    return "optimal" if solved.ending == "optimal" else "feasible"


def _bound(solved: Solved, unit: int) -> float | None:
    """The bound in bytes, whole units."""
    if not math.isfinite(solved.bound):
        return None
    return min(max(0, math.ceil(solved.bound - 1e-6)), round(solved.value)) * unit
