# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The forward pass of stacked MLPs for one example, as the robot runs it: no allocation, the same bits every time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.inference import BLOCK_ENTRIES, aligned, aligned_copy
from obstacle_classifier.nn.stacked_mlp import StackedMLP

__all__ = ["CompiledStackedMLP"]

Float32Array = NDArray[np.float32]

# NumPy takes longer to convert a Python number than to work through a layer.
_ZERO, _ONE = np.float32(0), np.float32(1)


class CompiledStackedMLP:
    """All members of a `StackedMLP` in float32 for a batch of one.

    It equals `StackedMLP.logits` up to rounding (so not where a hidden unit lies within rounding of ScaledReLU's jump),
    and itself bit for bit: from call to call, instance to instance and, up to 8192 inputs a layer, whatever the number
    of BLAS threads. The members' first layers are one product; weights are stored output by output, so every product
    reads memory in order. One instance serves one thread.

    Args:
        network: The members; copied.
    """

    def __init__(self, network: StackedMLP) -> None:
        k, d, h, c = network.shape
        first, second, third = (W.swapaxes(1, 2) for W in network.W)  # (k, o, i)
        rows = _rows_of_a_block(k * h, d)
        self._x = aligned((d,))
        self._W0 = aligned_copy(first.reshape(k * h // rows, rows, d))
        self._z0 = aligned((k * h // rows, rows))
        self._hidden0 = _Hidden(self._z0.reshape(k * h), network.b[0].reshape(k * h))
        self._blocks1 = _blocks(second, self._hidden0.out.reshape(k, 1, h, 1))
        self._hidden1 = _Hidden(self._blocks1[2].reshape(k * h), network.b[1].reshape(k * h))
        self._blocks2 = _blocks(third, self._hidden1.out.reshape(k, 1, h, 1))
        self._logits = self._blocks2[2].reshape(k, c)
        self._b2 = aligned_copy(network.b[2])
        self._called = False

    @property
    def inputs(self) -> Float32Array:
        """The buffer (d,) that `logits` reads x from if it gets none."""
        return self._x

    def logits(self, x: Array | None = None) -> Float32Array:
        """Logits (k, c) of x (d,), in a buffer that the next call overwrites."""
        if x is not None:
            if x.shape != self._x.shape:
                raise ValueError(f"expected x of shape {self._x.shape}, got {x.shape}")
            np.copyto(self._x, x, casting="same_kind")
        np.matmul(self._W0, self._x, out=self._z0)
        self._hidden0.activate()
        W1, a, z1 = self._blocks1
        np.matmul(W1, a, out=z1)
        self._hidden1.activate()
        W2, a, z2 = self._blocks2
        np.matmul(W2, a, out=z2)
        self._called = True
        return np.add(self._logits, self._b2, out=self._logits)

    def nearest_jump(self) -> float:
        """The least |z - 1| over the hidden units of all members at the last call.

        Raises:
            RuntimeError: Before any call.
        """
        if not self._called:
            raise RuntimeError("nearest_jump needs a call of logits before it")
        return min(self._hidden0.nearest_jump(), self._hidden1.nearest_jump())


class _Hidden:
    """Bias and ScaledReLU of one hidden layer of all members, with buffers."""

    def __init__(self, z: Float32Array, b: Array) -> None:
        self._z, self._b = z, aligned_copy(b)
        self._off = np.empty(z.shape, np.bool_)
        self.out = aligned(z.shape)

    def activate(self) -> None:
        """Add the bias to z in place; 2z where z > 1, else 0, to `out`."""
        z, out = self._z, self.out
        np.add(z, self._b, out=z)
        np.less_equal(z, _ONE, out=self._off)
        np.add(z, z, out=out)
        np.copyto(out, _ZERO, where=self._off)

    def nearest_jump(self) -> float:
        return float(np.abs(self._z - _ONE).min())


def _blocks(W: Array, a: Float32Array) -> tuple[Float32Array, Float32Array, Float32Array]:
    """(W, a, z) of a product of each member's W (k, o, i) with its a (k, 1, i, 1), in blocks of rows of W."""
    k, o, i = W.shape
    rows = _rows_of_a_block(o, i)
    return aligned_copy(W.reshape(k, o // rows, rows, i)), a, aligned((k, o // rows, rows, 1))


def _rows_of_a_block(outputs: int, inputs: int) -> int:
    """The most rows that divide the outputs and make a block that BLAS leaves to one thread; at least 1."""
    most = max(1, min(outputs, BLOCK_ENTRIES // inputs))
    return next(rows for rows in range(most, 0, -1) if outputs % rows == 0)
