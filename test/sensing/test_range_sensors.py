# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Distances by REP-117; all expected numbers are computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from obstacle_classifier.sensing import DecodeError, make_decoder
from test.helpers.messages import SCHEMAS, cloud_fields, encode, make_cloud, make_range, make_scan

pytestmark = pytest.mark.runtime

INF, NAN = math.inf, math.nan
ALL = ["min", "max", "mean", "std", "count"]


def _scan(ranges: list[float], options: dict[str, object] | None = None, **fields: float) -> list[float]:
    """Decode with one sector over all beams, unless options say otherwise."""
    decoder = make_decoder("sensor_msgs/msg/LaserScan", {"sectors": 1, "reduce": ALL, **(options or {})})
    row: list[float] = decoder.decode([make_scan(ranges, **fields)]).values[0].tolist()  # type: ignore[arg-type]
    return row


@pytest.mark.parametrize(
    ("ranges", "options", "expected"),
    [
        # min, max, mean, std, count of returns; limits of the message: 0.5 and 10
        ([2, 4], {}, [2, 4, 3, 1, 2]),
        ([2, INF], {}, [2, 10, 6, 4, 1]),  # +Inf is the maximum and no return
        ([2, 10], {}, [2, 10, 6, 4, 1]),  # so is a reading at the maximum
        ([2, 30], {}, [2, 10, 6, 4, 1]),  # and one beyond it
        ([2, -INF], {}, [0.5, 2, 1.25, 0.75, 2]),  # -Inf is the minimum and a return
        ([2, NAN], {}, [2, 2, 2, 0, 1]),
        ([2, 0.25], {}, [2, 2, 2, 0, 1]),  # below the minimum
        ([2, 0.5], {}, [0.5, 2, 1.25, 0.75, 2]),  # at the minimum
        ([2, 0], {}, [2, 2, 2, 0, 1]),
        ([2, 0], {"zero": "drop"}, [2, 2, 2, 0, 1]),
        ([2, 0], {"zero": "no_return"}, [2, 10, 6, 4, 1]),
        ([2, -0.0], {"zero": "no_return"}, [2, 10, 6, 4, 1]),
        ([2, -1], {}, [2, 2, 2, 0, 1]),
        ([NAN, NAN], {}, [NAN, NAN, NAN, NAN, 0]),
        ([INF, INF], {}, [10, 10, 10, 0, 0]),
        ([], {}, [NAN, NAN, NAN, NAN, 0]),
        ([2, 9], {"max_range": 8.0}, [2, 8, 5, 3, 1]),  # the option replaces the message's maximum
        ([2, INF], {"max_range": 12}, [2, 12, 7, 5, 1]),
        ([2, 11], {"max_range": 12}, [2, 11, 6.5, 4.5, 2]),
        ([np.float32(5.6)], {"max_range": 5.6}, [5.6, 5.6, 5.6, 0, 0]),  # float32(5.6) is just below 5.6
    ],
)
def test_scan_rules(ranges: list[float], options: dict[str, object], expected: list[float]) -> None:
    np.testing.assert_array_equal(_scan(ranges, options, range_min=0.5, range_max=10), expected)


def test_zero_is_no_distance_even_without_a_minimum() -> None:
    assert _scan([2, 0], range_min=0, range_max=10) == [2, 2, 2, 0, 1]
    assert _scan([2, -INF], range_min=0, range_max=10) == [0, 2, 1, 1, 2]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((0, 0), [2, 50, 26, 24, 2]),  # unknown: nothing is too far, and +Inf stands for no distance
        ((NAN, NAN), [2, 50, 26, 24, 2]),
        ((1, INF), [2, 50, 26, 24, 2]),
        ((INF, 60), [2, 60, 112 / 3, np.std([2, 50, 60]), 2]),
    ],
)
def test_scan_without_usable_limits(limits: tuple[float, float], expected: list[float]) -> None:
    row = _scan([2, 50, INF, NAN], range_min=limits[0], range_max=limits[1])
    np.testing.assert_allclose(row, expected, rtol=1e-15)


def _sectors(angles: list[float], options: dict[str, object]) -> list[int]:
    """The sector that counts a beam at each angle, -1 for none; each scan has one beam."""
    decoder = make_decoder("sensor_msgs/msg/LaserScan", {"reduce": ["count"], **options})
    rows = decoder.decode([make_scan([1.0], angle_min=angle, angle_increment=0.0) for angle in angles]).values
    return [int(np.argmax(row)) if row.any() else -1 for row in rows]


