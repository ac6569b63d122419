# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The intervals of a recording, through the path that the node runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from obstacle_classifier.bags.definitions import definition_problem
from obstacle_classifier.bags.reader import Bag
from obstacle_classifier.bags.sensor_problems import sensor_problems
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.pipeline import BasePipeline, Batch, Output

__all__ = ["find_topics", "read_intervals"]


def find_topics(bag: Bag, sensors: SensorsConfig) -> dict[str, str]:
    """The topic of each sensor in an open bag, by sensor; a sensor without a topic there is left out.

    A relative name such as `scan` stands for `/scan`. If the bag has no `/scan`, it stands for the bag's only topic of
    the sensor's type that ends in `/scan`: a robot with a namespace records `/robot1/scan`. A topic that was recorded
    without its first slash counts as if it had one.

    Raises:
        BagError: A sensor's topic has another type in the bag, or another definition of it, several topics fit a
            relative name, or the bag has none of the sensors' topics.
    """
    topics = {
        sensor.name: recorded for sensor in sensors.sensors if (recorded := bag.recorded_name(sensor.topic)) is not None
    }
    for sensor in sensors.sensors:
        if sensor.name in topics:
            name = topics[sensor.name]
            found = bag.topics[name].type
            if found != sensor.type:
                raise BagError(f"{bag.path}: topic {name}: found type {found}, expected {sensor.type}")
        elif not sensor.topic.startswith("/"):
            fitting = [
                name
                for name, topic in sorted(bag.topics.items())
                if f"/{name}".endswith(f"/{sensor.topic}") and topic.type == sensor.type and name not in topics.values()
            ]
            if len(fitting) > 1:
                expected = f"one topic that ends in /{sensor.topic} (sensor {sensor.name})"
                raise BagError(f"{bag.path}: found {', '.join(fitting)}, expected {expected}")
            if fitting:
                topics[sensor.name] = fitting[0]
    for sensor in sensors.sensors:
        if sensor.name in topics:
            problem = definition_problem(bag, topics[sensor.name], sensor)
            if problem is not None:
                raise BagError(f"{bag.path}: topic {topics[sensor.name]}: {problem}")
    if not topics:
        found = ", ".join(sorted(bag.topics)) or "no topics"
        raise BagError(f"{bag.path}: found {found}, expected at least one of: {', '.join(sensors.topics)}")
    return topics


def read_intervals(bag: Bag, pipeline: BasePipeline[Output]) -> Iterator[Output]:
    """The output of `pipeline` for every interval of an open bag, in order.

    At the end the bag's `problems` name each sensor without a usable message, and topics that mix several scanners.

    Raises:
        BagError: The bag does not have the topics of the sensors, see `find_topics`.
    """
    topics = find_topics(bag, pipeline.sensors)
    return _read(bag, pipeline, topics)


def _read(bag: Bag, pipeline: BasePipeline[Output], topics: Mapping[str, str]) -> Iterator[Output]:
    names = {topic: sensor for sensor, topic in topics.items()}
    batches = bag.batches(names)
    yield from pipeline.replay(Batch([names[topic] for topic in m.topics], m.times, m.data) for m in batches)
    for problem in sensor_problems(pipeline, topics):
        bag.report(problem)
