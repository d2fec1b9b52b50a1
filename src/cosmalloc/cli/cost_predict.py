"""`cosmalloc cost predict`: seconds of a model's operators, or of a kernel."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli.console import print_json, print_table

if TYPE_CHECKING:
    from cosmalloc.cost_model.prediction import Prediction, Predictor

Model = Annotated[
    str,
    typer.Option(
        "--cost", metavar="NAME|FILE", help="`learned:cpu`, FILE.safetensors or `roofline`."
    ),
]


def predict_(
    model: Annotated[str, typer.Argument(metavar="MODEL|KERNEL.mlir", help="What to look at.")],
    cost: Model = "learned:cpu",
    group: o.Group = "fuse",
    kernel: Annotated[
        bool, typer.Option("--kernel", help="The file is one kernel, its `main` as it is.")
    ] = False,
    shape: o.Shapes = None,
    allow_opaque: o.AllowOpaque = False,
    as_json: o.AsJson = False,
) -> None:
    """Seconds of a model's operators, or of a kernel, without running them."""
    from cosmalloc.cli.rehearsal import rehearse
    from cosmalloc.cost_model.choose import predictor_named

    rehearse(model)
    opening = o.opening(shape, allow_opaque)
    predictor = predictor_named(cost)
    if kernel:
        from cosmalloc.cost_model.kernel import module_text
        from cosmalloc.passes import read_model

        names = [Path(model).name.split(".")[0]]
        found = predictor.predict([module_text(read_model(model, None, opening)[0])])
    else:
        from cosmalloc.cost_model.kernels_of_model import predict_model

        names, found = predict_model(model, o.way(group), predictor, opening)
    if as_json:
        print_json(_as_json(predictor, names, found))
    else:
        _print(predictor, names, found)


def _as_json(predictor: Predictor, names: list[str], found: Prediction) -> dict[str, Any]:
    import numpy as np

    def number(value: float) -> float | None:
        return float(value) if math.isfinite(value) else None

    rows = [
        {
            "name": name,
            "seconds": number(found.seconds[index]),
            "spread": number(found.spread[index]),
            "inside": bool(found.inside[index]),
            "temporary_bytes": number(found.temporary_bytes[index]),
            "code_bytes": number(found.code_bytes[index]),
        }
        for index, name in enumerate(names)
    ]
    return {
        "cost": predictor.name,
        "launch_seconds": predictor.launch_seconds,
        "seconds": float(np.nansum(found.seconds)),
        "seconds_without_launches": _without_launches(predictor, found),
        "operators": rows,
    }


def _print(predictor: Predictor, names: list[str], found: Prediction) -> None:
    import numpy as np

    from cosmalloc.cli.summary import time_words

    rows = [
        (
            name,
            "-" if math.isnan(found.seconds[index]) else time_words(found.seconds[index]),
            f"{found.spread[index]:.1%}" if math.isfinite(found.spread[index]) else "-",
            "inside" if found.inside[index] else "outside",
        )
        for index, name in enumerate(names)
    ]
    print_table(
        f"seconds by {predictor.name}, launches included",
        ("operator", "seconds", "spread", "domain"),
        rows,
    )
    total, inside = float(np.nansum(found.seconds)), _without_launches(predictor, found)
    print(f"total {time_words(total)}, inside one executable {time_words(inside)}")


def _without_launches(predictor: Predictor, found: Prediction) -> float:
    import numpy as np

    from cosmalloc.cost_model.operators import without_launch

    return float(np.nansum(without_launch(found.seconds, predictor.launch_seconds)))
