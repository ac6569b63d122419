# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""sensor_msgs/msg/LaserScan: the beams of a planar scan by sector or one by one, with special values as in REP-117."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.sensing.beams import BEAMS, CELLS, scan_sectors
from obstacle_classifier.sensing.cdr import Layout, Rows
from obstacle_classifier.sensing.columns import column_reader
from obstacle_classifier.sensing.message_type import MessageType, OptionError, Options, Reader, ScanGeometry
from obstacle_classifier.sensing.schema import FLOAT32, HEADER, Sequence, Struct, structural
from obstacle_classifier.sensing.sectors import SECTOR_OPTIONS, Sectors

__all__ = ["LASER_SCAN"]

_ZERO = ("drop", "no_return")


class _ScanExtraction:
    """Sectors or beams of a scan. The sector of each beam follows from the layout and is computed once."""

    def __init__(self, options: Options) -> None:
        self._sectors = scan_sectors(options)
        zero = options.get("zero", _ZERO[0])
        if zero not in _ZERO:
            raise OptionError("zero", zero, f"one of {', '.join(_ZERO)}")
        self._zero_is_far = zero == "no_return"
        self.channels = self._sectors.channels

    def compile(self, layout: Layout) -> Reader:
        """A reader for messages of one layout: beam count, first angle and increment are fixed."""
        ranges = layout.field("ranges")
        bins = self._sectors.bins(_geometry(layout).angles)
        read_limits = column_reader([layout.field("range_min"), layout.field("range_max")])
        order = (slice(None), bins.order)

        def read(rows: Rows) -> NDArray[np.float64]:
            limits = read_limits(rows)
            measured = ranges.of(rows)[order].astype(np.float64)
            return self._sectors.summarise(bins, *self._distances(measured, limits[:, :1], limits[:, 1:]))

        return read

    def _distances(
        self, measured: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Distances (m, b) in m, mask of valid ones, mask of returns; `low` and `high` (m, 1) are the scans' limits.

        The readings (m, b) are overwritten.

        +Inf and readings at or beyond the maximum become the maximum and are not returns. -Inf becomes `low` and is a
        return. NaN and readings below `low` are dropped. Zero, which drivers write if there is no return, is dropped or
        counts as beyond the maximum. A maximum that is not positive is unknown; +Inf is then dropped.
        """
        low = np.where(np.isfinite(low), low, 0.0)
        if self._sectors.max_range is None:
            limit = farthest = np.where(high > 0.0, high, np.inf)
        else:  # Readings are float32: a reading at the maximum may be rounded to just below it.
            limit = np.array(np.float32(self._sectors.max_range), np.float64)
            farthest = np.array(self._sectors.max_range)
        far = measured >= limit
        valid = measured >= low
        if self._zero_is_far:
            zero = measured == 0.0
            far |= zero
            valid |= zero
        elif np.count_nonzero(low <= 0.0):  # a positive minimum drops zeros too
            valid &= measured != 0.0
        near = measured == -math.inf
        if np.count_nonzero(near):
            valid |= near
            np.copyto(measured, low, where=near)
        np.copyto(measured, farthest, where=far)
        if not np.isfinite(farthest).all():
            valid &= measured < math.inf
        return measured, valid, ~far


def _geometry(layout: Layout) -> ScanGeometry:
    """The beams of the scans of a layout."""
    first, increment = (layout.field(name).value or 0.0 for name in ("angle_min", "angle_increment"))
    return ScanGeometry(str(layout.node("header.frame_id")), layout.field("ranges").count or 0, first, increment)


LASER_SCAN = MessageType(
    "sensor_msgs/msg/LaserScan",
    Struct(
        (
            ("header", HEADER),
            ("angle_min", structural(FLOAT32)),
            ("angle_max", FLOAT32),
            ("angle_increment", structural(FLOAT32)),
            ("time_increment", FLOAT32),
            ("scan_time", FLOAT32),
            ("range_min", FLOAT32),
            ("range_max", FLOAT32),
            ("ranges", Sequence(FLOAT32)),
            ("intensities", Sequence(FLOAT32)),
        )
    ),
    {
        **SECTOR_OPTIONS,
        "sectors": {
            **SECTOR_OPTIONS["sectors"],
            "description": f"Equal sectors that the field of view is divided into; with reduce: {BEAMS}, cells of the "
            f"grid, {CELLS} by default",
        },
        "reduce": {
            **SECTOR_OPTIONS["reduce"],
            "type": ["array", "string"],
            "description": "Reductions of the distances (m) in a sector; count is the number of returns. "
            f"{BEAMS}: the beams themselves, on a grid of angles",
        },
        "zero": {
            "enum": list(_ZERO),
            "default": _ZERO[0],
            "description": "Meaning of a range of exactly 0: unknown (drop), or no return",
        },
    },
    Sectors({}).channels,
    _ScanExtraction,
    _geometry,
)
