# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest

from obstacle_classifier.nn import Layer
from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.convolution import Conv1d
from obstacle_classifier.nn.convolution_inference import CompiledConv1d
from obstacle_classifier.nn.elementwise import ReLU, Tanh
from obstacle_classifier.nn.pooling import MaxPool1d
from obstacle_classifier.nn.sequential import Sequential

pytestmark = pytest.mark.runtime

SHAPE = (2, 45)


def conv(c: int, o: int, kernel: int, stride: int = 1, padding: int = 0) -> Conv1d:
    layer = Conv1d(c, o, kernel, stride, padding, rng=kernel, dtype=np.float32)
    layer.b[:] = np.linspace(-1, 1, o)
    return layer


def x(seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)


STACKS: list[list[Layer]] = [
    [conv(2, 3, 5)],
    [conv(2, 3, 4, 3, 2), ReLU()],
    [MaxPool1d(3, 2)],
    [ReLU(), MaxPool1d(4)],
    [conv(2, 8, 7, 2, 3), ReLU(), MaxPool1d(2), conv(8, 4, 3, 1, 1), ReLU(), MaxPool1d(3, 1)],
]


@pytest.mark.parametrize("layers", STACKS, ids=lambda layers: str(Sequential(*layers)))
def test_it_computes_what_the_layers_do(layers: list[Layer]) -> None:
    compiled = CompiledConv1d(layers, SHAPE)
    for seed in range(3):
        expected = Sequential(*layers).apply(x(seed)[None])[0]
        np.testing.assert_allclose(compiled.apply(x(seed)), expected, rtol=1e-5, atol=1e-6)


def test_the_same_bits_on_every_call_and_from_every_instance() -> None:
    compiled = CompiledConv1d(STACKS[-1], SHAPE)
    first = compiled.apply(x()).copy()
    compiled.apply(x(1))
    np.testing.assert_array_equal(compiled.apply(x()), first)
    np.testing.assert_array_equal(CompiledConv1d(STACKS[-1], SHAPE).apply(x()), first)


def test_nan_is_seen_and_forgotten() -> None:
    compiled = CompiledConv1d(STACKS[-1], SHAPE)
    first = compiled.apply(x()).copy()
    spoilt = x()
    spoilt[0, 20] = np.nan
    assert np.isnan(compiled.apply(spoilt)).any()
    np.testing.assert_array_equal(compiled.apply(x()), first)


def test_parameters_are_copied_and_the_input_is_left_alone() -> None:
    layer, given = conv(2, 3, 5), -np.abs(x())
    compiled = CompiledConv1d([ReLU(), layer], SHAPE)
    first = compiled.apply(given).copy()
    layer.W[:], layer.b[:] = 0, 0
    np.testing.assert_array_equal(compiled.apply(given), first)
    np.testing.assert_array_equal(given, -np.abs(x()))


def test_other_layers_and_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected Conv1d, ReLU or MaxPool1d, got Tanh\(\)"):
        CompiledConv1d([Tanh()], SHAPE)
    with pytest.raises(ValueError, match=r"takes X of shape \(n, 3, w\), got \(1, 2, 45\)"):
        CompiledConv1d([conv(3, 3, 5)], SHAPE)
    with pytest.raises(ValueError, match=r"expected x of shape \(2, 45\), got \(2, 44\)"):
        CompiledConv1d([ReLU()], SHAPE).apply(np.zeros((2, 44)))
