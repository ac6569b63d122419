# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Vectors against the statistics of the training columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obstacle_classifier.model import Reference
from obstacle_classifier.model.novelty import TAIL, Novelty, Unlike
from test.helpers.models import SENSORS

pytestmark = pytest.mark.runtime

LAYOUT = SENSORS.layout
D = len(LAYOUT.columns)
COUNTED = D - int(LAYOUT.is_missing.sum())
ROWS = np.where(LAYOUT.is_missing, 0.0, np.random.default_rng(0).normal(size=(4000, D)))
TYPICAL = np.zeros(D)
IMU = LAYOUT.slices["imu"].start


def changed(index: int, value: float) -> np.ndarray:
    x = TYPICAL.copy()
    x[index] = value
    return x


def test_training_rows_have_two_tails_on_average() -> None:
    novelty = Novelty(Reference.of(ROWS), LAYOUT)
    shares = [novelty.unlike(x).share for x in ROWS]
    assert np.mean(shares) == pytest.approx(2 * TAIL, abs=0.002)


def test_a_typical_vector_has_nothing_unlike() -> None:
    assert Novelty(Reference.of(ROWS), LAYOUT).unlike(TYPICAL) == Unlike(0.0, "")


@pytest.mark.parametrize("value", [9.0, -9.0, np.nan, np.inf])
def test_one_column_beyond_its_range_or_lost_counts_once(value: float) -> None:
    assert Novelty(Reference.of(ROWS), LAYOUT).unlike(changed(IMU, value)) == Unlike(1 / COUNTED, "imu")


def test_the_missing_columns_do_not_count() -> None:
    x = changed(LAYOUT.missing["imu"], 1.0)
    assert Novelty(Reference.of(ROWS), LAYOUT).unlike(x).share == 0.0


def test_a_column_that_training_lacked_now_and_then_may_be_unknown() -> None:
    rows = ROWS.copy()
    rows[:100, IMU] = np.nan  # 2.5 % of the rows
    assert Novelty(Reference.of(rows), LAYOUT).unlike(changed(IMU, np.nan)).share == 0.0


def test_a_column_that_training_never_knew_is_unlike_once_it_is_known() -> None:
    rows = ROWS.copy()
    rows[:, IMU] = np.nan
    novelty = Novelty(Reference.of(rows), LAYOUT)
    assert novelty.unlike(TYPICAL) == Unlike(1 / COUNTED, "imu")
    assert novelty.unlike(changed(IMU, np.nan)).share == 0.0


def test_the_sensor_with_most_columns_is_named() -> None:
    x = TYPICAL.copy()
    x[LAYOUT.slices["scan"]] = np.where(LAYOUT.is_missing[LAYOUT.slices["scan"]], 0.0, 50.0)
    x[IMU] = 50.0
    assert Novelty(Reference.of(ROWS), LAYOUT).unlike(x).sensor == "scan"


@pytest.mark.parametrize("levels", [(0.0, 1.0), (0.05, 0.5, 0.95), (0.0, 0.005, 0.01, 0.99, 1.0)])
def test_other_levels_in_the_file_are_used_as_near_as_they_are(levels: tuple[float, ...]) -> None:
    quantiles = np.quantile(ROWS, levels, axis=0)
    novelty = Novelty(Reference(levels, quantiles, np.zeros(D)), LAYOUT)
    assert novelty.unlike(TYPICAL).share == 0.0
    assert novelty.unlike(changed(IMU, 9.0)).share > 0.0


@given(x=st.lists(st.floats(width=64), min_size=D, max_size=D))
def test_every_vector_has_a_share(x: list[float]) -> None:
    share, sensor = Novelty(Reference.of(ROWS), LAYOUT).unlike(np.array(x))
    assert 0.0 <= share <= 1.0
    assert (sensor in LAYOUT.slices) == (share > 0.0)
