"""A Gaussian process: what errors of kernels alike have in common (Rasmussen and Williams, 2006).

    y_i = f(x_i) + noise of variance (s_i^2 + v^2) / w_i
    f ~ N(0, k),  k(x, x') = PACE^2 + A^2 / (1 + |x - x'|^2)

PACE is how far a whole machine may be off, in logarithms; A how far kinds of kernels may be off
from one another; s_i the spread that the model tells, v what all labels have in addition. A and v
are the ones of a grid under which the errors are likeliest, beside a wide prior. Few errors are far
out: the weights w make the noise Student's t, by expectation and maximisation.
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
_ROUNDS = 3


@dataclass(frozen=True)
class Process:
    """N known errors y at points: [N, F]; noise: [N] variances; amplitude, floor: A, v."""

    points: Array
    errors: Array
    noise: Array
    amplitude: float
    floor: float

    @cached_property
    def _inverse(self) -> Array:
        """Of the errors' covariance: [N, N]."""
        covariance = kernel(self.points, self.points, self.amplitude)
        return np.asarray(np.linalg.inv(covariance + np.diag(self.noise)), np.float64)

    def at(self, points: Array) -> tuple[Array, Array]:
        """Mean and variance of f at other points: [M] of [M, F]."""
        across = kernel(points, self.points, self.amplitude)
        explained = ((across @ self._inverse) * across).sum(axis=1)
        variance = np.maximum(PACE**2 + self.amplitude**2 - explained, 0)
        return across @ (self._inverse @ self.errors), variance

    def left_out(self) -> tuple[Array, Array]:
        """Of each known error, by all others: how far f's mean is off, and f's variance: [N]."""
        precision = np.diag(self._inverse)
        variance = np.maximum(1 / precision - self.noise, 0)
        return self._inverse @ self.errors / precision, variance


def fit(points: Array, errors: Array, spread: Array) -> Process:
    """points: [N, F]; errors, spread: [N]."""
    weights = np.ones(len(errors))
    for turn in range(_ROUNDS):
        found = _likeliest(points, errors, spread, weights)
        if turn < _ROUNDS - 1:
            mean, variance = found.at(points)
            usual = found.noise * weights
            far = ((errors - mean) ** 2 + variance) / usual
            weights = (_FREEDOM + 1) / (_FREEDOM + far)
    return found


def kernel(one: Array, other: Array, amplitude: float) -> Array:
    """k: [N, M] of [N, F] and [M, F]."""
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    found: Array = PACE**2 + amplitude**2 / (1 + np.maximum(squares, 0))
    return found


def _likeliest(points: Array, errors: Array, spread: Array, weights: Array) -> Process:
    """Over A and v."""
    best, least = None, np.inf
    for amplitude in AMPLITUDES:
        covariance = kernel(points, points, amplitude)
        for floor in FLOORS:
            noise = (spread**2 + floor**2) / weights
            unlikely = _unlikely(covariance + np.diag(noise), errors)
            unlikely += ((np.log((amplitude, floor)) - _USUAL) ** 2).sum() / 2
            if best is None or unlikely < least:
                best, least = Process(points, errors, noise, amplitude, floor), unlikely
    assert best is not None
    return best


def _unlikely(covariance: Array, errors: Array) -> float:
    """-log of the density of the errors, less a constant."""
    from scipy.linalg import solve_triangular

    root = np.linalg.cholesky(covariance)
    white = solve_triangular(root, errors, lower=True)
    return float(white @ white / 2 + np.log(np.diag(root)).sum())
