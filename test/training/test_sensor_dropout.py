# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.features import parse_sensors
from obstacle_classifier.training.sensor_dropout import drop_sensors
from test.helpers.training import DOCUMENT, SENSORS

OPTIONAL: dict[str, Any] = {
    **DOCUMENT,
    "sensors": {name: {**sensor, "required": False} for name, sensor in DOCUMENT["sensors"].items()},
}


def test_sensors_that_may_be_missing_are_dropped_whole_one_time_in_ten() -> None:
    X = np.full((20_000, 5), 7.0)
    X[:, [2, 4]] = 0.0
    drop_sensors(X, parse_sensors(OPTIONAL, "test").layout, np.random.default_rng(0))
    dropped = X[:, [2, 4]] == 1
    np.testing.assert_array_equal(X[:, 0], np.where(dropped[:, 0], np.nan, 7))
    np.testing.assert_array_equal(X[:, 1], X[:, 0])
    np.testing.assert_array_equal(X[:, 3], np.where(dropped[:, 1], np.nan, 7))
    deviation = np.sqrt(0.1 * 0.9 / len(X))
    assert np.abs(dropped.mean(axis=0) - 0.1).max() < 5 * deviation
    assert abs(dropped.all(axis=1).mean() - 0.01) < 5 * np.sqrt(0.01 * 0.99 / len(X)), "each sensor by itself"


def test_required_sensors_are_never_dropped() -> None:
    X = np.full((1000, 5), 7.0)
    drop_sensors(X, SENSORS.layout, np.random.default_rng(0))
    assert (X[:, :3] == 7).all(), "distance is required"
    assert np.isnan(X[:, 3]).any()
