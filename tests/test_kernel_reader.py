"""The compiled reader of kernels says what Python's says, or leaves the text alone."""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from cost_kernels import LOOP, MATMUL, SLICED, matmul
from drawn_kernels import kernel_texts, tensor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosmalloc.cost_model.dataset import load
from cosmalloc.cost_model.features import FlatGraphs, KernelGraph, flat_graphs_of, graphs_of
from cosmalloc.cost_model.features.flat import flattened
from cosmalloc.cost_model.features.graph import WIDTH, graphs_by_mlir
from cosmalloc.cost_model.features.reading import read_compiled, views
from cosmalloc.cost_model.features.words import KINDS
from cosmalloc.cost_model.features.words_of_rules import elements, kernel_reader
from cosmalloc.cost_model.kernel import kernel_text, kernels_of
from cosmalloc.errors import InputError
from cosmalloc.passes import context
from examples.models.export import ARTIFACTS, NAMES, parse

DATA = Path(__file__).parents[1] / "cost_model/data/cpu.parquet"
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
EXACT = ("kind", "body", "types", "edges", "costs")
CLOSE = ("numbers", "whole")


def assert_equal(found: KernelGraph, wanted: KernelGraph, text: str) -> None:
    for name in EXACT + CLOSE:
        one, other = getattr(found, name), getattr(wanted, name)
        assert one.dtype == other.dtype, (name, text)
        assert one.shape == other.shape, (name, text)
        tolerance = 1e-6 if name in CLOSE else 0.0
        assert np.allclose(one, other, rtol=tolerance, atol=0.0), (name, text)


def assert_read_alike(texts: list[str], least: float) -> None:
    """At least this share is read, and all that is read equals what MLIR's path makes."""
    graphs, read = read_compiled(texts)
    assert read.mean() >= least, [text for text, done in zip(texts, read, strict=True) if not done]
    kept = [(text, graph) for text, graph, r in zip(texts, views(graphs), read, strict=True) if r]
    wanted = graphs_by_mlir([text for text, _ in kept])
    for (text, graph), other in zip(kept, wanted, strict=True):
        assert_equal(graph, other, text)


@cache
def measured() -> tuple[str, ...]:
    return load(DATA).text[::40]


def test_measured_kernels_read_as_by_mlir() -> None:
    assert_read_alike(list(measured()), 0.99)


def test_the_kernels_of_all_example_models_read_as_by_mlir() -> None:
    texts = [
        text
        for name in NAMES
        for text in kernels_of(parse((ARTIFACTS / f"{name}.mlirbc").read_bytes()))
    ]
    assert_read_alike(sorted(set(texts)), 0.99)


@QUICK
@given(text=kernel_texts())
def test_drawn_kernels_read_as_by_mlir(text: str) -> None:
    assert_read_alike([text], 1.0)


WRITTEN = """func.func public @main(%x: {type}) -> {type} {{
  %c = stablehlo.constant dense<{number}> : {type}
  %0 = stablehlo.{operation} %x, %c : {type}
  return %0 : {type}
}}"""
NUMBERS = {
    "f32": st.floats(width=32) | st.integers(-20, 20).map(lambda power: 2.0**power),
    "bf16": st.floats(width=32) | st.integers(-20, 20).map(lambda power: 2.0**power),
    "f16": st.floats(width=16) | st.integers(-20, 15).map(lambda power: 2.0**power),
    "f64": st.floats() | st.integers(-20, 20).map(lambda power: 2.0**power),
    "i8": st.integers(-128, 127),
    "i64": st.integers(-(2**62), 2**62) | st.integers(0, 61).map(lambda power: 2**power),
    "ui16": st.integers(0, 2**16 - 1),
}


@QUICK
@given(data=st.data())
def test_constants_of_every_type_are_known_as_by_mlir(data: st.DataObject) -> None:
    element = data.draw(st.sampled_from(sorted(NUMBERS)))
    number = data.draw(NUMBERS[element])
    finite = isinstance(number, int) or math.isfinite(number)
    kind = f"tensor<3x2x{element}>"
    operation = data.draw(st.sampled_from(["divide", "multiply"]))
    given = f"{number:.17e}" if isinstance(number, float) else str(number)
    text = WRITTEN.format(type=kind, number=given if finite else "0.0", operation=operation)
    module = context.parse(text, "a kernel")
    with module.context:
        printed = kernel_text(next(iter(context.functions(module.operation).values())))
    assert_read_alike([printed], 0.0)  # some exponents are left to MLIR


