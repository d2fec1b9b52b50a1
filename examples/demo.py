"""`make demo`: MobileNetV2 into 2 MiB, proven legal, run on real data, drawn."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import numpy as np

import cosmalloc
from cosmalloc.cli.console import print_facts
from cosmalloc.cli.summary import facts, summary
from cosmalloc.files import write_whole
from cosmalloc.passes import execute, execute_unmapped
from cosmalloc.plan_picture import draw
from cosmalloc.report import report_html, view_of
from examples.models.arguments import load, random_arguments

OUT = Path(__file__).parent.parent / "out"
MODEL = Path(__file__).parent / "models" / "artifacts" / "mobilenet_v2.mlirbc"


def main() -> None:
    """Map, judge, run, compare."""
    mapped = cosmalloc.map_model(MODEL, target="npu-2mib", bytes_per_element=1)
    faults = cosmalloc.verify(mapped.problem, mapped.plan)
    assert mapped.module is not None
    arguments = random_arguments("mobilenet_v2", seed=0)
    leaves = jax.tree.leaves(arguments)
    (through_plan,) = execute(mapped.module, leaves)
    (plain,) = execute_unmapped(mapped.module, leaves)
    function, _ = load("mobilenet_v2")
    whole = np.asarray(jax.jit(function)(*arguments))
    difference = np.abs(through_plan - whole).max() / np.abs(whole).max()
    OUT.mkdir(exist_ok=True)
    picture, page = OUT / "mobilenet_v2.svg", OUT / "mobilenet_v2.html"
    write_whole(picture, draw(mapped.problem, mapped.outcome, ".svg"))
    write_whole(page, report_html(view_of(mapped.problem, mapped.outcome)))
    print_facts(
        "MobileNetV2, one byte per element, exported by JAX",
        facts(summary(mapped.problem, mapped.outcome))
        | {
            "judge": "legal" if not faults else f"{len(faults)} faults",
            "run": "through the plan's addresses and copies: outputs "
            + ("equal" if np.array_equal(through_plan, plain) else "DIFFER from")
            + f" the unmapped run's bit for bit; {difference:.1e} off `jax.jit` of the whole",
            "picture": f"{picture.relative_to(OUT.parent)}; to look around in:"
            f" {page.relative_to(OUT.parent)}",
        },
    )
    if faults or not np.array_equal(through_plan, plain) or difference > 1e-4:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
