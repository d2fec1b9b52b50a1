"""A Gaussian process: what errors of kernels alike have in common (Rasmussen and Williams, 2006).

    y_i = p + log(1 - h_i + h_i exp(g(x_i))) + noise of variance (s_i^2 + v^2) / w_i
    p ~ N(0, PACE^2)        g ~ N(0, k),  k(x, x') = A^2 (1 + 1 / (1 + |x - x'|^2))

p is the pace of the whole machine, in logarithms; g that of the part h of a kernel's seconds which
is no launch; A how far kinds of kernels may be off from one another; s_i the spread that the model
tells, v what all labels have in addition. y is linear in p, and made linear in g where g was last
found (Gauss and Newton). A and v are the ones of a grid under which the errors are likeliest,
beside a wide prior. Few errors are far out: the weights w make the noise Student's t, by
expectation and maximisation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
PACE = 1.0
AMPLITUDES = (0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 1.6)  # A
FLOORS = (0.02, 0.05, 0.1, 0.2, 0.35)  # v
_USUAL = np.log((0.35, 0.1))  # A and v, give or take a factor of e
_FREEDOM = 4.0  # of Student's t
_ROUNDS = 5
_STEP = 1.5  # that g moves in a round, at most


@dataclass(frozen=True)
class Process:
    """Of N known kernels, points: [N, F]; slopes: [N] of y by g; targets: [N] y, made linear: p +
    slope g + noise; noise: [N] its variances. amplitude, floor: A, v."""

    points: Array
    slopes: Array
    targets: Array
    noise: Array
    amplitude: float
    floor: float

    @cached_property
    def _inverse(self) -> Array:
        """Of the targets' covariance: [N, N]."""
        covariance = _covariance(self.points, self.slopes, self.amplitude)
        return np.asarray(np.linalg.inv(covariance + np.diag(self.noise)), np.float64)

    def at(self, points: Array, work: Array) -> tuple[Array, Array]:
        """Mean and variance of y without noise: [M] of points [M, F], h [M]."""
        across = kernel(points, self.points, self.amplitude) * self.slopes
        solved = self._inverse @ self.targets
        level = across @ solved
        slopes = slope(work, level)
        covariance = PACE**2 + slopes[:, None] * across
        explained = ((covariance @ self._inverse) * covariance).sum(axis=1)
        variance = PACE**2 + 2 * (slopes * self.amplitude) ** 2 - explained
        return PACE**2 * solved.sum() + bent(work, level), np.maximum(variance, 0)

    def left_out(self) -> tuple[Array, Array]:
        """Of each known kernel, by all others: how far y's mean is off, and y's variance: [N]."""
        precision = np.diag(self._inverse)
        variance = np.maximum(1 / precision - self.noise, 0)
        return self._inverse @ self.targets / precision, variance


def fit(points: Array, work: Array, errors: Array, spread: Array) -> Process:
    """points: [N, F]; work: h; errors: y; spread: [N]."""
    level, weights = np.zeros(len(errors)), np.ones(len(errors))
    for _ in range(_ROUNDS):
        slopes = slope(work, level)
        targets = errors - bent(work, level) + slopes * level
        found = _likeliest(points, slopes, targets, spread, weights)
        level, weights = _next(found, level, weights)
    return found


def _next(found: Process, level: Array, weights: Array) -> tuple[Array, Array]:
    """g and w of all known kernels after a round."""
    covariance = _covariance(found.points, found.slopes, found.amplitude)
    solved = found._inverse @ found.targets
    variance = np.diag(covariance - covariance @ found._inverse @ covariance)
    usual = found.noise * weights
    far = ((found.targets - covariance @ solved) ** 2 + np.maximum(variance, 0)) / usual
    across = kernel(found.points, found.points, found.amplitude) * found.slopes
    moved = level + np.clip(across @ solved - level, -_STEP, _STEP)
    return moved, (_FREEDOM + 1) / (_FREEDOM + far)


def kernel(one: Array, other: Array, amplitude: float) -> Array:
    """k: [N, M] of [N, F] and [M, F]."""
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    found: Array = amplitude**2 * (1 + 1 / (1 + np.maximum(squares, 0)))
    return found


def bent(work: Array, level: Array) -> Array:
    """log(1 - h + h exp(g)): [N]."""
    found: Array = np.log1p(work * np.expm1(level))
    return found


def slope(work: Array, level: Array) -> Array:
    """Of `bent` by g: [N]."""
    found: Array = work * np.exp(level - bent(work, level))
    return found


def _covariance(points: Array, slopes: Array, amplitude: float) -> Array:
    return PACE**2 + slopes[:, None] * kernel(points, points, amplitude) * slopes


def _likeliest(
    points: Array, slopes: Array, targets: Array, spread: Array, weights: Array
) -> Process:
    """Over A and v."""
    best, least = None, np.inf
    for amplitude in AMPLITUDES:
        covariance = _covariance(points, slopes, amplitude)
        for floor in FLOORS:
            noise = (spread**2 + floor**2) / weights
            unlikely = _unlikely(covariance + np.diag(noise), targets)
            unlikely += ((np.log((amplitude, floor)) - _USUAL) ** 2).sum() / 2
            if best is None or unlikely < least:
                best, least = Process(points, slopes, targets, noise, amplitude, floor), unlikely
    assert best is not None
    return best


def _unlikely(covariance: Array, errors: Array) -> float:
    """-log of the density of the errors, less a constant."""
    from scipy.linalg import solve_triangular

    root = np.linalg.cholesky(covariance)
    white = solve_triangular(root, errors, lower=True)
    return float(white @ white / 2 + np.log(np.diag(root)).sum())