TOKEN = re.compile(r"tensor<[^<>]*(?:<\w+>)?>|%\w+|-?\d+|[\w.]+|\s+|.", re.DOTALL)
CHARACTERS = st.sampled_from('0123456789 %,x<>(){}[]-"#=:.eEi\n')


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A kernel with a few tokens changed, swapped, doubled or lost."""
    tokens = TOKEN.findall(draw(st.sampled_from(short()) | kernel_texts()))
    for _ in range(draw(st.integers(1, 3))):
        place, other = (draw(st.integers(0, len(tokens) - 1)) for _ in range(2))
        match draw(st.integers(0, 5)):
            case 0:
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case 1:
                tokens[place] = tokens[other]
            case 2:
                tokens.insert(place, tokens[other])
            case 3 if re.fullmatch(r"-?\d+", tokens[place]):
                tokens[place] = str(int(tokens[place]) + draw(st.sampled_from([-1, 1, 8, 2**40])))
            case 4:
                tokens[place] += draw(CHARACTERS)
            case _ if len(tokens) > 1:
                del tokens[place]
    return "".join(tokens)


@cache
def short() -> tuple[str, ...]:
    """One kernel for each operation, so that rare ones are damaged as often as others."""
    found: dict[str, str] = {}
    for text in load(DATA).text[::7]:
        for word in re.findall(r"(?:stablehlo|chlo)\.\w+", text):
            if len(text) < len(found.get(word, 2000 * " ")):
                found[word] = text
    return tuple(sorted(set(found.values())))


@settings(QUICK, max_examples=400)
@given(text=damaged())
def test_a_damaged_text_is_read_as_by_mlir_or_left(text: str) -> None:
    graphs, read = read_compiled([text])
    if not read[0]:
        assert not len(graphs.kind)
        return
    try:
        wanted = graphs_by_mlir([text])[0]
    except InputError as error:
        pytest.fail(f"MLIR refuses what was read: {error}\n{text}")
    assert_equal(views(graphs)[0], wanted, text)


FORMS = (
    "  %0 = {op} %a : {kind}",
    "  %0 = {op} %a, %a : {kind}",
    "  %0 = {op} %a : {kind} -> {kind}",
    "  %0 = {op} dim = 0 : {kind}",
    "  %0 = {op} LT, %a, %a : ({kind}, {kind}) -> tensor<4xi1>",
    "  %c = stablehlo.constant dense<0> : tensor<i32>\n  %0 = {op} %a, %c, sizes = [4] : "
    "({kind}, tensor<i32>) -> {kind}",
    "  %0, %1 = {op}(%a, k = 4) : {kind} -> ({kind}, tensor<4xi32>)",
    "  %0 = {op} %a, %a, contracting_dims = [0] x [0] : ({kind}, {kind}) -> tensor<{element}>",
)


def test_every_operation_takes_no_element_type_that_mlir_refuses() -> None:
    texts = []
    for op in kernel_reader().names():
        for element, *_ in elements():
            kind = tensor((4,), element)
            texts += [
                f"func.func public @main(%a: {kind}) -> {kind} {{\n"
                f"{form.format(op=op, kind=kind, element=element)}\n  return %a : {kind}\n}}"
                for form in FORMS
            ]
    graphs, read = read_compiled(texts)
    kept = [text for text, done in zip(texts, read, strict=True) if done]
    assert len(kept) > 300
    found = [graph for graph, done in zip(views(graphs), read, strict=True) if done]
    for text, graph, wanted in zip(kept, found, graphs_by_mlir(kept), strict=True):
        assert_equal(graph, wanted, text)


COUNTED = """func.func public @main(%a: tensor<8xf32>) -> (tensor<8xf32>, tensor<i32>) {{
  %start = stablehlo.constant dense<{start}> : tensor<i32>
  %limit = stablehlo.constant dense<{limit}> : tensor<i32>
  %step = stablehlo.constant dense<{step}> : tensor<i32>
  %0:3 = stablehlo.while(%x = %a, %i = %start, %y = %a) : tensor<8xf32>, tensor<i32>, tensor<8xf32>
  cond {{
    %c = stablehlo.compare {test}, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.return %c : tensor<i1>
  }} do {{
    %1 = stablehlo.tanh %x : tensor<8xf32>
    %2 = stablehlo.add %1, %y : tensor<8xf32>
    %3 = stablehlo.{update} : tensor<i32>
    stablehlo.return %2, %3, %y : tensor<8xf32>, tensor<i32>, tensor<8xf32>
  }}
  %4 = stablehlo.exponential %0#0 : tensor<8xf32>
  return %4, %0#1 : tensor<8xf32>, tensor<i32>
}}"""


@QUICK
@given(
    numbers=st.tuples(*(st.integers(-40, 40) for _ in range(3))),
    test=st.tuples(
        st.sampled_from(["LT", "LE", "GT", "GE", "NE", "EQ"]),
        st.sampled_from(["%i, %limit", "%limit, %i", "%i, %i", "%start, %limit"]),
    ),
    update=st.sampled_from(
        ["add %i, %step", "add %step, %i", "subtract %i, %step", "subtract %step, %i", "add %i, %i"]
    ),
)
def test_a_loop_is_read_as_by_mlir_or_left(
    numbers: tuple[int, ...], test: tuple[str, str], update: str
) -> None:
    start, limit, step = numbers
    text = COUNTED.format(start=start, limit=limit, step=step, test=", ".join(test), update=update)
    assert_read_alike([text], 0.0)


def test_loops_that_count_are_read_and_so_are_loops_within_them() -> None:
    inner = COUNTED.format(start=0, limit=7, step=2, test="LT, %i, %limit", update="add %i, %step")
    lines = inner.splitlines()
    loop, last = lines[4:-3], "    %2 = stablehlo.add %1, %y : tensor<8xf32>"
    body = "\n".join(loop).replace("%0", "%5").replace("%1", "%6").replace("%2", "%7")
    for name in "ixyc3":
        body = body.replace(f"%{name}", f"%n{name}")
    body = body.replace("= %a", "= %x").replace("%start", "%i")
    nested = inner.replace(last, f"{body}\n{last}")
    known = nested.replace("%ni = %i", "%ni = %start")
    assert read_compiled([inner, nested, known])[1].tolist() == [True, False, True]
    assert_read_alike([inner, LOOP, known], 1.0)


ENDLESS = LOOP.replace("%i, %ten", "%i, %i")


def test_what_is_left_goes_through_mlir_and_comes_out_in_its_place() -> None:
    texts = [ENDLESS, MATMUL, ENDLESS, ENDLESS, SLICED, matmul(3), ENDLESS]
    assert read_compiled(texts)[1].tolist() == [False, True, False, False, True, True, False]
    found, wanted = flat_graphs_of(texts), flattened(graphs_by_mlir(texts))
    for name in FlatGraphs.__dataclass_fields__:
        assert np.array_equal(getattr(found, name), getattr(wanted, name)), name
    for text, graph, other in zip(texts, graphs_of(texts), graphs_by_mlir(texts), strict=True):
        assert_equal(graph, other, text)


def test_no_text_makes_no_graph_and_a_text_that_is_no_kernel_is_an_error() -> None:
    assert len(flat_graphs_of([])) == 0
    assert flat_graphs_of([]).numbers.shape == (0, WIDTH)
    assert graphs_of([]) == []
    for text in ("", "%", "func.func public @main(", MATMUL + "}", MATMUL.replace("8x4", "8x5", 1)):
        assert not read_compiled([text])[1][0]
        with pytest.raises(InputError):
            graphs_of([MATMUL, text])


def test_characters_that_are_no_text_are_left() -> None:
    assert read_compiled(["\ud800", MATMUL + "\0", MATMUL])[1].tolist() == [False, False, True]


def test_the_reader_knows_only_operations_that_have_rules() -> None:
    names = kernel_reader().names()
    assert len(names) > 80
    assert set(names) <= set(KINDS)
