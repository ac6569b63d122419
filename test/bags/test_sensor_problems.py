# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Lines about sensors whose messages give no numbers, or numbers of several scanners."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags import Bag
from obstacle_classifier.bags.intervals import read_intervals
from obstacle_classifier.bags.sensor_problems import empty_sectors, number_ranges
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.pipeline import FeaturePipeline
from obstacle_classifier.sensing import ScanGeometry
from test.helpers.bags import START, Message, cdr, write_bag
from test.helpers.messages import make_scan

FLOAT, SCAN = "std_msgs/msg/Float32", "sensor_msgs/msg/LaserScan"


def scan(time: int, beams: int, frame: str = "laser") -> Message:
    return "/scan", SCAN, time, make_scan([2.0] * beams, frame_id=frame)


def problems(folder: Path, messages: list[Message], **sensor: object) -> list[str]:
    """Problems of a bag after a sensor of it was read, without the path."""
    path = write_bag(folder / "run", messages)
    document = {"interval": 0.1, "labels": ["a"], "sensors": {"eye": sensor}}
    with Bag(path) as bag:
        list(read_intervals(bag, FeaturePipeline(parse_sensors(document, "test"))))
        assert all(problem.startswith(f"{path}: ") for problem in bag.problems)
        return [problem.removeprefix(f"{path}: ") for problem in bag.problems]


def test_two_scanners_on_one_topic_are_named_with_their_counts(tmp_path: Path) -> None:
    messages = [scan(START + k * 10**7, 720 if k % 3 else 360, "front" if k % 3 else "rear") for k in range(90)]
    assert problems(tmp_path, messages, type=SCAN, topic="/scan") == [
        "topic /scan (sensor eye): mixes 2 scanners: "
        "60 messages with 720 beams from -3.142 to 3.133 rad in frame 'front', "
        "30 messages with 360 beams from -3.142 to 3.124 rad in frame 'rear'"
    ]


def test_one_scanner_is_no_problem_whatever_its_number_of_beams(tmp_path: Path) -> None:
    messages = [scan(START + k * 10**7, 700 + k % 9) for k in range(90)]
    assert problems(tmp_path / "changing", messages, type=SCAN, topic="/scan") == []
    rare = [scan(START + k * 10**7, 700 + (k == 7)) for k in range(200)]
    assert problems(tmp_path / "rare", rare, type=SCAN, topic="/scan") == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([b"\0\1\0\0"], "none of its 3 messages can be decoded: data: 4 bytes needed at 4, 0 left"),
        ([b"\0\1\0\0", b"", b""], "1 of its 3 messages cannot be decoded: data: 4 bytes needed at 4, 0 left"),
        ([cdr(FLOAT, data=math.nan)], "none of its 3 messages gives a number to the chosen channels"),
    ],
)
def test_messages_without_numbers_are_told(tmp_path: Path, data: list[bytes], said: str) -> None:
    sound = cdr(FLOAT, data=1.0)
    messages = [("/noise", FLOAT, START + k * 10**8, data[k % len(data)] or sound) for k in range(3)]
    assert problems(tmp_path, messages, type=FLOAT, topic="/noise") == [f"topic /noise (sensor eye): {said}"]


NARROW = ScanGeometry("laser", 419, -2.09, 0.01)


@pytest.mark.parametrize(
    ("options", "geometry", "said"),
    [
        ({"sectors": 24, "field_of_view": [-2.09, 3.0]}, NARROW, "sectors 20 to 23 lie outside"),
        ({"sectors": 4}, NARROW, None),
        ({"sectors": 6, "field_of_view": [0.0, 2 * math.pi]}, NARROW, "sectors 2, 3 lie outside"),
        ({"sectors": 12, "field_of_view": [0.0, 2 * math.pi]}, NARROW, "sectors 4 to 7 lie outside"),
        ({"sectors": 3, "field_of_view": [2.0, 3.0]}, NARROW, "sectors 1, 2 lie outside"),
        ({"sectors": 12, "field_of_view": [-2.0, 2.0]}, NARROW, None),
    ],
)
def test_sectors_outside_the_scanner(options: dict[str, object], geometry: ScanGeometry, said: str | None) -> None:
    problem = empty_sectors(options, geometry)
    assert problem == (said and f"{said} the scanner's -2.09 to 2.09 rad")


def test_sectors_between_the_beams() -> None:
    coarse = ScanGeometry("laser", 5, -1.0, 0.5)
    problem = empty_sectors({"sectors": 8, "field_of_view": [-1.1, 1.1]}, coarse)
    assert problem == "sectors 1, 3, 6 without a beam: the scanner's beams are 0.5 rad apart"


def test_numbers_are_joined_to_ranges() -> None:
    assert number_ranges([3]) == "sector 3"
    assert number_ranges([0, 1, 2, 7, 9, 10]) == "sectors 0 to 2, 7, 9, 10"
