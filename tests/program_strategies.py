"""Random StableHLO programs: arithmetic, contractions, views, slices, in-place updates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

M, V, R = "tensor<4x4xf32>", "tensor<16xf32>", "tensor<2x4xf32>"


@dataclass
class Text:
    """A program under construction: values per type, lines of the body."""

    values: dict[str, list[str]] = field(default_factory=lambda: {M: ["%x", "%w"], V: [], R: []})
    lines: list[str] = field(default_factory=list)

    def emit(self, kind: str, line: str) -> None:
        name = f"%{len(self.lines)}"
        self.lines.append(f"    {name} = {line}")
        self.values[kind].append(name)


Step = Callable[[Text, st.DrawFn], None]


def _binary(operation: str) -> Step:
    def step(text: Text, draw: st.DrawFn) -> None:
        kind = draw(st.sampled_from([kind for kind in (M, V, R) if text.values[kind]]))
        a, b = (draw(st.sampled_from(text.values[kind])) for _ in range(2))
        text.emit(kind, f"stablehlo.{operation} {a}, {b} : {kind}")

    return step


def _tanh(text: Text, draw: st.DrawFn) -> None:
    kind = draw(st.sampled_from([kind for kind in (M, V, R) if text.values[kind]]))
    text.emit(kind, f"stablehlo.tanh {draw(st.sampled_from(text.values[kind]))} : {kind}")


def _dot(text: Text, draw: st.DrawFn) -> None:
    a, b = (draw(st.sampled_from(text.values[M])) for _ in range(2))
    text.emit(
        M, f"stablehlo.dot_general {a}, {b}, contracting_dims = [1] x [0] : ({M}, {M}) -> {M}"
    )


def _transpose(text: Text, draw: st.DrawFn) -> None:
    a = draw(st.sampled_from(text.values[M]))
    text.emit(M, f"stablehlo.transpose {a}, dims = [1, 0] : ({M}) -> {M}")


def _flatten(text: Text, draw: st.DrawFn) -> None:
    text.emit(V, f"stablehlo.reshape {draw(st.sampled_from(text.values[M]))} : ({M}) -> {V}")


def _square(text: Text, draw: st.DrawFn) -> None:
    if text.values[V]:
        text.emit(M, f"stablehlo.reshape {draw(st.sampled_from(text.values[V]))} : ({V}) -> {M}")


def _slice(text: Text, draw: st.DrawFn) -> None:
    a = draw(st.sampled_from(text.values[M]))
    text.emit(R, f"stablehlo.slice {a} [1:3, 0:4] : ({M}) -> {R}")


def _update(text: Text, draw: st.DrawFn) -> None:
    if text.values[R]:
        a, u = draw(st.sampled_from(text.values[M])), draw(st.sampled_from(text.values[R]))
        types = f"({M}, {R}, tensor<i32>, tensor<i32>) -> {M}"
        text.emit(M, f"stablehlo.dynamic_update_slice {a}, {u}, %one, %zero : {types}")


def _concatenate(text: Text, draw: st.DrawFn) -> None:
    if text.values[R]:
        a, b = (draw(st.sampled_from(text.values[R])) for _ in range(2))
        text.emit(M, f"stablehlo.concatenate {a}, {b}, dim = 0 : ({R}, {R}) -> {M}")


STEPS: tuple[Step, ...] = (
    _binary("add"),
    _binary("multiply"),
    _tanh,
    _dot,
    _dot,
    _transpose,
    _flatten,
    _square,
    _slice,
    _update,
    _concatenate,
)


@st.composite
def programs(draw: st.DrawFn, most: int = 10) -> str:
    """MLIR text of a `main(%x, %w)` of 4x4 matrices with one to three results."""
    text = Text()
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=most)):
        step(text, draw)
    made = [(kind, value) for kind, values in text.values.items() for value in values]
    kept = draw(st.lists(st.sampled_from(made), min_size=1, max_size=3))
    names, kinds = ", ".join(v for _, v in kept), ", ".join(k for k, _ in kept)
    arguments = f'%x: {M} {{mem.name = "x"}}, %w: {M} {{mem.name = "params"}}'
    body = "\n".join(text.lines)
    return f"""module @random {{
  func.func public @main({arguments}) -> ({kinds}) {{
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %one = stablehlo.constant dense<1> : tensor<i32>
{body}
    return {names} : {kinds}
  }}
}}
"""
