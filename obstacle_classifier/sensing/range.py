# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""sensor_msgs/msg/Range: one distance (m), with special values as in REP-117."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.sensing.cdr import Layout, Rows
from obstacle_classifier.sensing.columns import column_reader
from obstacle_classifier.sensing.message_type import CHANNELS_OPTION, MessageType, Options, Reader, chosen_channels
from obstacle_classifier.sensing.schema import FLOAT32, HEADER, UINT8, Optional, Struct

__all__ = ["RANGE"]

_CHANNELS = ("range", "returned")


class _RangeExtraction:
    """Channels `range` (m) and `returned` (1: return, 0: no return within range, NaN: invalid reading)."""

    def __init__(self, options: Options) -> None:
        self.channels = chosen_channels(options, _CHANNELS, _CHANNELS[:1])
        self._index = np.array([_CHANNELS.index(channel) for channel in self.channels], np.intp)

    def compile(self, layout: Layout) -> Reader:
        """A reader for messages of one layout."""
        read_fields = column_reader([layout.field(name) for name in ("min_range", "max_range", "range")])

        def read(rows: Rows) -> NDArray[np.float64]:
            low, high, measured = read_fields(rows).T
            return _distances(low, high, measured).take(self._index, axis=1)

        return read


def _distances(
    low: NDArray[np.float64], high: NDArray[np.float64], measured: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distance (m) and return (0 or 1), (m, 2), from limits and readings (m,) of m messages.

    A reading at or beyond `high`, +Inf included, becomes `high` and is not a return. -Inf becomes `low` and is a
    return. NaN and readings below `low` become NaN. Equal positive limits mark a fixed-distance detector: its -Inf only
    means nearer than the limit, and becomes 0. A `high` that is not positive is unknown: no reading is beyond it, and
    +Inf becomes NaN.
    """
    low = np.where(np.isfinite(low), low, 0.0)
    nearest = np.where(low != high, low, 0.0)
    farthest = np.where(high > 0.0, high, np.inf)
    near = np.isneginf(measured)
    far = measured >= farthest
    distance = np.where(near, nearest, np.where(far, farthest, measured))
    known = near | far | (measured >= low)
    out = np.full((len(measured), 2), np.nan)
    np.copyto(out[:, 0], distance, where=known & np.isfinite(distance))
    np.copyto(out[:, 1], ~far, where=known)
    return out


RANGE = MessageType(
    "sensor_msgs/msg/Range",
    Struct(
        (
            ("header", HEADER),
            ("radiation_type", UINT8),
            ("field_of_view", FLOAT32),
            ("min_range", FLOAT32),
            ("max_range", FLOAT32),
            ("range", FLOAT32),
            ("variance", Optional(FLOAT32)),  # since ROS 2 Iron
        )
    ),
    CHANNELS_OPTION,
    _CHANNELS[:1],
    _RangeExtraction,
)
