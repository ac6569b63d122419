# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Layers of the library, written once more as expressions of the tape: the oracle of their backwards."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from obstacle_classifier.nn import Layer
from obstacle_classifier.nn import operations as op
from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.autodiff import Floats, Register, Tape

__all__ = ["conv", "lstm", "on_tape", "pool"]

Lengths = tuple[int, ...]


def on_tape(expression: Callable[..., Register], X: Array, layer: Layer, G: Array) -> tuple[Floats, list[Floats]]:
    """The value of expression(x, *parameters), and the gradients of X and the parameters."""
    tape = Tape()
    x = tape.input("X")
    out = expression(x, *(tape.parameter(str(i), parameter) for i, parameter in enumerate(layer.parameters)))
    tape.forward({"X": X})
    return out.value, list(tape.backward(out, G).values())


def lstm(x: Register, W: Register, U: Register, b: Register, t: int, h: int, n: int) -> Register:
    """All outputs (n, t, h), from an empty memory."""
    outputs: list[Register] = []
    last = cell = x.tape.register(np.zeros((n, h)))
    for step in range(t):
        z = x[:, step] @ W + last @ U + b
        i, f, o = (op.sigmoid(z[:, k * h : (k + 1) * h]) for k in range(3))
        cell = f * cell + i * op.tanh(z[:, 3 * h :])
        last = o * op.tanh(cell)
        outputs.append(op.reshape(last, (n, 1, h)))
    return op.concatenate(outputs, 1)


def conv(
    x: Register, W: Register, b: Register, shape: Lengths, kernels: Lengths, stride: Lengths, padding: Lengths
) -> Register:
    """Every window of x, of this shape, times W, of the shape `kernels` (o, c, *kernel), plus b."""
    o, c, *kernel = kernels
    axes = len(kernel)
    places = _places(shape[2:], kernel, stride, padding)
    columns = op.windows(x, tuple(kernel), stride, padding)  # (n, c, *places, *kernel)
    columns = op.transpose(columns, (0, *range(2, 2 + axes), 1, *range(2 + axes, 2 + 2 * axes)))
    columns = op.reshape(columns, (-1, c * math.prod(kernel)))
    rows = columns @ op.transpose(op.reshape(W, (o, -1)), (1, 0)) + b
    return op.transpose(op.reshape(rows, (-1, *places, o)), (0, 1 + axes, *range(1, 1 + axes)))


def pool(x: Register, kind: Callable[[Register], Register], shape: Lengths, size: Lengths, stride: Lengths) -> Register:
    """`kind`, which works over the last axis, of every window of x, of this shape."""
    places = _places(shape[2:], size, stride, (0,) * len(size))
    return kind(op.reshape(op.windows(x, size, stride), (*shape[:2], *places, math.prod(size))))


def _places(lengths: Sequence[int], size: Sequence[int], stride: Lengths, padding: Lengths) -> Lengths:
    return tuple((n + 2 * p - k) // s + 1 for n, k, s, p in zip(lengths, size, stride, padding, strict=True))
