# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Training in less memory: keep the input of every k-th layer, and compute the rest again in backward.

Chen, Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost", 2016. With L layers, L/k inputs are kept,
and backward holds what k layers keep, one segment after the other: least for k near the root of L. The price is at most
one more forward.
"""

from __future__ import annotations

import copy

from numpy.typing import ArrayLike

from obstacle_classifier.nn.arrays import Array, as_float
from obstacle_classifier.nn.elementwise import Dropout
from obstacle_classifier.nn.layers import Layer
from obstacle_classifier.nn.sequential import Sequential

__all__ = ["Checkpointed"]


class Checkpointed(Sequential):
    """`Sequential` with the same outputs and gradients, bit for bit, that keeps less from forward to backward.

    The last segment, with which backward begins, is not computed again.

    Args:
        layers: In order; none of them a Sequential.
        every: Length of a segment: the input of every such layer is kept.
    """

    def __init__(self, *layers: Layer, every: int) -> None:
        super().__init__(*layers)
        if every < 1:
            raise ValueError(f"expected segments of at least 1 layer, got {every}")
        if any(isinstance(layer, Sequential) for layer in layers):
            raise ValueError(f"expected no Sequential among the layers, got {', '.join(map(str, layers))}")
        self.every = every
        self._segments: list[tuple[Array, list[Layer]]] = []

    def forward(self, X: ArrayLike) -> Array:
        """The last layer's output. Keeps the input of every segment, and what the layers of the last one keep."""
        X = as_float(X)
        self._segments = []
        for start in range(0, len(self.layers), self.every):
            layers = self.layers[start : start + self.every]
            again = [_before_forward(layer) for layer in layers]
            now = [copy.copy(layer) for layer in layers]  # what these keep goes away with them
            is_last = start + self.every >= len(self.layers)
            self._segments.append((X, now if is_last else again))
            X = _forward(now, X)
        return X

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(dX, gradients in the order of `parameters`), once after each forward: segments are let go on the way."""
        if not self._segments:
            raise RuntimeError(f"{self}: backward needs a forward before it")
        gradients: list[Array] = []
        is_last = True
        while self._segments:
            X, layers = self._segments.pop()
            if not is_last:
                _forward(layers, X)
            is_last = False
            for layer in reversed(layers):
                G, *own = layer.backward(G)
                gradients[:0] = own
        return as_float(G), *gradients

    def __repr__(self) -> str:
        return f"Checkpointed({', '.join(map(str, self.layers))}, every={self.every})"


def _forward(layers: list[Layer], X: Array) -> Array:
    for layer in layers:
        X = layer.forward(X)
    return X


def _before_forward(layer: Layer) -> Layer:
    """A layer with the same parameters that will repeat the next forward, zeros at random included."""
    again = copy.copy(layer)
    if isinstance(again, Dropout):
        again.rng = copy.deepcopy(again.rng)
    return again
