# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a recording shows at a time: points from above, pictures and curves, decoded when they are asked for.

Opening a recording reads its index only. Each question reads the part of the files that overlaps its span.
"""

from __future__ import annotations

import json
import struct
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.bags.intervals import find_topics
from obstacle_classifier.bags.reader import Bag
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import SensorsConfig, SensorSpec
from obstacle_classifier.labelling.pictures import IMAGE_TYPES, picture
from obstacle_classifier.labelling.points import POINT_TYPES, points

__all__ = ["Scene", "Source"]

MAX_SPAN = 60 * 10**9
"""Longest span in ns of one question."""
MAX_FRAMES = 120
MAX_BUCKETS = 2000
PICTURE_SPAN = 10**9  # ns that are read to find a picture
_PICTURES = 48  # kept
_SHOWN_ABOVE = frozenset(("sensor_msgs/msg/LaserScan", "sensor_msgs/msg/PointCloud2"))


@dataclass(frozen=True)
class Source:
    """A sensor that is shown.

    Attributes:
        name: The sensor, or the topic of a camera.
        topic: Its topic in the recording.
        type: Its message type.
    """

    name: str
    topic: str
    type: str


class Scene:
    """The view of one recording. Not for several threads at once.

    All times are in ns since the start of the recording.

    Args:
        path: The recording.
        sensors: The sensors to show.

    Attributes:
        bag: The recording, open.
        above: The sensors seen from above.
        cameras: The topics with pictures.
        curves: The sensors with curves, and the names of their channels.

    Raises:
        BagError: The recording cannot be opened.
    """

    def __init__(self, path: Path, sensors: SensorsConfig) -> None:
        self.bag = Bag(path)
        try:
            topics = find_topics(self.bag, sensors)
        except BagError:
            topics = {}
        found = [Source(spec.name, topics[spec.name], spec.type) for spec in sensors.sensors if spec.name in topics]
        self.above = [source for source in found if source.type in POINT_TYPES]
        self.cameras = [
            Source(name, name, topic.type) for name, topic in self.bag.topics.items() if topic.type in IMAGE_TYPES
        ]
        self._specs: dict[str, SensorSpec] = {spec.name: spec for spec in sensors.sensors}
        self.curves = [
            (source, self._specs[source.name].channels) for source in found if source.type not in _SHOWN_ABOVE
        ]
        self._pictures: OrderedDict[tuple[str, int], tuple[bytes, str]] = OrderedDict()

    @property
    def duration(self) -> int:
        """Length of the recording; its last message is part of it."""
        return self.bag.end - self.bag.start + 1

    def close(self) -> None:
        """Release the files."""
        self.bag.close()

    def frames(self, start: int, end: int, count: int) -> bytes:
        """The points of every sensor in a span, at most `count` messages of each, evenly spread.

        Returns:
            The length of a JSON text (uint32), the text, padding to a multiple of 4, then the points of all messages
            (int16 x and y in cm), all little-endian. The text lists sensor, time and number of points of each message.
        """
        start, end = _limit(start, end)
        count = max(1, min(MAX_FRAMES, count))
        kept: dict[tuple[str, int], tuple[int, bytes]] = {}
        names = {source.topic: source for source in self.above}
        for topic, time, data in self._messages(names, start, end):
            kept[names[topic].name, (time - start) * count // (end - start)] = time, data
        types = {source.name: source.type for source in self.above}
        listed, arrays = [], []
        for (name, _), (time, data) in kept.items():
            xy = points(types[name], data)
            listed.append([name, time, len(xy)])
            arrays.append(xy)
        return pack(listed, arrays)

    def picture(self, camera: str, time: int) -> tuple[bytes, str]:
        """The last picture of a camera at or before a time, at most `PICTURE_SPAN` old, and its media type.

        Raises:
            ValueError: There is none, or it cannot be shown.
        """
        source = next((each for each in self.cameras if each.name == camera), None)
        if source is None:
            raise ValueError(f"found camera {camera!r}, expected one of the recording")
        newest: tuple[int, bytes] | None = None
        for _, stamp, data in self._messages((source.topic,), time - PICTURE_SPAN, time + 1):
            newest = stamp, data
        if newest is None:
            raise ValueError("no picture at this time")
        key = camera, newest[0]
        if key not in self._pictures:
            self._pictures[key] = picture(source.type, newest[1])
            if len(self._pictures) > _PICTURES:
                self._pictures.popitem(last=False)
        return self._pictures[key]

    def curve_tile(self, start: int, end: int, buckets: int) -> bytes:
        """The curves of a span: least and greatest value of each channel in each of `buckets` equal parts.

        Returns:
            As `frames`: the text lists sensor and number of channels; of each sensor follow the least values of all
            channels, then the greatest (float32, NaN without a value).
        """
        start, end = _limit(start, end)
        buckets = max(1, min(MAX_BUCKETS, buckets))
        names = {source.topic: source for source, _ in self.curves}
        data: dict[str, list[bytes]] = {source.name: [] for source, _ in self.curves}
        places: dict[str, list[int]] = {source.name: [] for source, _ in self.curves}
        for topic, time, message in self._messages(names, start, end):
            data[names[topic].name].append(message)
            places[names[topic].name].append((time - start) * buckets // (end - start))
        listed, arrays = [], []
        for source, channels in self.curves:
            low = np.full((buckets, len(channels)), np.inf, np.float32)
            high = np.full((buckets, len(channels)), -np.inf, np.float32)
            samples = self._specs[source.name].decoder().decode(data[source.name])
            if len(samples.values):
                at = np.array(places[source.name])[samples.kept]
                values = samples.values.astype(np.float32)
                np.minimum.at(low, at, np.where(np.isfinite(values), values, np.inf))
                np.maximum.at(high, at, np.where(np.isfinite(values), values, -np.inf))
            listed.append([source.name, len(channels), 0])
            arrays += [np.where(np.isfinite(each), each, np.nan).T.astype("<f4") for each in (low, high)]
        return pack(listed, arrays)

    def _messages(self, topics: Any, start: int, end: int) -> Any:
        """Topic, time since the start and data of the messages in a span."""
        origin = self.bag.start
        for topic, time, data in self.bag.messages(list(topics), span=(origin + start, origin + end)):
            yield topic, time - origin, data


def _limit(start: int, end: int) -> tuple[int, int]:
    """A span of at least 1 ns and at most `MAX_SPAN`."""
    return start, max(start + 1, min(end, start + MAX_SPAN))


def pack(listed: object, arrays: Sequence[NDArray[Any]]) -> bytes:
    """A JSON text and arrays in one piece, as `Scene.frames` describes it."""
    text = json.dumps(listed, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + b"".join(array.tobytes() for array in arrays)
