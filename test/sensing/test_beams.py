# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The beams of a scan on a grid of angles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from obstacle_classifier.sensing import BEAMS, OptionError, make_decoder
from test.helpers.messages import make_scan

pytestmark = pytest.mark.runtime
SCAN = "sensor_msgs/msg/LaserScan"


def grid(data: bytes, **options: object) -> NDArray[np.float64]:
    samples = make_decoder(SCAN, {"reduce": BEAMS, **options}).decode([data])
    assert not samples.errors
    (values,) = samples.values
    return np.asarray(values)


def wall(beams: int, low: float = -1.0, high: float = 1.0) -> bytes:
    """A scan of a straight wall 2 m ahead."""
    angles = np.linspace(low, high, beams)
    return make_scan(
        (2.0 / np.cos(angles)).tolist(), angle_min=low, angle_increment=(high - low) / (beams - 1), range_max=10.0
    )


def test_a_scan_without_options_has_360_beams_over_the_full_circle() -> None:
    decoder = make_decoder(SCAN, {"reduce": BEAMS})
    assert decoder.channels[0] == "beam_000"
    assert decoder.channels[-1] == "beam_359"
    values = grid(wall(200))
    degrees = np.arange(360) - 179.5
    inside = np.abs(np.radians(degrees)) < 1.0
    assert np.isfinite(values[inside]).all()
    assert np.isnan(values[np.abs(np.radians(degrees)) > 1.0 + math.radians(1)]).all(), "no beam goes there"


@pytest.mark.parametrize("beams", [60, 181, 1081])
def test_scanners_with_other_beams_see_the_same_wall(beams: int) -> None:
    values = grid(wall(beams), sectors=50, field_of_view=[-1.0, 1.0])
    centres = -1.0 + (np.arange(50) + 0.5) * 0.04
    # The least distance of a cell is at the edge that is nearer to the middle: half a cell away, at most.
    np.testing.assert_allclose(values, 2.0 / np.cos(centres), rtol=0.06)


def test_a_cell_has_the_least_distance_of_its_beams() -> None:
    ranges = [5.0] * 40
    ranges[21] = 1.0
    values = grid(make_scan(ranges, angle_min=-1.0, angle_increment=0.05), sectors=4, field_of_view=[-1.0, 1.0])
    np.testing.assert_allclose(values, [5.0, 5.0, 1.0, 5.0])


def test_a_beam_without_a_return_is_at_the_maximum_and_an_invalid_one_is_unknown() -> None:
    ranges = [math.inf, math.nan, 3.0]
    data = make_scan(ranges, angle_min=-1.0, angle_increment=1.0, range_max=8.0)
    values = grid(data, sectors=3, field_of_view=[-1.5, 1.5])
    np.testing.assert_allclose(values, [8.0, np.nan, 3.0])


def test_another_word_than_beams_is_refused() -> None:
    with pytest.raises(OptionError, match="beams"):
        make_decoder(SCAN, {"reduce": "rays"})
