# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Operations of the tape of `autodiff`, each with its forward and its backward side by side.

In a backward, G is dL/dO for the value F, and A is the operand's value. ReLU, its relatives and `maximum` have points
without a derivative; there the derivative of one side is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from obstacle_classifier.nn.autodiff import Floats, Operation, Register, gather

__all__ = [
    "concatenate",
    "cross_entropy",
    "exp",
    "leaky_relu",
    "log",
    "maximum",
    "mean",
    "relu",
    "reshape",
    "scaled_relu",
    "sigmoid",
    "softmax",
    "sum_",
    "tanh",
    "transpose",
    "windows",
]

Axis = int | tuple[int, ...] | None


# --- entry by entry

relu = Operation(
    "relu",
    forward=lambda A: np.where(A > 0, A, 0.0),
    backward=lambda G, F, A: (np.where(A > 0, G, 0.0),),
)
scaled_relu = Operation(  # 2x where x > 1, else 0
    "scaled_relu",
    forward=lambda A: np.where(A > 1, 2 * A, 0.0),
    backward=lambda G, F, A: (np.where(A > 1, 2 * G, 0.0),),
)
sigmoid = Operation(
    "sigmoid",
    forward=lambda A: (1 + np.tanh(A / 2)) / 2,
    backward=lambda G, F, A: (G * F * (1 - F),),
)
tanh = Operation(
    "tanh",
    forward=np.tanh,
    backward=lambda G, F, A: (G * (1 - F * F),),
)
exp = Operation(
    "exp",
    forward=np.exp,
    backward=lambda G, F, A: (G * F,),
)
log = Operation(
    "log",
    forward=np.log,
    backward=lambda G, F, A: (G / A,),
)
_LEAKY_RELU = Operation(
    "leaky_relu",
    forward=lambda A, slope: np.where(A > 0, A, slope * A),
    backward=lambda G, F, A, slope: (np.where(A > 0, G, slope * G),),
)


def leaky_relu(x: Register, slope: float = 0.01) -> Register:
    """The entries themselves where positive, else times the slope."""
    return _LEAKY_RELU(x, slope=slope)


# --- over axes

_SUM = Operation(
    "sum",
    forward=lambda A, axis: A.sum(axis=axis),
    backward=lambda G, F, A, axis: (np.broadcast_to(_keep(G, A, axis), A.shape),),
)
_MEAN = Operation(
    "mean",
    forward=lambda A, axis: A.mean(axis=axis),
    backward=lambda G, F, A, axis: (np.broadcast_to(_keep(G, A, axis), A.shape) * (F.size / A.size),),
)
_MAXIMUM = Operation(
    "maximum",
    forward=lambda A: A.max(axis=-1),
    backward=lambda G, F, A: (G[..., None] * (np.arange(A.shape[-1]) == A.argmax(axis=-1)[..., None]),),
)


def sum_(x: Register, axis: Axis = None) -> Register:
    """Sum over all entries, or over some axes."""
    return _SUM(x, axis=axis)


def mean(x: Register, axis: Axis = None) -> Register:
    """Mean over all entries, or over some axes."""
    return _MEAN(x, axis=axis)


def maximum(x: Register) -> Register:
    """The largest entries along the last axis; of equal ones the first gets the gradient."""
    return _MAXIMUM(x)


def _keep(G: Floats, A: Floats, axis: Axis) -> Floats:
    """G with the summed axes of A back, of length 1."""
    return np.expand_dims(G, tuple(range(A.ndim)) if axis is None else axis)


# --- probabilities over the last axis

softmax = Operation(
    "softmax",
    forward=lambda A: np.exp(_log_softmax(A)),
    backward=lambda G, F, A: (F * (G - (G * F).sum(axis=-1, keepdims=True)),),
)
cross_entropy = Operation(  # of logits (n, c) and targets (n, c): the mean over examples, a scalar
    "cross_entropy",
    forward=lambda Z, Y: -(Y * _log_softmax(Z)).sum() / len(Z),
    backward=lambda G, F, Z, Y: (
        G * (np.exp(_log_softmax(Z)) * Y.sum(axis=-1, keepdims=True) - Y) / len(Z),
        -G * _log_softmax(Z) / len(Z),
    ),
)


def _log_softmax(A: Floats) -> Floats:
    A = A - A.max(axis=-1, keepdims=True)
    return np.asarray(A - np.log(np.exp(A).sum(axis=-1, keepdims=True)))


# --- entries moved

_CONCATENATE = Operation(
    "concatenate",
    forward=lambda *arrays, axis: np.concatenate(arrays, axis),
    backward=lambda G, F, *arrays, axis: np.split(G, np.cumsum([A.shape[axis] for A in arrays[:-1]]), axis),
)
_RESHAPE = Operation(
    "reshape",
    forward=lambda A, shape: A.reshape(shape),
    backward=lambda G, F, A, shape: (G.reshape(A.shape),),
)
_TRANSPOSE = Operation(
    "transpose",
    forward=lambda A, axes: A.transpose(axes),
    backward=lambda G, F, A, axes: (G.transpose(np.argsort(axes)),),
)


def concatenate(registers: Sequence[Register], axis: int = -1) -> Register:
    """Registers one after the other along an axis."""
    return _CONCATENATE(*registers, axis=axis)


def reshape(x: Register, shape: tuple[int, ...]) -> Register:
    """The entries in another shape, of which one length may be -1."""
    return _RESHAPE(x, shape=shape)


def transpose(x: Register, axes: tuple[int, ...]) -> Register:
    """The axes in another order."""
    return _TRANSPOSE(x, axes=axes)


def windows(x: Register, size: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...] = ()) -> Register:
    """The windows that a convolution or a pooling sees.

    Args:
        x: (n, c, *space).
        size: Of a window, for each axis of space.
        stride: From one window to the next.
        padding: Zeros before and after each axis of space.

    Returns:
        (n, c, *places, *size).
    """
    if any(padding):
        for axis, width in enumerate(padding, 2):
            x = _PAD(x, axis=axis, width=width)
    steps = (slice(None), slice(None), *(slice(None, None, s) for s in stride))

    def index(counted: NDArray[np.intp]) -> NDArray[np.intp]:
        return sliding_window_view(counted, size, tuple(range(2, counted.ndim)))[steps]

    return gather(x, index)


_PAD = Operation(
    "pad",
    forward=lambda A, axis, width: np.pad(A, [(width, width) if i == axis else (0, 0) for i in range(A.ndim)]),
    backward=lambda G, F, A, axis, width: (np.take(G, np.arange(width, width + A.shape[axis]), axis),),
)
