"""The rules: every operation has one, and what they say of roles, views, bytes and errors."""

from __future__ import annotations

import inspect
from fractions import Fraction

import jax
import jax.numpy as jnp
import pytest
from jaxlib.mlir import ir
from jaxlib.mlir.dialects import chlo, stablehlo

from cosmalloc.errors import InputError
from cosmalloc.passes.context import new_context
from cosmalloc.passes.rules import Rules, Sizes, captures, tensor_bytes
from cosmalloc.passes.rules.table import RULES
from cosmalloc.passes.rules.unsupported import REASONS
from tests.rules_text import body, traced

BY_TARGET = {"stablehlo.custom_call"}  # its rules are found by target
DIALECTS = (stablehlo, chlo)


def _operations() -> set[str]:
    classes = [c for d in DIALECTS for _, c in inspect.getmembers(d, inspect.isclass)]
    return {c.OPERATION_NAME for c in classes if hasattr(c, "OPERATION_NAME")}


def test_every_operation_of_stablehlo_and_chlo_has_a_rule_or_a_reason() -> None:
    assert len(_operations()) > 150
    assert _operations() - BY_TARGET - set(RULES) - set(REASONS) == set()


def test_no_operation_has_both_a_rule_and_a_reason() -> None:
    assert set(RULES) & set(REASONS) == set()


def test_the_tables_name_no_operation_that_does_not_exist() -> None:
    named = {name for name in (*RULES, *REASONS) if name.startswith(("stablehlo.", "chlo."))}
    assert named - _operations() == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tensor<3xf32>", 12),
        ("tensor<3xbf16>", 6),
        ("tensor<3xf64>", 24),
        ("tensor<3xf8E4M3FN>", 3),
        ("tensor<3xf4E2M1FN>", 2),
        ("tensor<4xf6E2M3FN>", 3),
        ("tensor<3xi1>", 3),
        ("tensor<3xi4>", 2),
        ("tensor<5xui2>", 2),
        ("tensor<3xui8>", 3),
        ("tensor<3xi64>", 24),
        ("tensor<3xindex>", 24),
        ("tensor<3xtf32>", 12),
        ("tensor<3xcomplex<f32>>", 24),
        ("tensor<f32>", 4),
        ("tensor<0x7xf32>", 0),
    ],
)
def test_a_tensor_takes_the_bytes_of_its_elements(text: str, expected: int) -> None:
    with new_context():
        assert tensor_bytes(ir.Type.parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tensor<6xf32>", 6),
        ("tensor<6xbf16>", 6),
        ("tensor<6xf4E2M1FN>", 6),
        ("tensor<6xcomplex<f32>>", 12),
        ("tensor<6xi32>", 24),
        ("tensor<6xi1>", 6),
    ],
)
def test_one_byte_per_element_counts_floats_alone(text: str, expected: int) -> None:
    with new_context():
        assert tensor_bytes(ir.Type.parse(text), Sizes(float_bytes=1)) == expected


def test_half_a_byte_per_element_rounds_up_once_per_tensor() -> None:
    with new_context():
        half = Sizes(float_bytes=Fraction(1, 2))
        assert tensor_bytes(ir.Type.parse("tensor<5xf32>"), half) == 3


