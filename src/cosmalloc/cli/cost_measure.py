"""`cosmalloc cost measure`: time kernels on the machine at hand."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cosmalloc.cli import options as o
from cosmalloc.cli.console import note, print_facts, print_json, progress_bar
from cosmalloc.cost_model.choose import LEARNED
from cosmalloc.errors import InputError

if TYPE_CHECKING:
    from cosmalloc.cost_model.dataset import Dataset
    from cosmalloc.cost_model.measuring import Timer
    from cosmalloc.tpu.labels import TpuTimer


def measure_(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL...]", help="Whose kernels to time.")
    ] = None,
    out: Annotated[
        str, typer.Option("-o", "--output", metavar="DATA.parquet", help="What was measured.")
    ] = "kernels.parquet",
    corpus: Annotated[int, typer.Option(help="So many kernels of drawn networks, too.")] = 0,
    unsure: Annotated[
        int, typer.Option(help="Of the corpus only so many, where `--cost` is least sure; 0: all.")
    ] = 0,
    cost: Annotated[str, typer.Option("--cost", help="The model that `--unsure` asks.")] = LEARNED,
    device: Annotated[
        str,
        typer.Option(
            help="`cpu`, `gpu`, or `tpu:v5e`: the TPU compiler's estimates, nothing is run."
        ),
    ] = "cpu",
    core: Annotated[int, typer.Option(help="The processor that runs nothing else; -1: any.")] = -1,
    flags: Annotated[
        str, typer.Option("--xla-flags", help="More of XLA's flags: another machine, in a way.")
    ] = "",
    again: Annotated[
        int, typer.Option(help="Time a random sample of `--of` again: how far labels are noise.")
    ] = 0,
    of: Annotated[str | None, typer.Option(metavar="OLD.parquet", help="For `--again`.")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same networks, same sample.")] = 0,
    as_json: o.AsJson = False,
) -> None:
    """Time kernels here; Ctrl-C and a kill keep what is measured, the same command goes on."""
    from cosmalloc.files import check_writable

    if not device.startswith("tpu:"):
        o.word(device, ("cpu", "gpu"), "--device")
    _check(models, corpus, again, of)
    _check_unsure(unsure, corpus)
    check_writable(out)
    command = _command(
        models or [],
        {"--corpus": corpus or None, "--seed": seed or None}
        | ({"--unsure": unsure, "--cost": cost} if unsure else {})
        | {"--device": device, "--core": core}
        | {"--xla-flags": flags or None, "--again": again or None, "--of": of, "-o": out},
    )
    with _timer(device, core, flags) as timer:
        if of is not None:
            _again(timer, command, out, again, of, seed, as_json)
        else:
            drawn = _Corpus(corpus, seed, unsure, cost)
            _first(timer, command, out, models or [], drawn, as_json)


def _timer(device: str, core: int, flags: str) -> Timer | TpuTimer:
    from cosmalloc.cost_model.measuring import Timer

    if not device.startswith("tpu:"):
        return Timer(device, core, flags=flags)
    from cosmalloc.tpu.labels import TpuTimer
    from cosmalloc.tpu.topology import topology

    return TpuTimer(topology(device.removeprefix("tpu:")))


@dataclass(frozen=True)
class _Corpus:
    """count kernels of drawn networks; of them only `unsure`, unless that is 0."""

    count: int
    seed: int
    unsure: int
    cost: str

    def rows(self) -> Iterable[dict[str, Any]]:
        from cosmalloc.cost_model.campaign import corpus_rows, unsure_rows
        from cosmalloc.cost_model.choose import predictor_named

        if not self.count:
            return ()
        rows = corpus_rows(self.count, self.seed)
        if not self.unsure:
            return rows
        return unsure_rows(list(rows), predictor_named(self.cost), self.unsure, self.seed)


def _check_unsure(unsure: int, corpus: int) -> None:
    if unsure and not 0 < unsure < corpus:
        raise InputError(
            f"{unsure} kernels can't be chosen of a corpus of {corpus}",
            "draw more than are to be measured: `--corpus 40000 --unsure 10000`",
        )


def _check(models: list[str] | None, corpus: int, again: int, of: str | None) -> None:
    if corpus < 0 or again < 0:
        raise InputError("a number of kernels is below 0")
    if (again > 0) != (of is not None):
        raise InputError("`--again` and `--of` come together", "--again 500 --of OLD.parquet")
    if of is not None and (models or corpus):
        raise InputError("`--again` times kernels of `--of` alone", "leave models and corpus out")
    if of is None and not models and not corpus:
        raise InputError("there is nothing to measure", "give models, or `--corpus 20000`")


def _first(
    timer: Timer | TpuTimer,
    command: str,
    out: str,
    models: list[str],
    corpus: _Corpus,
    as_json: bool,
) -> None:
    from itertools import chain

    from cosmalloc.cost_model.campaign import model_rows

    known = list(model_rows(models))
    expected = len(known) + (corpus.unsure or corpus.count)
    data, _ = _measured(timer, command, out, chain(known, corpus.rows()), expected)
    numbers = _numbers(data)
    if as_json:
        print_json(numbers | {"output": out})
        return
    splits = ", ".join(f"{count:,} {name}" for name, count in numbers["splits"].items())
    launch = f"{numbers['launch_seconds'] * 1e6:.2f} µs"
    print_facts(
        out,
        {
            "kernels": f"{numbers['kernels']:,} ({splits}), {numbers['failed']} failed",
            "machine": numbers["machine"],
            "launch": launch,
        },
    )


def _again(
    timer: Timer | TpuTimer, command: str, out: str, count: int, of: str, seed: int, as_json: bool
) -> None:
    from cosmalloc.cost_model.campaign import again_rows, noise
    from cosmalloc.cost_model.dataset import load

    old = load(Path(of))
    if Path(of).resolve() == Path(out).resolve():
        raise InputError(f"`--of` and `-o` are both {of}", "write the second timing elsewhere")
    data, _ = _measured(timer, command, out, again_rows(old, count, seed), min(count, len(old)))
    found = noise(old, data)
    if as_json:
        numbers = {"kernels": found.kernels, "median": found.median, "mean": found.mean}
        print_json(numbers | {"output": out})
        return
    print_facts(
        f"{of}, timed again",
        {
            "kernels": f"{found.kernels:,}",
            "|ln(second / first)|": f"median {found.median:.2%}, mean {found.mean:.2%}",
        },
    )


def _measured(
    timer: Timer | TpuTimer, command: str, out: str, rows: Iterable[dict[str, Any]], expected: int
) -> tuple[Dataset, bool]:
    """What was measured, written to `out`, and whether Ctrl-C ended it."""
    import datetime

    from cosmalloc.cost_model.campaign import collected, measured
    from cosmalloc.cost_model.dataset import save
    from cosmalloc.cost_model.machine import about

    facts = about(timer, command, datetime.datetime.now(datetime.UTC).date().isoformat())
    journal = Path(f"{out}.{timer.device.replace(':', '-')}.journal")
    found: list[dict[str, Any]] = []
    interrupted = False
    with progress_bar() as show:

        def progress(count: int, row: dict[str, Any]) -> None:
            show(f"{count:,} kernels, {row['source']}", min(1.0, count / max(1, expected)))

        try:
            for row in measured(rows, journal, timer, progress):
                found.append(row)  # noqa: PERF402 - kept when Ctrl-C ends it
        except KeyboardInterrupt:
            interrupted = True
    data = collected(found, facts)
    save(data, Path(out))
    if interrupted:
        note(f"interrupted: {len(data):,} kernels; the same command goes on from {journal}")
    return data, interrupted


def _numbers(data: Dataset) -> dict[str, Any]:
    from collections import Counter

    return {
        "kernels": len(data),
        "splits": dict(sorted(Counter(data.split).items())),
        **data.about,
    }


def _command(models: list[str], options: Mapping[str, object]) -> str:
    """What made the file, to be typed again."""
    given = [
        word for key, value in options.items() if value is not None for word in (key, str(value))
    ]
    return shlex.join(["cosmalloc", "cost", "measure", *models, *given])
