# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The intervals of a recording, computed by the pipeline that the node runs."""

from __future__ import annotations

from collections.abc import Iterator

from obstacle_classifier.bags.reader import Bag
from obstacle_classifier.errors import BagError
from obstacle_classifier.pipeline import Interval, Pipeline

__all__ = ["read_intervals"]


def read_intervals(bag: Bag, pipeline: Pipeline) -> Iterator[Interval]:
    """Run `pipeline` over an open bag and yield its intervals in order of time.

    Raises:
        BagError: A sensor's topic has another type in the bag, or the bag lacks all of the sensors' topics.
    """
    sensors = pipeline.sensors
    for sensor in sensors.sensors:
        topic = bag.topics.get(sensor.topic)
        if topic is not None and topic.type != sensor.type:
            raise BagError(f"{bag.path}: topic {sensor.topic}: found type {topic.type}, expected {sensor.type}")
    names = sensors.topics
    if not names.keys() & bag.topics.keys():
        found = ", ".join(sorted(bag.topics)) or "no topics"
        raise BagError(f"{bag.path}: found {found}, expected at least one of: {', '.join(names)}")
    return pipeline.run(((names[topic], time, data) for topic, time, data in bag.messages(names)))