@pytest.mark.parametrize("bad", [0, -1, 17])
def test_bytes_per_element_out_of_range_are_refused(bad: int) -> None:
    with pytest.raises(InputError, match=r"is not in \(0, 16\]"):
        Sizes(float_bytes=bad)


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("%r = stablehlo.add %x, %x : tensor<2x3xf32>", "elementwise"),
        ("%r = stablehlo.convert %x : (tensor<2x3xf32>) -> tensor<2x3xbf16>", "elementwise"),
        ("%r = chlo.erf %x : tensor<2x3xf32> -> tensor<2x3xf32>", "elementwise"),
        ("%r = stablehlo.constant dense<1.0> : tensor<2x3xf32>", "constant"),
        ("%r = stablehlo.iota dim = 0 : tensor<4xi32>", "constant"),
        ("%r = stablehlo.reshape %x : (tensor<2x3xf32>) -> tensor<6xf32>", "view"),
        ("%r = stablehlo.bitcast_convert %x : (tensor<2x3xf32>) -> tensor<2x3xi32>", "view"),
        (
            "%r = stablehlo.bitcast_convert %x : (tensor<2x3xf32>) -> tensor<2x3x4xi8>",
            "movement",
        ),
        ("%r = stablehlo.optimization_barrier %x : tensor<2x3xf32>", "view"),
        (
            "%r = stablehlo.broadcast_in_dim %x, dims = [0, 2]"
            " : (tensor<2x3xf32>) -> tensor<2x1x3xf32>",
            "view",
        ),
        (
            "%r = stablehlo.broadcast_in_dim %x, dims = [2, 0]"
            " : (tensor<2x3xf32>) -> tensor<3x1x2xf32>",
            "broadcast",
        ),
        (
            "%r = stablehlo.broadcast_in_dim %x, dims = [0, 1]"
            " : (tensor<2x3xf32>) -> tensor<2x3x2xf32>",
            "broadcast",
        ),
        ("%r = stablehlo.reverse %x, dims = [1] : tensor<2x3xf32>", "movement"),
        (
            "%r = stablehlo.transpose %x, dims = [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>",
            "movement",
        ),
        (
            "%r = stablehlo.slice %x [0:1, 0:3] : (tensor<2x3xf32>) -> tensor<1x3xf32>",
            "movement",
        ),
        (
            "%r = stablehlo.concatenate %x, %x, dim = 0"
            " : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>",
            "kernel",
        ),
        (
            "%r = stablehlo.custom_call @Sharding(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>",
            "view",
        ),
        (
            "%r = stablehlo.custom_call @mhlo.erf(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>",
            "elementwise",
        ),
    ],
)
def test_an_operation_has_its_role(line: str, role: str) -> None:
    program = body("%x: tensor<2x3xf32>", line)
    rules = Rules()
    op = program.main.regions[0].blocks[0].operations[0]
    assert rules.role(op) == role
    assert (rules.views(op) != ()) == (role == "view")
    if role == "view":
        assert rules.cost(op).read == rules.cost(op).written == (0,)


def test_a_transpose_of_unit_dimensions_is_a_view() -> None:
    program = body(
        "%x: tensor<1x2x3xf32>",
        "%r = stablehlo.transpose %x, dims = [1, 0, 2] : (tensor<1x2x3xf32>) -> tensor<2x1x3xf32>",
    )
    assert Rules().views(program.one("stablehlo.transpose")) == ((0, 0),)


def test_a_bitcast_between_counted_and_own_bytes_is_no_view() -> None:
    program = body(
        "%x: tensor<4xf32>",
        "%r = stablehlo.bitcast_convert %x : (tensor<4xf32>) -> tensor<4xi32>",
    )
    op = program.one("stablehlo.bitcast_convert")
    assert Rules(Sizes(float_bytes=1)).role(op) == "movement"
    assert Rules(Sizes(float_bytes=1)).cost(op).read == (4,)


def test_a_barrier_views_every_operand() -> None:
    program = body(
        "%x: tensor<4xf32>, %y: tensor<2xf32>",
        "%r:2 = stablehlo.optimization_barrier %x, %y : tensor<4xf32>, tensor<2xf32>",
    )
    assert Rules().views(program.one("stablehlo.optimization_barrier")) == ((0, 0), (1, 1))


def test_a_dynamic_update_slice_writes_its_update_in_place() -> None:
    program = body(
        "%x: tensor<8x4xf32>, %u: tensor<1x4xf32>, %i: tensor<i32>",
        "%r = stablehlo.dynamic_update_slice %x, %u, %i, %i"
        " : (tensor<8x4xf32>, tensor<1x4xf32>, tensor<i32>, tensor<i32>) -> tensor<8x4xf32>",
    )
    op = program.one("stablehlo.dynamic_update_slice")
    assert Rules().in_place(op) == ((0, 0),)
    assert (Rules().cost(op).read, Rules().cost(op).written) == ((0, 16, 4, 4), (16,))


def test_an_operand_that_is_read_twice_is_not_updated_in_place() -> None:
    program = body(
        "%x: tensor<8xf32>, %i: tensor<i32>",
        "%r = stablehlo.dynamic_update_slice %x, %x, %i"
        " : (tensor<8xf32>, tensor<8xf32>, tensor<i32>) -> tensor<8xf32>",
    )
    assert Rules().in_place(program.one("stablehlo.dynamic_update_slice")) == ()


