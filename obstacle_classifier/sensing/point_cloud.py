# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""sensor_msgs/msg/PointCloud2: the points of a cloud by sector of their horizontal direction."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.sensing.cdr import DecodeError, Field, Layout, Rows
from obstacle_classifier.sensing.message_type import MessageType, Options, Reader
from obstacle_classifier.sensing.schema import BOOL, HEADER, STRING, UINT8, UINT32, Sequence, Struct, structural
from obstacle_classifier.sensing.sectors import SECTOR_OPTIONS, Sectors, number_pair

__all__ = ["POINT_CLOUD"]

_COORDINATE_CODES = {7: "f", 8: "d"}  # PointField.FLOAT32 and FLOAT64


class _CloudExtraction:
    """Sectors of a cloud. A point's distance is sqrt(x^2 + y^2), its angle atan2(y, x)."""

    def __init__(self, options: Options) -> None:
        self._sectors = Sectors(options)
        self._height = number_pair(options, "height") or (-math.inf, math.inf)
        self.channels = self._sectors.channels

    def compile(self, layout: Layout) -> Reader:
        """A reader for messages of one layout: the number of points and their fields are fixed.

        Raises:
            DecodeError: The sizes disagree, or x, y or z is absent, not a float, or outside the point.
        """
        data = layout.field("data")
        height, width, point_step, row_step = (
            _whole(layout, name) for name in ("height", "width", "point_step", "row_step")
        )
        if row_step < width * point_step or data.count != height * row_step:
            raise DecodeError(
                f"data: {data.count} bytes for {height} rows of {row_step} bytes"
                f" with {width} points of {point_step} bytes each"
            )
        if not height * width:
            return lambda rows: self._read_cloud(np.empty((3, 0)), len(rows))
        order = ">" if layout.field("is_bigendian").value else "<"
        coordinates = [_coordinate(layout, name, order, point_step) for name in "xyz"]

        def read(rows: Rows) -> NDArray[np.float64]:
            clouds = []
            for message in data.of(rows):
                lines = message.view(np.uint8).reshape(height, row_step)[:, : width * point_step]
                points = lines.reshape(height * width, point_step)
                clouds.append(
                    self._read_cloud(np.stack([field.of(points)[:, 0] for field in coordinates], dtype=np.float64))
                )
            return np.concatenate(clouds)

        return read

    def _read_cloud(self, points: NDArray[np.float64], repeat: int = 1) -> NDArray[np.float64]:
        """Channels (repeat, k) of one cloud with coordinates (3, n) in m.

        Points with a coordinate that is not finite are dropped. Points at the origin are dropped too: they have no
        direction, and drivers write them if there is no return.
        """
        x, y, z = points
        distances = np.sqrt(x * x + y * y)
        usable = np.isfinite(points).all(axis=0) & (z >= self._height[0]) & (z <= self._height[1]) & (distances > 0.0)
        bins = self._sectors.bins(np.where(usable, np.arctan2(y, x), np.nan))
        distances = distances[bins.order]
        farthest = math.inf if self._sectors.max_range is None else self._sectors.max_range
        returns = distances < farthest
        distances = np.minimum(distances, farthest)
        summary = self._sectors.summarise(bins, distances[None], distances[None] < math.inf, returns[None])
        return np.repeat(summary, repeat, axis=0)


def _whole(layout: Layout, name: str) -> int:
    return int(layout.field(name).value or 0)


def _coordinate(layout: Layout, name: str, order: str, point_step: int) -> Field:
    """The field of that name, with its offset from the start of a point."""
    fields = layout.node("fields")
    for field in fields if isinstance(fields, list) else []:
        if isinstance(field, dict) and field["name"] == name:
            offset, datatype = (
                int(part.value or 0) for part in (field["offset"], field["datatype"]) if isinstance(part, Field)
            )
            code = _COORDINATE_CODES.get(datatype)
            if code is None:
                raise DecodeError(f"fields: {name} has datatype {datatype}, expected 7 (float32) or 8 (float64)")
            dtype = np.dtype(order + code)
            if offset + dtype.itemsize > point_step:
                raise DecodeError(f"fields: {name} at {offset} reaches beyond the {point_step} bytes of a point")
            return Field(offset, dtype)
    raise DecodeError(f"fields: no {name}")


_POINT_FIELD = Struct(
    (
        ("name", STRING),
        ("offset", structural(UINT32)),
        ("datatype", structural(UINT8)),
        ("count", UINT32),
    )
)

POINT_CLOUD = MessageType(
    "sensor_msgs/msg/PointCloud2",
    Struct(
        (
            ("header", HEADER),
            ("height", structural(UINT32)),
            ("width", structural(UINT32)),
            ("fields", Sequence(_POINT_FIELD)),
            ("is_bigendian", structural(BOOL)),
            ("point_step", structural(UINT32)),
            ("row_step", structural(UINT32)),
            ("data", Sequence(UINT8)),
            ("is_dense", BOOL),
        )
    ),
    {
        **SECTOR_OPTIONS,
        "height": {
            "type": "array",
            "items": {"type": "number"},
            "minItems": 2,
            "maxItems": 2,
            "description": "Lowest and highest z (m) of the points to use, by default all",
        },
    },
    Sectors({}).channels,
    _CloudExtraction,
)
