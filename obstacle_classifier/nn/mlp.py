# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The multilayer perceptron with two hidden layers and one probability per label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from obstacle_classifier.nn.activations import scaled_relu
from obstacle_classifier.nn.arrays import Array, as_matrix, copy_into
from obstacle_classifier.nn.initializers import Seed
from obstacle_classifier.nn.layers import Layer, Linear, ScaledReLU, Sigmoid
from obstacle_classifier.nn.losses import get_grad_log_loss, grad_log_loss_from_logits, log_loss_from_logits

__all__ = ["MLP", "backpropagate"]


class MLP:
    """R^d -> Linear -> ScaledReLU -> R^h -> Linear -> ScaledReLU -> R^h -> Linear -> R^c logits -> Sigmoid -> R^c.

    Args:
        d: number of features.
        h: width of both hidden layers.
        c: number of labels.
        rng: generator or seed of the initial weights, which are drawn layer by layer.
        dtype: dtype of the parameters and of all results.
    """

    def __init__(self, d: int, h: int, c: int, rng: Seed = None, dtype: DTypeLike = np.float64) -> None:
        rng = np.random.default_rng(rng)
        self.shape = d, h, c
        self.linears = Linear(d, h, rng, dtype), Linear(h, h, rng, dtype), Linear(h, c, rng, dtype)
        first, second, third = self.linears
        self.layers: list[Layer] = [first, ScaledReLU(h), second, ScaledReLU(h), third, Sigmoid(c)]

    def forward(self, X: ArrayLike) -> Array:
        """Probabilities (n, c) of X (n, d). Keeps the arrays that backward needs."""
        for layer in self.layers:
            X = layer.forward(X)
        return np.asarray(X)

    def logits(self, X: ArrayLike) -> Array:
        """Logits (n, c) of X (n, d), for inference. Keeps nothing; arrays kept by an earlier `forward` stay."""
        for layer in self.layers[:-1]:
            X = layer.apply(X)
        return np.asarray(X)

    def nearest_jump(self, X: ArrayLike) -> Array:
        """For each row of X (n, d), the smallest |z - 1| of all hidden units: (n,).

        ScaledReLU jumps at z = 1. Where this distance is small, rounding alone may flip a unit and move a probability
        by 0.3.
        """
        distances = []
        for linear in self.linears[:-1]:
            Z = linear.apply(X)
            distances.append(np.abs(Z - 1).min(axis=1))
            X = scaled_relu(Z)
        return np.asarray(np.minimum(*distances))

    def loss_and_gradients(self, X: ArrayLike, Y: ArrayLike) -> tuple[float, list[Array]]:
        """The exact loss of a batch X (n, d), Y (n, c), and one gradient for each of `parameters`."""
        return backpropagate(self.layers[:-1], X, Y)

    def single_step_sgd(self, X: ArrayLike, Y: ArrayLike, lr: float = 0.1) -> None:
        """Make one step of SGD on the batch X (n, d), Y (n, c), by the composed formulas with eps."""
        grad = get_grad_log_loss(Y, self.forward(X))
        for layer in self.layers[::-1]:
            grad, *param_grads = layer.backward(grad)
            layer.update_params_(*param_grads, lr=lr)

    def sgd(
        self, X_train: ArrayLike, Y_train: ArrayLike, *, epochs: int = 10, batch_size: int = 100, lr: float = 0.1
    ) -> None:
        """Train by the reference recipe: X_train (n, d), Y_train (n, c) in batches in order; the last may be short."""
        d, _, c = self.shape
        X_train = as_matrix(self, "X", X_train, ("n", d))
        Y_train = as_matrix(self, "Y", Y_train, (len(X_train), c))
        for _ in range(epochs):
            for start in range(0, len(X_train), batch_size):
                batch = slice(start, start + batch_size)
                self.single_step_sgd(X_train[batch], Y_train[batch], lr)

    @property
    def parameters(self) -> tuple[Array, ...]:
        """(W0, b0, W1, b1, W2, b2). They are not copies: a change of an array changes the network."""
        return tuple(parameter for layer in self.layers for parameter in layer.parameters)

    def copy_parameters(self) -> list[Array]:
        """Copies of `parameters`, for `set_parameters` to restore."""
        return [parameter.copy() for parameter in self.parameters]

    def set_parameters(self, values: Sequence[ArrayLike]) -> None:
        """Copy values into `parameters`. If a shape differs, no parameter changes.

        Raises:
            ValueError: A shape differs. The message has both lists of shapes.
        """
        copy_into(self.parameters, values)

    def __repr__(self) -> str:
        return "MLP({}, {}, {})".format(*self.shape)


def backpropagate(layers: Sequence[Layer], X: ArrayLike, Y: ArrayLike) -> tuple[float, list[Array]]:
    """The exact log loss of a batch X (n, d), Y (n, c), and its gradients in the order of the layers' parameters.

    Backward starts at the logits with (P - Y)/n, which does not vanish in saturation. It leaves out the first layer's
    dL/dX, which has no use. No parameter is updated.

    Args:
        layers: From the features to the logits; the first is a Linear.
        X: The features.
        Y: The labels.
    """
    first = layers[0]
    if not isinstance(first, Linear):
        raise TypeError(f"expected a Linear as first layer, got {first}")
    for layer in layers:
        X = layer.forward(X)
    G = grad_log_loss_from_logits(Y, X)
    gradients: list[Array] = []
    for layer in layers[:0:-1]:
        G, *own = layer.backward(G)
        gradients[:0] = own
    return log_loss_from_logits(Y, X), [*first.parameter_gradients(G), *gradients]
