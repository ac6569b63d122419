# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A recording in numbers: rates, gaps and header lags of its topics, in one pass and bounded memory."""

from __future__ import annotations

import math
import struct
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from rosbags.typesys import Stores, get_typestore

from obstacle_classifier.bags.label_file import read_label_file
from obstacle_classifier.bags.labels import label_file, label_words
from obstacle_classifier.bags.reader import Bag
from obstacle_classifier.errors import ConfigError
from obstacle_classifier.sensing import MESSAGE_TYPES, STRING_NAME, DecodeError, parse_message

__all__ = ["SLICES", "Survey", "TopicSurvey", "survey"]

SLICES = 32
"""Equal parts of the recording's time that messages are counted in."""
MAX_WORDS = 64
_STEPS = 12  # of a doubling: quantiles of periods are right to 6 %


class Periods:
    """Times between messages in logarithmic steps."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, period: int) -> None:
        """Count a time between two messages in ns."""
        self._counts[round(_STEPS * math.log2(period)) if period > 0 else -1] += 1

    def quantile(self, share: float) -> int | None:
        """The period in ns that is not exceeded by a share of all; None without any."""
        left = share * self._counts.total()
        for step, count in sorted(self._counts.items()):
            left -= count
            if left <= 0:
                return 0 if step < 0 else round(2 ** (step / _STEPS))
        return None


@dataclass
class TopicSurvey:
    """What one pass over the messages of a topic finds.

    Attributes:
        type: Message type.
        count: Messages by the index.
        publishers: Publishers that the file tells apart.
        unreadable: Why its messages cannot be read, or None.
        read: Messages read.
        first: Receive time in ns of the first message read, None without one.
        last: Receive time of the last.
        longest_gap: Longest time in ns between two messages, 0 below two messages.
        gap_start: Receive time in ns of the message before that gap.
        periods: All times between messages.
        lags: Least and greatest receive time minus header stamp in ns; None without header.
        lag_sum: Sum of those in ns.
        frames: Number of messages by the frame of the header, of at most 8 frames.
        rates: Number of messages in each of `SLICES` parts of the recording.
        slice_lags: Sum of the lags in each part, in ns.
        sample: First message as CDR.
        words: Different comma-separated words of a topic of String, at most 64.
    """

    type: str
    count: int
    publishers: int
    unreadable: str | None
    read: int = 0
    first: int | None = None
    last: int | None = None
    longest_gap: int = 0
    gap_start: int | None = None
    periods: Periods = field(default_factory=Periods)
    lags: tuple[int, int] | None = None
    lag_sum: int = 0
    frames: Counter[str] = field(default_factory=Counter)
    rates: list[int] = field(default_factory=lambda: [0] * SLICES)
    slice_lags: list[int] = field(default_factory=lambda: [0] * SLICES)
    sample: bytes | None = None
    words: set[str] = field(default_factory=set)

    @property
    def rate(self) -> float | None:
        """Messages per second between the first and the last; None below two messages."""
        if self.first is None or self.last is None or self.last <= self.first:
            return None
        return (self.read - 1) / (self.last - self.first) * 1e9

    @property
    def mean_lag(self) -> float | None:
        """Mean receive time minus header stamp in ns; None without header."""
        return self.lag_sum / self.read if self.lags and self.read else None

    @property
    def use(self) -> str:
        """How the package can use the topic, or why it cannot."""
        if self.unreadable:
            return f"unreadable: {self.unreadable}"
        if self.type in MESSAGE_TYPES:
            return "sensor"
        return "labels" if self.type == STRING_NAME else "type not supported"

    def values(self) -> dict[str, Any]:
        """The fields of the first message; empty if it is not of a supported type."""
        if self.sample is None or self.type not in MESSAGE_TYPES:
            return {}
        try:
            return parse_message(self.type, self.sample)
        except DecodeError:
            return {}

    def add(self, time: int, data: bytes, part: int, has_header: bool) -> None:
        """Count a message in a part of the recording."""
        if self.last is None:
            self.first, self.sample = time, data
        else:
            gap = time - self.last
            self.periods.add(gap)
            if gap > self.longest_gap:
                self.longest_gap, self.gap_start = gap, self.last
        self.last = time
        self.read += 1
        self.rates[part] += 1
        if self.type == STRING_NAME and len(self.words) < MAX_WORDS:
            self.words |= set(_words(data)[: MAX_WORDS - len(self.words)])
        if has_header and len(data) >= 16:
            # The stamp and the length of the frame's name, by the byte order of the encapsulation header.
            seconds, fraction, length = struct.unpack_from("<iII" if data[1] & 1 else ">iII", data, 4)
            lag = time - seconds * 10**9 - fraction
            self.lag_sum += lag
            self.slice_lags[part] += lag
            self.lags = (lag, lag) if self.lags is None else (min(self.lags[0], lag), max(self.lags[1], lag))
            frame = data[16 : 15 + length].decode(errors="replace")
            if frame in self.frames or len(self.frames) < 8:
                self.frames[frame] += 1


@dataclass(frozen=True)
class Survey:
    """A recording in numbers.

    Attributes:
        path: The recording.
        start: Earliest receive time in ns, 0 without any message.
        end: Latest receive time in ns, 0 without any message.
        topics: By name.
        labels_file: Label file beside it, or None.
        labels: Labels in that file, in order of their first row; `ignore` left out.
        problems: Parts that cannot be read, one line each.
    """

    path: Path
    start: int
    end: int
    topics: dict[str, TopicSurvey]
    labels_file: Path | None
    labels: tuple[str, ...]
    problems: tuple[str, ...]


def survey(path: Path) -> Survey:
    """Read all messages of a recording once.

    Raises:
        BagError: Nothing in it can be read.
    """
    with Bag(path) as bag:
        topics = {
            name: TopicSurvey(topic.type, topic.count, bag.publishers(name), bag.unreadable(name))
            for name, topic in bag.topics.items()
        }
        headers = {name for name, topic in topics.items() if _has_header(topic.type)}
        span = max(1, bag.end - bag.start)
        for name, time, data in bag.messages():
            part = min(SLICES - 1, max(0, (time - bag.start) * SLICES // span))
            topics[name].add(time, data, part, name in headers)
        problems = list(bag.problems)
        file = label_file(path)
        labels: tuple[str, ...] = ()
        if file is not None:
            try:
                content = read_label_file(file)
            except ConfigError as error:
                problems.append(str(error))
            else:
                labels = content.labels
                shift = None if content.absolute or content.origin is None else bag.start - content.origin
                if shift:
                    problems.append(f"{file}: written for a recording that began {-shift / 1e9:+.3f} s from this one")
        return Survey(path, bag.start, bag.end, topics, file, labels, tuple(problems))


def _words(data: bytes) -> list[str]:
    """The comma-separated words of a String; none if it does not decode."""
    try:
        return label_words(data)
    except DecodeError:
        return []


@cache
def _has_header(type_name: str) -> bool:
    """Whether messages of a type begin with a `std_msgs/msg/Header`; false for types that are not installed."""
    definition = get_typestore(Stores.ROS2_JAZZY).fielddefs.get(type_name)
    return bool(definition and definition[1] and definition[1][0][1][1] == "std_msgs/msg/Header")
