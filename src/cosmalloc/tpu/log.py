"""What libtpu's log says about memory space assignment.

Its cost model is asked per instruction; every question and its answer is logged:
    Cost for <type=T,computation=C,instruction=I,operand_num=N,shape_index={..}> is V
Its simulator logs the elapsed seconds of every instruction of its solution. Numbers have six
significant digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cosmalloc.passes.xla_shape import Index

_COST = re.compile(
    r"Cost for <type=([\w\-]+),computation=[^,]+,instruction=([^,]+),"
    r"operand_num=([^,]+),shape_index=(.*?)> is (\S+)"
)
_RUN = re.compile(
    r"simulator\.cc:\d+\] (\d+): instruction: (\S+)(?: \(xprogram prefetch\))?; elapsed: (\S+);"
    r".*? trip count: (\S+);"
)
_COPIES = re.compile(r"Estimated elapsed time with async copies \(sec\): (\S+)")
_ANY_ESTIMATE = "Estimated elapsed time"
_BARE = re.compile(r"Estimated elapsed time without async copies \(sec\): (\S+)")
_SIZE = re.compile(r"\] max_size_in_bytes: (\d+)")


@dataclass
class Measured:
    """Of one instruction. compute: seconds. accessed: bytes in all, of operands, of results."""

    compute: float = 0.0
    accessed: float = 0.0
    operands: dict[tuple[int, Index], float] = field(default_factory=dict)
    results: dict[Index, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ran:
    """One line of the simulator: elapsed seconds of one trip.

    fast: operands, by (number, index), that it counted as read from the fast memory.
    """

    instruction: str
    elapsed: float
    trips: float
    fast: frozenset[tuple[int, Index]] = frozenset()


@dataclass(frozen=True)
class Log:
    """costs: by instruction. ran: the last simulation, in order.

    seconds, seconds_without_copies: the compiler's estimate of its solution; None if not logged.
    budget: bytes of fast memory it planned for, 0 if not logged.
    """

    costs: dict[str, Measured]
    ran: tuple[Ran, ...]
    seconds: float | None
    seconds_without_copies: float | None
    budget: int


def relevant(text: str) -> str:
    """The lines that `read_log` reads; those before the last simulation once each."""
    head, mark, tail = text.rpartition("Estimated elapsed time without async copies")
    marks = ("Cost for <", "simulator.cc", _ANY_ESTIMATE, "max_size_in_bytes")
    once = dict.fromkeys(
        line.rpartition("] ")[2] if "Cost for <" in line else line
        for line in head.split("\n")
        if any(word in line for word in marks)
    )
    rest = [line for line in tail.split("\n") if any(word in line for word in marks)]
    first = tail.split("\n", 1)[0]
    return "\n".join([*once, mark + first, *rest])


def read_log(text: str) -> Log:
    """The parts of the log that matter; what is missing is empty."""
    costs: dict[str, Measured] = {}
    ran: list[Ran] = []
    asked: dict[str, set[tuple[int, Index]]] = {}  # since the last line of the simulator
    for line in text.split("\n"):
        cost = _COST.search(line)
        if cost is not None:
            _note(costs.setdefault(cost[2], Measured()), asked, *cost.groups())
        elif (run := _RUN.search(line)) is not None:
            ran = [] if run[1] == "0" else ran
            fast = frozenset(asked.get(run[2], ()))
            ran.append(Ran(run[2], float(run[3]), float(run[4]), fast))
            asked = {}
        elif _ANY_ESTIMATE in line:
            asked = {}
    sizes = _SIZE.findall(text)
    return Log(
        costs,
        tuple(ran),
        _last(_COPIES, text),
        _last(_BARE, text),
        int(sizes[-1]) if sizes else 0,
    )


def _note(
    entry: Measured,
    asked: dict[str, set[tuple[int, Index]]],
    kind: str,
    instruction: str,
    operand: str,
    index: str,
    value: str,
) -> None:
    """One answer of the cost model."""
    amount = float(value)
    if kind == "compute-seconds":
        entry.compute = amount
    elif kind == "total-bytes-accessed":
        entry.accessed = amount
    elif kind == "operand-bytes-accessed":
        entry.operands[int(operand), _index(index)] = amount
        asked.setdefault(instruction, set()).add((int(operand), _index(index)))
    elif kind == "output-bytes-accessed":
        entry.results[_index(index)] = amount


def _index(text: str) -> Index:
    return tuple(int(word) for word in text.strip("{}").split(",") if word.strip().isdecimal())


def _last(pattern: re.Pattern[str], text: str) -> float | None:
    found = pattern.findall(text)
    return float(found[-1]) if found else None
