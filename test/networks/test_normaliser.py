# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from obstacle_classifier.networks import fit_normaliser, standardise
from obstacle_classifier.networks.standardise import CompiledStandardiser

pytestmark = pytest.mark.runtime


def test_the_normaliser_by_hand() -> None:
    columns = ("a.x", "a.never", "a.constant", "a.missing")
    X = np.array([[1.0, np.nan, 0.1, 0], [3.0, np.nan, 0.1, 1], [np.nan, np.nan, 0.1, 1], [5.0, np.nan, 0.1, 1]])
    mean, scale = fit_normaliser(X, np.array([column.endswith(".missing") for column in columns]))
    np.testing.assert_allclose(mean, [3, 0, 0.1, 0], rtol=1e-15)
    np.testing.assert_allclose(scale, [np.sqrt(8 / 3), 1, 1, 1], rtol=1e-15)


def test_standardised_training_columns_have_mean_0_and_deviation_1() -> None:
    X = np.random.default_rng(0).normal(5.0, 3.0, (240, 3)) * 1e6 + 1e7
    mean, scale = fit_normaliser(X, np.zeros(3, np.bool_))
    Z = standardise(X, mean, scale).astype(np.float64)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(Z.std(axis=0), 1, rtol=1e-6)


def test_columns_beyond_float64_still_give_finite_numbers() -> None:
    X = np.array([[1e308, 1.0], [-1e308, 2.0], [1.7e308, np.inf]])
    mean, scale = fit_normaliser(X, np.zeros(2, np.bool_))
    assert np.isfinite(mean).all()
    assert np.isfinite(scale).all()
    assert (scale > 0).all()


@given(
    arrays(np.float64, 5, elements=st.floats(allow_nan=True, allow_infinity=True)),
    arrays(np.float64, 5, elements=st.floats(-1e300, 1e300)),
)
def test_compiled_gives_the_same_bits_for_any_numbers(x: np.ndarray, mean: np.ndarray) -> None:
    scale = np.array([1.0, 1e-9, 1e9, 0.3, 7.0]) + 1e-15 * np.abs(mean)
    out = np.empty(5, np.float32)
    standardise_one = CompiledStandardiser(mean, scale, out)
    for row in (x, mean + scale, x):
        standardise_one(row)
        assert out.tobytes() == standardise(row, mean, scale).tobytes()
        assert np.isfinite(out).all()
