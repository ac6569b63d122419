# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import DTypeLike

from obstacle_classifier.nn import scaled_relu, sigmoid

pytestmark = pytest.mark.runtime

FAR = np.concatenate([-np.logspace(4, -4, 400), [0.0], np.logspace(-4, 4, 400)])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_is_quiet_and_in_range_far_out(dtype: DTypeLike) -> None:
    with np.errstate(all="raise"):
        p = sigmoid(FAR.astype(dtype))
    assert p.dtype == dtype
    assert np.all((p >= 0) & (p <= 1))
    assert np.all(np.diff(p) >= 0)
    assert p[0] == 0
    assert p[-1] == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_of_the_largest_finite_values(dtype: DTypeLike) -> None:
    largest = np.finfo(dtype).max
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(sigmoid(np.array([-largest, largest], dtype)), [0, 1])


@given(st.floats(-700, 700))
def test_sigmoid_is_accurate_on_both_sides(x: float) -> None:
    assert float(sigmoid(x)) == pytest.approx(1 / (1 + math.exp(-x)), rel=1e-14)
    assert float(sigmoid(x)) + float(sigmoid(-x)) == pytest.approx(1, rel=1e-15)


def test_sigmoid_takes_any_shape_and_shows_nan() -> None:
    assert sigmoid(0).shape == ()
    assert sigmoid(np.zeros((2, 3, 4))).shape == (2, 3, 4)
    np.testing.assert_array_equal(sigmoid([np.nan, -np.inf, np.inf]), [np.nan, 0, 1])


@given(st.floats(allow_nan=False, min_value=-1e300, max_value=1e300))
def test_scaled_relu_is_its_definition(x: float) -> None:
    assert scaled_relu(x) == (2 * x if x > 1 else 0)
