# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Beams or points grouped into equal sectors of the field of view, each reduced to a few numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.sensing.message_type import OptionError, Options

__all__ = ["ANGLE_ROUNDING", "SECTOR_OPTIONS", "Bins", "Sectors", "number_pair"]

_FULL_CIRCLE = 2.0 * math.pi
# rad. Angles in messages are float32, and pi is rounded in configurations: a direction this near an edge is on it.
ANGLE_ROUNDING = 1e-6
_SPAN_ROUNDING = 1e-3  # rad; a rounded field of view may exceed a full circle by this

_REDUCTIONS = ("min", "max", "mean", "std", "count")

SECTOR_OPTIONS: Mapping[str, Mapping[str, object]] = {
    "sectors": {
        "type": "integer",
        "minimum": 1,
        "maximum": 1024,
        "default": 12,
        "description": "Equal sectors that the field of view is divided into",
    },
    "reduce": {
        "type": "array",
        "items": {"enum": list(_REDUCTIONS)},
        "minItems": 1,
        "uniqueItems": True,
        "default": ["min"],
        "description": "Reductions of the distances (m) in a sector; count is the number of returns",
    },
    "field_of_view": {
        "type": "array",
        "items": {"type": "number"},
        "minItems": 2,
        "maxItems": 2,
        "default": [-math.pi, math.pi],
        "description": "Lowest and highest angle (rad, counterclockwise from the sensor's x axis)",
    },
    "max_range": {
        "type": "number",
        "exclusiveMinimum": 0,
        "description": "Distance (m) at and beyond which nothing counts as a return",
    },
}


def number_pair(options: Options, key: str) -> tuple[float, float] | None:
    """An option that is a pair of finite, increasing numbers; None if it is not given.

    Raises:
        OptionError: The value is not such a pair.
    """
    pair = options.get(key)
    if pair is None:
        return None
    expected = "two finite numbers, the lower first"
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(end, int | float) for end in pair):
        raise OptionError(key, pair, expected)
    low, high = float(pair[0]), float(pair[1])
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise OptionError(key, pair, expected)
    return low, high


@dataclass(frozen=True)
class Bins:
    """The sectors of n beams.

    Attributes:
        order: Indices of the b beams inside the field of view, grouped by sector: a slice or (b,).
        sector: (b,) sector of each of these beams.
        starts: Index of each occupied sector's first beam in that order.
        occupied: The occupied sectors, in increasing order.
    """

    order: slice | NDArray[np.intp]
    sector: NDArray[np.intp]
    starts: NDArray[np.intp]
    occupied: NDArray[np.intp]


