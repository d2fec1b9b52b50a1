"""The models of `benchmarks.cost_model` by name, what they predicted, and where that is kept.

A rival is a function: train, validation and test kernels in, `Predicted` of the test kernels out.
Our own model comes as two of them:

    shipped weights    Predictor -> Predicted; only where the split is the one they were trained on
    trained anew       train_ours(data, settings, out) -> Predictor, `data` with its own splits
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cosmalloc.cost_model.baselines import FittedRoofline, OperationCount, Trees
from cosmalloc.cost_model.dataset import Dataset
from cosmalloc.cost_model.estimator import FLOORS, TARGETS, Estimator, Target
from cosmalloc.cost_model.kernel import digest
from cosmalloc.cost_model.papers.tokens import STYLES
from cosmalloc.cost_model.papers.training import NETWORKS, Settings
from cosmalloc.cost_model.papers.tuning import PaperModel
from cosmalloc.cost_model.prediction import Predictor
from cosmalloc.cost_model.summary import Book
from cosmalloc.cost_model.textbook import TextbookRoofline
from cosmalloc.files import write_whole

Array = npt.NDArray[np.float64]
BASELINES = ("operation count", "textbook roofline", "fitted roofline", "gradient-boosted trees")
PAPERS = tuple(f"{network}, {style}" for network in NETWORKS for style in STYLES)
# What `--only tune` found for the bags and the LSTM of operations, on 28,000 kernels; the LSTM of
# operands has its sibling's settings, conv1d the ones that tuning starts from.
TUNED = {
    "bag, operations": Settings(epochs=12),
    "bag, operands": Settings(rate=3e-3, epochs=12),
    "lstm, operations": Settings(rate=3e-3, width=128, hidden=0.0, epochs=10),
    "lstm, operands": Settings(rate=3e-3, width=128, hidden=0.0, epochs=10),
    "conv1d, operations": Settings(epochs=15),
    "conv1d, operands": Settings(epochs=15),
}
OURS = "ours"
ABLATIONS: dict[str, dict[str, Any]] = {  # settings of `cosmalloc.cost_model.training.Settings`
    "ours, one member, no student": {"members": 1},
    "ours, one member, one round": {"members": 1, "rounds": 1},
    "ours, one member, operations apart": {"members": 1, "rounds": 0},
    "ours, one member, half the width": {"members": 1, "width": 48},
}
NAMES = (*BASELINES, *PAPERS, OURS, *ABLATIONS)


@dataclass(frozen=True)
class Predicted:
    """Of N test kernels. spread: of log-seconds, or None. inside: share the model knows.
    cpu_seconds: of training, of all threads; 0 for weights that were there."""

    values: Mapping[Target, Array]
    spread: Array | None = None
    inside: float = 1.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class Sets:
    """The three parts of a split, and its name."""

    name: str
    train: Dataset
    valid: Dataset
    test: Dataset

    def key(self) -> str:
        """What tells this split from another: name, and a digest of all its kernels."""
        texts = (text for part in (self.train, self.valid, self.test) for text in part.text)
        return f"{self.name}-{digest(' '.join(map(digest, texts)))}"

    def whole(self) -> Dataset:
        """One dataset whose column `split` says the same."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        joined = {
            name: tuple(each for part in parts.values() for each in getattr(part, name))
            for name in ("text", "source", "family", "policy")
        }
        numbers = {
            name: np.concatenate([getattr(part, name) for part in parts.values()])
            for name in ("spread", *TARGETS)
        }
        split = tuple(name for name, part in parts.items() for _ in range(len(part)))
        return Dataset(**joined, split=split, **numbers, about=self.train.about)  # type: ignore[arg-type]


def held_out(data: Dataset) -> Sets:
    """Split by family of source models, as `corpus.split` says; fresh kernels are tested, too."""
    tested = np.flatnonzero(np.isin(data.split, ("test", "fresh")))
    return Sets("held-out", data.only("train"), data.only("valid"), data.rows(tested))


def at_random(data: Dataset, seed: int) -> Sets:
    """A tenth of the training families' kernels as test and a twentieth as validation, drawn
    kernel by kernel: the paper's kind of split."""
    pool = data.only("train")
    order = np.random.default_rng(seed).permutation(len(pool))
    tests, checks = len(pool) // 10, len(pool) // 20
    test, valid, train = np.split(order, [tests, tests + checks])
    return Sets("random", *(pool.rows(np.sort(rows)) for rows in (train, valid, test)))


