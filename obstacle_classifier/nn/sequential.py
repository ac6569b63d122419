# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Layers one after the other, as one layer."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from obstacle_classifier.nn.arrays import Array, as_float, as_shape
from obstacle_classifier.nn.layers import Layer

__all__ = ["Flatten", "Sequential"]


class Sequential(Layer):
    """Layers, the output of each the input of the next.

    Args:
        layers: In order.
    """

    def __init__(self, *layers: Layer) -> None:
        self.layers = layers

    @property
    def parameters(self) -> tuple[Array, ...]:
        """Those of all layers, in order."""
        return tuple(parameter for layer in self.layers for parameter in layer.parameters)

    def apply(self, X: ArrayLike) -> Array:
        """The last layer's output; nothing is kept."""
        for layer in self.layers:
            X = layer.apply(X)
        return as_float(X)

    def forward(self, X: ArrayLike) -> Array:
        """The last layer's output. Each layer keeps what its backward needs."""
        for layer in self.layers:
            X = layer.forward(X)
        return as_float(X)

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(dX, gradients in the order of `parameters`)."""
        gradients: list[Array] = []
        for layer in reversed(self.layers):
            G, *own = layer.backward(G)
            gradients[:0] = own
        return as_float(G), *gradients

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(str, self.layers))})"


class Flatten(Layer):
    """All but the first axis in one: (n, *lengths) -> (n, their product)."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] | None = None

    def apply(self, X: ArrayLike) -> Array:
        """Rows of all entries of an example."""
        X = as_float(X)
        return X.reshape(len(X), math.prod(X.shape[1:]))

    def forward(self, X: ArrayLike) -> Array:
        """Rows of all entries of an example. Keeps the shape."""
        self._shape = np.shape(X)
        return self.apply(X)

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(G in the shape of X)."""
        if self._shape is None:
            raise RuntimeError(f"{self}: backward needs a forward before it")
        G = as_shape(self, "G", G, (self._shape[0], math.prod(self._shape[1:])))
        return (G.reshape(self._shape),)

    def __repr__(self) -> str:
        return "Flatten()"