def test_sectors_of_the_full_circle() -> None:
    # Four sectors from -pi: behind right, front right, front left, behind left; pi is -pi again.
    angles = [-math.pi, -2.0, -math.pi / 2, -0.5, 0.0, 0.5, math.pi / 2, 2.0, math.pi]
    assert _sectors(angles, {"sectors": 4}) == [0, 0, 1, 1, 2, 2, 3, 3, 0]


def test_sectors_of_part_of_the_circle() -> None:
    # Sectors [-1, 0) and [0, 1]: the upper edge belongs to the last one.
    angles = [-1.01, -1.0, -0.01, 0.0, 0.99, 1.0, 1.01, math.pi]
    assert _sectors(angles, {"sectors": 2, "field_of_view": [-1, 1]}) == [-1, 0, 0, 1, 1, 1, -1, -1]


def test_sectors_are_modulo_a_full_circle() -> None:
    # The field of view looks backwards over the seam at pi.
    options: dict[str, object] = {"sectors": 2, "field_of_view": [3.0, 4.0]}
    turn = 2 * math.pi
    assert _sectors([3.1, 3.9, 3.1 - turn, 3.9 - turn, 3.9 + turn, 2.9, 4.1, 0.0], options) == [
        0,
        1,
        0,
        1,
        1,
        -1,
        -1,
        -1,
    ]


def test_sector_names_have_two_digits_or_more() -> None:
    assert make_decoder("sensor_msgs/msg/LaserScan", {}).channels == tuple(f"sector_{i:02}_min" for i in range(12))
    names = make_decoder("sensor_msgs/msg/LaserScan", {"sectors": 101, "reduce": ["min", "std"]}).channels
    assert names[:3] == ("sector_000_min", "sector_000_std", "sector_001_min")
    assert names[-1] == "sector_100_std"


def test_beam_count_may_change_and_order_does_not_matter() -> None:
    decoder = make_decoder("sensor_msgs/msg/LaserScan", {"sectors": 4})
    few = make_scan(
        [1, 2, 3, 4], angle_min=-3, angle_increment=1.5
    )  # -3, -1.5, 0 and 1.5 rad: the last two share [0, pi / 2)
    many = make_scan([1, 1, 2, 2, 3, 3, 4, 4], angle_min=-3, angle_increment=0.75)  # 2.25 rad is beyond it
    backwards = make_scan([4, 3, 2, 1], angle_min=1.5, angle_increment=-1.5)
    twice_around = make_scan([9, 9, 9, 9, 1, 2, 3, 4], angle_min=-math.pi + 0.1, angle_increment=math.pi / 2)
    rows = decoder.decode([few, many, backwards, twice_around]).values
    np.testing.assert_array_equal(rows, [[1, 2, 3, NAN], [1, 2, 3, 4], [1, 2, 3, NAN], [1, 2, 3, 4]])


@pytest.mark.parametrize("angle", [NAN, INF, -INF])
def test_scan_without_angles_has_no_sectors(angle: float) -> None:
    decoder = make_decoder("sensor_msgs/msg/LaserScan", {"sectors": 2})
    messages = [
        make_scan([1, 2], angle_min=angle, angle_increment=0.1),
        make_scan([1], angle_min=0, angle_increment=angle),
    ]
    assert np.isnan(decoder.decode(messages).values).all()


@pytest.mark.parametrize(
    ("reading", "limits", "distance", "returned"),
    [
        (1.0, (0.25, 4.0), 1.0, 1.0),
        (INF, (0.25, 4.0), 4.0, 0.0),
        (4.0, (0.25, 4.0), 4.0, 0.0),
        (9.0, (0.25, 4.0), 4.0, 0.0),
        (-INF, (0.25, 4.0), 0.25, 1.0),
        (0.125, (0.25, 4.0), NAN, NAN),
        (0.25, (0.25, 4.0), 0.25, 1.0),
        (NAN, (0.25, 4.0), NAN, NAN),
        (0.0, (0.0, 4.0), 0.0, 1.0),
        # A fixed-distance detector: something is nearer than 1.5 m, or nothing is.
        (-INF, (1.5, 1.5), 0.0, 1.0),
        (INF, (1.5, 1.5), 1.5, 0.0),
        # Unknown limits: any distance counts, and none stands for +Inf.
        (7.0, (0.0, 0.0), 7.0, 1.0),
        (INF, (0.0, 0.0), NAN, 0.0),
        (-INF, (0.0, 0.0), 0.0, 1.0),
        (-1.0, (0.0, 0.0), NAN, NAN),
        (INF, (NAN, NAN), NAN, 0.0),
    ],
)
@pytest.mark.parametrize("variance", [0.5, None])
def test_range_rules(
    reading: float, limits: tuple[float, float], distance: float, returned: float, variance: float | None
) -> None:
    decoder = make_decoder("sensor_msgs/msg/Range", {"channels": ["range", "returned"]})
    message = make_range(reading, min_range=limits[0], max_range=limits[1], variance=variance)
    np.testing.assert_array_equal(decoder.decode([message]).values, [[distance, returned]])


