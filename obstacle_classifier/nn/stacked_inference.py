# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The forward pass of stacked MLPs for one example, as the robot runs it: no allocation, the same bits every time."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy import add, less_equal, matmul, putmask  # one look-up a call instead of two
from numpy.typing import NDArray

from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.inference import BLOCK_ENTRIES, ONE, ZERO, Gate, Step, aligned, aligned_copy, even_part
from obstacle_classifier.nn.stacked_mlp import StackedMLP

__all__ = ["CompiledStackedMLP"]

Float32Array = NDArray[np.float32]

COLUMNS = 32
"""Units of the first layers in a block of weights, at least: fewer are slower than a sum of partial products."""


class CompiledStackedMLP:
    """All members of a `StackedMLP` in float32 for a batch of one.

    It equals `StackedMLP.logits` up to rounding (so not where a hidden unit lies within rounding of ScaledReLU's jump),
    and itself bit for bit: from call to call, instance to instance and, up to 8192 units a layer, whatever the number
    of BLAS threads. ScaledReLU's factor 2 is in the weights of the layer after it. One instance serves one thread.

    Args:
        network: The members; copied.
    """

    def __init__(self, network: StackedMLP) -> None:
        k, d, h, c = network.shape
        W0, b0 = network.W[0].transpose(1, 0, 2).reshape(d, k * h), network.b[0].reshape(k * h)
        self._linear0, self._x, z0 = _first_linear(W0, b0)
        self._product1, z1 = _product(z0.reshape(k, h), 2 * network.W[1])
        self._product2, z2 = _last_product(z1.reshape(k, h), 2 * network.W[2])
        self._b1, self._b2 = aligned_copy(network.b[1].reshape(k * h)), aligned_copy(network.b[2])
        self._logits = z2.reshape(k, c)
        self._gate0, self._gate1 = Gate(z0), Gate(z1.reshape(k * h))
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
        gate0, gate1 = self._gate0, self._gate1
        self._linear0()
        z, off = gate0.z, gate0.off
        less_equal(z, ONE, off)
        putmask(z, off, ZERO)
        self._product1()
        z, off = gate1.z, gate1.off
        add(z, self._b1, z)
        less_equal(z, ONE, off)
        putmask(z, off, ZERO)
        self._product2()
        self._called = True
        return add(self._logits, self._b2, self._logits)

    def nearest_jump(self) -> float:
        """The least |z - 1| over the hidden units of all members at the last call, computed again from its x.

        Raises:
            RuntimeError: Before any call.
        """
        if not self._called:
            raise RuntimeError("nearest_jump needs a call of logits before it")
        self._linear0()
        nearest = self._gate0.nearest_jump()
        self._gate0()
        self._product1()
        add(self._gate1.z, self._b1, self._gate1.z)
        return min(nearest, self._gate1.nearest_jump())


def _first_linear(W: Array, b: Array) -> tuple[Step, Float32Array, Float32Array]:
    """A call that fills z (o,) with x W + b for W (i, o), and the buffers x and z.

    W is cut in blocks that BLAS leaves to one thread. Where a block of 32 columns has too many rows, the inputs are cut
    as well. The partial products and b are then added by one more product.
    """
    i, o = W.shape
    columns = even_part(o, max(COLUMNS, BLOCK_ENTRIES // i))
    parts = -(-i * columns // BLOCK_ENTRIES)
    rows = -(-i // parts)
    padded = np.zeros((parts * rows, o), np.float32)
    padded[:i] = W
    blocks = aligned_copy(padded.reshape(parts, rows, o // columns, columns).swapaxes(1, 2))
    x, z, terms = aligned((parts * rows,)), aligned((o,)), aligned((parts + 1, o))
    terms[parts] = b
    products = terms[:parts].reshape(parts, o // columns, 1, columns)
    multiply: Step = partial(matmul, x.reshape(parts, 1, 1, rows), blocks, products)
    total: Step = partial(add, terms[0], terms[1], z)
    if parts > 1:
        few = terms.size <= BLOCK_ENTRIES
        total = partial(np.ones(parts + 1, np.float32).dot, terms, z) if few else partial(add.reduce, terms, 0, None, z)

    def step() -> None:
        multiply()
        total()

    return step, x[:i], z


def _product(a: Float32Array, W: Array) -> tuple[Step, Float32Array]:
    """A call that fills z with the product of each member's a (k, i) and W (k, i, o), in blocks of columns of W."""
    k, i, o = W.shape
    columns = even_part(o, BLOCK_ENTRIES // i)
    blocks = aligned_copy(W.reshape(k, i, o // columns, columns).swapaxes(1, 2))
    z = aligned((k, o // columns, 1, columns))
    return partial(matmul, a.reshape(k, 1, 1, i), blocks, z), z


def _last_product(a: Float32Array, W: Array) -> tuple[Step, Float32Array]:
    """`_product` with the weights stored output by output, which is faster where these are few."""
    k, i, o = W.shape
    rows = even_part(o, BLOCK_ENTRIES // i)
    blocks = aligned_copy(W.swapaxes(1, 2).reshape(k, o // rows, rows, i))
    z = aligned((k, o // rows, rows, 1))
    return partial(matmul, blocks, a.reshape(k, 1, i, 1), z), z
