# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Numbers at fixed offsets, read from many messages of one layout at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.sensing.cdr import Field, Layout, Rows
from obstacle_classifier.sensing.message_type import (
    CHANNELS_OPTION,
    MessageType,
    Options,
    Reader,
    chosen_channels,
)
from obstacle_classifier.sensing.schema import Struct

__all__ = ["FieldExtraction", "column_reader", "field_message_type", "stamp_reader"]

_NANOSECONDS = 10**9


@dataclass(frozen=True)
class _Block:
    """Numbers of one type at offsets that differ by multiples of its size; one view and one `take` read them."""

    start: int
    stop: int
    dtype: np.dtype[np.generic]
    truth: bool  # bools: any non-zero byte is true, but NumPy's own bools must be 0 or 1
    index: NDArray[np.intp]  # of each number, in the view
    columns: list[int]  # of each number, in the output

    def read(self, rows: Rows) -> NDArray[np.float64]:
        numbers = rows[:, self.start : self.stop].view(self.dtype).take(self.index, axis=1)
        return (numbers != 0 if self.truth else numbers).astype(np.float64, copy=False)


def column_reader(fields: Sequence[Field | None]) -> Reader:
    """A reader of single values: (m, size) uint8 to (m, k) float64, NaN where a field is None."""
    grouped: dict[tuple[str, int], list[int]] = {}
    for column, field in enumerate(fields):
        if field is not None:
            grouped.setdefault((field.dtype.str, field.offset % field.dtype.itemsize), []).append(column)
    blocks = [_block(fields, columns) for columns in grouped.values()]
    if len(blocks) == 1 and len(blocks[0].columns) == len(fields):
        return blocks[0].read

    def read(rows: Rows) -> NDArray[np.float64]:
        values = np.full((len(rows), len(fields)), np.nan)
        for block in blocks:
            values[:, block.columns] = block.read(rows)
        return values

    return read


def _block(fields: Sequence[Field | None], columns: list[int]) -> _Block:
    chosen = [field for field in (fields[column] for column in columns) if field is not None]
    dtype = chosen[0].dtype
    truth = dtype.char == "?"
    offsets = [field.offset for field in chosen]
    start = min(offsets)
    index = np.array([(offset - start) // dtype.itemsize for offset in offsets], np.intp)
    return _Block(start, max(offsets) + dtype.itemsize, np.dtype(np.uint8) if truth else dtype, truth, index, columns)


def stamp_reader(layout: Layout) -> Callable[[Rows], NDArray[np.int64]]:
    """A reader of header stamps: (m, size) uint8 to (m,) int64 in ns."""
    seconds, nanoseconds = layout.field("header.stamp.sec"), layout.field("header.stamp.nanosec")

    def read(rows: Rows) -> NDArray[np.int64]:
        stamps = seconds.of(rows)[:, 0].astype(np.int64)
        stamps *= _NANOSECONDS
        stamps += nanoseconds.of(rows)[:, 0]
        return stamps

    return read


class FieldExtraction:
    """Channels that are fields of the message, without conversion.

    Args:
        paths: Field of each channel.
        absent: Covariance field of each channel; a first element of -1 makes the channel NaN.
    """

    def __init__(self, paths: Mapping[str, str], absent: Mapping[str, str] | None = None) -> None:
        self.channels = tuple(paths)
        self._paths = paths
        self._absent = absent or {}

    def compile(self, layout: Layout) -> Reader:
        """A reader for messages of one layout; a field that the layout lacks is NaN."""
        fields = [layout.field(path) if path in layout else None for path in self._paths.values()]
        if not self._absent:
            return column_reader(fields)
        flags = sorted({self._absent[channel] for channel in self.channels})
        flag_of_channel = np.array([flags.index(self._absent[channel]) for channel in self.channels], np.intp)
        count = len(fields)
        read_both = column_reader(fields + [layout.field(flag).element(0) for flag in flags])

        def read(rows: Rows) -> NDArray[np.float64]:
            numbers = read_both(rows)
            values, absent = numbers[:, :count], numbers[:, count:] == -1.0
            if np.count_nonzero(absent):
                values[absent.take(flag_of_channel, axis=1)] = np.nan
            return values

        return read


def field_message_type(
    name: str,
    schema: Struct,
    paths: Mapping[str, str],
    default: Iterable[str] | None = None,
    absent: Mapping[str, str] | None = None,
) -> MessageType:
    """A message type whose channels are fields, without conversion.

    Args:
        name: ROS 2 name.
        schema: Fields in serialised order.
        paths: Field of each channel.
        default: Channels used without the `channels` option; by default all.
        absent: Covariance field of each channel; a first element of -1 makes the channel NaN.
    """
    channels = tuple(paths if default is None else default)

    def extraction(options: Options) -> FieldExtraction:
        chosen = chosen_channels(options, tuple(paths), channels)
        return FieldExtraction(
            {channel: paths[channel] for channel in chosen},
            {channel: absent[channel] for channel in chosen} if absent else None,
        )

    return MessageType(name, schema, CHANNELS_OPTION, channels, extraction)
