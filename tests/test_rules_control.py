"""Loops, branches and calls: how often, how much, and of what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from cosmalloc.errors import InputError
from cosmalloc.passes.context import functions, parse
from cosmalloc.passes.rules import Cost, Rules, captures
from cosmalloc.passes.rules.loops import count_trips
from tests.rules_text import Program, body, traced

X = jnp.zeros((8, 4), jnp.float32)
ARTIFACTS = Path(__file__).parent.parent / "examples" / "models" / "artifacts"
COMPARE: dict[str, Callable[[int, int], bool]] = {
    "LT": int.__lt__,
    "LE": int.__le__,
    "GT": int.__gt__,
    "GE": int.__ge__,
    "NE": int.__ne__,
}


def scan(x: jax.Array, **options: Any) -> Any:
    return lax.scan(lambda c, row: (c + row, c * 2), jnp.zeros(4), x, **options)


@pytest.mark.parametrize(
    ("f", "trips"),
    [
        (scan, 8),
        (lambda x: scan(x, reverse=True), 8),
        (lambda x: scan(x, unroll=3), 2),
        (lambda x: lax.fori_loop(2, 9, lambda i, c: c * i, x), 7),
        (lambda x: lax.map(lambda row: jnp.sin(row) @ row, x), 8),
        (lambda x: lax.while_loop(lambda c: c[0] > 10, lambda c: (c[0] - 2, c[1]), (10, x)), 0),
        (lambda x: lax.while_loop(lambda c: c[0] > 3, lambda c: (c[0] - 2, c[1]), (10, x)), 4),
        (
            lambda x: lax.while_loop(
                lambda c: jnp.greater_equal(3, c[0]), lambda c: (2 + c[0], c[1]), (0, x)
            ),
            2,
        ),
    ],
)
def test_the_loops_of_jax_say_how_often_they_run(
    f: Callable[[jax.Array], object], trips: int
) -> None:
    program = traced(f, X)
    assert Rules().trip_count(program.one("stablehlo.while")) == trips


@settings(max_examples=300, deadline=None)
@given(
    start=st.integers(-9, 9),
    limit=st.integers(-9, 9),
    step=st.integers(-4, 4),
    direction=st.sampled_from(sorted(COMPARE)),
)
def test_trips_are_those_of_the_loop_itself(
    start: int, limit: int, step: int, direction: str
) -> None:
    counter, trips = start, 0
    while COMPARE[direction](counter, limit) and trips < 100:
        counter, trips = counter + step, trips + 1
    assert count_trips(start, limit, step, direction) == (trips if trips < 100 else None)


def converging(x: jax.Array) -> jax.Array:
    return lax.while_loop(lambda c: jnp.sum(c) > 1.0, lambda c: c / 2, x)


def test_a_loop_that_depends_on_data_asks_for_its_trips() -> None:
    program = traced(converging, X)
    loop = program.one("stablehlo.while")
    with pytest.raises(InputError) as caught:
        Rules().cost(loop)
    assert "runs a number of times that depends on data" in caught.value.fact
    assert caught.value.hint == "say how often with `--trip-count N`"
    per_test, per_trip = 31 + 1, 32
    assert Rules(trip_count=3).cost(loop).flops == 4 * per_test + 3 * per_trip


def test_a_loop_that_knows_its_trips_ignores_the_option() -> None:
    program = traced(scan, X)
    assert Rules(trip_count=3).trip_count(program.one("stablehlo.while")) == 8


LOOP = """
%zero = stablehlo.constant dense<0> : tensor<i32>
%one = stablehlo.constant dense<1> : tensor<i32>
%ten = stablehlo.constant dense<10> : tensor<i32>
%r:4 = stablehlo.while(%i = %zero, %a = %x, %b = %y, %d = %x)
  : tensor<i32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
