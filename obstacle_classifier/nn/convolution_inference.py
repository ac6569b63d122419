# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Convolutions over one sequence, as the robot runs them: float32, no allocation, the same bits every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.convolution import Conv1d
from obstacle_classifier.nn.elementwise import ReLU
from obstacle_classifier.nn.inference import aligned, aligned_copy
from obstacle_classifier.nn.layers import Layer
from obstacle_classifier.nn.pooling import MaxPool1d
from obstacle_classifier.nn.windows import windows

__all__ = ["CompiledConv1d"]

Float32Array = NDArray[np.float32]
Stage = tuple[Callable[[], object], Float32Array]  # how to fill the output from the input, and the output (c, w)

# NumPy takes longer to convert a Python number than to work through a layer.
_ZERO = np.float32(0)


class CompiledConv1d:
    """Conv1d, ReLU and MaxPool1d in any order, in float32 for a batch of one.

    The result equals that of the layers up to rounding. Every call and every instance give the same bits. Use one
    instance per thread.

    Args:
        layers: In order; their parameters are copied.
        shape: (c, w) of the input.

    Raises:
        ValueError: A layer is of another kind, or does not fit the shape.
    """

    def __init__(self, layers: Sequence[Layer], shape: tuple[int, int]) -> None:
        self._x = out = aligned(shape)
        self._steps = []
        for layer in layers:
            layer.apply(out[None])  # refuses a shape that does not fit
            step, out = _stage(layer, out)
            self._steps.append(step)
        self._out = out

    def apply(self, x: Array) -> Float32Array:
        """Output (c, places) of the input x (c, w), in a buffer that the next call overwrites.

        Raises:
            ValueError: x does not have the shape that the layers were compiled for.
        """
        if x.shape != self._x.shape:
            raise ValueError(f"expected x of shape {self._x.shape}, got {x.shape}")
        np.copyto(self._x, x, casting="same_kind")
        for step in self._steps:
            step()
        return self._out


def _stage(layer: Layer, x: Float32Array) -> Stage:
    if isinstance(layer, Conv1d):
        return _convolve(layer, x)
    if isinstance(layer, MaxPool1d):
        return _pool(layer, x)
    if isinstance(layer, ReLU):
        return (lambda: np.maximum(x, _ZERO, out=x)), x  # in place
    raise ValueError(f"expected Conv1d, ReLU or MaxPool1d, got {layer}")


def _convolve(layer: Conv1d, x: Float32Array) -> Stage:
    (padding,), o = layer.padding, layer.b.size
    padded = aligned((x.shape[0], x.shape[1] + 2 * padding))
    inside = padded[:, padding : padding + x.shape[1]]
    view = windows(padded[None], layer.kernel, layer.stride)[0].swapaxes(1, 2)  # (c, kernel, places)
    columns = aligned(view.shape)
    rows = columns.reshape(-1, view.shape[2])
    W, b, out = aligned_copy(layer.W.reshape(o, -1)), aligned_copy(layer.b[:, None]), aligned((o, view.shape[2]))

    def step() -> None:
        np.copyto(inside, x)
        np.copyto(columns, view)
        np.dot(W, rows, out=out)
        np.add(out, b, out=out)

    return step, out


def _pool(layer: MaxPool1d, x: Float32Array) -> Stage:
    """The maximum of `size` strided views, which is several times faster than a reduction over short windows."""
    view = windows(x[None], layer.size, layer.stride)[0]
    entries = [view[:, :, index] for index in range(layer.size[0])]
    out = aligned(entries[0].shape)

    def step() -> None:
        np.copyto(out, entries[0])
        for entry in entries[1:]:
            np.maximum(out, entry, out=out)

    return step, out
