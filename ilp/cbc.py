"""The door to CBC through PuLP, as a process of its own: warm start and bound from its log."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import cbcbox  # type: ignore[import-untyped]
import pulp

from cosmalloc.ilp.milp import Solved

BOUND = re.compile(r"^Lower bound:\s+(\S+)", re.MULTILINE)


def run(
    model: pulp.LpProblem, seconds: float, start: Mapping[pulp.LpVariable, float], seed: int
) -> Solved:
    """Minimises on one thread."""
    for variable in model.variables() if start else ():
        variable.setInitialValue(start.get(variable, 0.0))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "cbc.log"
        model.solve(
            pulp.COIN_CMD(
                path=cbcbox.cbc_bin_path(),
                msg=False,
                threads=1,
                timeLimit=seconds,
                gapRel=0.0,
                gapAbs=0.0,
                warmStart=bool(start),
                options=[f"randomSeed {seed % 2**31}", f"randomCbcSeed {seed % 2**31}"],
                logPath=str(log),
            )
        )
        words = BOUND.search(log.read_text(errors="replace") if log.exists() else "")
    if model.sol_status == pulp.LpSolutionInfeasible or model.status == pulp.LpStatusInfeasible:
        return Solved("infeasible", math.inf, math.inf)
    bound = float(words[1]) if words else -math.inf
    if model.sol_status == pulp.LpSolutionOptimal:
        value = float(pulp.value(model.objective))
        return Solved("optimal", value, value)
    if model.sol_status == pulp.LpSolutionIntegerFeasible:
        return Solved("feasible", float(pulp.value(model.objective)), bound)
    return Solved("unknown", math.inf, bound)
