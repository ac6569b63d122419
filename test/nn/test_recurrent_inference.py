# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.recurrent import LSTM
from obstacle_classifier.nn.recurrent_inference import CompiledLSTM

pytestmark = pytest.mark.runtime


def layer(d: int, h: int) -> LSTM:
    lstm = LSTM(d, h, rng=0, dtype=np.float32)
    lstm.b += np.random.default_rng(1).normal(size=lstm.b.shape).astype(np.float32)
    return lstm


def inputs(t: int, d: int) -> Array:
    return np.random.default_rng(2).normal(size=(t, d)).astype(np.float32)


def run(compiled: CompiledLSTM, X: Array) -> Array:
    return np.array([compiled.step(x).copy() for x in X])


@pytest.mark.parametrize(("d", "h"), [(1, 1), (3, 5), (64, 64), (37, 130), (300, 7)])
def test_steps_are_those_of_the_layer(d: int, h: int) -> None:
    lstm, X = layer(d, h), inputs(30, d)
    np.testing.assert_allclose(run(CompiledLSTM(lstm), X), lstm.apply(X[None])[0], rtol=1e-4, atol=1e-5)


def test_the_same_bits_after_a_reset_and_from_another_instance() -> None:
    lstm, X = layer(20, 33), inputs(50, 20)
    compiled = CompiledLSTM(lstm)
    first = run(compiled, X)
    assert not np.array_equal(run(compiled, X), first)  # its memory goes on
    compiled.reset()
    np.testing.assert_array_equal(run(compiled, X), first)
    np.testing.assert_array_equal(run(CompiledLSTM(lstm), X), first)


def test_nan_stays_until_the_reset() -> None:
    compiled, X = CompiledLSTM(layer(2, 3)), inputs(5, 2)
    expected = run(compiled, X)
    assert np.isnan(compiled.step(np.array([np.nan, 0.0]))).all()
    assert np.isnan(run(compiled, X)).all()
    compiled.reset()
    np.testing.assert_array_equal(run(compiled, X), expected)


def test_parameters_are_copied() -> None:
    lstm, X = layer(2, 3), inputs(5, 2)
    compiled = CompiledLSTM(lstm)
    expected = run(compiled, X)
    lstm.W[:], lstm.b[:] = 0, 0
    compiled.reset()
    np.testing.assert_array_equal(run(compiled, X), expected)


def test_a_step_allocates_nothing() -> None:
    compiled, x = CompiledLSTM(layer(64, 1024)), inputs(1, 64)[0]
    compiled.step(x)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for _ in range(10):
            compiled.step(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - before < 1024 * 4  # less than one array of the units; a tracer of coverage takes some bytes too


def test_a_wrong_shape_is_named() -> None:
    with pytest.raises(ValueError, match=r"expected x of shape \(2,\), got \(3,\)"):
        CompiledLSTM(layer(2, 3)).step(np.zeros(3))
