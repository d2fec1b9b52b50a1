"""The learned cost model as a `Predictor`: networks, and the fitted roofline for kernels outside
what they learned from.

With mu the expected log-seconds and s their spread, the answer is

    seconds = exp(mu - s^2)                                        s^2 at most log 2

which has the least expected relative error: where log m is normal, E|p / m - 1| is least at the
median under the weights 1 / m, and these move the normal by -s^2.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.adaptation import Adaptation, adapt
from cosmalloc.cost_model.domain import Domain
from cosmalloc.cost_model.ensemble import Ensemble, Known
from cosmalloc.cost_model.features import FlatGraphs, flat_graphs_of
from cosmalloc.cost_model.network import Network
from cosmalloc.cost_model.prediction import Prediction, joined
from cosmalloc.cost_model.roofline import Roofline, fit_roofline
from cosmalloc.cost_model.summary import Reader, summaries
from cosmalloc.cost_model.weights_file import Header, read_weights

_MOST_SHIFT = float(np.log(2))
_MANY = 1024  # kernels from which on several threads predict
_PART = 8192  # kernels of a thread at once, at most
_PULL = 0.3  # of a roofline fitted to few kernels, to the one it starts from


class Learned:
    """Implements `prediction.Predictor`."""

    def __init__(self, members: Sequence[Network], header: Header, name: str) -> None:
        self.name, self.launch_seconds = name, header.launch_seconds
        self.header = header
        self.domain = Domain.from_dict(header.domain)
        self.roofline = Roofline.from_dict(header.roofline)
        self._ensemble = Ensemble(members)
        self._reader = Reader()
        given, width = header.adaptation, int(header.settings["width"]) * len(members)
        self.adaptation = None if given is None else Adaptation.from_dict(given, width)

    @property
    def members(self) -> list[Network]:
        """The networks whose mean it is."""
        return self._ensemble.members

    def predict(self, kernels: Sequence[str]) -> Prediction:
        """Kernels as MLIR text. Many are predicted in parts, by as many threads as there are
        processors; how they are parted depends on their number alone. Raises InputError."""
        parts = 1 if len(kernels) < _MANY else 2 * -(-len(kernels) // _PART // 2)
        size = -(-len(kernels) // parts) or 1
        chunks = [kernels[at : at + size] for at in range(0, len(kernels), size)]
        if len(chunks) < 2:
            return joined([self._part(chunk) for chunk in chunks])
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return joined(list(pool.map(self._part, chunks)))

    def _part(self, kernels: Sequence[str]) -> Prediction:
        graphs = flat_graphs_of(kernels, self._reader)
        found = self.predict_graphs(graphs)
        outside = np.flatnonzero(~found.inside).tolist()
        if outside:
            found.seconds[outside] = self.roofline.seconds(summaries([kernels[i] for i in outside]))
            found.spread[outside] = np.inf
        return found

    def predict_graphs(self, graphs: FlatGraphs) -> Prediction:
        """The networks' own answers, also for kernels outside."""
        known = self._known(graphs)
        log_seconds, spread = _answers(known), known.spread
        if self.adaptation is not None:
            log_seconds, spread = self.adaptation.answers(known)
        some = np.exp2(np.clip(known.memory[:, 1::2] * 10, 0, 40)) - 1
        some *= known.memory[:, 0::2] > 0
        return Prediction(
            seconds=np.exp(log_seconds),
            spread=spread,
            inside=self.domain.holds(graphs),
            temporary_bytes=some[:, 0],
            code_bytes=some[:, 1],
        )

    def _known(self, graphs: FlatGraphs) -> Known:
        known = self._ensemble.known(graphs)
        return known._replace(spread=known.spread * self.header.scale)

    def adapted(self, kernels: Sequence[str], seconds: npt.NDArray[np.float64]) -> Learned:
        """This model, made to fit another machine by kernels measured there. Raises InputError."""
        graphs = flat_graphs_of(kernels)
        known = self._known(graphs)
        found = adapt(known, _answers(known), seconds)
        pace = float(np.median(seconds / self.predict_graphs(graphs).seconds))
        about = self.header.about | {"adapted_from": self.header.name, "kernels": len(graphs)}
        launch = min(float(seconds.min()), self.launch_seconds * pace)
        fitted = fit_roofline(summaries(kernels), seconds, self.roofline, _PULL)
        header = replace(
            self.header,
            adaptation=None if found is None else found.to_dict(),
            about=about,
            launch_seconds=launch,
            roofline=fitted.to_dict(),
        )
        return Learned(self.members, header, self.name)


def _answers(known: Known) -> npt.NDArray[np.float64]:
    """mu - s^2: [N]."""
    answers: npt.NDArray[np.float64] = known.log_seconds - np.minimum(known.spread**2, _MOST_SHIFT)
    return answers


def load(path: Path, name: str = "") -> Learned:
    """The model in a file of weights. Raises InputError."""
    members, header = read_weights(path)
    shipped = Path(__file__).parent / "weights"
    own = f"learned:{path.stem}" if path.parent == shipped else str(path)
    return Learned(members, header, name or own)


def facts(model: Learned) -> dict[str, Any]:
    """What the weights' head says of data and training."""
    return {"machine": model.header.name, **model.header.settings, **model.header.about}
