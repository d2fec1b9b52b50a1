"""Mapped modules that somebody changed: an error that names the attribute, never a crash."""

from __future__ import annotations

import re

import pytest
from jaxlib.mlir import ir

from cosmalloc import InputError, Outcome, Plan, Residency, Transfer, load_target
from cosmalloc.passes import InsertTransfers, Pipeline, Reading, annotate, context, extract
from cosmalloc.passes import read_plan as read
from cosmalloc.target_file import custom

M = "tensor<4x4xf32>"
TEXT = f"""module @sample {{
  func.func public @main(%x: {M} {{mem.name = "x"}}) -> {M} {{
    %0 = stablehlo.abs %x : {M}
    %1 = stablehlo.sqrt %0 : {M}
    return %1 : {M}
  }}
}}
"""
PLAN = Plan(
    (0, 1),
    (Residency(0, 0, 0, 1), Residency(1, 64, 0, 2), Residency(2, 0, 1, 2)),
    (Transfer(0, "load", 0, 0), Transfer(2, "store", 2, 2)),
)


def mapped(*, inserted: bool) -> str:
    """The text of the sample with PLAN on it, transfers a table or operations."""
    module = context.parse(TEXT, "the sample")
    target = custom(load_target("npu-2mib"), scratchpad=128)
    with module.context, module.operation.location:
        program = extract(module.operation, target, Reading(), "sample")
        outcome = Outcome("sample", "hand", "optimal", "traffic", PLAN, 0.0, 0.0)
        annotate(program, Reading(), outcome)
        if inserted:
            InsertTransfers()(module.operation)
    return context.to_text(module)


TABLE, CALLS = mapped(inserted=False), mapped(inserted=True)


def changed(text: str, old: str, new: str) -> ir.Module:
    after = re.sub(old, new, text, count=1, flags=re.DOTALL)
    assert after != text
    return context.parse(after, "the module")


def test_untouched_both_forms_read_back() -> None:
    for text in (TABLE, CALLS):
        problem, outcome = read(context.parse(text, "the module"))
        assert (problem.name, outcome.plan) == ("sample", PLAN)


ANY = "dense<64> : tensor<1xi64>"
MODULE = "attribute `{}` of the module is `{}`, no {}"
BOTH: list[tuple[str, str, str]] = [
    (
        "mem.operator = 1 ",
        "mem.operator = 0 ",
        "the module's 2 operators carry `mem.operator` 0, 0, not each of 0 to 1 once",
    ),
    (
        "mem.operator = 1 ",
        "mem.operator = 7 ",
        "the module's 2 operators carry `mem.operator` 0, 7, not each of 0 to 1 once",
    ),
    ("mem.operator = 1 : i64", "mem.operator = []", MODULE.format("mem.operator", "[]", "integer")),
    (
        "mem.operator = 1 : i64, ",
        "",
        "some operators of the module carry `mem.operator` and some do not",
    ),
    (
        "mem.step = 1 ",
        "mem.step = 0 ",
        "`stablehlo.sqrt` at line LINE stands at step 1 and carries `mem.step` 0\n"
        "hint: the operators were moved after mapping: map the module again",
    ),
    (
        "mem.step = 1 : i64, ",
        "",
        "`stablehlo.sqrt` at line LINE has no attribute `mem.step`",
    ),
    (
        f"mem.offsets = {ANY}",
        "mem.offsets = dense<[1, 2]> : tensor<2xi64>",
        MODULE.format("mem.offsets", "dense<[1, 2]> : tensor<2xi64>", "tensor<1xi64>"),
    ),
    (
        f"mem.offsets = {ANY}",
        "mem.offsets = array<i64: 64>",
        MODULE.format("mem.offsets", "array<i64: 64>", "tensor<1xi64>"),
    ),
    (
        f"mem.offsets = {ANY}",
        "mem.offsets = dense<1.0> : tensor<1xf32>",
        MODULE.format("mem.offsets", "dense<1.000000e+00> : tensor<1xf32>", "tensor<1xi64>"),
    ),
    (
        "mem.stops = dense<2>",
        "mem.stops = dense<0>",
        "Residency(tensor=1, offset=64, start=0, stop=0) is no stay:"
        " indices count from 0 and stop lies after start",
    ),
    (
        "cosmalloc.ir/1",
        "cosmalloc.ir/2",
        "the module has `mem.format` `cosmalloc.ir/2`\nhint: this version reads `cosmalloc.ir/1`",
    ),
    ('"cosmalloc.ir/1"', "unit", MODULE.format("mem.format", "unit", "string")),
    (
        "mem.format = [^,]*, ",
        "",
        "the module has no attribute `mem.format`\nhint: map it with `map-memory` first",
    ),
    (
        "alignment = 64 : i64, ",
        "",
        "attribute `mem.target` of the module lacks the key `alignment`",
    ),
    ("alignment = 64 ", "alignment = 0 ", "target `custom` has alignment 0, not 1 to 2**30"),
    (
        "alignment = 64 : i64",
        "alignment = 6.4 : f64",
        "attribute `mem.target.alignment` of the module is `6.4`",
    ),
    (
        "alignment = 64 : i64",
        "alignment = [64]",
        "attribute `mem.target.alignment` of the module is `[64]`, no number or string",
    ),
    (
        "alignment = 64",
        "speed = 3 : i64, alignment = 64",
        "attribute `mem.target` of the module has the unknown key `speed`",
    ),
    ("mem.target = {.*?}", "mem.target = 3", MODULE.format("mem.target", "3 : i64", "dictionary")),
    ('status = "optimal"', 'status = "good"', "an outcome has status `good`, objective `traffic`"),
    (
        'status = "optimal"',
        'status = "infeasible"',
        "an outcome with status `infeasible` has a plan",
    ),
    (
        'weights = "[^"]*"',
        'weights = "("',
        "the pattern `(` is no regular expression:"
        " missing ), unterminated subpattern at position 0",
    ),
    (
        'mem.problem = "sample"',
        "mem.problem = 1 : i64",
        MODULE.format("mem.problem", "1 : i64", "string"),
    ),
]


