"""Learning and using the paper's models: all six the same way.

    y = standardised logarithms of seconds, temporary and code bytes; loss = mean (network - y)^2

AdamW with a rate that rises for a twentieth of the steps and falls to nothing along a cosine; the
weights of the epoch with the least error of log-seconds on the validation rows are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from cosmalloc.cost_model.dataset import Dataset
from cosmalloc.cost_model.estimator import FLOORS, TARGETS, Array, Target, labels
from cosmalloc.cost_model.papers.bag import Bag
from cosmalloc.cost_model.papers.batches import batches
from cosmalloc.cost_model.papers.conv1d import Conv1d
from cosmalloc.cost_model.papers.lstm import Lstm
from cosmalloc.cost_model.papers.tokens import PAD, UNKNOWN, Style, Vocabulary, learn

NetworkName = Literal["bag", "lstm", "conv1d"]
NETWORKS: dict[NetworkName, Callable[..., Any]] = {"bag": Bag, "lstm": Lstm, "conv1d": Conv1d}
_PREDICTING = 256  # kernels at a time
_CLIP = 4.0  # standard deviations beyond training's range that a prediction may lie

_OPTIMISER: optax.GradientTransformation = optax.flatten(
    optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam())
)


@dataclass(frozen=True)
class Settings:
    """rate: of learning, at its highest. longest: words read of a kernel. hidden: share of words
    that training shows as unknown ones, so that unknown ones mean something."""

    rate: float = 1e-3
    width: int = 64
    longest: int = 128
    hidden: float = 0.05
    epochs: int = 20
    batch: int = 64
    decay: float = 1e-3


@dataclass(frozen=True)
class Trained:
    """A network with its vocabulary. mean, deviation: of the log-targets of training, [3]. errors:
    of log-seconds on the validation rows after each epoch, in standard deviations."""

    network: Any
    vocabulary: Vocabulary
    settings: Settings
    mean: Array
    deviation: Array
    errors: tuple[float, ...]

    def predict(self, texts: Sequence[str]) -> Mapping[Target, Array]:
        encoded = self.vocabulary.encode(texts, self.settings.longest)
        scaled = np.clip(_outputs(self.network, encoded), -_CLIP, _CLIP)
        logs = scaled * self.deviation + self.mean
        return {
            target: np.maximum(np.exp(logs[:, column]), FLOORS[target])
            for column, target in enumerate(TARGETS)
        }


def train(
    name: NetworkName,
    style: Style,
    given: Dataset,
    valid: Dataset,
    settings: Settings,
    seed: int,
    progress: Callable[[int, float], None] | None = None,
) -> Trained:
    """progress: told epochs and the validation error after each one."""
    vocabulary = learn(given.text, style)
    encoded, checked = (vocabulary.encode(d.text, settings.longest) for d in (given, valid))
    logs, wanted = _logs(given), _logs(valid)
    mean, deviation = logs.mean(0), np.maximum(logs.std(0), 1e-3)
    target = ((logs - mean) / deviation).astype(np.float32)
    rng = np.random.default_rng(seed)
    network = fresh(name, len(vocabulary), settings.width, seed)
    steps = settings.epochs * sum(1 for _ in batches(encoded, settings.batch))
    rates = iter(_rates(settings.rate, steps))
    state = jax.jit(_OPTIMISER.init)(eqx.filter(network, eqx.is_array))
    errors: list[float] = []
    best = network
    for epoch in range(settings.epochs):
        for batch in batches(encoded, settings.batch, rng):
            tokens = _hide(batch.tokens, settings.hidden, rng)
            how = np.array([next(rates), settings.decay], np.float32)
            network, state = _step(network, state, tokens, target[batch.rows], batch.weight, how)
        left = _outputs(network, checked)[:, 0] - (wanted[:, 0] - mean[0]) / deviation[0]
        errors.append(float(np.sqrt(np.mean(left**2))))
        if errors[-1] == min(errors):
            best = network
        if progress:
            progress(epoch + 1, errors[-1])
    return Trained(best, vocabulary, settings, mean, deviation, tuple(errors))


def fresh(name: NetworkName, words: int, width: int, seed: int) -> Any:
    """A network with random weights, made by one compiled program."""
    make = eqx.filter_jit(NETWORKS[name])
    return make(words, width, len(TARGETS), jax.random.key(seed))


def _logs(data: Dataset) -> Array:
    """[N, 3]"""
    found: Array = np.log(np.stack([labels(data, target) for target in TARGETS], axis=1))
    return found


def _hide(tokens: Any, share: float, rng: np.random.Generator) -> Any:
    return np.where((rng.random(tokens.shape) < share) & (tokens != PAD), UNKNOWN, tokens)


def _rates(most: float, steps: int) -> Array:
    """Of learning, for each step: up along a line, down along a cosine."""
    at, warm = np.arange(steps), max(1, steps // 20)
    down = 0.5 + 0.5 * np.cos(np.pi * np.clip((at - warm) / max(1, steps - warm), 0, 1))
    rates: Array = most * np.where(at < warm, (at + 1) / warm, down)
    return rates


@eqx.filter_jit
def _step(
    network: Any, state: Any, tokens: Any, target: Any, weight: Any, how: Any
) -> tuple[Any, Any]:
    """One update. how: rate of learning, decay of weights. Compiled once per network and shape."""

    def loss(network: Any) -> jax.Array:
        squares: jax.Array = ((network(tokens) - target) ** 2).mean(1)
        return jnp.sum(weight * squares) / jnp.sum(weight)

    slopes = eqx.filter_grad(loss)(network)
    moves, fresh = _OPTIMISER.update(slopes, state)
    weights = eqx.filter(network, eqx.is_array)
    changes = jax.tree.map(lambda move, own: -how[0] * (move + how[1] * own), moves, weights)
    return eqx.apply_updates(network, changes), fresh


@eqx.filter_jit
def _run(network: Any, tokens: Any) -> jax.Array:
    out: jax.Array = network(tokens)
    return out


def _outputs(network: Any, encoded: Sequence[Any]) -> Array:
    """Of every kernel: [N, 3]"""
    found = np.zeros((len(encoded), len(TARGETS)))
    for batch in batches(encoded, _PREDICTING):
        found[batch.rows] = np.asarray(_run(network, jnp.asarray(batch.tokens)))
    return found
