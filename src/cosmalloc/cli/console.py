"""What the commands print: data on stdout, words and progress on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from cosmalloc.history import Interrupted
from cosmalloc.solve import Progress

SHOW_AFTER = 1.0  # seconds before progress appears


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on stdout."""
    print(json.dumps(value, indent=2, allow_nan=False))


def print_facts(title: str, facts: Mapping[str, str]) -> None:
    """A two-column table on stdout."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=False, box=box.SIMPLE_HEAD)
    table.add_column(style="bold")
    table.add_column(justify="left")
    for key, value in facts.items():
        table.add_row(key, value)
    Console(highlight=False).print(table)


def print_table(
    title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1
) -> None:
    """A table on stdout, its first `left` columns to the left; a pipe gets whole lines."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for index, head in enumerate(heads):
        table.add_column(head, justify="left" if index < left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 1000
    console.print(title, soft_wrap=True, markup=False)
    console.print(table, crop=False)


def note(words: str) -> None:
    """A line on stderr."""
    print(words, file=sys.stderr)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on stderr for work that takes over a second, where stderr is a terminal; and, anywhere,
    a line if Ctrl-C ended a search that has a plan all the same."""
    interrupted = False

    def listen(words: str, share: float) -> None:
        nonlocal interrupted
        interrupted |= isinstance(words, Interrupted)
        show(words, share)

    if not sys.stderr.isatty():
        show: Progress = lambda _words, _share: None  # noqa: E731
        yield listen
    else:
        with _bar() as show:
            yield listen
    if interrupted:
        note("interrupted: the best plan so far")


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import Progress as Bar

    began = time.monotonic()
    bar = Bar(console=Console(stderr=True), transient=True)
    task = bar.add_task("working", total=1.0)

    def show(words: str, share: float) -> None:
        if not bar.live.is_started and time.monotonic() - began >= SHOW_AFTER:
            bar.start()
        bar.update(task, description=words, completed=share)

    try:
        yield show
    finally:
        bar.stop()
