"""Cost models by name.

roofline       the target's analytical seconds; for kernels by themselves, a fitted roofline
learned:cpu    the weights that ship, made on the machine that the model card tells
FILE           weights that `cost train` wrote: a path ending in .safetensors
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cosmalloc.errors import InputError

if TYPE_CHECKING:
    from cosmalloc.cost_model.prediction import Predictor

ROOFLINE = "roofline"
LEARNED = "learned:cpu"
WEIGHTS = Path(__file__).parent / "weights"
_HINT = f"use `{ROOFLINE}`, `{LEARNED}`, or a file of weights: FILE.safetensors"


def predictor_named(cost: str) -> Predictor:
    """The model of this name, which remembers what it was asked. Raises InputError."""
    from cosmalloc.cost_model.cached import Cached

    return Cached(_roofline() if cost == ROOFLINE else _load(weights_of(cost)))


def weights_of(cost: str) -> Path:
    """The file of weights that a name means. Raises InputError."""
    kind, colon, machine = cost.partition(":")
    if kind == "learned" and colon:
        path = WEIGHTS / f"{machine}.safetensors"
        if machine not in shipped():
            raise InputError(
                f"no weights for `{machine}` are shipped",
                "make them there: `cosmalloc cost measure --device gpu --corpus 20000`, then"
                " `cosmalloc cost train`, and give the file",
            )
        return path
    if not cost.endswith(".safetensors"):
        raise InputError(f"there is no cost model `{cost}`", _HINT)
    if not Path(cost).is_file():
        raise InputError(f"there are no weights at {cost}", "make them: `cosmalloc cost train`")
    return Path(cost)


def shipped() -> tuple[str, ...]:
    """Machines whose weights come with the package."""
    return tuple(sorted(path.stem for path in WEIGHTS.glob("*.safetensors")))


def _load(path: Path) -> Predictor:
    from cosmalloc.cost_model.learned import load

    return load(path)


def _roofline() -> Predictor:
    """The rates that were fitted beside the weights that ship; without them, some processor's."""
    from cosmalloc.cost_model.roofline import ordinary
    from cosmalloc.cost_model.roofline_predictor import RooflinePredictor

    path = WEIGHTS / "cpu.safetensors"
    if not path.is_file():
        return RooflinePredictor(ordinary())
    from cosmalloc.cost_model.roofline import Roofline
    from cosmalloc.cost_model.weights_file import read_header

    return RooflinePredictor(Roofline.from_dict(read_header(path).roofline))
