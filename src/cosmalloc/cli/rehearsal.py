"""A model is read by a child process first.

MLIR's readers trust their input: damaged bytecode and text nested 100,000 deep may end the process
that reads them. The child costs some milliseconds; if it dies, the command ends in a sentence.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings

from cosmalloc.errors import InputError
from cosmalloc.files import read_bytes


def rehearse(source: str | bytes) -> None:
    """Read a model's file, or its bytes, in a child. Raises InputError where that ends the child.

    Nothing happens where no child can be had: no `fork` on this system, or JAX already at work here
    (its threads don't survive one).
    """
    if not hasattr(os, "fork") or "jax" in sys.modules:
        return
    from cosmalloc.passes import context

    place = "the model" if isinstance(source, bytes) else source
    content = source if isinstance(source, bytes) else read_bytes(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of BLAS, which knows of forks
        child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # LLVM's last words
            context.parse(content, place)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGINT:
        raise InputError(
            f"{place} ends MLIR's reader with {signal.Signals(os.WTERMSIG(status)).name}",
            "the model is damaged or nested too deeply; export it again",
        )
