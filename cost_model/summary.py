"""What a roofline knows of a kernel: how much work of which kind, and how many bytes.

Loops count their bodies once per trip, branches their largest arm.

    work[k, w]   of kind k on elements of class w, units as in `work`
    calls[k]     operations of kind k that stand for themselves (XLA fuses arithmetic into loops)
    between      bytes written and read again between operations that stand for themselves
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from jaxlib.mlir import ir

from cosmalloc.cost_model.work import CONTRACTIONS, COPIES, Kind, Width, kind_of, width_of
from cosmalloc.passes import context
from cosmalloc.passes.kernel_cost import kernel_cost
from cosmalloc.passes.rules import Rules

FRESH = 500  # kernels read in one MLIR context, which never forgets a type
_LOOP = "stablehlo.while"
_ARMS = ("stablehlo.case", "stablehlo.if")
_ALONE: tuple[Kind, ...] = (*CONTRACTIONS, "reduce", "window", "sort", "algebra")


@dataclass(frozen=True)
class Summary:
    """read, written: bytes of the kernel's arguments and results. operations: in its text; trips:
    of its loops. heaviest, width: kind with the most flops, and the class of its elements."""

    work: dict[tuple[Kind, Width], float]
    calls: dict[Kind, float]
    read: int
    written: int
    between: int
    operations: int
    trips: int
    heaviest: Kind
    width: Width

    @property
    def data(self) -> int:
        """Bytes in all."""
        return self.read + self.written + self.between

    @property
    def flops(self) -> float:
        """Of all kinds; a transcendental counts one, a copied byte none."""
        return sum(amount for (kind, _), amount in self.work.items() if kind not in COPIES)


class Reader:
    """Reads kernels' texts; keeps one MLIR context warm, so that reading one takes little.

    turn: for threads that share a reader.
    """

    def __init__(self) -> None:
        self.turn = Lock()
        self._context = context.new_context()
        self._read = 0

    def module(self, text: str) -> ir.Module:
        """The kernel's module, valid while it is held. Raises InputError."""
        self._read += 1
        if self._read > FRESH:
            self._context, self._read = context.new_context(), 1
        if "linalg" not in text:
            try:
                return ir.Module.parse(text, self._context)
            except (ir.MLIRError, ValueError):
                pass  # said again below, with its place
        return context.parse(text, "the kernel")

    def summary(self, text: str) -> Summary:
        """Raises InputError."""
        module = self.module(text)
        with module.context:
            return summarise(context.entry(module.operation))


class Book:
    """Summaries of kernels' texts, each read once."""

    def __init__(self) -> None:
        self._reader = Reader()
        self._known: dict[str, Summary] = {}

    def of(self, texts: Sequence[str]) -> list[Summary]:
        """One for each text. Raises InputError."""
        for text in texts:
            if text not in self._known:
                self._known[text] = self._reader.summary(text)
        return [self._known[text] for text in texts]


def summaries(texts: Sequence[str]) -> list[Summary]:
    """One for each kernel; a text that comes twice is read once. Raises InputError."""
    return Book().of(texts)


def summarise(function: ir.Operation) -> Summary:
    """The summary of a kernel function."""
    rules = Rules()
    whole = kernel_cost(function, rules, 1)
    block = function.regions[0].blocks[0]
    returned = set(block.operations[len(block.operations) - 1].operands)
    work: Counter[tuple[Kind, Width]] = Counter()
    calls: Counter[Kind] = Counter()
    between = operations = trips = 0
    for op, times in _operations(block, rules, 1):
        operations += 1
        if op.name == _LOOP:
            trips += times * rules.trip_count(op)
            continue
        if _is_free(rules.role(op), returned.isdisjoint(op.results)):
            continue
        kind, width, cost = kind_of(op), width_of(op), rules.cost(op)
        amount = sum(cost.written) if kind in COPIES else cost.flops
        work[kind, width] += times * amount
        work["transcendental", width] += times * cost.transcendentals
        calls[kind] += times
        if kind in _ALONE and not returned.issuperset(op.results):
            between += 2 * times * sum(cost.written)
    heaviest, width = _heaviest(work)
    return Summary(
        work={each: float(amount) for each, amount in work.items() if amount},
        calls={kind: float(times) for kind, times in calls.items()},
        read=sum(whole.read),
        written=sum(whole.written),
        between=between,
        operations=operations,
        trips=trips,
        heaviest=heaviest,
        width=width,
    )


def _is_free(role: str, inner: bool) -> bool:
    """Whether no loop of its own is left of it: broadcasts are read where they are used."""
    return role in ("view", "constant", "structure") or (role == "broadcast" and inner)


def _heaviest(work: Mapping[tuple[Kind, Width], float]) -> tuple[Kind, Width]:
    """Arithmetic before copies."""
    return max(
        work,
        key=lambda each: (work[each] > 0 and each[0] not in COPIES, work[each], each),
        default=("movement", "f32"),
    )


def _operations(block: ir.Block, rules: Rules, times: int) -> Iterator[tuple[ir.Operation, int]]:
    """Operations with how often they run; loops themselves, too. Terminators are left out."""
    for view in list(block.operations)[:-1]:
        op = view.operation
        if op.name == _LOOP:
            yield op, times
            trips = rules.trip_count(op)
            yield from _operations(op.regions[0].blocks[0], rules, times * (trips + 1))
            yield from _operations(op.regions[1].blocks[0], rules, times * trips)
        elif op.name in _ARMS:
            yield from _heaviest_arm(op, rules, times)
        else:
            yield op, times


def _heaviest_arm(op: ir.Operation, rules: Rules, times: int) -> Iterator[tuple[ir.Operation, int]]:
    def weight(region: ir.Region) -> int:
        costs = [rules.cost(view.operation) for view in list(region.blocks[0].operations)[:-1]]
        return sum(cost.flops + sum(cost.written) for cost in costs)

    yield from _operations(max(op.regions, key=weight).blocks[0], rules, times)
