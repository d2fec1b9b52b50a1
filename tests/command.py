"""The command line run inside the test's process."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from cosmalloc.cli.app import run


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def cosmalloc(*words: object, stdin: bytes = b"") -> Done:
    """`cosmalloc WORDS…`; anything but an exit is a bug and comes through."""
    out, err = io.StringIO(), io.StringIO()
    source = io.TextIOWrapper(io.BytesIO(stdin))
    streams = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    code: object = 0
    with streams[0], streams[1], patch.object(sys, "stdin", source):
        try:
            run([str(word) for word in words])
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return Done(code, out.getvalue(), err.getvalue())
