"""One reading of one module's operations by the rules."""

from __future__ import annotations

from collections.abc import Iterable

from jaxlib.mlir import ir

from cosmalloc.errors import InputError
from cosmalloc.passes.rules.location import where
from cosmalloc.passes.rules.loops import known_trips
from cosmalloc.passes.rules.regions import captures, flow
from cosmalloc.passes.rules.rule import Cost, Node, Pairs, Role, Value, no_pairs
from cosmalloc.passes.rules.sizes import TYPE_HINT, Shaped, Sizes, shaped
from cosmalloc.passes.rules.table import find


class Rules:
    """What operations do to memory and arithmetic.

    Make one per module: it remembers the facts of types and, by name, the costs of functions, but
    never a handle of an operation. sizes: how element types count. trip_count: trips of a loop
    whose own number is not known. Every method raises InputError, naming operation and place, for
    what it can't know.
    """

    def __init__(self, sizes: Sizes | None = None, trip_count: int | None = None) -> None:
        self.sizes = sizes or Sizes()
        self._trips = trip_count
        self._types: dict[ir.Type, Shaped] = {}
        self._callees: dict[str, Cost | None] = {}  # None while it is being counted

    def role(self, op: ir.OpView | ir.Operation) -> Role:
        op = op.operation
        rule = find(op)
        return rule.role if isinstance(rule.role, str) else rule.role(self.node(op))

    def cost(self, op: ir.OpView | ir.Operation) -> Cost:
        op = op.operation
        rule = find(op)
        cost = rule.cost(self.node(op))
        return cost if len(op.regions) == 0 else self._with_captures(op, cost)

    def views(self, op: ir.OpView | ir.Operation) -> Pairs:
        """(result, operand) pairs that are one storage; none unless the role is `view`."""
        op = op.operation
        rule = find(op)
        return () if rule.views is no_pairs else rule.views(self.node(op))

    def in_place(self, op: ir.OpView | ir.Operation) -> Pairs:
        """(result, operand) pairs that may share storage; `cost` counts as if they did."""
        op = op.operation
        rule = find(op)
        if rule.in_place is no_pairs:
            return ()
        pairs = rule.in_place(self.node(op))
        if op.name == "stablehlo.while":
            return pairs
        operands = list(op.operands)
        return tuple(pair for pair in pairs if operands.count(operands[pair[1]]) == 1)

    def tensor_bytes(self, type: ir.Type) -> int:
        """0 where a dimension is 0."""
        found = self._shaped(type)
        if isinstance(found, str):
            raise InputError(f"type `{type}` has no size: {found}", TYPE_HINT)
        return found.bytes

    def trip_count(self, op: ir.OpView | ir.Operation) -> int:
        """Trips of a `stablehlo.while`."""
        op = op.operation
        trips = known_trips(op)
        if trips is None:
            trips = self._trips
        if trips is None:
            raise InputError(
                f"{where(op)} runs a number of times that depends on data",
                "say how often with `--trip-count N`",
            )
        return trips

    def function_cost(self, function: ir.OpView | ir.Operation) -> Cost:
        """One run of a function's body: read per argument, written per result."""
        block = function.operation.regions[0].blocks[0]
        run = flow(self, block)
        read = tuple(run.read.get(argument, 0) for argument in block.arguments)
        return Cost(run.flops, run.transcendentals, read, tuple(run.returned), run.inside)

    def callee_cost(self, op: ir.Operation) -> Cost:
        """Cost of the function that a call or a composite names."""
        attribute = "decomposition" if op.name == "stablehlo.composite" else "callee"
        name = ir.FlatSymbolRefAttr(op.attributes[attribute]).value
        if name in self._callees:
            known = self._callees[name]
            if known is None:
                raise InputError(f"{where(op)} calls `@{name}` within itself")
            return known
        self._callees[name] = None
        try:
            cost = self.function_cost(_function(op, name))
        except BaseException:
            del self._callees[name]
            raise
        self._callees[name] = cost
        return cost

    def node(self, op: ir.Operation) -> Node:
        """The operation with the facts of its types, as a rule sees it."""
        return Node(op, self._facts(op, op.operands), self._facts(op, op.results), self)

    def _facts(self, op: ir.Operation, values: Iterable[Value]) -> tuple[Shaped, ...]:
        facts = []
        for value in values:
            found = self._shaped(value.type)
            if isinstance(found, str):
                fact = f"{where(op)} has a value of type `{value.type}` without a size: {found}"
                raise InputError(fact, TYPE_HINT)
            facts.append(found)
        return tuple(facts)

    def _shaped(self, type: ir.Type) -> Shaped | str:
        found = self._types.get(type)
        if found is not None:
            return found
        fresh = shaped(type, self.sizes)
        if isinstance(fresh, Shaped):
            self._types[type] = fresh
        return fresh

    def _with_captures(self, op: ir.Operation, cost: Cost) -> Cost:
        """A kernel reads the outer values that its body names (as a sort's may) once each."""
        if len(cost.read) > len(op.operands):
            return cost
        outer = tuple(self.tensor_bytes(value.type) for value in captures(op))
        if not outer:
            return cost
        return Cost(
            cost.flops, cost.transcendentals, (*cost.read, *outer), cost.written, cost.inside
        )


def _function(op: ir.Operation, name: str) -> ir.Operation:
    module = op
    while module.parent is not None:
        module = module.parent.operation
    if module.name == "builtin.module":
        for view in module.regions[0].blocks[0].operations:
            function: ir.Operation = view.operation
            symbol = function.attributes.get("sym_name")
            if symbol is not None and ir.StringAttr(symbol).value == name:
                return function
    raise InputError(f"{where(op)} calls `@{name}`, which the module does not hold")
