# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""An LSTM for one sequence, a step a call, as the robot runs it: float32, no allocation, the same bits every time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.inference import aligned, aligned_copy, column_blocks
from obstacle_classifier.nn.recurrent import GATES, LSTM

__all__ = ["CompiledLSTM"]

Float32Array = NDArray[np.float32]

# NumPy takes longer to convert a Python number than to work through a layer.
_HALF = np.float32(0.5)


class CompiledLSTM:
    """An LSTM in float32 for a batch of one.

    Its outputs equal those of `LSTM.advance` step by step, up to rounding. The same sequence of calls after `reset`
    gives the same bits, from every instance and, up to 8192 inputs and units, with any number of BLAS threads. NaN in x
    gives NaN until the next `reset`. Use one instance per thread.

    Args:
        lstm: The layer; its parameters are copied.
    """

    def __init__(self, lstm: LSTM) -> None:
        d, h = lstm.d, lstm.h
        self._xh = aligned((d + h,))  # x and h side by side: one product makes all gates
        self._x, self._h = self._xh[:d], self._xh[d:]
        self._c, self._tanh_c, self._work = aligned((h,)), aligned((h,)), aligned((h,))
        # sigmoid(z) = (1 + tanh(z/2)) / 2: the half is in the weights of i, f and o.
        half = np.repeat(np.array([0.5, 0.5, 0.5, 1.0]), h)
        WU, self._b = np.concatenate([lstm.W, lstm.U]) * half, aligned_copy(lstm.b * half)
        self._z = aligned((GATES * h,))
        self._products = column_blocks(WU, self._z)
        self._sigmoids = self._z[: 3 * h]
        self._i, self._f, self._o, self._g = np.split(self._z, GATES)

    def step(self, x: Array) -> Float32Array:
        """Output (h,) of the next input x (d,), in a buffer that the next call overwrites.

        Raises:
            ValueError: x does not have shape (d,).
        """
        if x.shape != self._x.shape:
            raise ValueError(f"expected x of shape {self._x.shape}, got {x.shape}")
        np.copyto(self._x, x, casting="same_kind")
        for block, part in self._products:
            np.dot(self._xh, block, out=part)
        z, sigmoids, c = self._z, self._sigmoids, self._c
        np.add(z, self._b, out=z)
        np.tanh(z, out=z)
        np.multiply(sigmoids, _HALF, out=sigmoids)
        np.add(sigmoids, _HALF, out=sigmoids)
        np.multiply(c, self._f, out=c)
        np.multiply(self._i, self._g, out=self._work)
        np.add(c, self._work, out=c)
        np.tanh(c, out=self._tanh_c)
        return np.multiply(self._o, self._tanh_c, out=self._h)

    def reset(self) -> None:
        """Forget all earlier inputs."""
        self._h[:] = 0
        self._c[:] = 0