@pytest.mark.parametrize(("method", "before"), [("add", 32), ("set", 0)])
def test_a_scatter_reads_what_it_combines_with_and_no_more(method: str, before: int) -> None:
    x, u = jnp.zeros((100, 4)), jnp.zeros((2, 4))
    program = traced(
        lambda x, u: getattr(x.at[jnp.array([1, 2])], method)(u, unique_indices=True), x, u
    )
    op = program.one("stablehlo.scatter")
    assert Rules().in_place(op) == ((0, 0),)
    assert (Rules().cost(op).read, Rules().cost(op).written) == ((before, 8, 32), (32,))


def test_a_custom_call_updates_in_place_what_it_declares() -> None:
    alias = (
        "#stablehlo.output_operand_alias<output_tuple_indices = [1],"
        " operand_index = 0, operand_tuple_indices = []>"
    )
    program = body(
        "%x: tensor<4x4xf32>",
        "%r:2 = stablehlo.custom_call @lapack_sgeqrf_ffi(%x)"
        f" {{output_operand_aliases = [{alias}]}}"
        " : (tensor<4x4xf32>) -> (tensor<4xf32>, tensor<4x4xf32>)",
    )
    assert Rules().in_place(program.one("stablehlo.custom_call")) == ((1, 0),)


def test_an_exported_erf_is_elementwise_by_its_name_alone() -> None:
    exported = jax.export.export(jax.jit(jax.lax.erf))(jnp.zeros((2, 3)))
    program = traced(exported.call, jnp.zeros((2, 3)))
    text = str(program.module)
    assert "stablehlo.composite" in text
    functions = [f for f in program.module.body.operations if "erf.impl" not in str(f.name)]
    composites = [
        op
        for function in functions
        for op in function.operation.regions[0].blocks[0].operations
        if op.operation.name == "stablehlo.composite"
    ]
    assert [Rules().role(op) for op in composites] == ["elementwise"]
    assert Rules().cost(composites[0]).transcendentals == 6


def test_a_sorts_comparator_reads_what_it_captures() -> None:
    program = body(
        "%x: tensor<8xf32>",
        """%c = stablehlo.constant dense<0.0> : tensor<f32>
        %r = "stablehlo.sort"(%x) <{dimension = 0 : i64, is_stable = true}> ({
        ^bb0(%a: tensor<f32>, %b: tensor<f32>):
          %m = stablehlo.maximum %a, %c : tensor<f32>
          %l = stablehlo.compare LT, %m, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
          stablehlo.return %l : tensor<i1>
        }) : (tensor<8xf32>) -> tensor<8xf32>""",
    )
    op = program.one("stablehlo.sort")
    assert len(captures(op)) == 1
    assert Rules().cost(op).read == (32, 4)
    assert Rules().cost(op).flops == 8 * 3 * 2


UNSUPPORTED = [
    (
        '%r = stablehlo.einsum %x, %x, config = "ij,ij->i"'
        " : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2xf32>",
        "`stablehlo.einsum` at {place} was removed from StableHLO",
        "run the pass `stablehlo-legalize-deprecated-ops` first",
    ),
    (
        "%r = stablehlo.custom_call @my_kernel(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>",
        "`stablehlo.custom_call` at {place} calls `my_kernel`, whose cost is unknown",
        "add a rule to `TARGETS` in `passes/rules/custom_call.py`",
    ),
    (
        "%r = math.absf %x : tensor<2x3xf32>",
        "`math.absf` at {place} has no rule",
        "add one to the tables of `passes/rules`",
    ),
    (
        "%r = stablehlo.create_token : !stablehlo.token",
        "`stablehlo.create_token` at {place} orders side effects by tokens",
        "map the part of the program without host transfers",
    ),
    (
        '%r = "stablehlo.all_reduce"(%x) ({^bb0(%a: tensor<f32>, %b: tensor<f32>):\n'
        "%s = stablehlo.add %a, %b : tensor<f32>\nstablehlo.return %s : tensor<f32>})"
        " {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}"
        " : (tensor<2x3xf32>) -> tensor<2x3xf32>",
        "`stablehlo.all_reduce` at {place} exchanges data with other devices,"
        " and no target describes the interconnect",
        "map the program of one device (export it without collectives)",
    ),
]


@pytest.mark.parametrize(("line", "fact", "hint"), UNSUPPORTED)
def test_what_can_not_be_mapped_says_why_and_what_to_do(line: str, fact: str, hint: str) -> None:
    program = body("%x: tensor<2x3xf32>", f'{line} loc("layer/f"("net.py":7:1))')
    op = program.main.regions[0].blocks[0].operations[0]
    with pytest.raises(InputError) as caught:
        Rules().cost(op)
    assert caught.value.fact == fact.format(place="layer/f (net.py:7)")
    assert caught.value.hint == hint


