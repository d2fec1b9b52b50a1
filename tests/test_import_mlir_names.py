"""Names that are no text, and numbers that stand in a module's resources."""

from __future__ import annotations

import io
from pathlib import Path

import jax
import numpy as np
import pytest

from cosmalloc import InputError
from cosmalloc.passes.doors import Converted, Opening
from cosmalloc.passes.import_mlir import convert
from cosmalloc.passes.kernels import compile_module, run_compiled
from tests.command import cosmalloc

pytest.importorskip("torch_mlir", reason="TOSA and linalg need the extra `[mlir]`")

FRAME = (
    "module { func.func @main(%a: tensor<4xf32>) -> tensor<4xf32>"
    " { OP : (tensor<4xf32>) -> tensor<4xf32> LOC return %b : tensor<4xf32> } }"
)
ABS = '%b = "tosa.abs"(%a)'
CUSTOM = "%b = tosa.custom %a {domain_name = DOMAIN, implementation_attrs = ATTRS, operator_name = "
BLACK_BOX = CUSTOM.replace("DOMAIN", r'"\FE"').replace("ATTRS", r'"\01\FF"') + r'"\FF"}'
READ = {  # what the reader never makes a Python string of, or as MLIR escapes it
    "location": FRAME.replace("OP", ABS).replace("LOC", r'loc("\FF")'),
    "file": FRAME.replace("OP", ABS).replace("LOC", r'loc("\FF":1:2)'),
    "attribute": FRAME.replace("OP", ABS + r' {"\FF" = "\FE"}').replace("LOC", ""),
    "function": FRAME.replace("OP", ABS).replace("LOC", "").replace("@main", r'@"\FF"'),
    "module": FRAME.replace("OP", ABS).replace("LOC", "").replace("module", r'module @"\FF"'),
    "black box": FRAME.replace("OP", BLACK_BOX).replace("LOC", r'loc("\FF")'),
}
REFUSED = {
    "operator": FRAME.replace("OP", r'%b = "\FF\FE"(%a)').replace("LOC", ""),
    "operator of a dialect": FRAME.replace("OP", r'%b = "mine.\FE"(%a)').replace("LOC", ""),
}


def read(content: bytes) -> Converted:
    before = jax.config.jax_enable_x64
    try:
        return convert(content, "net.mlir", Opening(allow_opaque=True), None)
    finally:
        jax.config.update("jax_enable_x64", before)


def bytecode(text: str) -> bytes:
    from torch_mlir import ir

    context = ir.Context()
    context.allow_unregistered_dialects = True
    module, out = ir.Module.parse(text, context), io.BytesIO()
    module.operation.write_bytecode(out)
    return out.getvalue()


@pytest.mark.parametrize("form", ["text", "bytecode"])
@pytest.mark.parametrize("place", READ)
def test_bytes_that_are_no_text_do_no_harm_where_they_name_nothing(place: str, form: str) -> None:
    text = READ[place]
    assert read(bytecode(text) if form == "bytecode" else text.encode()).module


@pytest.mark.parametrize("form", ["text", "bytecode"])
@pytest.mark.parametrize("place", REFUSED)
def test_an_operator_whose_name_is_no_text_is_a_sentence(place: str, form: str) -> None:
    text = REFUSED[place]
    with pytest.raises(InputError, match=r"^net\.mlir holds an operation `.*\\FE`, a name that is"):
        read(bytecode(text) if form == "bytecode" else text.encode())


def test_what_mlir_says_in_bytes_that_are_no_text_is_a_sentence() -> None:
    text = FRAME.replace("OP", r'%b = "tosa.\FF"(%a)').replace("LOC", "")
    with pytest.raises(InputError, match=r"torch-mlir reads: it holds bytes that are no text$"):
        read(text.encode())


def test_at_the_command_it_is_a_sentence_and_nothing_is_written(tmp_path: Path) -> None:
    model, out = tmp_path / "net.mlir", tmp_path / "out.mlir"
    model.write_text(REFUSED["operator of a dialect"] + " // tosa.abs")
    done = cosmalloc("map", model, "-o", out, "--allow-opaque", "--solver", "greedy")
    assert (done.code, done.out, [p.name for p in tmp_path.iterdir()]) == (2, "", ["net.mlir"])
    assert r"net.mlir holds an operation `mine.\FE`, a name that is no UTF-8 text" in done.err


@pytest.mark.parametrize("key", ["k", '"k-1"', '"a b"', '"a: \\22b\\22"', r'"\FF"'])
@pytest.mark.parametrize("operator", ["tosa.const", "arith.constant"])
@pytest.mark.parametrize("form", ["text", "bytecode"])
def test_numbers_in_resources_are_read(operator: str, key: str, form: str) -> None:
    name = "values" if operator == "tosa.const" else "value"
    made = f'"{operator}"() <{{{name} = dense_resource<{key}> : tensor<4xf32>}}>'
    body = f'%k = {made} : () -> tensor<4xf32> %b = "tosa.pow"(%a, %k)'
    text = FRAME.replace("OP", body).replace("LOC", "")
    text = text.replace(") : (tensor<4xf32>) ->", ") : (tensor<4xf32>, tensor<4xf32>) ->")
    numbers = np.array([1, 2, 3, 0.5], "<f4")
    data = (4).to_bytes(4, "little") + numbers.tobytes()
    text += f'\n{{-# dialect_resources: {{ builtin: {{ {key}: "0x{data.hex()}" }} }} #-}}\n'
    found = read(bytecode(text) if form == "bytecode" else text.encode())
    given = np.array([2, 3, 4, 9], np.float32)
    (mine,) = run_compiled(compile_module(found.module), [given])
    np.testing.assert_allclose(mine, given**numbers, 1e-6)
