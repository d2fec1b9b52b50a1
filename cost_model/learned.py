"""The learned cost model as a `Predictor`: an ensemble of networks, and the fitted roofline for
kernels outside what it learned from.

With mu the expected log-seconds and s their spread, the answer is

    seconds = exp(mu - s^2)                                        s^2 at most log 2

which has the least expected relative error: where log m is normal, E|p / m - 1| is least at the
median under the weights 1 / m, and these move the normal by -s^2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.adaptation import Adaptation, adapt
from cosmalloc.cost_model.batches import MOST_NODES, Batch, in_batches
from cosmalloc.cost_model.domain import Domain
from cosmalloc.cost_model.ensemble import combined
from cosmalloc.cost_model.features import KernelGraph, graphs_of
from cosmalloc.cost_model.features.flat import flattened, trimmed
from cosmalloc.cost_model.network import Network, Output
from cosmalloc.cost_model.prediction import Prediction
from cosmalloc.cost_model.roofline import Roofline, fit_roofline
from cosmalloc.cost_model.summary import Reader, summaries
from cosmalloc.cost_model.weights_file import Header, read_weights

_MOST_SHIFT = float(np.log(2))
_PULL = 0.3  # of a roofline fitted to few kernels, to the one it starts from


class _Known(NamedTuple):
    """Of N kernels: expected log-seconds and their spread, [N]; memory as of `Output`, [N, 4];
    embedding: the members' side by side, [N, D]."""

    log_seconds: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]
    memory: npt.NDArray[np.float64]
    embedding: npt.NDArray[np.float32]


class Learned:
    """Implements `prediction.Predictor`; compiled once per bucket of nodes and batch size."""

    def __init__(self, members: Sequence[Network], header: Header, name: str) -> None:
        self.name, self.launch_seconds = name, header.launch_seconds
        self.members, self.header = list(members), header
        self.domain = Domain.from_dict(header.domain)
        self.roofline = Roofline.from_dict(header.roofline)
        self._reader = Reader()
        self._run = _compiled(self.members)
        given = header.adaptation
        self.adaptation = None if given is None else Adaptation.from_dict(given)

    def predict(self, kernels: Sequence[str]) -> Prediction:
        """Kernels as MLIR text. Raises InputError."""
        graphs = graphs_of(kernels, self._reader)
        found = self.predict_graphs(graphs)
        outside = [i for i, inside in enumerate(found.inside) if not inside]
        if outside:
            found.seconds[outside] = self.roofline.seconds(summaries([kernels[i] for i in outside]))
            found.spread[outside] = np.inf
        return found

    def predict_graphs(self, graphs: Sequence[KernelGraph]) -> Prediction:
        """The networks' own answers, also for kernels outside."""
        known = self._known(graphs)
        expected, spread = known.log_seconds, known.spread
        centre = spread
        if self.adaptation is not None:
            centre = spread * min(1.0, self.adaptation.scale)  # few kernels' spread is no shift
            expected = self.adaptation.log_seconds(expected, known.embedding)
            spread = spread * self.adaptation.scale
        some = np.exp2(np.clip(known.memory[:, 1::2] * 10, 0, 40)) - 1
        some *= known.memory[:, 0::2] > 0
        return Prediction(
            seconds=np.exp(expected - np.minimum(centre**2, _MOST_SHIFT)),
            spread=spread,
            inside=np.array([self.domain.holds(graph) for graph in graphs], np.bool_),
            temporary_bytes=some[:, 0],
            code_bytes=some[:, 1],
        )

    def _known(self, graphs: Sequence[KernelGraph]) -> _Known:
        """What the members say together."""
        width = int(self.header.settings["width"]) * len(self.members)
        seconds, spread = np.zeros((2, len(graphs)))
        memory = np.zeros((len(graphs), 4))
        embedding = np.zeros((len(graphs), width), np.float32)
        for rows, places, batch in in_batches(trimmed(flattened(graphs), MOST_NODES)):
            outs = self._run(batch)
            seconds[rows], spread[rows] = combined(
                [
                    (np.asarray(out.log_seconds)[places], np.asarray(out.log_spread)[places])
                    for out in outs
                ]
            )
            memory[rows] = np.mean([np.asarray(out.memory)[places] for out in outs], axis=0)
            side = [np.asarray(out.embedding)[places] for out in outs]
            embedding[rows] = np.concatenate(side, axis=1)
        return _Known(seconds, spread * self.header.scale, memory, embedding)

    def adapted(self, kernels: Sequence[str], seconds: npt.NDArray[np.float64]) -> Learned:
        """This model, made to fit another machine by kernels measured there. Raises InputError."""
        graphs = graphs_of(kernels)
        known = self._known(graphs)
        found = adapt(known.log_seconds, known.spread, known.embedding, seconds)
        about = self.header.about | {"adapted_from": self.header.name, "kernels": len(graphs)}
        launch = min(float(seconds.min()), self.launch_seconds * float(np.exp(found.shift)))
        fitted = fit_roofline(summaries(kernels), seconds, self.roofline, _PULL)
        header = replace(
            self.header,
            adaptation=found.to_dict(),
            about=about,
            launch_seconds=launch,
            roofline=fitted.to_dict(),
        )
        return Learned(self.members, header, self.name)


def _compiled(members: list[Network]) -> Callable[[Batch], list[Output]]:
    """Compiled once per shape; the weights are on the device from the start."""
    weights, rest = eqx.partition(members, eqx.is_array)

    @jax.jit
    def run(weights: list[Network], batch: Batch) -> list[Output]:
        return [member(batch) for member in eqx.combine(weights, rest)]

    return partial(run, jax.device_put(weights))


def load(path: Path, name: str = "") -> Learned:
    """The model in a file of weights. Raises InputError."""
    members, header = read_weights(path)
    shipped = Path(__file__).parent / "weights"
    own = f"learned:{path.stem}" if path.parent == shipped else str(path)
    return Learned(members, header, name or own)


def facts(model: Learned) -> dict[str, Any]:
    """What the weights' head says of data and training."""
    return {"machine": model.header.name, **model.header.settings, **model.header.about}