cond {
  %p = stablehlo.compare LT, %i, %ten : (tensor<i32>, tensor<i32>) -> tensor<i1>
  stablehlo.return %p : tensor<i1>
} do {
  %j = stablehlo.add %i, %one : tensor<i32>
  %v = stablehlo.reshape %a : (tensor<8xf32>) -> tensor<2x4xf32>
  %f = stablehlo.reshape %v : (tensor<2x4xf32>) -> tensor<8xf32>
  %s = stablehlo.add %f, %w : tensor<8xf32>
  %m = stablehlo.multiply %s, %b : tensor<8xf32>
  stablehlo.return %j, %a, %m, %d : tensor<i32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}"""


def loop() -> Program:
    return body("%x: tensor<8xf32>, %y: tensor<8xf32>, %w: tensor<8xf32>", LOOP)


def test_a_loops_bytes_belong_to_the_values_that_its_body_reads() -> None:
    program = loop()
    op = program.one("stablehlo.while")
    # order of captures: %ten (condition), %one, %w
    assert len(captures(op)) == 3
    assert Rules().cost(op) == Cost(
        flops=11 * 1 + 10 * (1 + 8 + 8),
        transcendentals=0,
        read=(11 * 4 + 10 * 4, 10 * 32, 10 * 32, 0, 11 * 4, 10 * 4, 10 * 32),
        written=(10 * 4, 0, 10 * 32, 0),
        inside=11 * 1 + 10 * (32 + 32),  # the predicate; %s written and read
    )


def test_a_start_that_two_carries_share_is_updated_in_place_by_one() -> None:
    program = loop()
    assert Rules().in_place(program.one("stablehlo.while")) == ((0, 0), (1, 1), (2, 2))


def test_a_start_that_the_body_reads_by_name_is_not_updated_in_place() -> None:
    program = body("%x: tensor<8xf32>, %y: tensor<8xf32>", LOOP.replace("%w", "%y"))
    op = program.one("stablehlo.while")
    assert Rules().in_place(op) == ((0, 0), (1, 1))
    assert len(captures(op)) == 2
    assert Rules().cost(op).read[2] == 2 * 10 * 32


def test_branches_cost_the_largest_of_each() -> None:
    def f(i: jax.Array, x: jax.Array) -> jax.Array:
        return lax.switch(i, [jnp.sin, lambda a: a @ a, lambda a: a], x)

    program = traced(f, 1, jnp.zeros((4, 4)))
    cost = Rules().cost(program.one("stablehlo.case"))
    assert cost == Cost(2 * 64, 16, read=(4, 2 * 64), written=(64,), inside=0)


CALLEE = """
func.func private @twice(%a: tensor<8xf32>, %b: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %r = stablehlo.add %a, %a : tensor<8xf32>
  %s = stablehlo.sine %r : tensor<8xf32>
  return %s, %b : tensor<8xf32>, tensor<8xf32>
}"""
CALL = "func.call @twice(%x, %x) : (tensor<8xf32>, tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>)"


def test_a_call_costs_what_its_callee_costs() -> None:
    program = body("%x: tensor<8xf32>", f"%r:2 = {CALL}\n%s:2 = {CALL}", CALLEE)
    rules = Rules()
    first, second = (rules.cost(op) for op in program.operations("func.call"))
    assert first == second == Cost(8, 8, read=(64, 0), written=(32, 0), inside=64)


def test_a_function_that_calls_itself_is_an_error_not_a_crash() -> None:
    again = CALLEE.replace("%r = stablehlo.add %a, %a : tensor<8xf32>", f"%r:2 = {CALL}").replace(
        "%s = stablehlo.sine %r", "%s = stablehlo.sine %r#0"
    )
    program = body("%x: tensor<8xf32>", f"%r:2 = {CALL}", again.replace("(%x, %x)", "(%a, %b)"))
    with pytest.raises(InputError, match="calls `@twice` within itself"):
        Rules().cost(program.one("func.call"))


@pytest.mark.parametrize("file", sorted(ARTIFACTS.glob("*.mlirbc")), ids=lambda file: file.stem)
def test_every_operation_of_the_example_models_has_a_cost(file: Path) -> None:
    module = parse(file.read_bytes(), file.name)
    rules = Rules()
    for function in functions(module.operation).values():
        for op in function.regions[0].blocks[0].operations:
            cost = rules.cost(op)
            assert len(cost.read) == len(op.operation.operands) + len(captures(op))
            assert len(cost.written) == len(op.operation.results)
            assert min((cost.flops, cost.transcendentals, cost.inside, *cost.read)) >= 0
