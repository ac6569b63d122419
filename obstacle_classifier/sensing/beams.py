# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The beams of a planar scan on a fixed grid of angles."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.sensing.message_type import OptionError, Options
from obstacle_classifier.sensing.sectors import ANGLE_ROUNDING, Bins, Sectors

__all__ = ["BEAMS", "CELLS", "BeamGrid", "scan_sectors"]

BEAMS = "beams"
"""Value of `reduce` that asks for the grid."""

CELLS = 360


class BeamGrid(Sectors):
    """Equal cells of the field of view, each with the least distance of its beams.

    A cell between two beams takes the nearest beam, so a scanner with fewer beams gives the same grid. A cell outside
    the scanner's beams is unknown, and so is one whose beams have no valid distance.

    Args:
        options: sectors (the number of cells, 360 by default), field_of_view and max_range of the sensors file.

    Attributes:
        channels: `beam_<number>`, from the lowest angle.

    Raises:
        OptionError: An option is invalid in a way that a JSON schema cannot express.
    """

    def __init__(self, options: Options) -> None:
        super().__init__({"sectors": CELLS, **options, "reduce": ["min"]})
        digits = max(2, len(str(self.count - 1)))
        self.channels = tuple(f"beam_{number:0{digits}}" for number in range(self.count))

    def bins(self, angles: NDArray[np.float64]) -> Bins:
        """Assign beams to cells by their angles (n,) in rad, modulo a full circle. A beam may be in several cells."""
        direct = super().bins(angles)
        empty = np.setdiff1d(np.arange(self.count), direct.occupied)
        if len(angles) < 2 or not len(empty):
            return direct
        centres = np.array([sum(self.edges(int(number))) / 2 for number in empty])
        away = np.abs(np.mod(angles - centres[:, None] + math.pi, 2 * math.pi) - math.pi)
        away[np.isnan(away)] = np.inf
        nearest = away.argmin(axis=1)
        near = away.min(axis=1) <= abs(angles[1] - angles[0]) / 2 + ANGLE_ROUNDING
        beams = np.concatenate([np.arange(len(angles))[direct.order], nearest[near]])
        cells = np.concatenate([direct.sector, empty[near]])
        together = np.argsort(cells, kind="stable")
        cells = cells[together]
        starts = np.flatnonzero(np.diff(cells, prepend=-1))
        return Bins(beams[together], cells, starts, cells[starts])


def scan_sectors(options: Options) -> Sectors:
    """The sectors of a LaserScan sensor, or its grid of beams.

    Raises:
        OptionError: An option is invalid in a way that a JSON schema cannot express.
    """
    reduce = options.get("reduce")
    if reduce == BEAMS:
        return BeamGrid(options)
    if isinstance(reduce, str):
        raise OptionError("reduce", reduce, f"a list of reductions, or {BEAMS}")
    return Sectors(options)
