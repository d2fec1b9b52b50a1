"""The code blocks of a page, run in their order, and what the page says they print.

```python      run; the blocks of a page share their names
```text        right after it: what it prints
```console     lines from `$ ` on are commands, the lines below what they print; `# exit 1` behind a
               command is its exit code
```toml title="my-chip.toml"      (or another title): a file that later blocks find
`# skip: why` as the first line of a block: it is not run, for that reason.

Printed lines are compared, blank ones left out; `…` stands for anything in a line, a line of `…`
for any lines.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command import cosmalloc

FENCE = re.compile(r"^```(\w+)?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')
SKIP = re.compile(r"# skip: (\S.*)")


@dataclass(frozen=True)
class Block:
    """One fenced block. line: of the page, where it starts. near: only blank lines lie between it
    and the block before."""

    language: str
    info: str
    body: str
    line: int
    near: bool

    @property
    def skipped(self) -> bool:
        """Whether it says that it is not run, and why."""
        return SKIP.match(self.body) is not None


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page in their order."""
    last = 0
    for match in FENCE.finditer(page):
        line = page.count("\n", 0, match.start()) + 1
        near = not page[last : match.start()].strip()
        yield Block(match[1] or "", match[2], match[3], line, near)
        last = match.end()


class Reader:
    """Runs a page as a reader would, in the working directory. Raises AssertionError with the line
    of the page where something is not as it says."""

    def __init__(self, page: Path) -> None:
        self.page = page
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.printed: str | None = None
        self.ran = 0

    def read(self) -> None:
        """Every block."""
        for block in blocks(self.page.read_text()):
            printed, self.printed = self.printed, None
            if block.skipped:
                continue
            title = TITLE.search(block.info)
            if title is not None:
                Path(title[1]).write_text(block.body)
            elif block.language == "python":
                self._python(block)
            elif block.language == "console":
                self._console(block)
            elif block.language == "text" and block.near and printed is not None:
                self._compare(block.line, block.body, printed)

    def _python(self, block: Block) -> None:
        out = io.StringIO()
        code = compile("\n" * block.line + block.body, str(self.page), "exec")
        with contextlib.redirect_stdout(out):
            exec(code, self.names)
        self.printed = out.getvalue()
        self.ran += 1

    def _console(self, block: Block) -> None:
        for line, command, expected in _commands(block):
            text, _, exit_words = command.partition("  # exit ")
            words = shlex.split(text, comments=True)
            assert words[0] == "cosmalloc", f"{self._at(line)}: only `cosmalloc` is run here"
            done = cosmalloc(*words[1:])
            told = f"{self._at(line)}: exit {done.code}\n{done.err}"
            assert done.code == int(exit_words or 0), told
            if expected:
                self._compare(line, "\n".join(expected), done.out + done.err)
            self.ran += 1

    def _compare(self, line: int, expected: str, printed: str) -> None:
        wanted, got = (
            [each.rstrip() for each in text.splitlines() if each.strip()]
            for text in (expected, printed)
        )
        assert alike(wanted, got), f"{self._at(line)}: it prints\n{printed}"

    def _at(self, line: int) -> str:
        return f"{self.page.name}:{line}"


def alike(wanted: Sequence[str], got: Sequence[str]) -> bool:
    """Whether the printed lines are as the page has them."""
    if not wanted:
        return not got
    if wanted[0] == "…":
        return any(alike(wanted[1:], got[skip:]) for skip in range(len(got) + 1))
    if not got:
        return False
    pattern = ".*".join(map(re.escape, wanted[0].split("…")))
    return re.fullmatch(pattern, got[0]) is not None and alike(wanted[1:], got[1:])


def _commands(block: Block) -> Iterator[tuple[int, str, list[str]]]:
    """(line of the page, command, what it prints)."""
    found: list[tuple[int, str, list[str]]] = []
    for offset, line in enumerate(block.body.splitlines(), start=block.line + 1):
        if line.startswith("$ "):
            found.append((offset, line[2:], []))
        elif found and line.startswith("> "):  # the command goes on
            at, command, _ = found[-1]
            found[-1] = (at, f"{command.removesuffix(chr(92)).rstrip()} {line[2:]}", [])
        elif found:
            found[-1][2].append(line)
    yield from found