@dataclass(frozen=True)
class Workshop:
    """What the rivals share. cache: a folder for what they predicted and were tuned to. weights:
    ours, ready made. anew: settings of training ours anew that differ from the shipped ones'."""

    cache: Path
    seed: int
    weights: str
    anew: Mapping[str, Any] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    say: Callable[[str], None] = print

    def predicted(self, name: str, sets: Sets) -> Predicted:
        """By this model after training on this split; from the cache where it is there."""
        path = self.cache / f"{_slug(self._label(name, sets))}-{_slug(sets.key())}-{self.seed}.npz"
        if path.exists():
            return _read(path)
        began = time.process_time()
        found = self._make(name, sets)
        if name != OURS or sets.name != "held-out":
            found = replace(found, cpu_seconds=time.process_time() - began)
        _write(path, found)
        return found

    def _label(self, name: str, sets: Sets) -> str:
        """Of the cache: other weights, or other settings of training, are another model."""
        if name == OURS and sets.name == "held-out":
            return f"{name} {sha256(_weights(self.weights).read_bytes()).hexdigest()[:16]}"
        if name == OURS or name in ABLATIONS:
            return f"{name} {json.dumps(dict(self.anew), sort_keys=True)}"
        return name

    def _make(self, name: str, sets: Sets) -> Predicted:
        if name == OURS and sets.name == "held-out":
            return by_predictor(shipped(self.weights), sets.test)
        if name == OURS or name in ABLATIONS:
            label = _slug(self._label(name, sets))
            out = self.cache / f"{label}-{_slug(sets.key())}-{self.seed}.safetensors"
            made = train_ours(sets.whole(), ABLATIONS.get(name, {}), out, self)
            return by_predictor(made, sets.test)
        fitted = self._estimator(name, sets).fit(sets.train, sets.valid, seed=self.seed)
        return Predicted(fitted.predict(sets.test.text))

    def _estimator(self, name: str, sets: Sets) -> Estimator:
        if name in PAPERS:
            return self.paper(name, sets)
        makers: dict[str, Callable[[Book], Estimator]] = dict(
            zip(BASELINES, (OperationCount, TextbookRoofline, FittedRoofline, Trees), strict=True)
        )
        return makers[name](self.book)

    def paper(self, name: str, sets: Sets) -> PaperModel:
        """With the settings that were tuned on this split, else with those of TUNED."""
        path = self._tuned(name, sets)
        how = Settings(**json.loads(path.read_text())) if path.exists() else TUNED[name]
        return replace(self._bare(name), settings=how)

    def tune(self, name: str, sets: Sets) -> Settings:
        """Settings chosen by the validation kernels, from now on used for this split."""
        tuned = self._bare(name).tuned(sets.train, sets.valid, self.seed)
        write_whole(self._tuned(name, sets), json.dumps(asdict(tuned)))
        return tuned

    def _bare(self, name: str) -> PaperModel:
        network, style = name.split(", ")
        return PaperModel(network, style, progress=self.say)  # type: ignore[arg-type]

    def _tuned(self, name: str, sets: Sets) -> Path:
        return self.cache / f"{_slug(name)}-{_slug(sets.key())}-tuned.json"


def shipped(weights: str) -> Predictor:
    """Our model with weights that are there: a name of `--cost`."""
    from cosmalloc.cost_model.learned import load

    return load(_weights(weights))


def _weights(name: str) -> Path:
    from cosmalloc.cost_model.choose import weights_of

    return weights_of(name)


def train_ours(data: Dataset, settings: Mapping[str, Any], out: Path, shop: Workshop) -> Predictor:
    """Our model trained on the split `train` of `data`, stopped by `valid`; goes on if killed."""
    from cosmalloc.cost_model.learned import load
    from cosmalloc.cost_model.training import Settings as Ours
    from cosmalloc.cost_model.training import train

    if not out.exists():
        how = Ours(**{"seed": shop.seed, **shop.anew, **settings})
        last = [0.0]

        def say(words: str, share: float) -> None:
            if time.monotonic() - last[0] > 20:
                shop.say(f"{out.stem}: {share:.0%}: {words}")
                last[0] = time.monotonic()

        train(data, out, how, progress=say, resume=True)
    return load(out)


def by_predictor(model: Predictor, test: Dataset) -> Predicted:
    """Of a model of our own."""
    found = model.predict(test.text)
    values: dict[Target, Array] = {
        "seconds": found.seconds,
        "temporary_bytes": np.maximum(found.temporary_bytes, FLOORS["temporary_bytes"]),
        "code_bytes": np.maximum(found.code_bytes, FLOORS["code_bytes"]),
    }
    return Predicted(values, found.spread, float(found.inside.mean()))


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter == "-" else "_" for letter in name)


def _write(path: Path, found: Predicted) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    spread = {} if found.spread is None else {"spread": found.spread}
    facts = np.array([found.inside, found.cpu_seconds])
    np.savez(part, facts=facts, **spread, **dict(found.values))  # type: ignore[arg-type]
    part.replace(path)


def _read(path: Path) -> Predicted:
    with np.load(path, allow_pickle=False) as file:
        values = {target: file[target] for target in TARGETS if target in file}
        spread = file.get("spread")
        inside, seconds = map(float, file["facts"])
    return Predicted(values, spread, inside, seconds)
