# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Pooling: the largest entry or the mean of every window, channel by channel."""

from __future__ import annotations

import math
from abc import abstractmethod
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from obstacle_classifier.nn.arrays import Array, as_shape
from obstacle_classifier.nn.layers import Layer
from obstacle_classifier.nn.windows import Lengths, entry, per_axis, windows

__all__ = ["AvgPool1d", "AvgPool2d", "MaxPool1d", "MaxPool2d"]


class _Pool(Layer):
    """(n, c, *space) -> (n, c, *places), with (length - size) // stride + 1 places along each axis.

    Args:
        size: Of a window; a number stands for all axes, as with the stride.
        stride: From one window to the next, by default the size.
    """

    axes: ClassVar[int]

    def __init__(self, size: int | Lengths, stride: int | Lengths | None = None) -> None:
        self.size = per_axis("size", size, self.axes)
        self.stride = self.size if stride is None else per_axis("stride", stride, self.axes)
        self._shape: Lengths = ()

    def _windows(self, X: ArrayLike) -> tuple[Lengths, Array]:
        """The shape of X and its windows (n, c, *places, entries), copied."""
        X = as_shape(self, "X", X, ("n", "c", *"hw"[-self.axes :]))
        if any(length < size for length, size in zip(X.shape[2:], self.size, strict=True)):
            raise ValueError(f"{self} takes no X smaller than its window, got {X.shape}")
        view = windows(X, self.size, self.stride)
        return X.shape, view.reshape(*view.shape[: 2 + self.axes], -1)

    def _spread(self, G: Array) -> Array:
        """dX: the sum over the windows that an entry is in, of what `_part` gives it."""
        dX = np.zeros(self._shape, G.dtype)
        for index, offset in enumerate(product(*map(range, self.size))):
            dX[entry(offset, self.stride, G.shape[2:])] += self._part(G, index)
        return dX

    @abstractmethod
    def _part(self, G: Array, index: int) -> Array:
        """The gradient of the entry at this index of every window."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.size}, {self.stride})"


class _MaxPool(_Pool):
    def __init__(self, size: int | Lengths, stride: int | Lengths | None = None) -> None:
        super().__init__(size, stride)
        self._largest: NDArray[np.integer] | None = None

    def apply(self, X: ArrayLike) -> Array:
        """The largest entry of every window; NaN where there is one."""
        return np.asarray(self._windows(X)[1].max(axis=-1))

    def forward(self, X: ArrayLike) -> Array:
        """The largest entry of every window. Keeps its index, in as few bytes as hold it."""
        self._shape, entries = self._windows(X)
        largest = entries.argmax(axis=-1)
        self._largest = largest.astype(np.min_scalar_type(math.prod(self.size) - 1))
        return np.take_along_axis(entries, largest[..., None], axis=-1)[..., 0]

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(G at the largest entry of each window; of equal ones the first)."""
        return (self._spread(as_shape(self, "G", G, self._kept(self._largest).shape)),)

    def _part(self, G: Array, index: int) -> Array:
        return G * (self._largest == index)


class _AvgPool(_Pool):
    def __init__(self, size: int | Lengths, stride: int | Lengths | None = None) -> None:
        super().__init__(size, stride)
        self._places: Lengths | None = None

    def apply(self, X: ArrayLike) -> Array:
        """The mean of every window."""
        return np.asarray(self._windows(X)[1].mean(axis=-1))

    def forward(self, X: ArrayLike) -> Array:
        """The mean of every window. Keeps no array."""
        self._shape, entries = self._windows(X)
        self._places = entries.shape[:-1]
        return np.asarray(entries.mean(axis=-1))

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        """(G / entries, for every entry of each window)."""
        if self._places is None:
            raise RuntimeError(f"{self}: backward needs a forward before it")
        return (self._spread(as_shape(self, "G", G, self._places)),)

    def _part(self, G: Array, index: int) -> Array:
        del index
        return G / math.prod(self.size)


class MaxPool1d(_MaxPool):
    """The largest entry of every window, (n, c, w) -> (n, c, places)."""

    axes = 1


class MaxPool2d(_MaxPool):
    """The largest entry of every window, (n, c, h, w) -> (n, c, rows, columns)."""

    axes = 2


class AvgPool1d(_AvgPool):
    """The mean of every window, (n, c, w) -> (n, c, places)."""

    axes = 1


class AvgPool2d(_AvgPool):
    """The mean of every window, (n, c, h, w) -> (n, c, rows, columns)."""

    axes = 2
