"""The learned cost model as a `Predictor`: an ensemble of networks, and the fitted roofline for
kernels outside what it learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.adaptation import Adaptation, adapt
from cosmalloc.cost_model.batches import Batch, in_order
from cosmalloc.cost_model.domain import Domain
from cosmalloc.cost_model.ensemble import combined
from cosmalloc.cost_model.features import KernelGraph, graphs_of
from cosmalloc.cost_model.network import Network, Output
from cosmalloc.cost_model.prediction import Prediction
from cosmalloc.cost_model.roofline import Roofline, fit_roofline
from cosmalloc.cost_model.summary import Reader, summaries
from cosmalloc.cost_model.weights_file import Header, read_weights

_PULL = 0.3  # of a roofline fitted to few kernels, to the one it starts from


class Learned:
    """Implements `prediction.Predictor`; compiled once per bucket of nodes and batch size."""

    def __init__(self, members: Sequence[Network], header: Header, name: str) -> None:
        self.name, self.launch_seconds = name, header.launch_seconds
        self.members, self.header = list(members), header
        self.domain = Domain.from_dict(header.domain)
        self.roofline = Roofline.from_dict(header.roofline)
        self._reader = Reader()
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
        seconds, spread = np.zeros((2, len(graphs)))
        memory, known = np.zeros((len(graphs), 4)), self._blank(len(graphs))
        for rows, batch in in_order(graphs):
            outs = _outputs(self.members, batch)
            pairs = [
                (np.asarray(out.log_seconds)[: len(rows)], np.asarray(out.log_spread)[: len(rows)])
                for out in outs
            ]
            seconds[rows], spread[rows] = combined(pairs)
            memory[rows] = np.mean([np.asarray(out.memory)[: len(rows)] for out in outs], axis=0)
            known[rows] = _side_by_side(outs)[: len(rows)]
        spread *= self.header.scale
        if self.adaptation is not None:
            seconds = self.adaptation.log_seconds(seconds, known)
            spread = np.full(len(graphs), self.adaptation.spread)
        some = np.exp2(np.clip(memory[:, 1::2] * 10, 0, 40)) - 1
        some *= memory[:, 0::2] > 0
        return Prediction(
            seconds=np.exp(seconds),
            spread=spread,
            inside=np.array([self.domain.holds(graph) for graph in graphs], np.bool_),
            temporary_bytes=some[:, 0],
            code_bytes=some[:, 1],
        )

    def adapted(self, kernels: Sequence[str], seconds: npt.NDArray[np.float64]) -> Learned:
        """This model, made to fit another machine by kernels measured there. Raises InputError."""
        graphs = graphs_of(kernels)
        own = Learned(self.members, replace(self.header, adaptation=None), self.name)
        known = own.embeddings(graphs)
        found = adapt(np.log(own.predict_graphs(graphs).seconds), known, seconds)
        about = self.header.about | {"adapted_from": self.header.name, "kernels": len(graphs)}
        launch = min(float(seconds.min()), own.launch_seconds * float(np.exp(found.shift)))
        fitted = fit_roofline(summaries(kernels), seconds, self.roofline, _PULL)
        header = replace(
            self.header,
            adaptation=found.to_dict(),
            about=about,
            launch_seconds=launch,
            roofline=fitted.to_dict(),
        )
        return Learned(self.members, header, self.name)

    def embeddings(self, graphs: Sequence[KernelGraph]) -> npt.NDArray[np.float32]:
        """What the members know of each kernel, side by side: [N, members * width]."""
        known = self._blank(len(graphs))
        for rows, batch in in_order(graphs):
            known[rows] = _side_by_side(_outputs(self.members, batch))[: len(rows)]
        return known

    def _blank(self, count: int) -> npt.NDArray[np.float32]:
        width = int(self.header.settings["width"])
        return np.zeros((count, width * len(self.members)), np.float32)


def _side_by_side(outs: list[Output]) -> npt.NDArray[np.float32]:
    return np.concatenate([np.asarray(out.embedding) for out in outs], axis=1)


@eqx.filter_jit
def _outputs(members: list[Network], batch: Batch) -> list[Output]:
    return [member(batch) for member in members]


def load(path: Path, name: str = "") -> Learned:
    """The model in a file of weights. Raises InputError."""
    members, header = read_weights(path)
    shipped = Path(__file__).parent / "weights"
    own = f"learned:{path.stem}" if path.parent == shipped else str(path)
    return Learned(members, header, name or own)


def facts(model: Learned) -> dict[str, Any]:
    """What the weights' head says of data and training."""
    return {"machine": model.header.name, **model.header.settings, **model.header.about}
