# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Several multilayer perceptrons of one shape, computed together: each product is one call for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from obstacle_classifier.nn.activations import scaled_relu
from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.initializers import Seed, from_data, kaiming_normal
from obstacle_classifier.nn.losses import grad_log_loss_from_logits, log_loss_from_logits

__all__ = ["StackedMLP"]

LAST_WEIGHTS = 0.3
"""Factor of the last layer's weights in `start_from_data`: the first logits are small, no label is ruled out."""


class StackedMLP:
    """k networks Linear -> ScaledReLU -> Linear -> ScaledReLU -> Linear with logits (k, n, c).

    Member m computes what an `MLP` with the weights W0[m], b0[m], ... computes. X may be one (n, d) for all members or
    (k, n, d) with rows of their own.

    Args:
        k: Number of members.
        d: Number of inputs.
        h: Width of both hidden layers.
        c: Number of labels.
        rng: Generator or seed of the first weights, drawn member by member and layer by layer.
        dtype: Of the parameters and all results.

    Attributes:
        W: Weights (k, i, o) of each Linear.
        b: Biases (k, o) of each Linear.
    """

    def __init__(self, k: int, d: int, h: int, c: int, rng: Seed = None, dtype: DTypeLike = np.float64) -> None:
        rng = np.random.default_rng(rng)
        shapes = list(pairwise((d, h, h, c)))
        members = [[kaiming_normal(i, o, rng, dtype) for i, o in shapes] for _ in range(k)]
        self.W: list[Array] = [np.stack(layer) for layer in zip(*members, strict=True)]
        self.b: list[Array] = [np.zeros((k, o), dtype) for _, o in shapes]
        self._set_up()

    @classmethod
    def of(cls, W: Sequence[Array], b: Sequence[Array]) -> StackedMLP:
        """The members with these three weights (k, i, o) and biases (k, o); the arrays become the network's own.

        Raises:
            ValueError: The shapes do not chain.
        """
        found = [(array.shape, bias.shape) for array, bias in zip(W, b, strict=True)]
        k = W[0].shape[0]
        widths = [array.shape[1] for array in W] + [W[-1].shape[2]]
        if len(W) != 3 or found != [((k, i, o), (k, o)) for i, o in pairwise(widths)]:
            raise ValueError(f"expected three weights (k, i, o) and biases (k, o) that chain, got {found}")
        stack = cls.__new__(cls)
        stack.W, stack.b = list(W), list(b)
        stack._set_up()
        return stack

    def _set_up(self) -> None:
        self.shape = (*self.W[0].shape, self.W[-1].shape[2])
        self._work: _Work | None = None

    def subset(self, members: slice) -> StackedMLP:
        """Some of the members, with the same arrays: training one changes the other."""
        return StackedMLP.of([W[members] for W in self.W], [b[members] for b in self.b])

    @property
    def parameters(self) -> tuple[Array, ...]:
        """(W0, b0, W1, b1, W2, b2), live: writing to them changes the network."""
        return tuple(array for pair in zip(self.W, self.b, strict=True) for array in pair)

    def start_from_data(self, X: Array) -> None:
        """Fit the drawn weights to the training rows X (n, d): `from_data` layer by layer, the last layer made small.

        As drawn, with biases 0, most units are off and jump somewhere at the edge of the data. After this every unit
        divides the data in two.
        """
        for W, b in zip(self.W[:-1], self.b[:-1], strict=True):
            from_data(W, b, X)
            X = scaled_relu(np.matmul(X, W) + b[:, None, :])
        self.W[-1] *= LAST_WEIGHTS

    def logits(self, X: ArrayLike) -> Array:
        """Logits (k, n, c) of X. For inference: nothing is kept."""
        A = self._inputs(X)
        for W, b in zip(self.W[:-1], self.b[:-1], strict=True):
            A = scaled_relu(np.matmul(A, W) + b[:, None, :])
        return np.asarray(np.matmul(A, self.W[-1]) + self.b[-1][:, None, :])

    def activity(self, X: ArrayLike) -> tuple[Array, ...]:
        """For each hidden layer, the share (k, h) of the n rows in which a unit fires."""
        A = self._inputs(X)
        shares = []
        for W, b in zip(self.W[:-1], self.b[:-1], strict=True):
            A = scaled_relu(np.matmul(A, W) + b[:, None, :])
            shares.append(np.asarray((A > 0).mean(axis=1)))
        return tuple(shares)

    def nearest_jump(self, X: ArrayLike) -> Array:
        """For each of the n rows, the least |z - 1| over the hidden units of all members: (n,)."""
        A = self._inputs(X)
        distances = []
        for W, b in zip(self.W[:-1], self.b[:-1], strict=True):
            Z = np.matmul(A, W) + b[:, None, :]
            distances.append(np.abs(Z - 1).min(axis=(0, 2)))
            A = scaled_relu(Z)
        return np.asarray(np.minimum(*distances))

    def loss_and_gradients(
        self,
        X: ArrayLike,
        Y: ArrayLike,
        dropout: Sequence[Array] | Array | None = None,
        label_weights: Array | None = None,
    ) -> tuple[float, tuple[Array, ...]]:
        """The mean of the members' exact losses, and its gradients.

        It is the mean of the losses, not the loss of the mean: members that learn only what the others lack
        would not average their errors (Gorishniy et al., "TabM", 2025).

        Args:
            X: (n, d), or (k, n, d).
            Y: (n, c), or (k, n, c), from 0 to 1.
            dropout: Factors (k, n, h) of the outputs of each hidden layer, 0 for a dropped unit and else the reciprocal
                of the share that is kept (Srivastava et al., "Dropout", 2014). None drops nothing.
            label_weights: (c,) factors of the labels' losses. None: 1.

        Returns:
            The loss, and one gradient for each of `parameters`, in buffers that the next call overwrites.
        """
        X = self._inputs(X)
        k, _, _, c = self.shape
        n = X.shape[-2]
        Y = np.broadcast_to(np.asarray(Y, X.dtype), (k, n, c))
        work = self._buffers(n)
        W0, W1, W2 = self.W
        dW0, db0, dW1, db1, dW2, db2 = work.gradients

        # Forward. gate is dA/dZ, for ScaledReLU 2 or 0, times the dropout factor; A = Z * gate.
        A0 = _linear(X, W0, self.b[0], work.A0)
        A0 *= _gate(A0, None if dropout is None else dropout[0], work.gate0)
        A1 = _linear(A0, W1, self.b[1], work.A1)
        A1 *= _gate(A1, None if dropout is None else dropout[1], work.gate1)
        Z = _linear(A1, W2, self.b[2], work.Z)

        # Over the k n examples as one batch, the losses' mean over the members is the mean over the examples.
        examples = Y.reshape(k * n, c), Z.reshape(k * n, c)
        loss = log_loss_from_logits(*examples, label_weights)
        G = grad_log_loss_from_logits(*examples, label_weights).reshape(k, n, c)

        # Backward, as `Linear` and `ScaledReLU` do. The inputs need no gradient.
        _parameter_gradients(A1, G, dW2, db2)
        G1 = np.matmul(G, _transposed(W2), out=work.G)
        G1 *= work.gate1
        _parameter_gradients(A0, G1, dW1, db1)
        G0 = np.matmul(G1, _transposed(W1), out=work.A1)  # A1 has served
        G0 *= work.gate0
        _parameter_gradients(X, G0, dW0, db0)
        return loss, work.gradients

    def _inputs(self, X: ArrayLike) -> Array:
        k, d, _, _ = self.shape
        X = np.asarray(X, self.W[0].dtype)
        if X.ndim not in (2, 3) or X.shape[-1] != d or (X.ndim == 3 and X.shape[0] != k):
            raise ValueError(f"{self} takes X of shape (n, {d}) or ({k}, n, {d}), got {X.shape}")
        return X

    def _buffers(self, n: int) -> _Work:
        if self._work is None or self._work.A0.shape[1] != n:
            self._work = _Work(self, n)
        return self._work

    def __repr__(self) -> str:
        return "StackedMLP({}, {}, {}, {})".format(*self.shape)


class _Work:
    """Buffers of `loss_and_gradients` for batches of n: allocating them at every step would cost as much as a layer."""

    def __init__(self, stack: StackedMLP, n: int) -> None:
        (k, _, h, c), dtype = stack.shape, stack.W[0].dtype
        self.gradients: tuple[Array, ...] = tuple(np.empty_like(parameter) for parameter in stack.parameters)
        self.A0, self.gate0, self.A1, self.gate1, self.G = (np.empty((k, n, h), dtype) for _ in range(5))
        self.Z = np.empty((k, n, c), dtype)


def _linear(X: Array, W: Array, b: Array, out: Array) -> Array:
    np.matmul(X, W, out=out)
    out += b[:, None, :]
    return out


def _gate(Z: Array, dropout: Array | None, out: Array) -> Array:
    """ScaledReLU's derivative at Z, times the dropout factors."""
    np.greater(Z, 1, out=out, casting="unsafe")
    out *= 2
    if dropout is not None:
        out *= dropout
    return out


def _parameter_gradients(X: Array, G: Array, dW: Array, db: Array) -> None:
    np.matmul(_transposed(X), G, out=dW)
    np.sum(G, axis=1, out=db)


def _transposed(array: Array) -> Array:
    return array.swapaxes(-1, -2)
