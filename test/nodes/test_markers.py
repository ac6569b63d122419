# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The bar chart, and Classification where it exists, of one interval."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

from visualization_msgs.msg import Marker

from obstacle_classifier.nodes.classifier.markers import BarChart
from obstacle_classifier.pipeline import Prediction

LABELS = ("pedestrian", "bicycle")
END = 12_345_678_900_000_000
KNOWN = Prediction(END, np.zeros(3), False, (), np.array([0.75, 0.001], np.float32), ("pedestrian",))
UNKNOWN = Prediction(END, np.zeros(3), True, ("scan",), np.full(2, np.nan, np.float32), None)


def test_one_bar_and_one_text_a_label() -> None:
    markers = BarChart(LABELS, 10**8).update(KNOWN, "mast").markers
    assert [(marker.ns, marker.type) for marker in markers] == [
        (label, kind) for label in LABELS for kind in (Marker.CUBE, Marker.TEXT_VIEW_FACING)
    ]
    assert len({(marker.ns, marker.id) for marker in markers}) == 4, "each has an identity of its own"
    for marker in markers:
        assert marker.header.frame_id == "mast"
        assert marker.header.stamp.sec * 10**9 + marker.header.stamp.nanosec == END
        assert marker.action == Marker.ADD
        assert marker.pose.orientation.w == 1.0
        assert min(marker.scale.x, marker.scale.y, marker.scale.z, marker.color.a) > 0, "RViz shows no other"


def test_bars_are_as_high_as_the_probability_and_stand_on_the_ground() -> None:
    bar, text, low, _ = BarChart(LABELS, 10**8).update(KNOWN, "base_link").markers
    assert bar.scale.z == 0.75
    assert bar.pose.position.z == 0.375
    assert text.pose.position.z > 0.75
    assert text.text == "pedestrian 0.75"
    assert 0 < low.scale.z < 0.01
    assert bar.pose.position.y != low.pose.position.y


def test_colours_tell_present_absent_and_unknown() -> None:
    chart = BarChart(LABELS, 10**8)
    present, absent = (chart.update(KNOWN, "base_link").markers[index].color for index in (0, 2))
    assert present.r > present.g
    assert absent.g > absent.r
    bar, text = chart.update(UNKNOWN, "base_link").markers[:2]
    assert bar.color.r == bar.color.g == bar.color.b
    assert bar.scale.z < 0.01
    assert text.text == "pedestrian unknown"


@pytest.mark.parametrize(("interval", "lifetime"), [(5 * 10**7, 1.0), (2 * 10**9, 6.0)])
def test_a_chart_that_is_not_renewed_disappears(interval: int, lifetime: float) -> None:
    for marker in BarChart(LABELS, interval).update(KNOWN, "base_link").markers:
        assert marker.lifetime.sec + marker.lifetime.nanosec * 1e-9 == lifetime