class Sectors:
    """The sectors of a sensor and the reductions of each.

    Args:
        options: sectors, reduce, field_of_view and max_range of the sensors file.

    Attributes:
        channels: `sector_<number>_<reduction>`, the reductions of one sector together.
        max_range: The option (m), or None.

    Raises:
        OptionError: An option is invalid in a way that a JSON schema cannot express.
    """

    def __init__(self, options: Options) -> None:
        count = options.get("sectors", 12)
        if not isinstance(count, int) or count < 1:
            raise OptionError("sectors", count, "a whole number, at least 1")
        self.count = count
        reduce = options.get("reduce", ["min"])
        if not isinstance(reduce, list | tuple) or not reduce or len(set(map(str, reduce))) < len(reduce):
            raise OptionError("reduce", reduce, f"a list of different names out of {', '.join(_REDUCTIONS)}")
        for name in reduce:
            if name not in _REDUCTIONS:
                raise OptionError("reduce", name, f"one of {', '.join(_REDUCTIONS)}")
        self.reduce: Sequence[str] = tuple(reduce)
        self._low, high = number_pair(options, "field_of_view") or (-math.pi, math.pi)
        if high - self._low > _FULL_CIRCLE + _SPAN_ROUNDING:
            raise OptionError("field_of_view", options.get("field_of_view"), "at most a full circle, 2 pi")
        self._span = min(high - self._low, _FULL_CIRCLE)
        self.max_range: float | None = None
        max_range = options.get("max_range")
        if max_range is not None:
            if not isinstance(max_range, int | float) or not 0.0 < max_range < math.inf:
                raise OptionError("max_range", max_range, "a finite distance above 0, in m")
            self.max_range = float(max_range)
        digits = max(2, len(str(count - 1)))
        self.channels = tuple(f"sector_{number:0{digits}}_{name}" for number in range(count) for name in self.reduce)

    def edges(self, number: int) -> tuple[float, float]:
        """Lowest and highest angle of a sector in rad, as the field of view counts them."""
        width = self._span / self.count
        return self._low + number * width, self._low + (number + 1) * width

    def bins(self, angles: NDArray[np.float64]) -> Bins:
        """Assign beams to sectors by their angles (n,) in rad, modulo a full circle; NaN is in no sector.

        A sector includes its lower edge. The last sector includes its upper edge too if the field of view is less than
        a full circle.
        """
        above = np.mod(angles - (self._low - ANGLE_ROUNDING), _FULL_CIRCLE)
        inside = np.flatnonzero(above <= self._span + 2.0 * ANGLE_ROUNDING)
        sector = np.minimum((above[inside] * (self.count / self._span)).astype(np.intp), self.count - 1)
        steps = np.diff(sector)
        if (steps < 0).any():
            # NumPy sorts integers of one or two bytes by radix.
            together = np.argsort(sector.astype(np.min_scalar_type(self.count)), kind="stable")
            inside, sector = inside[together], sector[together]
            steps = np.diff(sector)
        starts = np.flatnonzero(np.concatenate(([len(sector) > 0], steps != 0)))
        order: slice | NDArray[np.intp] = inside
        if len(inside) and inside[-1] - inside[0] == len(inside) - 1 and (np.diff(inside) == 1).all():
            order = slice(int(inside[0]), int(inside[-1]) + 1)
        return Bins(order, sector, starts, sector[starts])

    def summarise(
        self, bins: Bins, distances: NDArray[np.float64], valid: NDArray[np.bool_], returns: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Reduce the beams of m messages to the channels.

        Args:
            bins: Sectors of the beams.
            distances: (m, b) in m, in the order of the bins; finite where valid.
            valid: (m, b) mask of beams with a known distance.
            returns: (m, b) mask of returns among the valid beams.

        Returns:
            (m, sectors * reductions). A sector without valid beams has NaN, and count 0. std has ddof 0.
        """
        summary = np.full((len(distances), self.count, len(self.reduce)), np.nan)
        if "count" in self.reduce:
            summary[:, :, self.reduce.index("count")] = 0.0
        if len(bins.starts):
            numbers = _Reductions(bins, distances, valid, returns)
            for column, name in enumerate(self.reduce):
                summary[:, bins.occupied, column] = getattr(numbers, name)()
        return summary.reshape(len(distances), -1)


@dataclass(frozen=True)
class _Reductions:
    """The reductions of each occupied sector, (m, occupied); each row of a result depends on its own row only."""

    bins: Bins
    distances: NDArray[np.float64]
    valid: NDArray[np.bool_]
    returns: NDArray[np.bool_]

    @cached_property
    def _invalid(self) -> NDArray[np.bool_] | None:
        """(m, b) mask of the beams without a known distance; None if there is none."""
        return None if self.valid.all() else ~self.valid

    @cached_property
    def _known(self) -> NDArray[np.float64]:
        """(m, occupied) number of valid beams."""
        return self._sum(self.valid)

    def min(self) -> NDArray[np.float64]:
        lowest = np.minimum.reduceat(self._filled(np.inf), self.bins.starts, axis=1)
        return np.where(lowest < np.inf, lowest, np.nan)

    def max(self) -> NDArray[np.float64]:
        highest = np.maximum.reduceat(self._filled(-np.inf), self.bins.starts, axis=1)
        return np.where(highest > -np.inf, highest, np.nan)

    def mean(self) -> NDArray[np.float64]:
        return self._sum(self._filled(0.0)) / self._known  # no valid beam: 0 / 0 is NaN

    def std(self) -> NDArray[np.float64]:
        mean_of_beam = np.repeat(self.mean(), np.diff(self.bins.starts, append=len(self.bins.sector)), axis=1)
        deviations = np.where(self.valid, self.distances - mean_of_beam, 0.0)
        return np.sqrt(self._sum(deviations * deviations) / self._known)

    def count(self) -> NDArray[np.float64]:
        return self._sum(self.valid & self.returns)

    def _filled(self, fill: float) -> NDArray[np.float64]:
        """The distances with `fill` in place of those that are not valid."""
        if self._invalid is None:
            return self.distances
        filled = self.distances.copy()
        np.copyto(filled, fill, where=self._invalid)
        return filled

    def _sum(self, numbers: NDArray[np.float64] | NDArray[np.bool_]) -> NDArray[np.float64]:
        total: NDArray[np.float64] = np.add.reduceat(numbers.astype(np.float64, copy=False), self.bins.starts, axis=1)
        return total
