"""`cosmalloc doctor`: what is installed, what works, a self-test."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli.console import note, print_facts, print_json

if TYPE_CHECKING:
    from cosmalloc.doctor import Extra, Report


def doctor(as_json: o.AsJson = False) -> None:
    """Say what is installed and which extras work, and test the whole of it in some seconds."""
    from cosmalloc.doctor import examine

    report = examine()
    if as_json:
        print_json({"healthy": report.healthy, **dataclasses.asdict(report)})
    else:
        print_facts(f"cosmalloc {report.version}", _facts(report))
    if not report.healthy:
        for trial in report.trials:
            if not trial.passed:
                note(f"error: self-test `{trial.name}`: {trial.trouble}")
        raise typer.Exit(1)


def _facts(report: Report) -> dict[str, str]:
    missing = "MISSING"
    words = {"python": f"{report.python} on {report.system}"}
    words["packages"] = ", ".join(f"{p.name} {p.version or missing}" for p in report.packages)
    words |= {f"extra {extra.name}": _extra(extra) for extra in report.extras}
    for trial in report.trials:
        how = "passed" if trial.passed else f"FAILED: {trial.trouble}"
        words[trial.name] = f"{how} in {trial.seconds:.1f} s"
    return words


def _extra(extra: Extra) -> str:
    there = ", ".join(f"{p.name} {p.version}" for p in extra.packages if p.version is not None)
    if extra.works:
        return there
    return f"{extra.trouble}{f'; there: {there}' if there else ''}"
