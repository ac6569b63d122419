# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The forward pass for one example, as the robot runs it: float32, no allocation, the same bits on every call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy import add, less_equal, matmul, putmask, subtract  # one look-up a call instead of two
from numpy.typing import DTypeLike, NDArray

from obstacle_classifier.nn.arrays import Array

__all__ = [
    "BLOCK_ENTRIES",
    "ONE",
    "ZERO",
    "CompiledMLP",
    "Gate",
    "Step",
    "aligned",
    "aligned_copy",
    "aligned_double",
    "column_blocks",
    "even_part",
]

Float32Array = NDArray[np.float32]

# BLAS libraries split larger matrix-vector products between threads (OpenBLAS: from 9216 entries). The last bits then
# depend on the number of threads, and starting the threads costs more time than they save.
BLOCK_ENTRIES = 8192
CACHE_LINE = 64  # bytes
STACK = 3  # blocks of equal size from which on one call for all of them is faster than a call each

# NumPy takes longer to convert a Python number than to work through a layer.
ZERO, ONE = np.array(0, np.float32), np.array(1, np.float32)

Step = Callable[[], object]


class CompiledMLP:
    """Linear layers with ScaledReLU between them, for a batch of one.

    The result equals that of `MLP.logits` in float32 up to rounding, unless a hidden unit is within rounding of
    ScaledReLU's jump. Every call and every instance give the same bits. Up to 8192 inputs a layer, this holds for any
    number of BLAS threads. NaN in x gives NaN. Use one instance per thread.

    ScaledReLU's factor 2 is in the weights of the layer after it. The products stay the same to the bit.

    Args:
        parameters: (W, b) of each Linear, W (i, o) and b (o,); copied as float32.

    Attributes:
        inputs: The buffer (d,) that `run` reads.

    Raises:
        ValueError: The shapes do not chain.
    """

    def __init__(self, parameters: Sequence[tuple[Array, Array]]) -> None:
        shapes = [(np.shape(W), np.shape(b)) for W, b in parameters]
        widths = [w[0] for w, _ in shapes if w] + [b[-1] for _, b in shapes[-1:] if b]
        if not shapes or shapes != [((i, o), (o,)) for i, o in pairwise(widths)]:
            raise ValueError(f"expected shapes (i, o) and (o,) of W and b that chain from layer to layer, got {shapes}")
        self.inputs = z = aligned((widths[0],))
        self._steps: list[Step] = []
        self._hidden: list[tuple[Step, Gate]] = []
        for index, (W, b) in enumerate(parameters):
            linear, z = _linear(z, W, b, doubled=index > 0)
            if index < len(parameters) - 1:
                gate = Gate(z)
                self._hidden.append((linear, gate))
                linear = _gated(linear, gate)
            self._steps.append(linear)
        self._logits = z
        self._called = False

    def logits(self, x: Array) -> Float32Array:
        """Logits (c,) of the features x (d,), in a buffer that the next call overwrites.

        Raises:
            ValueError: x does not have shape (d,).
        """
        if x.shape != self.inputs.shape:
            raise ValueError(f"expected x of shape {self.inputs.shape}, got {x.shape}")
        np.copyto(self.inputs, x, casting="same_kind")
        return self.run()

    def run(self) -> Float32Array:
        """Logits (c,) of `inputs`, in a buffer that the next call overwrites."""
        for step in self._steps:
            step()
        self._called = True
        return self._logits

    def nearest_jump(self) -> float:
        """The smallest |z - 1| of all hidden units at the last call; infinite without hidden units.

        The hidden layers are computed again, because a call keeps no pre-activations.

        Raises:
            RuntimeError: `logits` has not been called.
        """
        if not self._called:
            raise RuntimeError("nearest_jump needs a call of logits before it")
        nearest = float("inf")
        for linear, gate in self._hidden:
            linear()
            nearest = min(nearest, gate.nearest_jump())
            gate()
        return nearest


class Gate:
    """Half of ScaledReLU in place: z where z > 1, else 0. NaN stays.

    Args:
        z: The buffer, of any shape.
    """

    def __init__(self, z: Float32Array) -> None:
        self.z, self.off = z, np.empty(z.shape, np.bool_)
        self._distance = np.empty(z.shape, np.float32)

    def __call__(self) -> None:
        """Set the units at or below the jump to 0."""
        less_equal(self.z, ONE, self.off)
        putmask(self.z, self.off, ZERO)

    def nearest_jump(self) -> float:
        """The smallest |z - 1| before the gate is applied."""
        subtract(self.z, ONE, self._distance)
        return float(np.abs(self._distance, self._distance).min())


def _gated(linear: Step, gate: Gate) -> Step:
    """A Linear and its gate as one call."""
    z, off = gate.z, gate.off

    def step() -> None:
        linear()
        less_equal(z, ONE, off)
        putmask(z, off, ZERO)

    return step


def _linear(x: Float32Array, W: Array, b: Array, *, doubled: bool) -> tuple[Step, Float32Array]:
    """A call that fills a buffer z (o,) with x W + b, or x (2 W) + b, and the buffer. The weights are copied once."""
    i, o = np.shape(W)
    z, bias = aligned((o,)), aligned_copy(b)
    parts = _blocks(i, o)
    if len(parts) >= STACK and len({part.stop - part.start for part in parts}) == 1:
        stack = aligned((len(parts), i, o // len(parts)))
        for block, part in zip(stack, parts, strict=True):
            np.copyto(block, np.asarray(W)[:, part], casting="same_kind")
        copies = [stack]
        products: list[Step] = [partial(matmul, x, stack, z.reshape(len(parts), -1))]
    else:
        blocks = column_blocks(W, z)
        copies = [block for block, _ in blocks]
        products = [partial(x.dot, block, part) for block, part in blocks]
    if doubled:
        for weights in copies:
            add(weights, weights, weights)
    first, *others = products

    def step() -> None:
        first()
        for product in others:
            product()
        add(z, bias, z)

    return step, z


def column_blocks(W: Array, z: Float32Array) -> tuple[tuple[Float32Array, Float32Array], ...]:
    """Blocks of columns of W (i, o) that BLAS leaves to one thread, each with its slice of the product z (o,)."""
    return tuple((aligned_copy(W[:, block]), z[block]) for block in _blocks(*np.shape(W)))


def _blocks(i: int, o: int) -> list[slice]:
    """Columns of weights (i, o) that BLAS leaves to one thread."""
    columns = max(1, BLOCK_ENTRIES // i)
    columns -= columns % 16 if columns > 16 else 0  # whole cache lines of z
    return [slice(start, min(start + columns, o)) for start in range(0, o, columns)]


def even_part(length: int, most: int) -> int:
    """The largest divisor of a length that is at most `most`; at least 1."""
    return next(part for part in range(max(1, min(length, most)), 0, -1) if length % part == 0)


def aligned(shape: tuple[int, ...]) -> Float32Array:
    """Zeros that start on a cache line. Some BLAS kernels sum in another order if an array starts elsewhere."""
    zeros: Float32Array = _aligned(shape, np.float32)
    return zeros


def aligned_double(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """`aligned` in float64."""
    zeros: NDArray[np.float64] = _aligned(shape, np.float64)
    return zeros


def _aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    size = np.dtype(dtype).itemsize * int(np.prod(shape))
    memory = np.zeros(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def aligned_copy(array: Array) -> Float32Array:
    """A float32 copy that starts on a cache line."""
    copy = aligned(np.shape(array))
    np.copyto(copy, array, casting="same_kind")
    return copy
