# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The forward pass for one example, as the robot runs it: float32, no allocation, the same bits on every call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.nn.arrays import Array

__all__ = ["BLOCK_ENTRIES", "CompiledMLP", "aligned", "aligned_copy", "column_blocks"]

Float32Array = NDArray[np.float32]

# BLAS libraries split larger matrix-vector products between threads (OpenBLAS: from 9216 entries). The last bits then
# depend on the number of threads, and starting the threads costs more time than they save.
BLOCK_ENTRIES = 8192
CACHE_LINE = 64  # bytes


@dataclass(frozen=True)
class _Stage:
    """One Linear with the ScaledReLU after it, and their buffers. The last Linear has no ScaledReLU."""

    products: tuple[tuple[Float32Array, Float32Array], ...]  # blocks of columns of W, and their slices of z
    b: Float32Array
    z: Float32Array
    distance: Float32Array  # |z - 1|
    off: NDArray[np.bool_]
    out: Float32Array


class CompiledMLP:
    """Linear layers with ScaledReLU between them, for a batch of one.

    The result equals that of `MLP.logits` in float32 up to rounding, unless a hidden unit is within rounding of
    ScaledReLU's jump. Every call and every instance give the same bits. Up to 8192 inputs a layer, this holds for any
    number of BLAS threads. NaN in x gives NaN. Use one instance per thread.

    Args:
        parameters: (W, b) of each Linear, W (i, o) and b (o,); copied as float32.

    Raises:
        ValueError: The shapes do not chain.
    """

    def __init__(self, parameters: Sequence[tuple[Array, Array]]) -> None:
        shapes = [(np.shape(W), np.shape(b)) for W, b in parameters]
        widths = [w[0] for w, _ in shapes if w] + [b[-1] for _, b in shapes[-1:] if b]
        if not shapes or shapes != [((i, o), (o,)) for i, o in pairwise(widths)]:
            raise ValueError(f"expected shapes (i, o) and (o,) of W and b that chain from layer to layer, got {shapes}")
        self._x = aligned((widths[0],))
        self._stages = [_stage(W, b) for W, b in parameters]
        self._called = False

    def logits(self, x: Array) -> Float32Array:
        """Logits (c,) of the features x (d,), in a buffer that the next call overwrites.

        Raises:
            ValueError: x does not have shape (d,).
        """
        if x.shape != self._x.shape:
            raise ValueError(f"expected x of shape {self._x.shape}, got {x.shape}")
        np.copyto(self._x, x, casting="same_kind")
        a = self._x
        *hidden, last = self._stages
        for stage in hidden:
            z = _linear(stage, a)
            a = stage.out
            np.less_equal(z, 1, out=stage.off)
            np.add(z, z, out=a)
            np.copyto(a, 0, where=stage.off)
        self._called = True
        return _linear(last, a)

    def nearest_jump(self) -> float:
        """The smallest |z - 1| of all hidden units at the last call of `logits`; infinite without hidden units.

        Raises:
            RuntimeError: `logits` has not been called.
        """
        if not self._called:
            raise RuntimeError("nearest_jump needs a call of logits before it")
        nearest = float("inf")
        for stage in self._stages[:-1]:
            np.subtract(stage.z, 1, out=stage.distance)
            np.abs(stage.distance, out=stage.distance)
            nearest = min(nearest, float(stage.distance.min()))
        return nearest


def _linear(stage: _Stage, x: Float32Array) -> Float32Array:
    for block, part in stage.products:
        np.dot(x, block, out=part)
    return np.add(stage.z, stage.b, out=stage.z)


def _stage(W: Array, b: Array) -> _Stage:
    o = np.shape(W)[1]
    z = aligned((o,))
    return _Stage(column_blocks(W, z), aligned_copy(b), z, aligned((o,)), np.empty(o, np.bool_), aligned((o,)))


def column_blocks(W: Array, z: Float32Array) -> tuple[tuple[Float32Array, Float32Array], ...]:
    """Blocks of columns of W (i, o) that BLAS leaves to one thread, each with its slice of the product z (o,)."""
    i, o = np.shape(W)
    columns = max(1, BLOCK_ENTRIES // i)
    columns -= columns % 16 if columns > 16 else 0  # whole cache lines of z
    blocks = [slice(start, start + columns) for start in range(0, o, columns)]
    return tuple((aligned_copy(W[:, block]), z[block]) for block in blocks)


def aligned(shape: tuple[int, ...]) -> Float32Array:
    """Zeros that start on a cache line. Some BLAS kernels sum in another order if an array starts elsewhere."""
    size = 4 * int(np.prod(shape))
    memory = np.zeros(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size].view(np.float32).reshape(shape)


def aligned_copy(array: Array) -> Float32Array:
    """A float32 copy that starts on a cache line."""
    copy = aligned(np.shape(array))
    np.copyto(copy, array, casting="same_kind")
    return copy