@pytest.mark.parametrize(("old", "new", "fact"), BOTH)
@pytest.mark.parametrize("form", ["table", "calls"])
def test_a_changed_attribute_is_named(form: str, old: str, new: str, fact: str) -> None:
    line, text = ("4", TABLE) if form == "table" else ("5", CALLS)
    with pytest.raises(InputError) as caught:
        read(changed(text, old, new))
    assert str(caught.value) == fact.replace("LINE", line)


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        (
            "mem.transfers = dense<.*?xi64>",
            "mem.transfers = dense<0> : tensor<6xi64>",
            "attribute `mem.transfers` of the module is `dense<0> : tensor<6xi64>`,"
            " no tensor<Nx6xi64>",
        ),
        (r"dense<\[\[0,", "dense<[[9,", "`mem.transfers` names tensor 9, the program has 3"),
        (r"dense<\[\[0,", "dense<[[-1,", "`mem.transfers` names tensor -1, the program has 3"),
        (
            r"dense<\[\[0, 0, 0, 0",
            "dense<[[0, 0, 1, 0",
            "Transfer(tensor=0, kind='load', start=1, stop=0) is no copy:"
            " indices count from 0, stop is not before start",
        ),
    ],
)
def test_a_changed_table_is_refused(old: str, new: str, fact: str) -> None:
    with pytest.raises(InputError) as caught:
        read(changed(TABLE, old, new))
    assert str(caught.value) == fact


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        (
            "offset = 0 : i64, ",
            "",
            "`stablehlo.custom_call` at line 3 lacks `offset` in its backend_config",
        ),
        (
            "offset = 0 : i64",
            'offset = "x"',
            'attribute `mem.load.offset` of the module is `"x"`, no integer',
        ),
        (
            "backend_config = {offset[^}]*}",
            "mem.a = 1 : i32",
            "`stablehlo.custom_call` at line 3 has no backend_config",
        ),
        (
            r"\(%arg0\)(.*?): \(tensor<4x4xf32>\)",
            r"()\1: ()",
            "`@mem.load` at line 3 does not copy one value of one type",
        ),
        (
            "start = 2 : i64, stop = 2 : i64",
            "start = -2 : i64, stop = 2 : i64",
            "Transfer(tensor=2, kind='store', start=-2, stop=2) is no copy:"
            " indices count from 0, stop is not before start",
        ),
    ],
)
def test_a_changed_transfer_is_refused(old: str, new: str, fact: str) -> None:
    with pytest.raises(InputError) as caught:
        read(changed(CALLS, old, new))
    assert str(caught.value) == fact


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        (f"mem.offsets = {ANY}", "mem.offsets = dense<3> : tensor<1xi64>", "law 2: "),
        (r"dense<\[\[0, 0", "dense<[[0, 1", "law 5: "),
        (r"\[2, 1, 2, 2", "[2, 1, 9, 9", "law 5: "),
    ],
)
def test_a_faulty_plan_is_not_turned_into_operations(old: str, new: str, fact: str) -> None:
    with pytest.raises(InputError) as caught:
        Pipeline.parse("insert-transfers").run(changed(TABLE, old, new))
    assert re.match(rf"the plan on the module has \d faults, the first: {fact}", caught.value.fact)


@pytest.mark.parametrize("passes", ["group-operators", "map-memory", "lifetimes"])
def test_leftover_transfers_count_as_mapped(passes: str) -> None:
    module = changed(CALLS, "attributes {mem.format.*?}} {\n", "{\n")
    with pytest.raises(InputError, match="the module is mapped already"):
        Pipeline.parse(passes).run(module)
