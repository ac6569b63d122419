# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What every kind of recording file offers: its channels, its time span and its messages in order of time.

A `Storage` is one file. `BlockStorage` is the base of the readers that know a file as *blocks*, each with a time
span and readable without the others: one bad block costs only itself, and only the blocks that overlap the
present moment are in memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from functools import partial
from heapq import heappop, heappush, heapreplace
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, TypeVar

from obstacle_classifier.bags.conversion import make_converter
from obstacle_classifier.bags.damage import DamageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

__all__ = ["MAX_READ", "MAX_TIME", "Block", "BlockStorage", "Channel", "Message", "Storage", "merge"]

MAX_READ = 2**30
"""Most bytes read from a file at once; larger records are damage."""

MAX_TIME = 2**63 - 1
"""Latest time in ns; recorders store 64 bit, and a larger value is a damaged one."""

Message = tuple[int, str, bytes]
"""Receive time in ns, topic, CDR bytes."""

_Converter: TypeAlias = "Callable[[bytes], bytes]"
_Data = TypeVar("_Data")


class Channel(NamedTuple):
    """One publisher's stream within a file."""

    topic: str
    type: str
    """In ROS 2 form, `sensor_msgs/msg/Imu`; empty if the file does not tell."""
    encoding: str
    """`cdr`, `ros1`, or something that cannot be read."""
    definition: str
    """Text of the message definition, needed for `ros1` only."""


class Block(NamedTuple):
    """A part of a file that can be read by itself."""

    first: int
    """Earliest receive time in ns."""
    last: int
    """Latest receive time in ns."""
    start: int
    """Where it begins: a byte offset or a row id."""
    end: int
    """Where it ends, not included."""


class Storage(Protocol):
    """One file of a recording."""

    channels: dict[int, Channel]
    counts: dict[int, int]
    """Messages per channel id, as far as the file's index tells."""

    @property
    def problems(self) -> list[str]:
        """What could not be read, one line each; may grow while messages are read."""

    @property
    def headless(self) -> bool:
        """Whether messages before the first readable one may be lost."""

    @property
    def span(self) -> tuple[int, int] | None:
        """Earliest and latest receive time in ns over all channels; None without messages."""

    def messages(self, wanted: Collection[tuple[str, str]]) -> Iterator[Message]:
        """Messages of the wanted (topic, type) pairs by (time, topic, sequence)."""

    def close(self) -> None:
        """Release the file."""


def merge(
    sources: Sequence[tuple[int, Callable[[], Iterator[tuple[int, str, _Data]]]]],
) -> Iterator[tuple[int, str, _Data]]:
    """Merge streams ordered by (time, topic) into one; equal keys keep the order of the sources.

    Args:
        sources: (lower bound of the stream's times in ns, what opens it). A stream is opened when its bound is
            reached and dropped when it ends, so only overlapping ones are open.
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


class BlockStorage(ABC):
    """A file read block by block.

    A subclass fills `channels`, `counts` and `blocks` on construction and reports what it cannot read by `damage`.
    """

    def __init__(self, name: str | Path) -> None:
        self.name = str(name)
        self.channels: dict[int, Channel] = {}
        self.counts: dict[int, int] = Counter()
        self.blocks: list[Block] = []
        self.headless = False
        self._problems: dict[str, None] = {}

    @property
    def problems(self) -> list[str]:
        """What could not be read, one line each."""
        return list(self._problems)

    def damage(self, reason: object) -> None:
        """Note once that a part cannot be read, and why."""
        self._problems[f"{self.name}: {' '.join(str(reason).split())}"] = None

    @property
    def span(self) -> tuple[int, int] | None:
        """Earliest and latest receive time in ns over all channels; None without messages."""
        if not self.blocks:
            return None
        return min(block.first for block in self.blocks), max(block.last for block in self.blocks)

    def messages(self, wanted: Collection[tuple[str, str]], after: int | None = None) -> Iterator[Message]:
        """Messages of the wanted (topic, type) pairs later than `after` ns, by (time, topic, sequence)."""
        converters: dict[int, tuple[str, _Converter]] = {}
        for key, channel in self.channels.items():
            if channel[:2] in wanted:
                try:
                    converter = make_converter(channel.type, channel.encoding, channel.definition)
                except DamageError as reason:
                    self.damage(f"topic {channel.topic}, one of its publishers: {reason}")
                else:
                    converters[key] = (channel.topic, converter)
        blocks = [block for block in self.blocks if after is None or block.last > after]
        opened = [(block.first, partial(self._open, block, converters, after)) for block in blocks]
        # Converted only here: a block holds its messages as recorded, so one message is unpacked at a time.
        for time, topic, (convert, data) in merge(opened):
            try:
                message = convert(data)
            except DamageError as reason:  # noqa: PERF203
                self.damage(f"topic {topic}, message at {time} ns: {reason}")
            else:
                yield time, topic, message

    def _open(
        self, block: Block, converters: dict[int, tuple[str, _Converter]], after: int | None
    ) -> Iterator[tuple[int, str, tuple[_Converter, bytes]]]:
        messages = []
        for key, time, data in self.load(block, converters):
            if after is None or time > after:
                topic, convert = converters[key]
                messages.append((time, topic, (convert, data)))
        messages.sort(key=itemgetter(0, 1))
        return iter(messages)

    @abstractmethod
    def load(self, block: Block, wanted: Collection[int]) -> list[tuple[int, int, bytes]]:
        """What can be read of a block: (channel id, time in ns, data as recorded), in recorded order.

        Never raises for bad bytes: they are reported by `damage`.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the file."""
