# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from obstacle_classifier.nn.encoding import CompiledEncoding, Encoding

pytestmark = pytest.mark.runtime

NAN = np.nan


def column(*values: float) -> np.ndarray:
    return np.array(values, np.float64)[:, None]


def test_by_hand() -> None:
    # Quantiles of 0, 1, 2, 10, 20 for two bins: 0, 2, 20. Entries before centring:
    # (0, 0), (0.5, 0), (1, 0), (1, 8/18), (1, 1), with means 0.7 and (8/18 + 1)/5.
    encoding = Encoding.fit(column(0, 1, 2, 10, 20), bins=2)
    means = np.array([0.7, (8 / 18 + 1) / 5])
    np.testing.assert_allclose(encoding(np.array([1.0])), [0.5, 0.0] - means, rtol=1e-6)
    np.testing.assert_allclose(encoding(np.array([11.0])), [1.0, 0.5] - means, rtol=1e-6)


def test_first_entry_goes_on_below_to_minus_2_and_last_above_to_3() -> None:
    encoding = Encoding.fit(column(0, 1, 2, 10, 20), bins=2)
    centre = encoding(np.array([0.0]))
    for x, expected in ((-2.0, (-1, 0)), (-4.0, (-2, 0)), (-1e308, (-2, 0)), (38.0, (1, 2)), (56.0, (1, 3))):
        np.testing.assert_allclose(encoding(np.array([x])) - centre, expected, atol=1e-6, err_msg=str(x))
    for infinite, finite in ((np.inf, 1e308), (-np.inf, -1e308)):
        np.testing.assert_array_equal(encoding(np.array([infinite])), encoding(np.array([finite])))


def test_unknown_is_the_training_mean() -> None:
    X = np.random.default_rng(0).exponential(size=(1000, 3))
    X[::7, 1] = NAN
    encoding = Encoding.fit(X, bins=5)
    encoded = encoding(X)
    np.testing.assert_allclose(encoded.mean(axis=0, dtype=np.float64), 0, atol=1e-6)
    np.testing.assert_array_equal(encoding(np.full(3, NAN)), np.zeros(len(encoding)))
    assert not encoded[0, encoding.entries_of(slice(1, 2))].any()


def test_equal_edges_are_merged() -> None:
    encoding = Encoding.fit(column(*[0.0] * 90, *range(1, 11)), bins=4)  # quantiles 0, 0, 0, 0, 10
    assert (len(encoding), encoding.width.tolist()) == (1, [10.0])


def test_a_column_that_does_not_vary_gets_no_entry() -> None:
    X = np.column_stack([np.full(50, 0.1), np.arange(50.0), np.full(50, NAN), 1e6 + 1e-11 * np.arange(50)])
    assert Encoding.fit(X, bins=4).column.tolist() == [1, 1, 1, 1]


def test_without_any_column_that_varies_the_encoding_is_always_0() -> None:
    encoding = Encoding.fit(np.full((5, 2), NAN), bins=4)
    np.testing.assert_array_equal(encoding(np.array([[3.0, NAN], [NAN, 1.0]])), [[0.0], [0.0]])


def test_a_binary_column_has_one_bin_even_if_training_saw_one_value() -> None:
    encoding = Encoding.fit(column(0, 0, 0, 0), bins=4, binary=[True])
    np.testing.assert_array_equal(encoding(column(0, 1, NAN, 7)), column(0, 1, 0, 1))
    half = Encoding.fit(column(0, 1, 1, 1), bins=4, binary=[True])
    np.testing.assert_array_equal(half(column(0, 1)), column(-0.75, 0.25))


def test_entries_of_columns() -> None:
    X = np.column_stack([np.arange(9.0), np.full(9, 2.0), np.arange(9.0) % 2])
    encoding = Encoding.fit(X, bins=4)
    assert encoding.column.tolist() == [0, 0, 0, 0, 2]
    spans = [encoding.entries_of(slice(i, j)) for i, j in ((0, 1), (1, 2), (1, 3), (0, 3))]
    assert spans == [slice(0, 4), slice(4, 4), slice(4, 5), slice(0, 5)]


def test_a_row_gives_the_same_bits_alone_and_in_a_matrix() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(2500, 7)) * 10.0 ** rng.integers(-9, 9, 7)
    X[rng.random(X.shape) < 0.1] = NAN
    encoding = Encoding.fit(X, bins=6)
    rows = encoding(X)
    assert rows.dtype == np.float32
    assert all(encoding(x).tobytes() == row.tobytes() for x, row in zip(X, rows, strict=True))


@given(
    arrays(np.float64, (12, 2), elements=st.floats(-1e300, 1e300) | st.just(NAN)),
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(1, 9),
)
def test_entries_are_finite_and_limited_for_any_numbers(X: np.ndarray, x: float, bins: int) -> None:
    encoded = Encoding.fit(X, bins)(np.array([x, x]))
    assert np.isfinite(encoded).all()
    assert (np.abs(encoded) <= 6).all()


@given(arrays(np.float64, 30, elements=st.floats(-100, 100), unique=True), st.floats(-100, 100), st.floats(-100, 100))
def test_entries_rise_with_the_value(values: np.ndarray, a: float, b: float) -> None:
    encoding = Encoding.fit(values[:, None], bins=5)
    low, high = encoding(np.array([[min(a, b)], [max(a, b)]]))
    assert (low <= high).all()


@given(arrays(np.float64, 4, elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_compiled_gives_the_same_bits_for_any_numbers(x: np.ndarray) -> None:
    X = np.random.default_rng(1).normal(size=(50, 4)) * 10.0 ** np.array([-9, 0, 3, 9])
    encoding = Encoding.fit(X, bins=6)
    out = np.empty(len(encoding), np.float32)
    encode = CompiledEncoding(encoding, out)
    for row in (x, X[0], x):
        encode(row)
        assert out.tobytes() == encoding(row).tobytes()
