# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A recording at a glance: its index, its labels and the first message of each sensor."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path
from zlib import crc32

from obstacle_classifier.bags.intervals import find_topics
from obstacle_classifier.bags.labels import NoLabelsError, load_labels
from obstacle_classifier.bags.reader import Bag
from obstacle_classifier.errors import BagError, ConfigError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.sensing import DecodeError, ScanGeometry, message_type, parse_message

__all__ = ["Glance", "glance", "nearest_topics"]

MAX_MESSAGES = 2000
"""Most messages read to find the first one of each sensor."""
_ALIKE = 0.6  # ratio of difflib from which names are near
_NEAREST = 2  # names told


@dataclass(frozen=True)
class Glance:
    """What the index and the first messages of a recording tell.

    Attributes:
        name: Name of the recording.
        path: Its path.
        error: Why it cannot be used with these sensors, or None.
        topics: Type of each topic, by name.
        sensors: Topic of each sensor that it has, by sensor.
        frames: Frame of the first message of each sensor whose directions are divided into sectors, by sensor.
        scans: Beams of the first message of each LaserScan sensor, by sensor.
        labels_error: Why its labels cannot be used, or None.
        unlabelled: Why it has no labels, or None.
        content: Start and end in ns, messages by topic, checksum of the first messages: equal for copies of one
            recording.
    """

    name: str
    path: Path
    error: str | None = None
    topics: Mapping[str, str] = field(default_factory=dict)
    sensors: Mapping[str, str] = field(default_factory=dict)
    frames: Mapping[str, str] = field(default_factory=dict)
    scans: Mapping[str, ScanGeometry] = field(default_factory=dict)
    labels_error: str | None = None
    unlabelled: str | None = None
    content: tuple[int, int, tuple[tuple[str, int], ...], int] | None = None


def glance(bag_and_name: tuple[Path, str], sensors: SensorsConfig, with_labels: bool = True) -> Glance:
    """Look at a recording without reading all its messages; a problem is part of the result."""
    path, name = bag_and_name
    try:
        with Bag(path) as bag:
            topics = {topic: found.type for topic, found in bag.topics.items()}
            counts = tuple((topic, found.count) for topic, found in sorted(bag.topics.items()))
            labels_error, unlabelled = _labels(bag, sensors) if with_labels else (None, None)
            try:
                names = find_topics(bag, sensors)
                frames, scans, checksum = _first_messages(bag, sensors, names)
            except BagError as error:
                return Glance(name, path, str(error), topics, labels_error=labels_error)
            content = bag.start, bag.end, counts, checksum
            return Glance(name, path, None, topics, names, frames, scans, labels_error, unlabelled, content)
    except BagError as error:
        return Glance(name, path, str(error))


def _labels(bag: Bag, sensors: SensorsConfig) -> tuple[str | None, str | None]:
    """Why the labels cannot be used, or None; and why there are none, or None."""
    try:
        load_labels(bag, sensors.labels, sensors.label_topic, sensors.other_labels)
    except NoLabelsError as error:
        return None, str(error)
    except (ConfigError, BagError) as error:
        return str(error), None
    return None, None


def _first_messages(
    bag: Bag, sensors: SensorsConfig, topics: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, ScanGeometry], int]:
    """Frame and beams of the first message of each sensor with sectors, by sensor; checksum of all first messages."""
    specs = {topics[spec.name]: spec for spec in sensors.sensors if spec.name in topics}
    left = {topic for topic in specs if bag.topics[topic].count}
    checksum = 0
    frames: dict[str, str] = {}
    scans: dict[str, ScanGeometry] = {}
    for topic, _, data in islice(bag.messages(left), MAX_MESSAGES):
        if topic not in left:
            continue
        left.remove(topic)
        checksum = crc32(data, checksum)
        spec = specs[topic]
        if "sectors" in message_type(spec.type, spec.options).option_schema:
            with suppress(DecodeError):
                header = parse_message(spec.type, data)["header"]
                frames[spec.name] = str(header["frame_id"])  # type: ignore[index]
        if not spec.lacks_definition:
            decoder = spec.decoder()
            decoder.decode([data])
            for geometry in decoder.geometries:
                scans[spec.name] = geometry
        if not left:
            break
    return frames, scans, checksum


def nearest_topics(topic: str, type_name: str, topics: Mapping[str, str]) -> list[str]:
    """Topics that may be meant by a topic that is not there: with the same last part or a similar name.

    Args:
        topic: The name that is not there.
        type_name: Its type; topics of this type come first.
        topics: Type of each topic that is there.
    """

    def likeness(name: str) -> float:
        same_end = name.rpartition("/")[2] == topic.rpartition("/")[2]
        return SequenceMatcher(None, name, topic).ratio() + same_end

    near = [name for name in topics if likeness(name) >= _ALIKE]
    return sorted(near, key=lambda name: (topics[name] != type_name, -likeness(name), name))[:_NEAREST]
