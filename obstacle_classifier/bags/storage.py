# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The interface of a recording file: channels, time span, and messages in order of time."""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

__all__ = ["MAX_READ", "MAX_TIME", "Channel", "Message", "Span", "Storage", "merge"]

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
    """Text of the message definition, needed for `ros1` only."""


class Storage(Protocol):
    """One file of a recording."""

    channels: dict[int, Channel]
    counts: dict[int, int]
    """Messages per channel id, from the file's index."""

    @property
    def problems(self) -> list[str]:
        """Parts that could not be read, one line each; may grow while messages are read."""

    @property
    def headless(self) -> bool:
        """Whether messages before the first readable one may be lost."""

    @property
    def span(self) -> tuple[int, int] | None:
        """Earliest and latest receive time in ns over all channels; None without messages."""

    def messages(self, wanted: Collection[tuple[str, str]], span: Span | None = None) -> Iterator[Message]:
        """Messages of the wanted (topic, type) pairs in a span of time, by (time, topic, sequence)."""

    def close(self) -> None:
        """Release the file."""


def merge(
    sources: Sequence[tuple[int, Callable[[], Iterator[tuple[int, str, _Data]]]]],
) -> Iterator[tuple[int, str, _Data]]:
    """Merge streams ordered by (time, topic) into one; equal keys keep the order of the sources.

    Args:
        sources: (lower bound of the stream's times in ns, function that opens the stream). A stream is opened when its
            lower bound is reached and dropped at its end: only overlapping streams are open.
    """
    waiting = sorted(enumerate(sources), key=lambda entry: (entry[1][0], entry[0]), reverse=True)
    active: list[tuple[int, str, int, tuple[int, str, _Data], Iterator[tuple[int, str, _Data]]]] = []
    while waiting or active:
        while waiting and (not active or waiting[-1][1][0] <= active[0][0]):
            order, (_, open_source) = waiting.pop()
            stream = open_source()
            if (message := next(stream, None)) is not None:
                heappush(active, (message[0], message[1], order, message, stream))
        if active:
            _, _, order, message, stream = active[0]
            yield message
            if (following := next(stream, None)) is None:
                heappop(active)
            else:
                heapreplace(active, (following[0], following[1], order, following, stream))
