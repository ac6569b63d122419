# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The columns of a feature vector: their names, and the place of each sensor's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.sensing import BEAMS

if TYPE_CHECKING:
    from obstacle_classifier.features.sensors_config import SensorSpec

__all__ = ["Layout", "ScanColumns", "make_layout", "sensor_columns"]


def sensor_columns(sensor: str, channels: Sequence[str], statistics: Sequence[str]) -> tuple[str, ...]:
    """Names of one sensor's k * s + 1 columns for k channels and s statistics, `<sensor>.missing` last."""
    columns = [f"{sensor}.{channel}.{statistic}" for channel in channels for statistic in statistics]
    return (*columns, f"{sensor}.missing")


class ScanColumns(NamedTuple):
    """The columns of the beams of one scanner: beam after beam, the statistics of a beam together.

    Attributes:
        first: Index of the first column.
        beams: Number of beams, b.
        statistics: Number of statistics, s; there are b * s columns.
    """

    first: int
    beams: int
    statistics: int


@dataclass(frozen=True, eq=False)
class Layout:
    """The places of the sensors in a feature vector of d columns.

    Attributes:
        columns: The d column names.
        slices: Columns of each sensor by its name, in file order; the last column of a slice is `missing`.
        missing: Index of each sensor's `missing` column by its name, in file order.
        is_missing: (d,) bool, read-only: True at the `missing` columns.
        scans: The columns of each sensor that has the beams of a scan, by its name, in file order.
        droppable: Sensors whose columns training may hide: those that are not required, if there is another sensor.
    """

    columns: tuple[str, ...]
    slices: Mapping[str, slice]
    missing: Mapping[str, int]
    is_missing: NDArray[np.bool_]
    droppable: tuple[str, ...]
    scans: Mapping[str, ScanColumns] = field(default_factory=dict)


def make_layout(sensors: Sequence[SensorSpec]) -> Layout:
    """The layout of the feature vectors of these sensors."""
    columns: list[str] = []
    slices = {}
    for sensor in sensors:
        first = len(columns)
        columns += sensor.columns
        slices[sensor.name] = slice(first, len(columns))
    missing = {name: place.stop - 1 for name, place in slices.items()}
    is_missing = np.zeros(len(columns), np.bool_)
    is_missing[list(missing.values())] = True
    is_missing.flags.writeable = False
    droppable = tuple(sensor.name for sensor in sensors if not sensor.required and len(sensors) > 1)
    scans = {
        sensor.name: ScanColumns(slices[sensor.name].start, len(sensor.channels), len(sensor.statistics))
        for sensor in sensors
        if sensor.options.get("reduce") == BEAMS
    }
    return Layout(tuple(columns), slices, missing, is_missing, droppable, scans)
