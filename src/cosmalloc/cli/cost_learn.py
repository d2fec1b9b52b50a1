"""`cosmalloc cost train|adapt|evaluate`: a model from measured kernels, and how good it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli.console import note, print_facts, print_json, progress_bar
from cosmalloc.cli.cost_predict import Model
from cosmalloc.errors import InputError

if TYPE_CHECKING:
    from cosmalloc.cost_model.dataset import Dataset
    from cosmalloc.cost_model.prediction import Predictor

Data = Annotated[str, typer.Argument(metavar="DATA.parquet", help="As `cost measure` writes it.")]
Out = Annotated[str, typer.Option("-o", "--output", metavar="OUT.safetensors", help="The weights.")]


def train_(
    data: Annotated[
        list[str], typer.Argument(metavar="DATA.parquet...", help="As `cost measure` writes them.")
    ],
    out: Out,
    epochs: Annotated[int, typer.Option(help="Of each network.")] = 36,
    members: Annotated[int, typer.Option(help="Networks that teach the one that is kept.")] = 4,
    name: Annotated[str, typer.Option(help="What the machine is called [as measured].")] = "",
    seed: Annotated[int, typer.Option(help="Of the first weights and the batches.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run of OUT.")] = False,
    as_json: o.AsJson = False,
) -> None:
    """Learn from measured kernels; a run that was killed goes on with `--resume`."""
    from cosmalloc.cost_model.dataset import joined, load
    from cosmalloc.cost_model.training import Settings, train

    _check_weights(out)
    found = joined([load(Path(path)) for path in data])
    settings = Settings(seed=seed, epochs=epochs, members=members)
    with progress_bar() as progress:
        train(found, Path(out), settings, progress=progress, resume=resume, name=name)
    _made(data[0], out, len(found), as_json)


def adapt_(
    data: Data,
    out: Out,
    cost: Annotated[
        str, typer.Option("--cost", metavar="NAME|FILE", help="The model to start from.")
    ] = "learned:cpu",
    kernels: Annotated[int, typer.Option(help="So many, drawn at random; 0: all.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    as_json: o.AsJson = False,
) -> None:
    """Fit a trained model to another machine, by a hundred kernels measured there."""
    from cosmalloc.cost_model import learned
    from cosmalloc.cost_model.choose import weights_of
    from cosmalloc.cost_model.dataset import load
    from cosmalloc.cost_model.weights_file import write_weights

    _check_weights(out)
    found = load(Path(data))
    if kernels:
        import numpy as np

        found = found.rows(np.random.default_rng(seed).permutation(len(found))[:kernels])
    model = learned.load(weights_of(cost)).adapted(found.text, found.seconds)
    write_weights(Path(out), model.members, model.header)
    if model.adaptation is None:
        note("the model stays as it is: these kernels don't show that another would be better")
    _made(data, out, len(found), as_json)


def _check_weights(out: str) -> None:
    from cosmalloc.files import check_writable

    if not out.endswith(".safetensors"):
        raise InputError(f"the weights' file {out} does not end in .safetensors")
    check_writable(out)


def _made(data: str, out: str, kernels: int, as_json: bool) -> None:
    note(f"the weights are in {out}; look at them: `cosmalloc cost evaluate {data} --cost {out}`")
    if as_json:
        print_json({"output": out, "kernels": kernels})


def evaluate_(
    data: Data,
    cost: Model = "learned:cpu",
    split: Annotated[str, typer.Option(help="`train`, `valid`, `test` or `fresh`.")] = "test",
    as_json: o.AsJson = False,
) -> None:
    """How far predictions are from what was measured, on kernels of one split."""
    import numpy as np

    from cosmalloc.cost_model.choose import predictor_named
    from cosmalloc.cost_model.corpus.split import SPLITS
    from cosmalloc.cost_model.dataset import load
    from cosmalloc.cost_model.metrics import metrics

    o.word(split, SPLITS, "--split")
    whole = load(Path(data))
    rows = whole.only(split)  # type: ignore[arg-type]
    if not len(rows):
        raise InputError(f"{data} has no kernels of split `{split}`")
    predictor = _fitted(whole) if cost == "roofline" else predictor_named(cost)
    found = predictor.predict(rows.text)
    read = ~np.isnan(found.seconds)
    if not read.any():
        raise InputError(f"{predictor.name} can read no kernel of {data}")
    numbers = metrics(rows.seconds[read], found.seconds[read]).to_dict()
    told = read & np.isfinite(found.spread)
    if told.any():  # how often the truth lies in an interval, of the kernels that have one
        shares = metrics(rows.seconds[told], found.seconds[told], found.spread[told]).to_dict()
        numbers |= {key: share for key, share in shares.items() if key.startswith("inside_")}
    inside = float(found.inside.mean())
    if as_json:
        print_json({"cost": predictor.name, "split": split, "in_domain": inside} | numbers)
        return
    shown = {key: _number(key, value) for key, value in numbers.items() if value is not None}
    print_facts(
        f"{predictor.name} on split `{split}` of {data}", shown | {"in domain": f"{inside:.1%}"}
    )


def _fitted(data: Dataset) -> Predictor:
    """The roofline with the rates that the kernels trained on have."""
    from cosmalloc.cost_model.roofline import fit_roofline
    from cosmalloc.cost_model.roofline_predictor import RooflinePredictor
    from cosmalloc.cost_model.summary import summaries

    rows = data.only("train")
    if not len(rows):
        raise InputError("the file has no kernels of split `train` to fit a roofline to")
    return RooflinePredictor(fit_roofline(summaries(rows.text), rows.seconds), "fitted roofline")


def _number(key: str, value: float) -> str:
    if key == "n":
        return f"{int(value):,}"
    return f"{value:.4f}" if key in ("spearman", "kendall", "rmse_log") else f"{value:.2%}"
