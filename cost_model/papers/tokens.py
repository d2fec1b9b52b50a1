"""MLIR text as a sequence of words, in the paper's two ways.

    operations   types of the arguments, then per operation its name and the types of its results
    operands     everything in the order of the text: results, name, operands, types

A type is one word, shape and all (`1x112x112x64xf32`): one that training did not show at least
`LEAST` times is out of vocabulary, as in the paper. Attributes are no words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Style = Literal["operations", "operands"]
STYLES: tuple[Style, ...] = ("operations", "operands")
PAD, UNKNOWN = 0, 1
LEAST = 2  # times a word must occur to be one of the vocabulary

_TYPE = r"tensor<(?P<type>(?:[^<>]|<[^<>]*>)*)>"
_WORD = re.compile(
    rf"(?P<value>%\w+)|(?<![#\w.])(?P<name>[a-z_]\w*\.\w+|return\b|cond\b|do\b)|{_TYPE}"
)


def words(text: str, style: Style) -> list[str]:
    """The words of a kernel."""
    return [word for line in text.splitlines() for word in _line(line, style)]


def _line(line: str, style: Style) -> Iterator[str]:
    found = [(match.lastgroup or "", match[match.lastgroup or 0]) for match in _WORD.finditer(line)]
    if style == "operands":
        yield from (word for _, word in found)
        return
    types = [word for kind, word in found if kind == "type"]
    names = [word for kind, word in found if kind == "name"]
    if "func.func" in line:
        yield from _types(line.split(" -> ")[0])
    elif names and names[0] != "return":
        yield from names
        results = _types(line.rsplit(" -> ", 1)[1]) if " -> " in line else types[-1:]
        yield from results


def _types(part: str) -> list[str]:
    return [match["type"] for match in _WORD.finditer(part) if match["type"] is not None]


@dataclass(frozen=True)
class Vocabulary:
    """The words that training showed; 0 pads, 1 stands for every other word."""

    style: Style
    known: dict[str, int]

    def __len__(self) -> int:
        return 2 + len(self.known)

    def encode(self, texts: Sequence[str], longest: int) -> list[npt.NDArray[np.int32]]:
        """Indices of each kernel's first words, at most `longest`, at least one."""
        return [
            np.array(
                [self.known.get(word, UNKNOWN) for word in words(text, self.style)[:longest]]
                or [UNKNOWN],
                np.int32,
            )
            for text in texts
        ]


def learn(texts: Sequence[str], style: Style) -> Vocabulary:
    """The vocabulary of training kernels, frequent words first."""
    counts = Counter(word for text in texts for word in words(text, style))
    ranked = sorted((-count, word) for word, count in counts.items() if count >= LEAST)
    return Vocabulary(style, {word: 2 + index for index, (_, word) in enumerate(ranked)})
