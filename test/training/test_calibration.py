# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from obstacle_classifier.model import Calibration
from obstacle_classifier.nn import sigmoid
from obstacle_classifier.training.calibration import (
    averaged,
    brier_score,
    calibrated,
    expected_calibration_error,
    fit_calibration,
)

Floats = NDArray[np.float64]


def drawn(
    bags: int, scale: Floats, offset: Floats, n: int = 200, seed: int = 0
) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Logits of n intervals a bag, and labels that come true with probability sigmoid(scale z + offset)."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(0, 3, (bags * n, len(scale)))
    Y = (rng.random(Z.shape) < sigmoid(scale * Z + offset)).astype(np.float64)
    return Z, Y, np.repeat(np.arange(bags), n)


def test_with_many_bags_it_is_platts_fit() -> None:
    scale, offset = np.array([0.3, 0.6]), np.array([-1.0, 0.5])
    for label, (a, b) in enumerate(fit_calibration(*drawn(400, scale, offset, n=50))):
        assert (a, b) == pytest.approx((scale[label], offset[label]), abs=0.05)


def test_calibration_lowers_the_errors_on_other_bags() -> None:
    scale, offset = np.array([0.3, 0.5, 0.4]), np.array([-0.5, 0.3, 0.0])
    calibration = fit_calibration(*drawn(20, scale, offset))
    Z, Y, _ = drawn(20, scale, offset, seed=1)
    for label in range(3):
        y, before, after = Y[:, label], sigmoid(Z[:, label]), calibrated(Z, calibration)[:, label]
        assert expected_calibration_error(y, after) < 0.5 * expected_calibration_error(y, before)
        assert brier_score(y, after) < brier_score(y, before)


def test_few_bags_say_little_about_how_often_a_label_occurs() -> None:
    # Three bags, in which a label whose logit knows nothing is nearly always there.
    Z, _, bag = drawn(3, np.ones(2), np.zeros(2))
    Y = (np.random.default_rng(1).random(Z.shape) < 0.95).astype(np.float64)
    few = fit_calibration(Z, Y, bag)[0].offset
    many = fit_calibration(np.tile(Z, (20, 1)), np.tile(Y, (20, 1)), np.arange(60).repeat(200))[0].offset
    assert 0 < few < 1.0
    assert many > 2.0


def test_more_intervals_of_the_same_bags_are_no_more_evidence() -> None:
    Z, Y, bag = drawn(6, np.array([0.4]), np.array([1.0]))
    once = fit_calibration(Z, Y, bag)[0]
    often = fit_calibration(np.tile(Z, (10, 1)), np.tile(Y, (10, 1)), np.tile(bag, 10))[0]
    assert often == pytest.approx(once, abs=0.02)  # the targets are smoothed less


def test_a_label_in_one_bag_only_gets_the_common_scale() -> None:
    Z, Y, bag = drawn(10, np.full(3, 0.4), np.zeros(3))
    Y[bag != 4, 1] = 0
    Y[:, 2] = 0
    fitted = fit_calibration(Z, Y, bag)
    assert fitted[1] == fitted[2]
    assert fitted[1].offset == 0
    assert 0.05 < fitted[1].scale < 1


def test_without_two_bags_nothing_is_fitted() -> None:
    Z, Y, bag = drawn(1, np.full(2, 0.4), np.zeros(2))
    assert fit_calibration(Z, Y, bag) == (Calibration(), Calibration())
    assert fit_calibration(Z[:0], Y[:0], bag[:0]) == (Calibration(), Calibration())


def test_rows_that_no_member_left_out_do_not_count() -> None:
    Z, Y, bag = drawn(8, np.array([0.4, 0.7]), np.zeros(2))
    expected = fit_calibration(Z[bag < 5], Y[bag < 5], bag[bag < 5])
    Z[bag >= 5] = np.nan
    assert fit_calibration(Z, Y, bag) == expected


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 5), st.floats(1e-3, 1e3), st.booleans())
def test_the_scale_is_positive_and_finite_whatever_the_logits(seed: int, bags: int, size: float, wrong: bool) -> None:
    Z, Y, bag = drawn(bags, np.full(2, -1.0 if wrong else 1.0), np.zeros(2), n=20, seed=seed)
    for scale, offset in fit_calibration(size * Z, Y, bag):
        assert 0 < scale <= 1e6
        assert abs(offset) < 100


def test_expected_calibration_error_by_hand() -> None:
    y, p = np.array([0.0, 1, 1, 0]), np.array([0.12, 0.18, 0.9, 1.0])
    # Bin 1: two examples, mean 0.15, share 0.5. Bin 9: two, mean 0.95, share 0.5.
    assert expected_calibration_error(y, p) == pytest.approx((2 * 0.35 + 2 * 0.45) / 4)
    assert np.isnan(expected_calibration_error(y[:0], p[:0]))


def test_brier_score_by_hand() -> None:
    assert brier_score(np.array([0.0, 1]), np.array([0.1, 0.6])) == pytest.approx((0.01 + 0.16) / 2)
    assert np.isnan(brier_score(np.array([]), np.array([])))


def test_the_mean_of_more_members_needs_a_larger_scale() -> None:
    # Members that know the truth up to an own error: what is right for one is too flat for the mean of eight.
    rng = np.random.default_rng(0)
    bag = np.repeat(np.arange(400), 50)
    common = rng.normal(0, 1, (len(bag), 1))
    Y = (rng.random(common.shape) < sigmoid(common)).astype(np.float64)
    members = common + rng.normal(0, np.sqrt(0.5), (8, *common.shape))
    one = fit_calibration(members[0], Y, bag)
    of_eight = fit_calibration(members.mean(axis=0), Y, bag)
    assert averaged(one, 1, 8)[0].scale == pytest.approx(of_eight[0].scale, rel=0.1)
    assert averaged(one, 1, 8)[0].offset == one[0].offset
    assert averaged(one, 8, 8) == one
