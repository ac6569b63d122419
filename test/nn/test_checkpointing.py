# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import ArrayLike

from obstacle_classifier.nn import Layer, Linear, ScaledReLU
from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.checkpointing import Checkpointed
from obstacle_classifier.nn.convolution import Conv1d
from obstacle_classifier.nn.directional_check import check_layer_direction
from obstacle_classifier.nn.elementwise import Dropout, ReLU, Tanh
from obstacle_classifier.nn.pooling import MaxPool1d
from obstacle_classifier.nn.recurrent import LSTM
from obstacle_classifier.nn.sequential import Flatten, Sequential

pytestmark = pytest.mark.runtime


def mlp() -> list[Layer]:
    return [Linear(5, 8, rng=0), ScaledReLU(8), Linear(8, 8, rng=1), ScaledReLU(8), Linear(8, 3, rng=2)]


def random_zeros() -> list[Layer]:
    return [Linear(5, 8, rng=0), Dropout(0.5, rng=1), Tanh(), Dropout(0.5, rng=2), Linear(8, 3, rng=3)]


def mixed() -> list[Layer]:
    return [Conv1d(2, 3, 3, rng=0), ReLU(), Dropout(0.2, rng=4), MaxPool1d(2), Flatten(), Linear(9, 3, rng=1), Tanh()]


def recurrent() -> list[Layer]:
    return [LSTM(2, 4, rng=0), Tanh(), LSTM(4, 3, rng=1)]


@pytest.mark.parametrize(
    ("make", "shape"),
    [(mlp, (6, 5)), (random_zeros, (6, 5)), (mixed, (6, 2, 8)), (recurrent, (6, 4, 2))],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("every", [1, 2, 3, 4, 7])
def test_outputs_and_gradients_have_the_same_bits(
    make: Callable[[], list[Layer]], shape: tuple[int, ...], every: int
) -> None:
    plain, saving = Sequential(*make()), Checkpointed(*make(), every=every)
    rng = np.random.default_rng(0)
    for _ in range(3):  # generators go on from one update to the next
        X = rng.normal(size=shape)
        out = plain.forward(X)
        np.testing.assert_array_equal(saving.forward(X), out)
        G = rng.normal(size=out.shape)
        ours, expected = saving.backward(G), plain.backward(G)
        for gradient, other in zip(ours, expected, strict=True):
            np.testing.assert_array_equal(gradient, other)
        saving.update_params_(*ours[1:], lr=0.1)
        plain.update_params_(*expected[1:], lr=0.1)
    np.testing.assert_array_equal(saving.apply(X), plain.apply(X))


def test_gradients_are_central_differences() -> None:
    layers = [Linear(5, 8, rng=0), Tanh(), Linear(8, 8, rng=1), Tanh(), Linear(8, 3, rng=2)]
    X = np.random.default_rng(0).normal(size=(4, 5))
    assert check_layer_direction(Checkpointed(*layers, every=2), X, rng=1) < 1e-6


class Counting(Linear):
    """Counts the operations of its products."""

    count = 0

    def apply(self, X: ArrayLike) -> Array:
        Counting.count += 2 * len(np.asarray(X)) * self.W.size
        return super().apply(X)

    def backward(self, G: ArrayLike) -> tuple[Array, ...]:
        Counting.count += 4 * len(np.asarray(G)) * self.W.size
        return super().backward(G)


def operations(call: Callable[[], object]) -> int:
    Counting.count = 0
    call()
    return Counting.count


def test_training_over_inference_is_the_formulas() -> None:
    n, d, h, c = 10, 64, 128, 10
    layers = [Counting(d, h), ScaledReLU(h), Counting(h, h), ScaledReLU(h), Counting(h, c)]
    X, G = np.ones((n, d)), np.ones((n, c))

    def train(network: Sequential) -> Fraction:
        inference = operations(lambda: network.apply(X))
        assert inference == 2 * n * h * (d + h + c)
        return Fraction(operations(lambda: (network.forward(X), network.backward(G))), inference)

    assert train(Sequential(*layers)) == 3
    assert train(Checkpointed(*layers, every=2)) == train(Checkpointed(*layers, every=1)) == 4 - Fraction(c, d + h + c)
    assert train(Checkpointed(*layers, every=4)) == 4 - Fraction(c, d + h + c)
    assert train(Checkpointed(*layers, every=5)) == 3


def peak(network: Sequential, X: Array, G: Array) -> int:
    """Bytes that an update needs at most, beside the network and its batch."""
    network.forward(X)  # parameters and code are there
    network.backward(G)
    tracemalloc.start()
    try:
        network.forward(X)
        network.backward(G)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_deep_network_takes_a_fraction_of_the_memory() -> None:
    n, h, depth = 2000, 16, 36
    layers = [layer for i in range(depth) for layer in (Linear(h, h, rng=i), Tanh())]
    X = G = np.random.default_rng(0).normal(size=(n, h))
    activation = X.nbytes
    # A Linear keeps its input, which is the output that the Tanh before it keeps.
    assert peak(Sequential(*layers), X, G) > depth * activation
    # The inputs of 6 segments, the 6 activations of one segment, and 4 arrays that come and go.
    assert peak(Checkpointed(*layers, every=12), X, G) < (6 + 6 + 4) * activation


def test_backward_serves_once() -> None:
    network = Checkpointed(*mlp(), every=2)
    with pytest.raises(RuntimeError, match="backward needs a forward before it"):
        network.backward(np.ones((6, 3)))
    network.forward(np.ones((6, 5)))
    network.backward(np.ones((6, 3)))
    with pytest.raises(RuntimeError, match="backward needs a forward before it"):
        network.backward(np.ones((6, 3)))


def test_impossible_segments_are_refused() -> None:
    with pytest.raises(ValueError, match="segments of at least 1 layer, got 0"):
        Checkpointed(Tanh(), every=0)
    with pytest.raises(ValueError, match="no Sequential among the layers"):
        Checkpointed(Sequential(Tanh()), every=1)