def _cloud(points: list[list[float]], options: dict[str, object], **layout: object) -> list[float]:
    decoder = make_decoder("sensor_msgs/msg/PointCloud2", {"sectors": 1, "reduce": ALL, **options})
    row: list[float] = decoder.decode([make_cloud(points, **layout)]).values[0].tolist()  # type: ignore[arg-type]
    return row


@pytest.mark.parametrize(
    ("points", "options", "expected"),
    [
        ([[3, 4, 9], [0, -7, 0]], {}, [5, 7, 6, 1, 2]),  # z does not count
        ([[3, 4, 0], [NAN, 0, 0], [0, NAN, 0], [1, 0, NAN], [INF, 0, 0]], {}, [5, 5, 5, 0, 1]),
        ([[3, 4, 0], [INF, 0, 0], [1, 0, -INF]], {"max_range": 6}, [5, 5, 5, 0, 1]),  # infinitely far is nowhere
        ([[3, 4, 0], [0, 0, 0]], {}, [5, 5, 5, 0, 1]),  # the origin has no direction
        ([[3, 4, 0], [0, 7, 0]], {"max_range": 6}, [5, 6, 5.5, 0.5, 1]),
        ([[3, 4, 0], [0, 6, 0]], {"max_range": 6}, [5, 6, 5.5, 0.5, 1]),
        ([[3, 4, 0], [1, 0, -1], [1, 0, 2.5]], {"height": [-0.5, 2]}, [5, 5, 5, 0, 1]),
        ([[3, 4, -0.5], [0, 1, 2]], {"height": [-0.5, 2]}, [1, 5, 3, 2, 2]),
        ([], {}, [NAN, NAN, NAN, NAN, 0]),
        ([[NAN, NAN, NAN]], {}, [NAN, NAN, NAN, NAN, 0]),
    ],
)
def test_cloud_rules(points: list[list[float]], options: dict[str, object], expected: list[float]) -> None:
    np.testing.assert_array_equal(_cloud(points, options), expected)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize("layout", [{}, {"offset": 3, "gap": 2}, {"height": 2}, {"height": 2, "row_gap": 5, "gap": 1}])
def test_cloud_layouts(dtype: str, layout: dict[str, int]) -> None:
    points: list[list[float]] = [[1, 0.5, 0], [0.5, 2, 0], [-3, 0.5, 0], [-0.5, -4, 0]]
    options: dict[str, object] = {"sectors": 4, "reduce": ["min"], "field_of_view": [0, 2 * math.pi]}
    row = _cloud(points, options, dtype=dtype, **layout)
    # Angles of 0.46, 1.33, 2.98 and 4.59 rad, in quadrants 0, 0, 1, 2.
    np.testing.assert_allclose(row, [math.sqrt(1.25), math.sqrt(9.25), math.sqrt(16.25), NAN], rtol=1e-15)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"width": 5}, "data: 48 bytes for 1 rows of 48 bytes with 5 points of 12 bytes"),
        ({"height": 2}, "data: 48 bytes for 2 rows"),
        ({"row_step": 47}, "data: 48 bytes for 1 rows of 47 bytes"),
        ({"point_step": 13}, "with 4 points of 13 bytes"),
        ({"point_step": 11}, "fields: z at 8 reaches beyond the 11 bytes of a point"),
        ({"width": 2**32 - 1, "height": 2**32 - 1, "point_step": 0, "row_step": 0, "data": []}, "reaches beyond the 0"),
        ({"fields": []}, "fields: no x"),
        ({"fields": [{"name": "x", "offset": 0, "datatype": 5, "count": 1}]}, "x has datatype 5, expected 7"),
        ({"fields": [{"name": "x", "offset": 2**32 - 1, "datatype": 7, "count": 1}]}, "x at 4294967295"),
    ],
)
def test_inconsistent_clouds_are_refused(change: dict[str, object], reason: str) -> None:
    name = "sensor_msgs/msg/PointCloud2"
    fields = {**cloud_fields(np.ones((4, 3))), **change}
    good = make_cloud(np.ones((4, 3)))
    bad = encode(name, fields)
    assert name in SCHEMAS
    samples = make_decoder(name, {}).decode([good, bad, good, bad])
    assert samples.kept.tolist() == [0, 2]
    assert [position for position, _ in samples.errors] == [1, 3]
    for _, error in samples.errors:
        assert isinstance(error, DecodeError)
        assert reason in str(error)
