# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Sensors whose messages give no numbers, or numbers of several scanners, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from obstacle_classifier.pipeline import BasePipeline
from obstacle_classifier.sensing import ScanGeometry, scan_sectors

__all__ = ["empty_sectors", "number_ranges", "sensor_problems"]

MAX_SCANNERS = 4
"""Most geometries that are taken for several scanners; more are one scanner whose number of beams changes."""
_EDGE = 1e-6  # rad; an angle this near to the outermost beam is outside
MIN_SHARE = 0.01
"""Least share of the messages of a scanner that counts."""


def sensor_problems(pipeline: BasePipeline[Any], topics: Mapping[str, str]) -> Iterator[str]:
    """A line for each sensor without a usable message, and for each topic that mixes several scanners.

    Args:
        pipeline: After the last message.
        topics: Topic of each sensor that was read.
    """
    for sensor, topic in topics.items():
        counters = pipeline.counters(sensor)
        where = f"topic {topic} (sensor {sensor})"
        received, undecodable = counters.received, counters.undecodable
        if not received:
            yield f"{where}: no message"
        elif undecodable == received:
            yield f"{where}: none of its {received} messages can be decoded: {counters.error}"
        elif undecodable:
            yield f"{where}: {undecodable} of its {received} messages cannot be decoded: {counters.error}"
        elif counters.finite is None:
            yield f"{where}: none of its {received} messages gives a number to the chosen channels"
        mixed = _scanners(pipeline.geometries(sensor))
        if len(mixed) > 1:
            listed = ", ".join(f"{count} messages with {geometry}" for geometry, count in mixed.items())
            yield f"{where}: mixes {len(mixed)} scanners: {listed}"


def _scanners(geometries: Mapping[ScanGeometry, int]) -> dict[ScanGeometry, int]:
    """The geometries that differ in frame or number of beams, the most frequent first."""
    joined: dict[tuple[str, int], tuple[ScanGeometry, int]] = {}
    for geometry, count in geometries.items():
        key = geometry.frame, geometry.beams
        joined[key] = joined.get(key, (geometry, 0))[0], joined.get(key, (geometry, 0))[1] + count
    least = MIN_SHARE * sum(geometries.values())
    frequent = sorted((entry for entry in joined.values() if entry[1] >= least), key=lambda entry: -entry[1])
    return dict(frequent) if len(frequent) <= MAX_SCANNERS else {}


def empty_sectors(options: Mapping[str, Any], geometry: ScanGeometry) -> str | None:
    """The reason why sectors of a LaserScan sensor have no beam; None if every sector has one.

    Args:
        options: The sensor's own keys in the sensors file.
        geometry: The beams.
    """
    sectors = scan_sectors(options)
    empty = sorted(set(range(sectors.count)) - set(sectors.bins(geometry.angles).occupied.tolist()))
    if not empty:
        return None
    low, high = geometry.span
    outside = [
        number
        for number in empty
        if not any(_EDGE < (angle - low) % (2 * math.pi) < high - low - _EDGE for angle in sectors.edges(number))
    ]
    if outside:
        lie = "lies" if len(outside) == 1 else "lie"
        return f"{number_ranges(outside)} {lie} outside the scanner's {low:.2f} to {high:.2f} rad"
    return f"{number_ranges(empty)} without a beam: the scanner's beams are {abs(geometry.increment):.2g} rad apart"


def number_ranges(numbers: Sequence[int]) -> str:
    """`sectors 0 to 3, 7` of sorted sector numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    texts = [f"{low} to {high}" if high > low + 1 else ", ".join(map(str, sorted({low, high}))) for low, high in runs]
    listed = ", ".join(texts)
    return f"sector{'s' * (len(numbers) > 1)} {listed}"
