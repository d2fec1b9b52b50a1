"""What commands say about where seconds come from."""

from __future__ import annotations

from typing import Any

from cosmalloc.cli.console import note
from cosmalloc.cost_model.operators import Costed

MOST_NAMED = 3


def cost_numbers(costed: Costed) -> dict[str, Any]:
    """For `--json`. outside: operators that the cost model does not know, by name."""
    operators = costed.problem.operators
    return {"name": costed.cost, "outside": [operators[index].name for index in costed.outside]}


def note_outside(costed: Costed) -> None:
    """Which operators the cost model does not know, on stderr."""
    if not costed.outside:
        return
    names = cost_numbers(costed)["outside"]
    more = ", …" if len(names) > MOST_NAMED else ""
    note(
        f"unlike what `{costed.cost}` learned from, so with a roofline's seconds:"
        f" {len(names)} of {len(costed.problem.operators)} operators"
        f" ({', '.join(names[:MOST_NAMED])}{more})"
    )
