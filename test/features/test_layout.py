# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Where the columns of each sensor are in a feature vector."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from obstacle_classifier.features import Layout, parse_sensors
from test.helpers.models import SENSORS

pytestmark = pytest.mark.runtime


def layout(**required: bool) -> Layout:
    """The layout of sensors of these names, with two columns and `missing` each."""
    sensors: dict[str, Any] = {
        name: {
            "type": "std_msgs/msg/Bool",
            "topic": f"/{name}",
            "statistics": ["last", "mean"],
            "required": is_required,
        }
        for name, is_required in required.items()
    }
    return parse_sensors({"interval": 0.1, "labels": ["x"], "sensors": sensors}, "test").layout


def test_each_sensor_has_consecutive_columns_and_missing_last() -> None:
    found = layout(a=True, b=False)
    assert found.columns == ("a.data.last", "a.data.mean", "a.missing", "b.data.last", "b.data.mean", "b.missing")
    assert found.slices == {"a": slice(0, 3), "b": slice(3, 6)}
    assert found.missing == {"a": 2, "b": 5}
    assert found.is_missing.tolist() == [False, False, True, False, False, True]


@pytest.mark.parametrize(
    ("required", "droppable"),
    [
        ({"a": False, "b": False}, ("a", "b")),
        ({"a": True, "b": False}, ("b",)),
        ({"a": True, "b": True}, ()),
        ({"a": False}, ()),
    ],
)
def test_training_may_drop_a_sensor_that_is_not_required_and_not_alone(
    required: dict[str, bool], droppable: tuple[str, ...]
) -> None:
    assert layout(**required).droppable == droppable


def test_a_sensors_file_has_one_layout_that_nobody_can_change() -> None:
    assert SENSORS.layout is SENSORS.layout
    assert SENSORS.columns == SENSORS.layout.columns
    assert [name.endswith(".missing") for name in SENSORS.columns] == SENSORS.layout.is_missing.tolist()
    with pytest.raises(ValueError, match="read-only"):
        SENSORS.layout.is_missing[0] = np.True_
