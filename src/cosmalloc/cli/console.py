"""What the commands print: data on stdout, words and progress on stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

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


def note(words: str) -> None:
    """A line on stderr."""
    print(words, file=sys.stderr)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on stderr for work that takes over a second, where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _words, _share: None
        return
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
