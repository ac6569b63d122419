# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Convolutions: every window of the input times the same weights, in one matrix product.

As everywhere in the field, the kernel is not flipped: it is a cross-correlation.
"""

from __future__ import annotations

import math
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from obstacle_classifier.nn.arrays import Array, as_shape
from obstacle_classifier.nn.initializers import Seed, kaiming_normal
from obstacle_classifier.nn.layers import Layer
from obstacle_classifier.nn.windows import Lengths, entry, per_axis, windows

__all__ = ["Conv1d", "Conv2d"]


class _Convolution(Layer):
    """(n, c, *space) -> (n, o, *places), over as many axes of space as the subclass has."""

    axes: ClassVar[int]

    def __init__(
        self,
        c: int,
        o: int,
        kernel: int | Lengths,
        stride: int | Lengths = 1,
        padding: int | Lengths = 0,
        rng: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.kernel = per_axis("kernel", kernel, self.axes)
        self.stride = per_axis("stride", stride, self.axes)
        self.padding = per_axis("padding", padding, self.axes, least=0)
        weights = kaiming_normal(c * math.prod(self.kernel), o, rng, dtype)
        self.W: Array = np.ascontiguousarray(weights.T).reshape(o, c, *self.kernel)
        self.b: Array = np.zeros(o, dtype)
        self._columns: Array | None = None
        self._padded: Lengths = ()

    @property
    def parameters(self) -> tuple[Array, ...]:
        """(W, b)."""
        return self.W, self.b

    def apply(self, X: ArrayLike) -> Array:
        """W times every window, plus b."""
        return self._product(self._unfold(self._pad(X)))

    def forward(self, X: ArrayLike) -> Array:
        """W times every window, plus b. Keeps the windows: the input times the kernel's size over the stride's."""
        X = self._pad(X)
        self._padded = X.shape
        self._columns = self._unfold(X)
        return self._product(self._columns)

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(dX, dW, db)."""
        columns = self._kept(self._columns)
        n, *places = columns.shape[: 1 + self.axes]
        o = self.b.size
        G = as_shape(self, "G", G, (n, o, *places), self.W.dtype)
        rows = np.moveaxis(G, 1, -1).reshape(-1, o)
        dW = (rows.T @ columns.reshape(len(rows), -1)).reshape(self.W.shape)
        parts = (rows @ self.W.reshape(o, -1)).reshape(*columns.shape[: 2 + self.axes], -1)
        dX = np.zeros(self._padded, self.W.dtype)
        for index, offset in enumerate(product(*map(range, self.kernel))):  # windows overlap: entry by entry
            dX[entry(offset, self.stride, places)] += np.moveaxis(parts[..., index], -1, 1)
        inside = [slice(p, length - p) for p, length in zip((0, 0, *self.padding), self._padded, strict=True)]
        return dX[tuple(inside)], dW, rows.sum(axis=0)

    def _pad(self, X: ArrayLike) -> Array:
        X = as_shape(self, "X", X, ("n", self.W.shape[1], *"hw"[-self.axes :]), self.W.dtype)
        if any(self.padding):
            X = np.pad(X, [(0, 0), (0, 0), *((p, p) for p in self.padding)])
        if any(length < size for length, size in zip(X.shape[2:], self.kernel, strict=True)):
            raise ValueError(f"{self} takes no X smaller than its kernel, got {X.shape} after padding")
        return X

    def _unfold(self, X: Array) -> Array:
        """Copies of the windows (n, *places, c, *kernel)."""
        return np.ascontiguousarray(np.moveaxis(windows(X, self.kernel, self.stride), 1, 1 + self.axes))

    def _product(self, columns: Array) -> Array:
        o = self.b.size
        rows = columns.reshape(-1, self.W.size // o) @ self.W.reshape(o, -1).T
        rows += self.b
        return np.moveaxis(rows.reshape(*columns.shape[: 1 + self.axes], o), -1, 1)

    def __repr__(self) -> str:
        o, c = self.W.shape[:2]
        return f"{type(self).__name__}({c}, {o}, kernel={self.kernel}, stride={self.stride}, padding={self.padding})"


class Conv1d(_Convolution):
    """Along a sequence: (n, c, w) -> (n, o, places). Arguments as in `Conv2d`."""

    axes = 1


class Conv2d(_Convolution):
    """Over images: (n, c, h, w) -> (n, o, rows, columns), in the dtype of W.

    There are (h + 2 padding - kernel) // stride + 1 rows, and as many columns of w.

    Args:
        c: Number of input channels.
        o: Number of output channels.
        kernel: Size of a window; a number stands for all axes, as with stride and padding.
        stride: From one window to the next.
        padding: Zeros before and after each axis.
        rng: Generator or seed of the initial weights, N(0, 2/(c * kernel size)); the initial b is 0.
        dtype: Of W (o, c, *kernel) and b (o,); inputs are converted to it.
    """

    axes = 2
