# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""One label of several: the softmax, and the cross-entropy of its probabilities.

    L = -1/n * sum(Y log P),    P = softmax(Z),    dL/dZ = (P - Y)/n where each row of Y sums to 1

The loss comes from the logits Z, as in `losses`: log P is Z minus the logarithm of a sum, which no logit overflows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from obstacle_classifier.nn.arrays import Array, as_float, as_matrix
from obstacle_classifier.nn.layers import OutputLayer
from obstacle_classifier.nn.losses import pair

__all__ = ["Softmax", "cross_entropy", "grad_cross_entropy", "log_softmax", "softmax"]


def log_softmax(Z: ArrayLike) -> Array:
    """Logarithms of `softmax(Z)`, finite for all finite Z. Keeps float32 and float64."""
    Z = as_float(Z)
    Z = Z - Z.max(axis=-1, keepdims=True)
    with np.errstate(under="ignore"):
        return np.asarray(Z - np.log(np.exp(Z).sum(axis=-1, keepdims=True)))


def softmax(Z: ArrayLike) -> Array:
    """e^z over the sum of e^z along the last axis: positive numbers that sum to 1. Keeps float32 and float64."""
    Z = as_float(Z)
    with np.errstate(under="ignore"):
        e = np.exp(Z - Z.max(axis=-1, keepdims=True))
        return np.asarray(e / e.sum(axis=-1, keepdims=True))


def cross_entropy(Y: ArrayLike, Z: ArrayLike) -> float:
    """L from probabilities Y, whose rows sum to 1, and finite logits Z, both (n, c)."""
    Y, Z = pair(Y, Z)
    return -float(np.sum(Y * log_softmax(Z), dtype=np.float64)) / len(Y)


def grad_cross_entropy(Y: ArrayLike, Z: ArrayLike) -> Array:
    """dL/dZ (n, c) from probabilities Y, whose rows sum to 1, and logits Z, both (n, c): (softmax(Z) - Y)/n."""
    Y, Z = pair(Y, Z)
    return np.asarray((softmax(Z) - Y) / len(Y))


class Softmax(OutputLayer):
    """Probabilities that sum to 1 in each row: (n, c) -> (n, c)."""

    def apply(self, X: ArrayLike) -> Array:
        """Softmax of each row."""
        return softmax(as_matrix(self, "X", X, ("n", self.c)))

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(O (G - sum of G O over the row)) for the output O."""
        O, G = self._output_and(G)  # noqa: E741
        with np.errstate(under="ignore"):
            return (O * (G - np.sum(G * O, axis=1, keepdims=True)),)
