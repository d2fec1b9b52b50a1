"""What fusing by predicted seconds is worth, measured on XLA:CPU.

    python -m benchmarks.fusion [--models NAME ...] [--limit N] [--cost NAME|FILE] [--core K]
                                [--ceiling] [--journal FILE] [--csv FOLDER]

For example models that the cost model has not seen, at batch 1, by four ways to form kernels: every
operation apart (`single`), the rules (`fuse`), the search that asks a fitted roofline, and the
search that asks the learned model.

  sum         seconds of all operators: each distinct kernel measured by itself, launch included,
              times how often it is called
  run         the whole program, kernel after kernel on the data that the one before left
  regret      in neighbourhoods of 2 to 6 operations with up to 8 of their legal fusions and the
              chosen ones: how much slower a choice is than the quickest of them, all measured

With `--ceiling` one more search asks the clock itself: what better predictions could reach.
Kernels are timed one after the other; the journal keeps what is timed, and a run that was stopped
goes on from it. All eight models take about three quarters of an hour on a core that does nothing
else, and twice that with `--ceiling`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxlib.mlir import ir

from benchmarks.fusion_measured import Measured
from benchmarks.fusion_neighbourhoods import (
    Neighbourhood,
    copied,
    neighbourhoods,
    variant_of,
)
from benchmarks.fusion_sequence import SequenceTimer
from benchmarks.fusion_tables import (
    REGRET_HEAD,
    WAYS,
    Asked,
    Labels,
    Place,
    model_row,
    regret_row,
    regrets,
    time_head,
    write,
)
from cosmalloc.cost_model.choose import LEARNED, ROOFLINE, predictor_named
from cosmalloc.cost_model.corpus.split import split_of
from cosmalloc.cost_model.grouping import group_by, group_text, prices_by
from cosmalloc.cost_model.kernel import PREPARATION, digest
from cosmalloc.cost_model.measuring import Timer, measure_all
from cosmalloc.cost_model.prediction import Predictor
from cosmalloc.passes import Pipeline, context, read_model
from cosmalloc.passes.dataflow import Dataflow, dataflow
from cosmalloc.passes.group_merges import fuse
from cosmalloc.passes.group_operators import form_kernels
from cosmalloc.passes.group_state import Groups, start
from cosmalloc.passes.grouping import Grouping, formed, group, merge_by_price
from cosmalloc.passes.rules import Rules
from examples.models.export import ARTIFACTS, NAMES

HELD_OUT = tuple(name for name in NAMES if split_of(name) == "test")
VARIANTS = 8


def asked(path: Path, predictors: Mapping[str, Predictor], limit: int, seed: int) -> Asked:
    """The kernels of a model by every way.

    predictors: of `roofline` and `learned`, and perhaps of `measured`, for whole models alone.
    """
    module, name = read_model(path)
    Pipeline.parse(PREPARATION).run(module)
    with module.context, ir.Location.unknown():
        rules = Rules()
        flow = dataflow(context.entry(module.operation).regions[0].blocks[0], rules)
        formed_by: dict[str, Grouping] = {
            "single": group(flow, rules, "single"),
            "fuse": group(flow, rules, "fuse"),
        } | {way: group_by(flow, rules, each) for way, each in predictors.items()}
        texts: dict[str, str] = {}
        ways = {
            way: [_kept(texts, group_text(flow, part)) for part in formed_by[way].groups]
            for way in formed_by
        }
        goal = start(flow, rules, share=True)
        fuse(goal)
        state = start(flow, rules, share=True)
        found = neighbourhoods(state, goal, limit, VARIANTS, seed)
        named = {way: each for way, each in predictors.items() if way in WAYS}
        programs = {way: _program(module, each) for way, each in formed_by.items()}
        places = [_place(flow, (state, goal), each, named, texts) for each in found]
    alike = {place.variants: place for place in places}
    return Asked(name, ways, programs, list(alike.values()), texts)


def _program(module: ir.Module, grouping: Grouping) -> str:
    """The module with these groups as kernels."""
    own = context.clone(module)
    flow = dataflow(context.entry(own.operation).regions[0].blocks[0], Rules())
    form_kernels(own.operation, flow, grouping)
    return context.to_text(own)


def _kept(texts: dict[str, str], text: str) -> str:
    key = digest(text)
    texts[key] = text
    return key


def _place(
    flow: Dataflow,
    states: tuple[Groups, Groups],
    near: Neighbourhood,
    predictors: Mapping[str, Predictor],
    texts: dict[str, str],
) -> Place:
    """states: of `single` and of `fuse`."""
    members = frozenset(member for group in near.variants[0] for member in group)
    found = {"single": near.variants[0], "fuse": near.variants[near.rule]}
    for way, predictor in predictors.items():
        state = copied(states[0])
        merge_by_price(state, states[1], prices_by(flow, predictor), members)
        found[way] = variant_of(state, members)
    variants = list(dict.fromkeys((*near.variants, *found.values())))
    kernels = [
        tuple(_kept(texts, group_text(flow, formed(states[0], group))) for group in variant)
        for variant in variants
    ]
    return Place(tuple(kernels), {way: variants.index(each) for way, each in found.items()})


def timed(texts: Sequence[str], journal: Path, timer: Timer) -> Labels:
    """Labels of every text, by digest."""
    rows = [{"text": text} for text in dict.fromkeys(texts)]

    def progress(count: int, _row: dict[str, Any]) -> None:
        if sys.stderr.isatty() or count % 200 == 0:
            print(f"\r{count}/{len(rows)}", end="", file=sys.stderr, flush=True)

    return {row["digest"]: row for row in measure_all(rows, journal, timer, progress)}


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", default=HELD_OUT, metavar="NAME")
    parser.add_argument("--limit", type=int, default=40, help="neighbourhoods of a model")
    parser.add_argument("--cost", default=LEARNED)
    parser.add_argument("--roofline", default=ROOFLINE, help="the cost model of that column")
    parser.add_argument("--ceiling", action="store_true", help="search by the clock, too")
    parser.add_argument("--core", type=int, default=-1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--journal", type=Path, default=Path("fusion.journal"))
    parser.add_argument("--csv", type=Path, metavar="FOLDER")
    options = parser.parse_args(words)
    if options.csv:
        options.csv.mkdir(parents=True, exist_ok=True)
    predictors: dict[str, Predictor] = {
        "roofline": predictor_named(options.roofline),
        "learned": predictor_named(options.cost),
    }
    with Timer("cpu", options.core) as timer:
        if options.ceiling:
            predictors["measured"] = Measured(timer, options.journal)
        found = [
            asked(ARTIFACTS / f"{name}.mlirbc", predictors, options.limit, options.seed)
            for name in options.models
        ]
        texts = [text for one in found for text in one.texts.values()]
        labels = timed(texts, options.journal, timer)
    programs = [text for one in found for text in one.programs.values()]
    labels = dict(labels) | dict(
        timed(programs, options.journal, SequenceTimer("cpu", options.core))
    )
    heads = time_head(found[0].ways)
    rows = [model_row(one, labels) for one in found]
    each = {one.model: regrets(one.places, labels) for one in found}
    whole = {way: [r for values in each.values() for r in values[way]] for way in WAYS}
    table = [regret_row(name, values) for name, values in (*each.items(), ("all", whole))]
    for head, lines in ((heads, rows), (REGRET_HEAD, table)):
        print(f"\n| {' | '.join(head)} |", f"|{'---|' * len(head)}", sep="\n")
        print("\n".join(f"| {' | '.join(line)} |" for line in lines), flush=True)
    if options.csv:
        write(options.csv, heads, rows, table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
