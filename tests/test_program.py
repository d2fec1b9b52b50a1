"""A grouped module as a problem: kinds, views, alias groups, workspaces, sizes, names."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from jaxlib.mlir import ir

from cosmalloc import InputError, Problem, Target, load_target
from cosmalloc.passes import Pipeline, Program, Reading, context, extract, read_model
from cosmalloc.passes.grouping import Policy
from cosmalloc.problem import Tensor
from cosmalloc.target_file import custom

NPU = custom(load_target("npu-2mib"), alignment=1)
TPU = load_target("tpu-v4")
M, V, R, I = "tensor<4x4xf32>", "tensor<16xf32>", "tensor<1x4xf32>", "tensor<i32>"  # noqa: E741
W = '%w: tensor<4x4xf32> {mem.name = "params[0]"}'


@dataclass(frozen=True)
class Read:
    """A program beside the module that its handles live in."""

    module: ir.Module
    program: Program

    @property
    def problem(self) -> Problem:
        return self.program.problem

    @property
    def tensors(self) -> dict[str, Tensor]:
        return {tensor.name: tensor for tensor in self.problem.tensors}

    def groups(self) -> list[set[str]]:
        """Names of the tensors of each alias group."""
        found: dict[int, set[str]] = {}
        for tensor in self.problem.tensors:
            if tensor.alias_group is not None:
                found.setdefault(tensor.alias_group, set()).add(tensor.name)
        return [found[group] for group in sorted(found)]


def read(
    arguments: str,
    lines: str,
    returned: str,
    *,
    target: Target = NPU,
    reading: Reading | None = None,
    policy: Policy = "single",
) -> Read:
    """The problem of `main(arguments)`; returned: `%a, %b : type, type`."""
    kinds = returned.partition(" : ")[2]
    text = f"""module @sample {{
  func.func public @main({arguments}) -> ({kinds}) {{
    {lines}
    return {returned}
  }}
}}
"""
    module, name = read_model(text)
    Pipeline.parse(f"inline,group-operators{{policy={policy}}}").run(module)
    with module.context, module.operation.location:
        return Read(module, extract(module.operation, target, reading or Reading(), name))


def test_kinds_follow_from_names_constants_and_returns() -> None:
    numbers = ", ".join(f"{i}.5" for i in range(1024))
    found = read(
        '%x: tensor<1024xf32> {mem.name = "image"}, %p: tensor<1024xf32> {mem.name = "params[0]"}',
        f"""%c = stablehlo.constant dense<[{numbers}]> : tensor<1024xf32>
    %0 = stablehlo.add %x, %p : tensor<1024xf32>
    %1 = stablehlo.multiply %0, %c : tensor<1024xf32>""",
        "%1 : tensor<1024xf32>",
    )
    assert [(t.name, t.kind) for t in found.problem.tensors] == [
        ("image", "input"),
        ("params[0]", "weight"),
        ("constant_2", "weight"),
        ("add_0", "intermediate"),
        ("multiply_1", "output"),
    ]
    assert [o.name for o in found.problem.operators] == ["add_0", "multiply_1"]
    assert [o.inputs for o in found.problem.operators] == [(0, 1), (3, 2)]
    assert found.problem.name == "sample"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("params", "weight"),
        ("params['conv']['w']", "weight"),
        ("params.dense", "weight"),
        ("variables[3]", "weight"),
        ("opt_state[0]", "weight"),
        ("parameters", "input"),
        ("image", "input"),
        ("cache['params']", "input"),
    ],
)
def test_the_default_pattern_of_weights(name: str, kind: str) -> None:
    found = read(f'%x: {M} {{mem.name = "{name}"}}', f"%0 = stablehlo.abs %x : {M}", f"%0 : {M}")
    assert found.tensors[name].kind == kind


def test_weights_are_the_arguments_that_a_pattern_names() -> None:
    arguments = f'%x: {M} {{mem.name = "params"}}, %y: {M} {{mem.name = "cache[0]"}}'
    lines = f"%0 = stablehlo.add %x, %y : {M}"
    found = read(arguments, lines, f"%0 : {M}", reading=Reading(weights="cache"))
    assert (found.tensors["params"].kind, found.tensors["cache[0]"].kind) == ("input", "weight")


def test_names_come_from_the_location_where_there_is_no_attribute() -> None:
    text = f"""func.func @main(%x: {M} loc("params['w']"), %y: {M}) -> {M} {{
  %0 = stablehlo.add %x, %y : {M}
  return %0 : {M}
}}
"""
    module, _ = read_model(text)
    Pipeline.parse("group-operators").run(module)
    with module.context, module.operation.location:
        problem = extract(module.operation, NPU, Reading(), "named").problem
    assert [t.name for t in problem.tensors] == ["params['w']", "arg1", "add_0"]


@pytest.mark.parametrize(
    ("track", "target", "tracked"),
    [
        (None, NPU, {"x", "abs_0", "add_1"}),
        (None, TPU, {"x", "params[0]", "abs_0", "add_1"}),
        ("all", NPU, {"x", "params[0]", "abs_0", "add_1"}),
        ("activations", TPU, {"x", "abs_0", "add_1"}),
    ],
)
def test_what_is_planned_follows_from_the_operand_rule_or_the_option(
    track: str | None, target: Target, tracked: set[str]
) -> None:
    found = read(
        f'%x: {M} {{mem.name = "x"}}, {W}',
        f"%0 = stablehlo.abs %x : {M}\n    %1 = stablehlo.add %0, %w : {M}",
        f"%1 : {M}",
        target=target,
        reading=Reading(track=track),  # type: ignore[arg-type]
    )
    assert {t.name for t in found.problem.tensors if t.tracked} == tracked


def test_bytes_per_element_count_floats_and_leave_integers() -> None:
    arguments = "%x: tensor<10xf32>, %h: tensor<10xbf16>, %i: tensor<10xi32>, %b: tensor<10xi1>"
    lines = "%0 = stablehlo.abs %x : tensor<10xf32>"
    returned = "%0 : tensor<10xf32>"
    plain = read(arguments, lines, returned)
    assert [t.bytes for t in plain.problem.tensors] == [40, 20, 40, 10, 40]
    byte = read(arguments, lines, returned, reading=Reading(bytes_per_element=1))
    assert [t.bytes for t in byte.problem.tensors] == [10, 10, 40, 10, 10]
    assert byte.problem.operators[0].input_bytes_accessed == (10,)
    assert byte.problem.operators[0].output_bytes_accessed == (10,)


def test_an_empty_tensor_weighs_one_byte() -> None:
    empty = "tensor<0x4xf32>"
    found = read(f"%x: {empty}", f"%0 = stablehlo.abs %x : {empty}", f"%0 : {empty}")
    assert [t.bytes for t in found.problem.tensors] == [1, 1]


def test_views_are_the_storage_they_view() -> None:
    found = read(
        f"%x: {M}",
        f"""%0 = stablehlo.reshape %x : ({M}) -> {V}
    %1 = stablehlo.abs %0 : {V}
    %2 = stablehlo.reshape %1 : ({V}) -> {M}
    %3 = stablehlo.bitcast_convert %2 : ({M}) -> tensor<4x4xi32>
    %4 = stablehlo.negate %2 : {M}""",
        f"%3, %4 : tensor<4x4xi32>, {M}",
    )
    assert [(t.name, t.kind) for t in found.problem.tensors] == [
        ("arg0", "input"),
        ("abs_0", "output"),  # it is returned through two views
        ("negate_1", "output"),
    ]
    assert [(o.inputs, o.outputs) for o in found.problem.operators] == [((0,), (1,)), ((1,), (2,))]


def test_an_argument_that_is_returned_stays_an_input() -> None:
    found = read(f"%x: {M}", "", f"%x, %x : {M}, {M}")
    assert [t.kind for t in found.problem.tensors] == ["input"]
    assert found.problem.operators == ()


def test_an_operand_read_twice_stands_once_and_counts_no_more_than_it_has() -> None:
    found = read(f"%x: {M}", f"%0 = stablehlo.add %x, %x : {M}", f"%0 : {M}")
    (add,) = found.problem.operators
    assert (add.inputs, add.input_bytes_accessed) == ((0,), (64,))


def test_several_results_are_numbered() -> None:
    found = read(
        f"%x: {V}, %i: tensor<16xi32>",
        f"""%0:2 = "stablehlo.sort"(%x, %i) <{{dimension = 0 : i64}}> ({{
      ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: {I}, %d: {I}):
        %1 = stablehlo.compare LT, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>
        stablehlo.return %1 : tensor<i1>
    }}) : ({V}, tensor<16xi32>) -> ({V}, tensor<16xi32>)""",
        f"%0#0, %0#1 : {V}, tensor<16xi32>",
    )
    assert [t.name for t in found.problem.tensors[2:]] == ["sort_0:0", "sort_0:1"]


def test_a_call_of_no_kernel_is_an_error_that_names_the_passes() -> None:
    text = f"""func.func @main(%x: {M}) -> {M} {{
  %0 = func.call @f(%x) : ({M}) -> {M}
  return %0 : {M}
}}
func.func private @f(%x: {M}) -> {M} {{
  return %x : {M}
}}
"""
    module = context.parse(text, "a test")
    with pytest.raises(InputError) as caught, module.context, module.operation.location:
        extract(module.operation, NPU, Reading(), "bad")
    assert str(caught.value) == (
        "`func.call` at line 2 calls `f`, which is no kernel\n"
        "hint: run the passes `inline,group-operators` first"
    )


UPDATE = f"%u, %i, %i : ({M}, {R}, {I}, {I}) -> {M}"
REST = f'%u: {R} {{mem.name = "u"}}, %i: {I} {{mem.name = "i"}}'
DONATED = f'%x: {M} {{mem.name = "x", tf.aliasing_output = 0 : i32}}, {REST}'
KEPT = f'%x: {M} {{mem.name = "x"}}, {REST}'
FIRST = f"%0 = stablehlo.dynamic_update_slice %x, {UPDATE}"


def test_an_update_of_a_donated_argument_is_in_place() -> None:
    found = read(DONATED, FIRST, f"%0 : {M}")
    assert found.groups() == [{"x", "dynamic_update_slice_0"}]
    (update,) = found.problem.operators
    accessed = dict(zip(update.inputs, update.input_bytes_accessed, strict=True))
    assert accessed == {0: 0, 1: 16, 2: 4}  # nothing is read of what stays
    assert update.output_bytes_accessed == (16,)


def test_an_update_of_the_caller_s_argument_is_a_copy() -> None:
    found = read(KEPT, FIRST, f"%0 : {M}")
    assert found.groups() == []
    (update,) = found.problem.operators
    assert update.input_bytes_accessed[0] == 64
    assert update.output_bytes_accessed == (64,)


def test_a_chain_of_updates_is_one_group() -> None:
    lines = f"{FIRST}\n    %1 = stablehlo.dynamic_update_slice %0, {UPDATE}"
    assert read(DONATED, lines, f"%1 : {M}").groups() == [
        {"x", "dynamic_update_slice_0", "dynamic_update_slice_1"}
    ]
    assert read(KEPT, lines, f"%1 : {M}").groups() == [
        {"dynamic_update_slice_0", "dynamic_update_slice_1"}
    ]


def test_a_later_reader_of_the_old_value_forbids_the_update_in_place() -> None:
    lines = f"{FIRST}\n    %1 = stablehlo.abs %x : {M}"
    assert read(DONATED, lines, f"%0, %1 : {M}, {M}").groups() == []


def test_a_reader_that_must_come_first_does_not_forbid_it() -> None:
    lines = f"""%r = stablehlo.slice %x [0:1, 0:4] : ({M}) -> {R}
    %0 = stablehlo.dynamic_update_slice %x, %r, %i, %i : ({M}, {R}, {I}, {I}) -> {M}"""
    assert read(DONATED, lines, f"%0 : {M}").groups() == [{"x", "dynamic_update_slice_1"}]


def test_an_output_is_not_overwritten() -> None:
    lines = f"{FIRST}\n    %1 = stablehlo.dynamic_update_slice %0, {UPDATE}"
    assert read(DONATED, lines, f"%0, %1 : {M}, {M}").groups() == [{"x", "dynamic_update_slice_0"}]


def test_a_value_updated_twice_goes_to_the_first_update_or_none() -> None:
    lines = f"{FIRST}\n    %1 = stablehlo.dynamic_update_slice %x, {UPDATE}"
    assert read(DONATED, lines, f"%0, %1 : {M}, {M}").groups() == []


def test_what_is_not_planned_is_in_no_group() -> None:
    arguments = DONATED.replace('"x"', '"params"')
    assert read(arguments, FIRST, f"%0 : {M}").groups() == []
    everything = read(arguments, FIRST, f"%0 : {M}", reading=Reading(track="all"))
    assert everything.groups() == [{"params", "dynamic_update_slice_0"}]


LOOP = f"""%0:3 = stablehlo.while(%k = %zero, %a = %x, %b = %x) : {I}, {M}, {M}
    cond {{
      %c = stablehlo.compare LT, %k, %five : ({I}, {I}) -> tensor<i1>
      stablehlo.return %c : tensor<i1>
    }} do {{
      %n = stablehlo.add %k, %one : {I}
      BODY
    }}"""
COUNT = f"""%zero = stablehlo.constant dense<0> : {I}
    %one = stablehlo.constant dense<1> : {I}
    %five = stablehlo.constant dense<5> : {I}
    """
DOT = f"contracting_dims = [1] x [0] : ({M}, {M}) -> {M}"


@pytest.mark.parametrize(
    ("body", "workspace"),
    [
        # the counter's next value and the next %a wait for the end of the trip
        (f"%d = stablehlo.dot_general %a, %w, {DOT}\nstablehlo.return %n, %d, %b", 4 + 64),
        # a temporary beside them while the second product is made
        (
            f"%t = stablehlo.dot_general %a, %w, {DOT}\n"
            f"%d = stablehlo.dot_general %t, %w, {DOT}\nstablehlo.return %n, %d, %b",
            4 + 64 + 64,
        ),
        # %b is updated in place: it waits nowhere
        (
            f"%r = stablehlo.slice %a [0:1, 0:4] : ({M}) -> {R}\n"
            f"%d = stablehlo.dynamic_update_slice %b, %r, %k, %zero :"
            f" ({M}, {R}, {I}, {I}) -> {M}\nstablehlo.return %n, %a, %d",
            4 + 16,
        ),
        # handed over as they came
        ("stablehlo.return %n, %a, %b", 4),
    ],
)
def test_a_loop_works_in_what_its_body_holds_at_once(body: str, workspace: int) -> None:
    lines = COUNT + LOOP.replace("BODY", f"{body} : {I}, {M}, {M}")
    found = read(f'%x: {M} {{mem.name = "x"}}, {W}', lines, f"%0#1, %0#2 : {M}, {M}")
    tensor = found.tensors["while_0.workspace"]
    assert tensor.bytes == workspace
    assert (tensor.kind, tensor.tracked, tensor.alias_group) == ("intermediate", True, None)
    (loop,) = found.problem.operators
    assert found.problem.tensors[loop.outputs[-1]] is tensor


def test_a_loop_s_workspace_keeps_the_target_s_alignment() -> None:
    body = f"%d = stablehlo.dot_general %a, %w, {DOT}\nstablehlo.return %n, %d, %b"
    lines = COUNT + LOOP.replace("BODY", f"{body} : {I}, {M}, {M}")
    target = custom(NPU, alignment=256)
    found = read(f"%x: {M}, {W}", lines, f"%0#1, %0#2 : {M}, {M}", target=target)
    assert found.tensors["while_0.workspace"].bytes == 256 + 4


def test_a_branch_works_in_its_temporaries_and_returns_into_its_results() -> None:
    def branch(*lines: str) -> str:
        return "{\n" + "\n".join(lines) + f"\nstablehlo.return %d : {M}\n}}"

    short = branch(f"%d = stablehlo.dot_general %x, %w, {DOT}")
    long = branch(
        f"%s = stablehlo.dot_general %x, %w, {DOT}",
        f"%t = stablehlo.dot_general %s, %w, {DOT}",
        f"%d = stablehlo.dot_general %t, %w, {DOT}",
    )

    def size(one: str, other: str) -> int | None:
        found = read(
            f'%x: {M} {{mem.name = "x"}}, {W}, %p: tensor<i1>',
            f'%0 = "stablehlo.if"(%p) ({one}, {other}) : (tensor<i1>) -> {M}',
            f"%0 : {M}",
        )
        tensor = found.tensors.get("if_0.workspace")
        return None if tensor is None else tensor.bytes

    assert size(short, short) is None
    assert size(short, long) == size(long, short) == 2 * 64


def test_a_loop_of_unknown_length_takes_the_option_s() -> None:
    body = f"%d = stablehlo.dot_general %a, %w, {DOT}\nstablehlo.return %n, %d, %b"
    lines = COUNT + LOOP.replace("BODY", f"{body} : {I}, {M}, {M}").replace("%five", "%m")
    arguments = f'%x: {M} {{mem.name = "x"}}, {W}, %m: {I}'
    with pytest.raises(InputError, match="runs a number of times that depends on data"):
        read(arguments, lines, f"%0#1 : {M}")

    def flops(trips: int) -> int:
        found = read(arguments, lines, f"%0#1 : {M}", reading=Reading(trip_count=trips))
        (loop,) = found.problem.operators
        assert loop.flops is not None
        return loop.flops

    assert flops(7) - flops(6) == 2 * 4 * 4 * 4 + 1 + 1  # a product, the counter, its test


def test_figures_of_a_kernel_are_those_of_its_operations() -> None:
    found = read(
        f"%x: {M}, {W}",
        f"%0 = stablehlo.dot_general %x, %w, {DOT}\n    %1 = stablehlo.add %0, %x : {M}",
        f"%1 : {M}",
        policy="fuse",
    )
    (kernel,) = found.problem.operators
    assert (kernel.kind, kernel.flops) == ("dot_general", 2 * 64 + 16)
    assert (kernel.input_bytes_accessed, kernel.output_bytes_accessed) == ((64, 64), (64,))
