"""The command line: `cosmalloc COMMAND`, one module a command.

Data goes to stdout, words to stderr. Exit 0: a plan; 1: no plan, or a plan with faults; 2: a wrong
command or file, and nothing was written.
"""

from __future__ import annotations


def main() -> None:
    """Entry point of the `cosmalloc` command."""
    try:
        from cosmalloc.cli.app import run

        run()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
