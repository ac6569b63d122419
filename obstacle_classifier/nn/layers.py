# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The layers. Each computes its output, keeps the arrays that its backward needs, and returns its gradients.

For a layer with input X and output O, G is dL/dO; n is the number of examples in the batch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from obstacle_classifier.nn.activations import scaled_relu, sigmoid
from obstacle_classifier.nn.arrays import Array, as_matrix
from obstacle_classifier.nn.initializers import Seed, kaiming_normal
from obstacle_classifier.nn.optimizers import SGD

__all__ = ["Layer", "Linear", "OutputLayer", "ScaledReLU", "Sigmoid"]

Kept = TypeVar("Kept", bound=NDArray[Any])


class Layer(ABC):
    """One step of a network.

    `apply` and `forward` return the output. `forward` also keeps the arrays that `backward` needs, until the next
    `forward`. `backward` returns dL/dX, then dL/dp for each p of `parameters`.
    """

    @property
    def parameters(self) -> tuple[Array, ...]:
        """The arrays that training changes in place. They are not copies."""
        return ()

    @abstractmethod
    def apply(self, X: ArrayLike) -> Array:
        """The output for X. Keeps nothing."""

    @abstractmethod
    def forward(self, X: ArrayLike) -> Array:
        """The output for X. Keeps the arrays that backward needs."""

    @abstractmethod
    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(dL/dX, *parameter gradients) for the X of the last forward.

        Raises:
            RuntimeError: There was no forward.
        """

    def update_params_(self, *gradients: Array, lr: float) -> None:
        """Make one step of SGD, in place."""
        SGD(lr).step(self.parameters, gradients)

    def _kept(self, kept: Kept | None) -> Kept:
        if kept is None:
            raise RuntimeError(f"{self}: backward needs a forward before it")
        return kept


class Linear(Layer):
    """X W + b: (n, d) -> (n, h), in the dtype of W.

    Args:
        d: number of inputs.
        h: number of outputs.
        rng: generator or seed of the initial weights, N(0, 2/d); the initial b is 0.
        dtype: of W (d, h) and b (h,); inputs are converted to it.
    """

    def __init__(self, d: int, h: int, rng: Seed = None, dtype: DTypeLike = np.float64) -> None:
        self.W = kaiming_normal(d, h, rng, dtype)
        self.b: Array = np.zeros(h, dtype)
        self._X: Array | None = None

    @classmethod
    def of(cls, W: Array, b: Array) -> Linear:
        """A layer that uses the arrays W (d, h) and b (h,) themselves, not copies.

        Raises:
            ValueError: The shapes do not fit.
        """
        if W.ndim != 2 or b.shape != W.shape[1:]:
            raise ValueError(f"expected W (d, h) and b (h,), got shapes {W.shape} and {b.shape}")
        layer = cls.__new__(cls)
        layer.W, layer.b, layer._X = W, b, None
        return layer

    @property
    def parameters(self) -> tuple[Array, ...]:
        """(W, b)."""
        return self.W, self.b

    def apply(self, X: ArrayLike) -> Array:
        """X W + b."""
        out: Array = self._input(X) @ self.W
        out += self.b
        return out

    def forward(self, X: ArrayLike) -> Array:
        """X W + b. Keeps a reference to X, which must not change before backward."""
        self._X = self._input(X)
        return self.apply(self._X)

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(G W^T, X^T G, column sums of G)."""
        dW, db = self.parameter_gradients(G)
        return np.asarray(G, self.W.dtype) @ self.W.T, dW, db

    def parameter_gradients(self, G: ArrayLike) -> tuple[Array, Array]:
        """(X^T G, column sums of G): backward without dL/dX, for the first layer of a network."""
        X = self._kept(self._X)
        G = as_matrix(self, "G", G, (len(X), self.b.size), self.W.dtype)
        return X.T @ G, G.sum(axis=0)

    def _input(self, X: ArrayLike) -> Array:
        return as_matrix(self, "X", X, ("n", self.W.shape[0]), self.W.dtype)

    def __repr__(self) -> str:
        return f"Linear({self.W.shape[0]}, {self.W.shape[1]})"


class ScaledReLU(Layer):
    """2x where x > 1, else 0: (n, h) -> (n, h).

    It jumps from 0 to 2 at x = 1. The derivative there is taken as 0. Finite differences across 1 do not agree with it.
    """

    def __init__(self, h: int) -> None:
        self.h = h
        self._mask: NDArray[np.bool_] | None = None

    def apply(self, X: ArrayLike) -> Array:
        """2X where X > 1, else 0."""
        return scaled_relu(as_matrix(self, "X", X, ("n", self.h)))

    def forward(self, X: ArrayLike) -> Array:
        """2X where X > 1, else 0. Keeps the mask X > 1, one byte per unit."""
        out = self.apply(X)
        self._mask = out > 0
        return out

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(2G where X > 1, else 0)."""
        mask = self._kept(self._mask)
        dX = as_matrix(self, "G", G, (len(mask), self.h)) * mask
        dX *= 2
        return (dX,)

    def __repr__(self) -> str:
        return f"ScaledReLU({self.h})"


class OutputLayer(Layer):
    """A layer (n, c) -> (n, c) whose backward needs its output alone."""

    def __init__(self, c: int) -> None:
        self.c = c
        self._O: Array | None = None

    def forward(self, X: ArrayLike) -> Array:
        """The output. Keeps a reference to it, which must not change before backward."""
        self._O = self.apply(X)
        return self._O

    def _output_and(self, G: ArrayLike) -> tuple[Array, Array]:
        """The output of the last forward, and G of its shape."""
        O = self._kept(self._O)  # noqa: E741
        return O, as_matrix(self, "G", G, (len(O), self.c))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.c})"


class Sigmoid(OutputLayer):
    """1 / (1 + e^-x): (n, c) -> (n, c)."""

    def apply(self, X: ArrayLike) -> Array:
        """1 / (1 + e^-X)."""
        return sigmoid(as_matrix(self, "X", X, ("n", self.c)))

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(G O (1 - O)) for the output O."""
        O, G = self._output_and(G)  # noqa: E741
        with np.errstate(under="ignore"):
            return (G * O * (1 - O),)
