"""Random programs on buffers: copies, sums, parts that are written, loops, updates in place."""

from __future__ import annotations

import random

TYPE = "memref<4x4xf32>"
HALF = "memref<2x4xf32, strided<[4, 1]>>"


def program(seed: int, steps: int = 14) -> str:
    """`main` from one 4x4 buffer to another, through buffers that it allocates; 64 bytes each."""
    return _Program(random.Random(seed)).text(steps)


class _Program:
    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.lines: list[str] = []
        self.full = ["%x"]  # buffers with content
        self.count = 0

    def text(self, steps: int) -> str:
        for _ in range(steps):
            self.dice.choice([self._sum, self._map, self._part, self._loop, self._again])()
        last = self.full[1:]
        total = [f"linalg.add ins(%o, {b} : {TYPE}, {TYPE}) outs(%o : {TYPE})" for b in last[-3:]]
        frees = [f"memref.dealloc {b} : {TYPE}" for b in last if self.dice.random() < 0.7]
        body = "\n".join(f"  {line}" for line in (*self.lines, *total, *frees))
        return (
            f"func.func @main(%x: {TYPE}, %o: {TYPE}) {{\n"
            "  %0 = arith.constant 0 : index\n  %1 = arith.constant 1 : index\n"
            "  %4 = arith.constant 4 : index\n  %half = arith.constant 0.5 : f32\n"
            f"{body}\n  return\n}}\n"
        )

    def _new(self) -> str:
        name = f"%b{self.count}"
        self.count += 1
        self.lines.append(f"{name} = memref.alloc() : {TYPE}")
        return name

    def _any(self) -> str:
        return self.dice.choice(self.full[-5:])

    def _sum(self) -> None:
        left, right, made = self._any(), self._any(), self._new()
        self.lines.append(f"linalg.add ins({left}, {right} : {TYPE}, {TYPE}) outs({made} : {TYPE})")
        self.full.append(made)

    def _map(self) -> None:
        source, made = self._any(), self._new()
        self.lines.append(
            f"linalg.map {{ math.tanh }} ins({source} : {TYPE}) outs({made} : {TYPE})"
        )
        self.full.append(made)

    def _part(self) -> None:
        """A copy whose lower half is overwritten through a view."""
        source, other, made = self._any(), self._any(), self._new()
        view, part = f"%v{self.count}", f"%p{self.count}"
        where = f"[2, 0] [2, 4] [1, 1] : {TYPE} to memref<2x4xf32, strided<[4, 1], offset: 8>>"
        self.lines += [
            f"{view} = memref.subview {made}{where}",
            f"{part} = memref.subview {other}[0, 0] [2, 4] [1, 1] : {TYPE} to {HALF}",
            f"memref.copy {source}, {made} : {TYPE} to {TYPE}",
            f"memref.copy {part}, {view} : {HALF} to memref<2x4xf32, strided<[4, 1], offset: 8>>",
        ]
        self.full.append(made)

    def _loop(self) -> None:
        source, made = self._any(), self._new()
        self.lines += [
            "scf.for %i = %0 to %4 step %1 {",
            "  scf.for %j = %0 to %4 step %1 {",
            f"    %e = memref.load {source}[%j, %i] : {TYPE}",
            "    %f = arith.mulf %e, %half : f32",
            f"    memref.store %f, {made}[%i, %j] : {TYPE}",
            "  }",
            "}",
        ]
        self.full.append(made)

    def _again(self) -> None:
        """A buffer is written once more, in place."""
        if len(self.full) > 1:
            target, other = self.dice.choice(self.full[1:][-4:]), self._any()
            self.lines.append(
                f"linalg.add ins({target}, {other} : {TYPE}, {TYPE}) outs({target} : {TYPE})"
            )
