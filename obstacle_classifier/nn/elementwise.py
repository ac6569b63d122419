# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Layers that work on each entry by itself, of arrays of any shape whose first axis counts examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from obstacle_classifier.nn.arrays import Array, as_float, as_shape
from obstacle_classifier.nn.initializers import Seed
from obstacle_classifier.nn.layers import Layer

__all__ = ["Dropout", "LeakyReLU", "ReLU", "Tanh"]


class LeakyReLU(Layer):
    """x where x > 0, else slope times x. At 0, where it has a kink, the derivative is taken as the slope.

    Args:
        slope: 0 to 1.
    """

    def __init__(self, slope: float = 0.01) -> None:
        if not 0 <= slope <= 1:
            raise ValueError(f"expected a slope of 0 to 1, got {slope}")
        self.slope = float(slope)
        self._positive: NDArray[np.bool_] | None = None

    def apply(self, X: ArrayLike) -> Array:
        """X where positive, else slope X."""
        X = as_float(X)
        return np.asarray(np.maximum(X, self.slope * X))

    def forward(self, X: ArrayLike) -> Array:
        """X where positive, else slope X. Keeps where, a byte per unit."""
        X = as_float(X)
        self._positive = X > 0
        return self.apply(X)

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(G where X > 0, else slope G)."""
        positive = self._kept(self._positive)
        G = as_shape(self, "G", G, positive.shape)
        return (np.where(positive, G, self.slope * G),)

    def __repr__(self) -> str:
        return f"LeakyReLU({self.slope:g})"


class ReLU(LeakyReLU):
    """x where x > 0, else 0."""

    def __init__(self) -> None:
        super().__init__(0.0)

    def apply(self, X: ArrayLike) -> Array:
        """X where positive, else 0."""
        return np.asarray(np.maximum(as_float(X), 0))

    def __repr__(self) -> str:
        return "ReLU()"


class Tanh(Layer):
    """tanh x."""

    def __init__(self) -> None:
        self._O: Array | None = None

    def apply(self, X: ArrayLike) -> Array:
        """Hyperbolic tangents."""
        return np.tanh(as_float(X))

    def forward(self, X: ArrayLike) -> Array:
        """Hyperbolic tangents. Keeps a reference to them, which must not change before backward."""
        self._O = self.apply(X)
        return self._O

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(G (1 - O^2)) for the output O."""
        O = self._kept(self._O)  # noqa: E741
        with np.errstate(under="ignore"):
            return (as_shape(self, "G", G, O.shape) * (1 - O * O),)

    def __repr__(self) -> str:
        return "Tanh()"


class Dropout(Layer):
    """In training, zeros at random, and the rest scaled up to keep the mean; `apply` leaves X as it is.

    Srivastava et al., "Dropout", 2014, in the inverted form: inference costs nothing.

    Args:
        p: Probability of a zero, 0 to below 1.
        rng: Generator or seed of the zeros.
    """

    def __init__(self, p: float = 0.5, rng: Seed = None) -> None:
        if not 0 <= p < 1:
            raise ValueError(f"expected a probability of at least 0 and below 1, got {p}")
        self.p = float(p)
        self.rng = np.random.default_rng(rng)
        self._passing: NDArray[np.bool_] | None = None

    def apply(self, X: ArrayLike) -> Array:
        """X itself: for inference."""
        return as_float(X)

    def forward(self, X: ArrayLike) -> Array:
        """X / (1 - p), with zeros at random: for training. Keeps where it is not zero, a byte per unit."""
        X = as_float(X)
        self._passing = self.rng.random(X.shape) >= self.p
        return self._pass(X, self._passing)

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(G / (1 - p), with the same zeros)."""
        passing = self._kept(self._passing)
        return (self._pass(as_shape(self, "G", G, passing.shape), passing),)

    def _pass(self, X: Array, passing: NDArray[np.bool_]) -> Array:
        out = X * passing
        out /= 1 - self.p
        return out

    def __repr__(self) -> str:
        return f"Dropout({self.p:g})"
