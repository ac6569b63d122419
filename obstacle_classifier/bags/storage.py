# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The interface of a recording file: channels, time span, and messages in order of time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

__all__ = [
    "BATCH_BYTES",
    "BATCH_MESSAGES",
    "MAX_READ",
    "MAX_TIME",
    "Channel",
    "Message",
    "Messages",
    "Span",
    "Storage",
    "merge",
]

BATCH_BYTES = 2**20
"""Bytes of messages after which a batch ends."""

BATCH_MESSAGES = 4096
"""Messages after which a batch ends."""

MAX_READ = 2**30
"""Most bytes read from a file at once; larger records are damage."""

MAX_TIME = 2**63 - 1
"""Latest time in ns; a larger value is damage."""

Message = tuple[int, str, bytes]
"""Receive time in ns, topic, CDR bytes."""

Span = tuple[int, int]
"""First receive time and the one after the last, in ns."""

_Data = TypeVar("_Data")


class Channel(NamedTuple):
    """One publisher's stream within a file."""

    topic: str
    type: str
    """In ROS 2 form, `sensor_msgs/msg/Imu`; empty if the file does not state it."""
    encoding: str
    """`cdr`, `ros1`, or an encoding that cannot be read."""
    definition: str
    """Text of the message definition, empty if the file has none; needed to read `ros1`."""
    form: str = "ros2msg"
    """Of the definition: `ros1msg`, `ros2msg` or `ros2idl`."""


@dataclass(frozen=True, slots=True)
class Messages(Generic[_Data]):
    """Consecutive messages in order of (time, topic, sequence), a list of each of their parts; at least one."""

    topics: list[str]
    times: list[int]
    """Receive times in ns."""
    data: list[_Data]
    """CDR bytes, or the data as recorded."""

    def part(self, start: int, stop: int) -> Messages[_Data]:
        """The messages from index `start` to before `stop`."""
        if (start, stop) == (0, len(self.times)):
            return self
        return Messages(self.topics[start:stop], self.times[start:stop], self.data[start:stop])


class Storage(ABC):
    """One file of a recording."""

    channels: dict[int, Channel]
    counts: dict[int, int]
    """Messages per channel id, from the file's index."""
    headless: bool
    """Whether messages before the first readable one may be lost."""

    @property
    @abstractmethod
    def problems(self) -> list[str]:
        """Parts that could not be read, one line each; may grow while messages are read."""

    @property
    @abstractmethod
    def span(self) -> tuple[int, int] | None:
        """Earliest and latest receive time in ns over all channels; None without messages."""

    @abstractmethod
    def batches(self, wanted: Collection[tuple[str, str]], span: Span | None = None) -> Iterator[Messages[bytes]]:
        """Messages of the wanted (topic, type) pairs in a span of time, a bounded number of bytes at a time."""

    def messages(self, wanted: Collection[tuple[str, str]], span: Span | None = None) -> Iterator[Message]:
        """The messages of `batches` one by one."""
        for messages in self.batches(wanted, span):
            yield from zip(messages.times, messages.topics, messages.data, strict=True)

    @abstractmethod
    def close(self) -> None:
        """Release the file."""


def merge(
    sources: Sequence[tuple[int, Callable[[], Iterator[Messages[_Data]]]]],
) -> Iterator[Messages[_Data]]:
    """Merge streams ordered by (time, topic) into one; equal keys keep the order of the sources.

    Args:
        sources: (lower bound of the stream's times in ns, function that opens the stream). A stream is opened when its
            lower bound is reached and dropped at its end: only overlapping streams are open.
    """
    waiting = sorted(enumerate(sources), key=lambda entry: (entry[1][0], entry[0]), reverse=True)
    active: dict[int, _Head[_Data]] = {}
    while waiting or active:
        end = min((head.end for head in active.values()), default=(MAX_TIME, ""))
        while waiting and (not active or waiting[-1][1][0] <= end[0]):
            order, (_, open_source) = waiting.pop()
            head = _Head(open_source())
            if head.load():
                active[order] = head
                end = min(end, head.end)
        # Up to the earliest end, all messages of all streams are at hand.
        parts = [active[order].take(end) for order in sorted(active)]
        parts = [part for part in parts if part.times]
        if parts:
            yield parts[0] if len(parts) == 1 else _joined(parts)
        for order in [order for order, head in active.items() if head.is_used_up and not head.load()]:
            del active[order]


class _Head(Generic[_Data]):
    """The next messages of a stream."""

    def __init__(self, stream: Iterator[Messages[_Data]]) -> None:
        self._stream = stream
        self._messages: Messages[_Data] = Messages([], [], [])
        self._taken = 0

    def load(self) -> bool:
        """Read on; False at the end of the stream."""
        self._messages, self._taken = next(self._stream, Messages([], [], [])), 0
        return bool(self._messages.times)

    @property
    def is_used_up(self) -> bool:
        """Whether all messages are taken."""
        return self._taken == len(self._messages.times)

    @property
    def end(self) -> tuple[int, str]:
        """Time and topic of the last message."""
        return self._messages.times[-1], self._messages.topics[-1]

    def take(self, end: tuple[int, str]) -> Messages[_Data]:
        """The next messages up to a time and topic."""
        start, stop = self._taken, len(self._messages.times)
        if self.end > end:
            stop = bisect_right(self._messages.times, end[0], start)
            while stop > start and (self._messages.times[stop - 1], self._messages.topics[stop - 1]) > end:
                stop -= 1
        self._taken = stop
        return self._messages.part(start, stop)


def _joined(parts: list[Messages[_Data]]) -> Messages[_Data]:
    """The messages of several streams in order."""
    topics = [topic for part in parts for topic in part.topics]
    times = [time for part in parts for time in part.times]
    data = [each for part in parts for each in part.data]
    keys = list(zip(times, topics, strict=True))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return Messages([topics[i] for i in order], [times[i] for i in order], [data[i] for i in order])
