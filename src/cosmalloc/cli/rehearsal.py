"""A model is read by a child process first.

MLIR's readers trust their input: damaged bytecode and text nested 100,000 deep may end the process
that reads them, or keep it busy for ever (attributes that hold each other). The child costs some
milliseconds; if it dies, the command ends in a sentence.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from pathlib import Path

from cosmalloc.errors import InputError
from cosmalloc.files import read_bytes

SECONDS = 20  # for the child, and one more for every 100,000 bytes: 100 times what sound ones take


def rehearse(source: str | bytes, seconds: int = SECONDS) -> None:
    """Read a model's file, or its bytes, in a child. Raises InputError where that ends the child.

    Nothing happens where the model goes through a door (`passes/doors.py`), which has a child of
    its own, or where no child can be had: no `fork` on this system, or JAX already at work here
    (its threads don't survive one).
    """
    if not hasattr(os, "fork") or "jax" in sys.modules:
        return
    from cosmalloc.passes import context, doors

    place = "the model" if isinstance(source, bytes) else source
    content = source if isinstance(source, bytes) else read_bytes(source)
    suffix = "" if isinstance(source, bytes) else Path(source).suffix
    if doors.door_of(content, suffix) is not None:
        return  # that child reads it
    limit = seconds + len(content) // 100_000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of BLAS, which knows of forks
        child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # LLVM's last words
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(limit)
            context.parse(content, place)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGINT:
        end = signal.Signals(os.WTERMSIG(status))
        late = f"keeps MLIR's reader busy for more than {limit} s"
        what = late if end == signal.SIGALRM else f"ends MLIR's reader with {end.name}"
        raise InputError(
            f"{place} {what}", "the model is damaged or nested too deeply; export it again"
        )
