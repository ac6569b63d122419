# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Files read block by block: a damaged block costs only its own messages.

Only the blocks that overlap the present time are in memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from obstacle_classifier.bags.conversion import make_converter
from obstacle_classifier.bags.damage import DamageError
from obstacle_classifier.bags.storage import Channel, Message, Span, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

__all__ = ["Block", "BlockStorage"]

_Converter: TypeAlias = "Callable[[bytes], bytes]"


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


class BlockStorage(ABC):
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

    def messages(self, wanted: Collection[tuple[str, str]], span: Span | None = None) -> Iterator[Message]:
        """Messages of the wanted (topic, type) pairs in a span of time, by (time, topic, sequence)."""
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
        # A block holds its messages as recorded. Converting them here unpacks one message at a time.
        for time, topic, (convert, data) in merge(opened):
            try:
                message = convert(data)
            except DamageError as reason:  # noqa: PERF203
                self.damage(f"topic {topic}, message at {time} ns: {reason}")
            else:
                yield time, topic, message

    def _open(
        self, block: Block, converters: dict[int, tuple[str, _Converter]], span: Span | None
    ) -> Iterator[tuple[int, str, tuple[_Converter, bytes]]]:
        messages = []
        for key, time, data in self.load(block, converters):
            if span is None or span[0] <= time < span[1]:
                topic, convert = converters[key]
                messages.append((time, topic, (convert, data)))
        messages.sort(key=itemgetter(0, 1))
        return iter(messages)

    @abstractmethod
    def load(self, block: Block, wanted: Collection[int]) -> list[tuple[int, int, bytes]]:
        """The readable messages of a block: (channel id, time in ns, data as recorded), in recorded order.

        Bad bytes never raise an error; `damage` reports them.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the file."""
