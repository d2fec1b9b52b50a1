"""Learning the cost of kernels from measured ones: members of an ensemble, one after the other, and
then the student, one network that learns from the labels and from the members: what is kept, since
it is nearly as good as they are together and takes a part of their time.

A network is trained for `epochs` and keeps the running mean of its weights at the epoch at which it
did best on the validation's models. Everything that is needed to go on lies in one file beside the
output, replaced in one move: a run killed at any moment goes on with `resume`, and ends as it would
have ended.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model import fitting
from cosmalloc.cost_model.batches import (
    LONG,
    SHORT,
    Batch,
    Row,
    Rows,
    filled_rows,
    in_batches,
    shapes,
)
from cosmalloc.cost_model.dataset import Dataset
from cosmalloc.cost_model.domain import domain_of
from cosmalloc.cost_model.ensemble import combined
from cosmalloc.cost_model.features import FlatGraphs
from cosmalloc.cost_model.network import Network
from cosmalloc.cost_model.prepared import Prepared, prepared
from cosmalloc.cost_model.roofline import fit_roofline
from cosmalloc.cost_model.summary import summaries
from cosmalloc.cost_model.weights_file import Header, write_weights
from cosmalloc.errors import InputError
from cosmalloc.tree_file import Arrays, arrays_of, filled, read_arrays, write_arrays

STATE = "cosmalloc.cost-training/1"
Progress = Callable[[str, float], None]
_SAVE_EVERY = 30.0  # seconds
_LOOK_EVERY = 2  # epochs between looks at the validation's models
_ROOFLINE_KERNELS = 6000  # that it is fitted to


@dataclass(frozen=True)
class Settings:
    """Of a run: the same settings and data give the same weights.

    members of the ensemble, each of `width` and `rounds`, trained `epochs` long on batches of
    `batch` rows of kernels (of 6 on average) at learning rate `rate`. student: whether they teach
    one more, which alone is kept.
    """

    seed: int = 0
    epochs: int = 36
    members: int = 4
    width: int = 96
    rounds: int = 2
    batch: int = 24
    rate: float = 2e-3
    student: bool = True

    @property
    def networks(self) -> int:
        """That are trained, one after the other."""
        return self.members + (self.student and self.members > 1)

    def __post_init__(self) -> None:
        for name, least in (
            ("epochs", 1),
            ("members", 1),
            ("width", 1),
            ("batch", 1),
            ("rounds", 0),
        ):
            if getattr(self, name) < least:
                fact = f"training has {name} {getattr(self, name)}"
                raise InputError(fact, f"give {least} or more")


def train(
    data: Dataset,
    out: Path,
    settings: Settings | None = None,
    *,
    progress: Progress | None = None,
    resume: bool = False,
    name: str = "",
) -> None:
    """Writes the weights of the split `train` of `data` to `out`. Raises InputError."""
    settings = settings or Settings()
    learn, choose = data.only("train"), data.only("valid")
    if not len(learn) or not len(choose):
        raise InputError(
            f"{len(learn)} kernels to train on and {len(choose)} to validate are too few",
            "measure models of several families; `--corpus N` draws some",
        )
    sets = tuple(map(prepared, (learn, choose)))
    run = _Run(settings, sets[0], sets[1], out.with_name(out.name + ".state"), progress)
    members = run.members(resume)
    header = Header(
        name=name or str(data.about.get("machine", "this machine")),
        launch_seconds=float(data.about.get("launch_seconds", 0) or learn.seconds.min()),
        settings=asdict(settings),
        roofline=_roofline(learn).to_dict(),
        domain=domain_of(sets[0].graphs).to_dict(),
        scale=run.calibration(members),
        about=data.about | {"kernels": len(learn), "families": sorted(set(learn.family))},
    )
    write_weights(out, members, header)
    run.state.unlink(missing_ok=True)


def _roofline(data: Dataset) -> Any:
    chosen = np.random.default_rng(0).permutation(len(data))[:_ROOFLINE_KERNELS]
    part = data.rows(np.sort(chosen))
    return fit_roofline(summaries(part.text), part.seconds)


class _Run:
    """One run: what it learns from, where its state lies."""

    def __init__(
        self,
        settings: Settings,
        learn: Prepared,
        choose: Prepared,
        state: Path,
        progress: Progress | None,
    ) -> None:
        self.settings, self.learn, self.choose = settings, learn, choose
        self.state, self.progress = state, progress
        self.counts = {SHORT: settings.batch, LONG: max(1, settings.batch // 4)}
        self.optimise = fitting.optimiser(len(self._todo(0, 0)) * settings.epochs, settings.rate)

    def members(self, resume: bool) -> list[Network]:
        """The trained networks that are kept."""
        done: list[Network] = []
        state = self._read() if resume and self.state.exists() else None
        if state is not None:
            done = state[0]
        while len(done) < self.settings.networks:
            start = state if state is not None and state[1] is not None else None
            done.append(self._member(done, start))
            state = None
        return done[self.settings.members :] or done

    def _taught(self, done: list[Network]) -> npt.NDArray[np.float32]:
        """What the members teach the student about all kernels; they themselves have no teachers:
        `Labels.taught`."""
        if len(done) < self.settings.members:
            return np.zeros((len(self.learn), 2), np.float32)
        log_seconds, spread = combined([_answers(member, self.learn.flat) for member in done])
        least = float(np.exp(fitting.LEAST_SPREAD))
        doubt = np.maximum(spread / np.sqrt(2), least)
        return np.stack([log_seconds, 1 / doubt], axis=1).astype(np.float32)

    def _member(self, done: list[Network], start: Any) -> Network:
        learner, best, least, first = start[1:] if start else self._fresh(len(done))
        saved, taught = time.monotonic(), self._taught(done)
        for epoch in range(first, self.settings.epochs):
            for batch, labels in self._batches(len(done), epoch, taught):
                learner, _ = fitting.step(learner, self.optimise, batch, labels)
            if epoch % _LOOK_EVERY == _LOOK_EVERY - 1 or epoch == self.settings.epochs - 1:
                error = self._error(learner.mean)
                if error < least:
                    best, least = learner.mean, error
            self._tell(len(done), epoch + 1, least)
            if time.monotonic() - saved > _SAVE_EVERY:
                self._save(done, learner, best, least, epoch + 1)
                saved = time.monotonic()
        self._save([*done, best], None, best, np.inf, 0)
        return best

    def _fresh(self, member: int) -> tuple[fitting.Learner, Network, float, int]:
        network = self._blank(member)
        return fitting.new_learner(network, self.optimise), network, np.inf, 0

    def _blank(self, member: int) -> Network:
        key = jax.random.key(self.settings.seed * 1000 + member)
        return Network(self.settings.width, self.settings.rounds, key)

    def _todo(self, member: int, epoch: int) -> list[tuple[Row, Rows]]:
        """An epoch's batches as rows, in an order that seed, member and epoch decide."""
        dice = np.random.default_rng((self.settings.seed, member, epoch))
        found = []
        for shape, chosen in shapes(self.learn.flat):
            rows = filled_rows(self.learn.flat.nodes, dice.permutation(chosen), shape)
            mixed, count = rows.shuffled(dice), self.counts[shape]
            starts = range(0, rows.total, count)
            found += [(shape, mixed.part(start, start + count)) for start in starts]
        return [found[index] for index in dice.permutation(len(found))]

    def _batches(
        self, member: int, epoch: int, taught: npt.NDArray[np.float32]
    ) -> Iterator[tuple[Batch, fitting.Labels]]:
        for shape, rows in self._todo(member, epoch):
            yield self.learn.batch(rows, shape, self.counts[shape], taught)

    def _error(self, network: Network) -> float:
        found = _answers(network, self.choose.flat)[0]
        return float(np.abs(found - self.choose.log_seconds).mean())

    def calibration(self, networks: list[Network]) -> float:
        """What their spread is multiplied by, so that 80 % of the validation's kernels lie in the
        interval that says so."""
        each = [_answers(network, self.choose.flat) for network in networks]
        seconds, spread = combined(each)
        error = np.abs(seconds - self.choose.log_seconds) / spread
        return float(np.quantile(error, 0.8) / 1.2816)

    def _tell(self, member: int, epoch: int, error: float) -> None:
        if self.progress:
            whole = self.settings.networks * self.settings.epochs
            share = (member * self.settings.epochs + epoch) / whole
            name = f"member {member + 1}" if member < self.settings.members else "student"
            self.progress(f"{name}, epoch {epoch}, error {error:.4f}", share)

    def _save(
        self, done: list[Network], learner: Any, best: Network, least: float, epoch: int
    ) -> None:
        arrays: Arrays = {}
        for index, network in enumerate(done):
            arrays |= arrays_of(network, f"done{index}")
        if learner is not None:
            arrays |= arrays_of(learner, "learner") | arrays_of(best, "best")
        head = {"settings": json.dumps(asdict(self.settings)), "done": str(len(done))}
        head |= {"least": str(least), "epoch": str(epoch), "kernels": str(len(self.learn))}
        write_arrays(self.state, arrays, head, STATE)

    def _read(self) -> Any:
        """(members done, learner, best, its error, epochs done), or without the last four."""
        arrays, facts = read_arrays(self.state, STATE, "training")
        same = json.loads(facts["settings"]) == asdict(self.settings)
        if not same or facts["kernels"] != str(len(self.learn)):
            raise InputError(
                f"{self.state} is of a run with other settings or data", "start without `--resume`"
            )
        hint = "start without `--resume`"
        count = int(facts["done"])
        done = [filled(self._blank(i), arrays, f"done{i}", hint) for i in range(count)]
        if not any(key.startswith("learner") for key in arrays):
            return done, None
        blank = fitting.new_learner(self._blank(count), self.optimise)
        learner = filled(blank, arrays, "learner", hint)
        best = filled(self._blank(count), arrays, "best", hint)
        return done, learner, best, float(facts["least"]), int(facts["epoch"])


def _answers(
    network: Network, graphs: FlatGraphs
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Predicted log-seconds and log-spread of all kernels."""
    seconds, spread = np.zeros((2, len(graphs)), np.float32)
    for rows, there, batch in in_batches(graphs):
        out = fitting.outputs(network, batch)
        seconds[rows] = np.asarray(out.log_seconds)[there]
        spread[rows] = np.asarray(out.log_spread)[there]
    return seconds, spread
