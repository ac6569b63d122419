# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A statistic that the package does not have, from its declaration to the columns of a pipeline."""

from __future__ import annotations

import math

import numpy as np
import pytest

from obstacle_classifier.features import SensorsConfig, parse_sensors
from obstacle_classifier.features.statistics import STATISTICS, Statistic
from obstacle_classifier.pipeline import Pipeline
from test.helpers.messages import make_float64
from test.helpers.models import make_model

pytestmark = pytest.mark.runtime

MS = 10**6


def age(*, depends_on_end: bool) -> Statistic:
    """Seconds from the newest message in the window to the window's end."""
    return Statistic(
        name="age",
        compute=lambda window: np.full(len(window.last), (window.end - window.times[-1]) * 1e-9),
        meaning="s from the newest sample to the window's end",
        depends_on_end=depends_on_end,
    )


def sensors() -> SensorsConfig:
    sensor = {"type": "std_msgs/msg/Float64", "topic": "/x", "statistics": ["age", "last"], "window": 0.45}
    return parse_sensors({"interval": 0.1, "labels": ["a"], "sensors": {"x": sensor}}, "test")


def ages() -> list[float]:
    """Column `x.data.age` at 100, 200, ... 600 ms after one message at 40 ms."""
    pipeline = Pipeline(make_model(sensors()))
    pipeline.push("x", 40 * MS, make_float64(7.0))
    predictions = pipeline.advance(600 * MS)
    assert pipeline.sensors.columns == ("x.data.age", "x.data.last", "x.missing")
    assert [prediction.x[1] for prediction in predictions] == [7.0] * 6
    return [float(prediction.x[0]) for prediction in predictions]


def test_a_statistic_of_the_end_moves_without_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STATISTICS, "age", age(depends_on_end=True))
    assert ages() == pytest.approx([0.06, 0.16, 0.26, 0.36, math.nan, math.nan], nan_ok=True)


def test_a_statistic_of_the_samples_alone_is_kept_while_they_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Declared to be independent of the end, the age keeps its first value: the declaration decides."""
    monkeypatch.setitem(STATISTICS, "age", age(depends_on_end=False))
    assert ages() == pytest.approx([0.06, 0.06, 0.06, 0.06, math.nan, math.nan], nan_ok=True)
