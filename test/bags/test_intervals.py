# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The topics of the sensors in a bag: absolute names, and relative ones of robots with a namespace."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags import Bag
from obstacle_classifier.bags.intervals import find_topics, read_intervals
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import SensorsConfig, parse_sensors
from obstacle_classifier.pipeline import FeaturePipeline
from test.helpers.bags import START, cdr, write_bag

FLOAT, DOUBLE = "std_msgs/msg/Float32", "std_msgs/msg/Float64"


def sensors(**topics: str) -> SensorsConfig:
    entries = {name: {"type": FLOAT, "topic": topic} for name, topic in topics.items()}
    return parse_sensors({"interval": 0.1, "labels": ["a"], "sensors": entries}, "test")


def make_bag(folder: Path, **types: str) -> Path:
    """A bag with a message a topic every 50 ms for a second; `__` in a name for each slash."""
    messages = [
        (name.replace("__", "/"), kind, START + step * 50_000_000, cdr(kind, data=float(step)))
        for step in range(20)
        for name, kind in types.items()
    ]
    return write_bag(folder / "bag", messages)


@pytest.mark.parametrize(
    ("topics", "recorded", "expected"),
    [
        ({"a": "/noise"}, {"__noise": FLOAT}, {"a": "/noise"}),
        ({"a": "noise"}, {"__noise": FLOAT, "__robot1__noise": FLOAT}, {"a": "/noise"}),
        ({"a": "noise"}, {"__robot1__noise": FLOAT, "__other__noise": DOUBLE}, {"a": "/robot1/noise"}),
        ({"a": "mic/noise"}, {"__robot1__mic__noise": FLOAT, "__robot1__noise": FLOAT}, {"a": "/robot1/mic/noise"}),
        ({"a": "noise", "b": "/robot1/noise"}, {"__robot1__noise": FLOAT}, {"b": "/robot1/noise"}),
        ({"a": "/noise"}, {"noise": FLOAT}, {"a": "noise"}),
        ({"a": "noise"}, {"noise": FLOAT, "robot1__noise": FLOAT}, {"a": "noise"}),
        ({"a": "noise"}, {"robot1__noise": FLOAT}, {"a": "robot1/noise"}),
        ({"a": "/noise", "b": "/absent"}, {"__noise": FLOAT}, {"a": "/noise"}),
    ],
)
def test_topic_of_each_sensor(
    tmp_path: Path, topics: dict[str, str], recorded: dict[str, str], expected: dict[str, str]
) -> None:
    with Bag(make_bag(tmp_path, **recorded)) as bag:
        assert find_topics(bag, sensors(**topics)) == expected


@pytest.mark.parametrize(
    ("topics", "recorded", "message"),
    [
        ({"a": "noise"}, {"__noise": DOUBLE}, f"topic /noise: found type {DOUBLE}, expected {FLOAT}"),
        (
            {"a": "noise"},
            {"__r1__noise": FLOAT, "__r2__noise": FLOAT},
            "found /r1/noise, /r2/noise, expected one topic that ends in /noise (sensor a)",
        ),
        ({"a": "noise"}, {"__robot1__loudness": FLOAT}, "found /robot1/loudness, expected at least one of: noise"),
        ({"a": "/noise"}, {"__robot1__noise": FLOAT}, "found /robot1/noise, expected at least one of: /noise"),
    ],
)
def test_bag_without_the_topic_is_refused(
    tmp_path: Path, topics: dict[str, str], recorded: dict[str, str], message: str
) -> None:
    path = make_bag(tmp_path, **recorded)
    with Bag(path) as bag, pytest.raises(BagError) as caught:
        find_topics(bag, sensors(**topics))
    assert str(caught.value) == f"{path}: {message}"


def test_intervals_of_a_relative_topic_are_those_of_its_absolute_name(tmp_path: Path) -> None:
    with Bag(make_bag(tmp_path, __robot1__noise=FLOAT)) as bag:
        relative, absolute = (
            [(vector.end, *vector.x) for vector in read_intervals(bag, FeaturePipeline(sensors(a=topic)))]
            for topic in ("noise", "/robot1/noise")
        )
    assert len(absolute) >= 9
    assert relative == absolute
