# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obstacle_classifier.simulation.geometry import Footprint, corners, corridor_ahead, overlaps


def hit(one: Footprint, other: Footprint) -> bool:
    return bool(overlaps(one, np.array([other]))[0])


UNIT = Footprint(0.0, 0.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("x", "y", "yaw", "expected"),
    [
        (1.9, 0.0, 0.0, True),
        (2.1, 0.0, 0.0, False),
        (1.9, 1.9, 0.0, True),
        (1.9, 2.1, 0.0, False),
        # A square on its corner reaches sqrt(2) = 1.414 along x, but not as far on the diagonal.
        (2.4, 0.0, math.pi / 4, True),
        (2.43, 0.0, math.pi / 4, False),
        (1.7, 1.7, math.pi / 4, True),
        (1.72, 1.72, math.pi / 4, False),
        (0.0, 0.0, 0.3, True),
    ],
)
def test_squares_by_hand(x: float, y: float, yaw: float, expected: bool) -> None:
    assert hit(UNIT, Footprint(x, y, yaw, 1.0, 1.0)) is expected


def test_corridor_begins_at_the_front_and_turns_with_the_robot() -> None:
    corridor = corridor_ahead(1.0, 2.0, math.pi / 2, 0.5, 4.0, 1.0)
    assert corridor == pytest.approx((1.0, 4.5, math.pi / 2, 2.0, 0.5))
    assert {tuple(np.round(corner, 9)) for corner in corners(corridor)} == {
        (0.5, 2.5),
        (1.5, 2.5),
        (0.5, 6.5),
        (1.5, 6.5),
    }


RECTANGLES = st.builds(
    Footprint,
    st.floats(-3, 3),
    st.floats(-3, 3),
    st.floats(-4, 4),
    st.floats(0.2, 2),
    st.floats(0.2, 2),
)


def inside(points: np.ndarray, rectangle: Footprint, margin: float) -> np.ndarray:
    dx, dy = points[:, 0] - rectangle.x, points[:, 1] - rectangle.y
    c, s = math.cos(rectangle.yaw), math.sin(rectangle.yaw)
    along, across = np.abs(dx * c + dy * s), np.abs(dy * c - dx * s)
    result: np.ndarray = (along < rectangle.half_length + margin) & (across < rectangle.half_width + margin)
    return result


@given(RECTANGLES, RECTANGLES)
def test_overlap_is_a_common_point(one: Footprint, other: Footprint) -> None:
    steps = np.linspace(-1, 1, 41)
    c, s = math.cos(one.yaw), math.sin(one.yaw)
    a, b = (grid.ravel() for grid in np.meshgrid(steps * one.half_length, steps * one.half_width))
    points = np.stack([one.x + a * c - b * s, one.y + a * s + b * c], axis=1)
    if inside(points, other, -1e-6).any():
        assert hit(one, other)
    elif not inside(points, other, 0.11).any():  # the grid's diagonal
        assert not hit(one, other)
    assert hit(one, other) == hit(other, one)
