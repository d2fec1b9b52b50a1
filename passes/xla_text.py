"""HLO text, as XLA's dumps and `jax.stages.Compiled.as_text` write it.

    HloModule name, is_scheduled=true, ...
    [ENTRY] %name (parameters) -> shape {
      [ROOT] %name = shape opcode(operands), key=value, ...
    }
Instructions of a scheduled module stand in the order in which they run. Attribute values are kept
as text; who knows an attribute reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from cosmalloc.errors import InputError
from cosmalloc.passes.xla_shape import Array, Shape, Tuple, array

_SPACE = re.compile(r"(?:[ \t\r]+|/\*.*?\*/)*")
_NAME = re.compile(r"%?([A-Za-z_0-9.\-]+)")
_OPCODE = re.compile(r"([a-z][a-z0-9\-]*)\(")
_KEY = re.compile(r"([A-Za-z_][\w.\-]*)=")
_ARRAY = re.compile(r"([a-z][a-z0-9]*)\[([^\]\n]*)\](?:\{([^{}\n]*)\})?")
_BRACKET = re.compile(r'"(?:[^"\\\n]|\\.)*"|[()\[\]{},\n]')
_HEADER = re.compile(r"(ENTRY\s+)?%?([\w.\-]+)\s+\(.*\{\s*$")
_OPERAND = re.compile(r"%([\w.\-]+)\s*$|^\s*([A-Za-z_][\w.\-]*)\s*$")
_PAIR = {"(": ")", "[": "]", "{": "}"}
MAX_DEPTH = 100
MAX_INSTRUCTIONS = 2_000_000


@dataclass(frozen=True, slots=True)
class Instruction:
    """operands: names, in order. literal: what stands in the brackets of a parameter or constant.

    attributes: text by key. line: in the file, from 1.
    """

    name: str
    opcode: str
    shape: Shape
    operands: tuple[str, ...]
    literal: str
    attributes: dict[str, str]
    root: bool
    line: int


@dataclass(frozen=True, slots=True)
class Computation:
    """instructions: in schedule order; by_name: the same by name."""

    name: str
    instructions: tuple[Instruction, ...]
    by_name: dict[str, Instruction]

    @property
    def root(self) -> Instruction:
        marked = [each for each in self.instructions if each.root]
        return marked[0] if marked else self.instructions[-1]

    def parameters(self) -> list[Instruction]:
        """By their number."""
        found = [each for each in self.instructions if each.opcode == "parameter"]
        return sorted(found, key=lambda each: int(each.literal))


@dataclass(frozen=True, slots=True)
class Module:
    """attributes: of the line `HloModule`."""

    name: str
    attributes: dict[str, str]
    computations: dict[str, Computation]
    entry: str

    @property
    def scheduled(self) -> bool:
        return self.attributes.get("is_scheduled") == "true"


def is_hlo(content: bytes) -> bool:
    """Whether the bytes look like HLO text."""
    return content.lstrip()[:10] == b"HloModule "


def parse_hlo(text: str, place: str = "the module") -> Module:
    """A module out of its text. InputError that names `place` and the line."""
    return _Parser(text, place).module()


class _Parser:
    def __init__(self, text: str, place: str) -> None:
        self.text = text
        self.place = place
        self.at = 0
        self.line = 1

    def module(self) -> Module:
        lines = self.text.split("\n")
        start = next((n for n, line in enumerate(lines) if line.strip()), 0)
        if not lines[start].startswith("HloModule "):
            self._fail("does not start with `HloModule`", start + 1)
        self._enter(lines, start, len("HloModule "))
        name = self._name()
        attributes = self._attributes()
        computations: dict[str, Computation] = {}
        entry = ""
        count, number = 0, start + 1
        while number < len(lines):
            header = _HEADER.match(lines[number])
            if header is None:  # tables of files and stack frames, blank lines
                number += 1
                continue
            found, number = self._computation(lines, number, header[2])
            count += len(found.instructions)
            if count > MAX_INSTRUCTIONS:
                self._fail(f"has more than {MAX_INSTRUCTIONS} instructions", number)
            if found.name in computations:
                self._fail(f"has two computations `{found.name}`", number)
            computations[found.name] = found
            entry = found.name if header[1] else entry
        if not entry:
            self._fail("has no ENTRY computation", len(lines))
        return Module(name, attributes, computations, entry)

    def _computation(self, lines: list[str], first: int, name: str) -> tuple[Computation, int]:
        found: dict[str, Instruction] = {}
        number = first + 1
        while number < len(lines) and not lines[number].startswith("}"):
            if lines[number].strip():
                self._enter(lines, number, 0)
                instruction = self._instruction()
                for operand in instruction.operands:
                    if operand not in found:
                        self._fail(f"`{instruction.name}` uses `{operand}`, which is not above it")
                if instruction.name in found:
                    self._fail(f"there are two `{instruction.name}` in `{name}`")
                found[instruction.name] = instruction
            number += 1
        if number == len(lines):
            self._fail(f"computation `{name}` does not end", number)
        if not found:
            self._fail(f"computation `{name}` is empty", first + 1)
        return Computation(name, tuple(found.values()), found), number + 1

    def _instruction(self) -> Instruction:
        self._skip()
        root = self.text.startswith("ROOT ", self.at)
        self.at += 5 if root else 0
        self._skip()
        name = self._name()
        self._take("=")
        shape = self._shape(0)
        self._skip()
        match = _OPCODE.match(self.text, self.at)
        if match is None:
            self._fail(f"`{name}` has no operation")
        self.at = match.end()
        parts = self._until_closed()
        opcode = match[1]
        attributes = self._attributes()
        literal = ",".join(parts).strip() if opcode in ("parameter", "constant") else ""
        if opcode == "parameter" and not (literal.isdecimal() and len(literal) < 10):
            self._fail(f"parameter `{name}` has number `{literal[:20]}`")
        operands = () if opcode in ("parameter", "constant", "iota") else self._operands(parts)
        return Instruction(name, opcode, shape, operands, literal, attributes, root, self.line)

    def _operands(self, parts: list[str]) -> tuple[str, ...]:
        """Names out of `f32[2]{0} %a` or `%a`; brackets may hold commas, so pieces are joined."""
        found = []
        for part in parts:
            match = _OPERAND.search(re.sub(r"/\*.*?\*/", "", part))
            if match is None:
                self._fail(f"`{part.strip()[:60]}` is no operand")
            found.append(match[1] or match[2])
        return tuple(found)

    def _attributes(self) -> dict[str, str]:
        """`, key=value` up to the end of the line."""
        found: dict[str, str] = {}
        while True:
            self._skip()
            if self.at >= len(self.text) or self.text[self.at] == "\n":
                return found
            self._take(",")
            self._skip()
            match = _KEY.match(self.text, self.at)
            if match is None:
                self._fail(f"`{self._rest()}` is no attribute")
            self.at = match.end()
            found[match[1]] = self._value()

    def _value(self) -> str:
        """Text up to a comma or the end of the line outside of brackets and quotes."""
        begin, depth = self.at, 0
        for match in _BRACKET.finditer(self.text, begin):
            mark = match[0]
            if mark in _PAIR:
                depth += 1
            elif mark in ")]}":
                depth -= 1
            elif mark == "\n" or (mark == "," and depth == 0):
                self.at = match.start()
                return self.text[begin : self.at]
            if depth < 0 or depth > MAX_DEPTH:
                break
        else:
            if depth == 0:
                self.at = len(self.text)
                return self.text[begin:]
        return self._fail("the brackets of an attribute do not match")

    def _until_closed(self) -> list[str]:
        """Pieces between commas up to the closing bracket of `opcode(`."""
        pieces, begin, open_ = [], self.at, [")"]
        for match in _BRACKET.finditer(self.text, begin):
            mark = match[0]
            if mark in _PAIR:
                open_.append(_PAIR[mark])
            elif mark in ")]}":
                if mark != open_.pop():
                    break
                if not open_:
                    pieces.append(self.text[begin : match.start()])
                    self.at = match.end()
                    return pieces if len(pieces) > 1 or pieces[0].strip() else []
            elif mark == "," and len(open_) == 1:
                pieces.append(self.text[begin : match.start()])
                begin = match.end()
            elif mark == "\n":
                break
            if len(open_) > MAX_DEPTH:
                break
        return self._fail("the brackets of an operation do not match")

    def _shape(self, depth: int) -> Shape:
        self._skip()
        if depth > MAX_DEPTH:
            self._fail("a shape is nested too deeply")
        if self.text.startswith("(", self.at):
            self.at += 1
            parts: list[Shape] = []
            self._skip()
            while not self.text.startswith(")", self.at):
                if parts:
                    self._take(",")
                parts.append(self._shape(depth + 1))
                self._skip()
            self.at += 1
            return Tuple(tuple(parts))
        match = _ARRAY.match(self.text, self.at)
        if match is None:
            return self._fail(f"`{self._rest()}` is no shape")
        self.at = match.end()
        try:
            return array(match[1], match[2], match[3])
        except InputError as error:
            return self._fail(error.fact)

    def _name(self) -> str:
        match = _NAME.match(self.text, self.at)
        if match is None:
            return self._fail(f"`{self._rest()}` is no name")
        self.at = match.end()
        return match[1]

    def _take(self, mark: str) -> None:
        self._skip()
        if not self.text.startswith(mark, self.at):
            self._fail(f"`{mark}` is missing before `{self._rest()}`")
        self.at += len(mark)

    def _skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _rest(self) -> str:
        return self.text[self.at :].split("\n", 1)[0][:40]

    def _enter(self, lines: list[str], number: int, column: int) -> None:
        """Go to a column of a line."""
        self.text, self.at, self.line = lines[number], column, number + 1

    def _fail(self, words: str, line: int | None = None) -> NoReturn:
        raise InputError(f"{self.place}, line {line or self.line}: {words}")


__all__ = ["Array", "Computation", "Instruction", "Module", "is_hlo", "parse_hlo"]
