# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Files read block by block: a damaged block costs only its own messages.

Only the blocks that overlap the present time are in memory.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from obstacle_classifier.bags.conversion import make_converter
from obstacle_classifier.bags.damage import DamageError
from obstacle_classifier.bags.storage import BATCH_BYTES, BATCH_MESSAGES, Channel, Messages, Span, Storage, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

__all__ = ["Block", "BlockStorage"]

_Converter: TypeAlias = "Callable[[bytes], bytes]"
_Recorded: TypeAlias = "tuple[_Converter, bytes]"
"""Converter to CDR, and data as recorded."""


class Block(NamedTuple):
    """A part of a file that can be read without the other parts."""

    first: int
    """Earliest receive time in ns."""
    last: int
    """Latest receive time in ns."""
    start: int
    """First byte offset or row id."""
    end: int
    """Byte offset or row id after the last."""


class BlockStorage(Storage):
    """A file read block by block.

    A subclass fills `channels`, `counts` and `blocks` on construction and reports unreadable parts through `damage`.
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
        """Parts that could not be read, one line each."""
        return list(self._problems)

    def damage(self, reason: object) -> None:
        """Add a line to `problems`, once, for a part that cannot be read."""
        self._problems[f"{self.name}: {' '.join(str(reason).split())}"] = None

    @property
    def span(self) -> tuple[int, int] | None:
        """Earliest and latest receive time in ns over all channels; None without messages."""
        if not self.blocks:
            return None
        return min(block.first for block in self.blocks), max(block.last for block in self.blocks)

    def batches(self, wanted: Collection[tuple[str, str]], span: Span | None = None) -> Iterator[Messages[bytes]]:
        """Messages of the wanted (topic, type) pairs in a span of time, a bounded number of bytes at a time."""
        converters: dict[int, tuple[str, _Converter]] = {}
        for key, channel in self.channels.items():
            if channel[:2] in wanted:
                try:
                    converter = make_converter(channel.type, channel.encoding, channel.definition)
                except DamageError as reason:
                    self.damage(f"topic {channel.topic}, one of its publishers: {reason}")
                else:
                    converters[key] = (channel.topic, converter)
        blocks = [block for block in self.blocks if span is None or (block.first < span[1] and span[0] <= block.last)]
        opened = [(block.first, partial(self._open, block, converters, span)) for block in blocks]
        for recorded in merge(opened):
            yield from self._converted(recorded)

    def _open(
        self, block: Block, converters: dict[int, tuple[str, _Converter]], span: Span | None
    ) -> Iterator[Messages[_Recorded]]:
        messages = []
        for key, time, data in self.load(block, converters):
            if span is None or span[0] <= time < span[1]:
                topic, convert = converters[key]
                messages.append((time, topic, (convert, data)))
        messages.sort(key=itemgetter(0, 1))
        if messages:
            times, topics, recorded = map(list, zip(*messages, strict=True))
            yield Messages(topics, times, recorded)

    def _converted(self, recorded: Messages[_Recorded]) -> Iterator[Messages[bytes]]:
        """The messages as CDR. Compressed ones are unpacked a bounded number of bytes at a time."""
        topics: list[str] = []
        times: list[int] = []
        messages: list[bytes] = []
        size = 0
        for topic, time, (convert, data) in zip(recorded.topics, recorded.times, recorded.data, strict=True):
            try:
                message = convert(data)
            except DamageError as reason:
                self.damage(f"topic {topic}, message at {time} ns: {reason}")
                continue
            if size >= BATCH_BYTES or len(times) >= BATCH_MESSAGES:
                yield Messages(topics, times, messages)
                topics, times, messages, size = [], [], [], 0
            topics.append(topic)
            times.append(time)
            messages.append(message)
            size += len(message)
        if times:
            yield Messages(topics, times, messages)

    @abstractmethod
    def load(self, block: Block, wanted: Collection[int]) -> list[tuple[int, int, bytes]]:
        """The readable messages of a block: (channel id, time in ns, data as recorded), in recorded order.

        Bad bytes never raise an error; `damage` reports them.
        """
