"""Small kernels as MLIR text, drawn line by line: each line works on the tensor before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

from hypothesis import strategies as st

Shape = tuple[int, ...]
EXTENTS = st.integers(1, 6)
UNARY = ("exponential", "tanh", "negate", "abs", "sqrt", "floor", "sign", "logistic")
BINARY = ("add", "multiply", "maximum", "subtract", "divide", "power")


def tensor(shape: Shape, element: str = "f32") -> str:
    return f"tensor<{''.join(f'{extent}x' for extent in shape)}{element}>"


@dataclass
class Draft:
    """A kernel so far: `now` is the name of the last tensor of f32, of this shape."""

    draw: st.DrawFn
    shape: Shape
    arguments: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    now: str = "%arg0"

    def argument(self, shape: Shape, element: str = "f32") -> str:
        name = f"%arg{len(self.arguments)}"
        self.arguments.append(f"{name}: {tensor(shape, element)}")
        return name

    def line(self, text: str) -> str:
        """Adds `%name = text` and gives the name."""
        name = f"%{len(self.lines)}"
        self.lines.append(f"  {name} = {text}")
        return name

    def step(self, text: str, shape: Shape) -> None:
        self.now, self.shape = self.line(text), shape

    def scalar(self) -> str:
        return self.line("stablehlo.constant dense<0.000000e+00> : tensor<f32>")

    def text(self) -> str:
        kind = tensor(self.shape)
        head = f"func.func public @main({', '.join(self.arguments)}) -> {kind} {{"
        return "\n".join([head, *self.lines, f"  return {self.now} : {kind}", "}"])


def unary(d: Draft) -> None:
    d.step(f"stablehlo.{d.draw(st.sampled_from(UNARY))} {d.now} : {tensor(d.shape)}", d.shape)


def binary(d: Draft) -> None:
    other = d.argument(d.shape) if d.draw(st.booleans()) else d.now
    word = d.draw(st.sampled_from(BINARY))
    d.step(f"stablehlo.{word} {d.now}, {other} : {tensor(d.shape)}", d.shape)


def constant(d: Draft) -> None:
    """The tensor beside a constant, or the constant in its place."""
    number = d.draw(st.sampled_from(("0.0", "1.0", "2.5e-01", "3.0", "-1.0", "-0.0")))
    held = number if prod(d.shape) else ""
    given = d.line(f"stablehlo.constant dense<{held}> : {tensor(d.shape)}")
    if d.draw(st.booleans()):
        d.now = given
        return
    ends = d.draw(st.permutations((d.now, given)))
    word = d.draw(st.sampled_from(BINARY))
    d.step(f"stablehlo.{word} {ends[0]}, {ends[1]} : {tensor(d.shape)}", d.shape)


def choose(d: Draft) -> None:
    kind, test = tensor(d.shape), tensor(d.shape, "i1")
    word = d.draw(st.sampled_from(("EQ", "NE", "LT", "GE")))
    which = d.line(
        f"stablehlo.compare {word}, {d.now}, {d.now}, FLOAT : ({kind}, {kind}) -> {test}"
    )
    d.step(f"stablehlo.select {which}, {d.now}, {d.now} : {test}, {kind}", d.shape)


def transpose(d: Draft) -> None:
    order = d.draw(st.permutations(range(len(d.shape))))
    made = tuple(d.shape[i] for i in order)
    d.step(f"stablehlo.transpose {d.now}, dims = {order} : {_to(d, made)}", made)


def reshape(d: Draft) -> None:
    made = d.draw(st.sampled_from([(prod(d.shape),), (1, *d.shape), (*d.shape, 1)]))
    d.step(f"stablehlo.reshape {d.now} : {_to(d, made)}", made)


def broadcast(d: Draft) -> None:
    places = sorted(d.draw(st.permutations(range(len(d.shape) + 1)))[: len(d.shape)])
    made = [d.draw(EXTENTS) for _ in range(len(d.shape) + 1)]
    for place, extent in zip(places, d.shape, strict=True):
        made[place] = made[place] if extent == 1 else extent
    d.step(
        f"stablehlo.broadcast_in_dim {d.now}, dims = {places} : {_to(d, tuple(made))}", tuple(made)
    )


def cut(d: Draft) -> None:
    cuts = []
    for extent in d.shape:
        start = d.draw(st.integers(0, extent))
        cuts.append((start, d.draw(st.integers(start, extent)), d.draw(st.integers(1, 3))))
    made = tuple(-((start - stop) // step) for start, stop, step in cuts)
    words = ", ".join(":".join(map(str, each)) for each in cuts)
    d.step(f"stablehlo.slice {d.now} [{words}] : {_to(d, made)}", made)


def pad(d: Draft) -> None:
    value, rank = d.scalar(), len(d.shape)
    low, high, holes = ([d.draw(st.integers(a, 2)) for _ in range(rank)] for a in (-1, -1, 0))
    made = tuple(
        a + n + max(n - 1, 0) * i + b for a, n, i, b in zip(low, d.shape, holes, high, strict=True)
    )
    if min(made, default=0) < 0:
        return
    kinds = f"({tensor(d.shape)}, tensor<f32>) -> {tensor(made)}"
    words = f"low = {low}, high = {high}, interior = {holes}"
    d.step(f"stablehlo.pad {d.now}, {value}, {words} : {kinds}", made)


def join(d: Draft) -> None:
    if not d.shape:
        return
    axis = d.draw(st.integers(0, len(d.shape) - 1))
    made = tuple(2 * n if i == axis else n for i, n in enumerate(d.shape))
    kinds = f"({tensor(d.shape)}, {tensor(d.shape)}) -> {tensor(made)}"
    d.step(f"stablehlo.concatenate {d.now}, {d.now}, dim = {axis} : {kinds}", made)


def reduce(d: Draft) -> None:
    start = d.scalar()
    dims = [i for i in range(len(d.shape)) if d.draw(st.booleans())]
    made = tuple(n for i, n in enumerate(d.shape) if i not in dims)
    kinds = f"({tensor(d.shape)}, tensor<f32>) -> {tensor(made)}"
    word = d.draw(st.sampled_from(("add", "maximum", "multiply")))
    d.step(
        f"stablehlo.reduce({d.now} init: {start}) applies stablehlo.{word} "
        f"across dimensions = {dims} : {kinds}",
        made,
    )


def windows(d: Draft) -> None:
    start, rank = d.scalar(), len(d.shape)
    if not rank:
        return
    window, steps, base, spread = (
        [d.draw(st.integers(1, most)) for _ in range(rank)] for most in (3, 2, 2, 2)
    )
    pads = [[d.draw(st.integers(0, 2)), d.draw(st.integers(0, 2))] for _ in range(rank)]
    made = tuple(
        _windows_in((n - 1) * b + 1 + sum(p) if n else sum(p), (w - 1) * s + 1, step)
        for n, w, step, b, s, p in zip(d.shape, window, steps, base, spread, pads, strict=True)
    )
    lists = {"base_dilations": base, "window_dilations": spread, "window_dimensions": window}
    lists["window_strides"] = steps
    words = [f"{name} = array<i64: {str(each)[1:-1]}>" for name, each in lists.items()]
    words.append(f"padding = dense<{pads}> : tensor<{rank}x2xi64>")
    d.step(
        f'"stablehlo.reduce_window"({d.now}, {start}) <{{{", ".join(words)}}}> ({{\n'
        "  ^bb0(%a: tensor<f32>, %b: tensor<f32>):\n    %c = stablehlo.add %a, %b : tensor<f32>\n"
        "    stablehlo.return %c : tensor<f32>\n"
        f"  }}) : ({tensor(d.shape)}, tensor<f32>) -> {tensor(made)}",
        made,
    )


def dot(d: Draft) -> None:
    if not d.shape:
        return
    axis, columns = d.draw(st.integers(0, len(d.shape) - 1)), d.draw(EXTENTS)
    given = (columns, d.shape[axis])
    other = d.argument(given)
    made = (*d.shape[:axis], *d.shape[axis + 1 :], columns)
    kinds = f"({tensor(d.shape)}, {tensor(given)}) -> {tensor(made)}"
    d.step(
        f"stablehlo.dot_general {d.now}, {other}, contracting_dims = [{axis}] x [1] : {kinds}", made
    )


def gather(d: Draft) -> None:
    if not d.shape or not d.shape[0]:
        return
    rows, rest = d.draw(EXTENTS), d.shape[1:]
    indices = d.argument((rows, 1), "i32")
    numbers = f"offset_dims = {list(range(1, len(d.shape)))}, " if rest else ""
    made = (rows, *rest)
    kinds = f"({tensor(d.shape)}, {tensor((rows, 1), 'i32')}) -> {tensor(made)}"
    d.step(
        f'"stablehlo.gather"({d.now}, {indices}) <{{dimension_numbers = #stablehlo.gather<{numbers}'
        "collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, "
        f"slice_sizes = array<i64: {str([1, *rest])[1:-1]}>}}> : {kinds}",
        made,
    )


STEPS: tuple[Callable[[Draft], None], ...] = (
    *(unary, binary, choose, transpose, reshape, broadcast, cut, pad, join, reduce, windows),
    *(dot, gather, constant, constant),
)


@st.composite
def kernel_texts(draw: st.DrawFn) -> str:
    """One to eight lines on tensors of at most five dimensions or so."""
    shape = tuple(draw(st.lists(EXTENTS, max_size=3)))
    draft = Draft(draw, shape)
    draft.argument(shape)
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=1, max_size=8)):
        if len(draft.shape) <= 5 and prod(draft.shape) <= 4096:
            step(draft)
    return draft.text()


def _to(d: Draft, made: Shape) -> str:
    return f"({tensor(d.shape)}) -> {tensor(made)}"


def _windows_in(padded: int, span: int, step: int) -> int:
    return 0 if span > padded else (padded - span) // step + 1