def test_a_collective_of_one_device_is_a_copy() -> None:
    program = body(
        "%x: tensor<2x3xf32>",
        '%r = "stablehlo.all_gather"(%x) {all_gather_dim = 0 : i64,'
        " replica_groups = dense<0> : tensor<1x1xi64>} : (tensor<2x3xf32>) -> tensor<2x3xf32>",
    )
    cost = Rules().cost(program.one("stablehlo.all_gather"))
    assert (cost.flops, cost.read, cost.written) == (0, (24,), (24,))


def test_a_dynamic_shape_is_an_error_that_names_operation_and_place() -> None:
    program = body(
        "%x: tensor<?xf32>", '%r = stablehlo.abs %x : tensor<?xf32> loc("f"("n.py":3:1))'
    )
    with pytest.raises(InputError) as caught:
        Rules().cost(program.one("stablehlo.abs"))
    assert caught.value.fact == (
        "`stablehlo.abs` at f (n.py:3) has a value of type `tensor<?xf32>` without a size:"
        " its shape is dynamic"
    )
    with pytest.raises(InputError, match="its shape is dynamic"):
        Rules().tensor_bytes(program.one("stablehlo.abs").operands[0].type)


RAGGED = {  # left, right, result; contracting and ragged dimension of the left; flops
    "rows in groups": ("8x4", "3x4x5", "8x5", 1, 0, 2 * 8 * 4 * 5),
    "sums in groups": ("4x8", "8x5", "3x4x5", 1, 1, 2 * 8 * 4 * 5),
}


@pytest.mark.parametrize("case", RAGGED)
def test_a_ragged_product_multiplies_every_row_once(case: str) -> None:
    left, right, result, contracting, ragged, flops = RAGGED[case]
    shapes = f"(tensor<{left}xf32>, tensor<{right}xf32>, tensor<3xi32>) -> tensor<{result}xf32>"
    rhs = 1 if case == "rows in groups" else 0
    group = "0" if case == "rows in groups" else ""
    numbers = (
        "#chlo.ragged_dot<lhs_batching_dimensions = [], rhs_batching_dimensions = [],"
        f" lhs_contracting_dimensions = [{contracting}], rhs_contracting_dimensions = [{rhs}],"
        f" lhs_ragged_dimensions = [{ragged}], rhs_group_dimensions = [{group}]>"
    )
    lists = (
        f"[dense<> : tensor<0xi64>, dense<> : tensor<0xi64>, dense<{contracting}> : tensor<1xi64>,"
        f" dense<{rhs}> : tensor<1xi64>, dense<{ragged}> : tensor<1xi64>, dense<> : tensor<0xi64>]"
    )
    program = body(
        f"%x: tensor<{left}xf32>, %w: tensor<{right}xf32>, %g: tensor<3xi32>",
        '%r = "chlo.ragged_dot"(%x, %w, %g)'
        f" {{ragged_dot_dimension_numbers = {numbers}}} : {shapes}\n"
        '%s = stablehlo.composite "chlo.ragged_dot" %x, %w, %g {composite_attributes ='
        f" {{ragged_dot_dimension_numbers = {lists}}}, decomposition = @d}} : {shapes}",
        f"func.func private @d(tensor<{left}xf32>, tensor<{right}xf32>, tensor<3xi32>)"
        f" -> tensor<{result}xf32>",
    )
    for name in ("chlo.ragged_dot", "stablehlo.composite"):
        assert Rules().cost(program.one(name)).flops == flops


def test_an_unknown_composite_costs_its_decomposition() -> None:
    program = body(
        "%x: tensor<2x3xf32>",
        '%r = stablehlo.composite "my.op" %x {decomposition = @d}'
        " : (tensor<2x3xf32>) -> tensor<2x3xf32>",
        "func.func private @d(%a: tensor<2x3xf32>) -> tensor<2x3xf32> {\n"
        "%r = stablehlo.add %a, %a : tensor<2x3xf32>\nreturn %r : tensor<2x3xf32>\n}",
    )
    op = program.one("stablehlo.composite")
    assert Rules().role(op) == "structure"
    assert (Rules().cost(op).flops, Rules().cost(op).read) == (6, (48,))
