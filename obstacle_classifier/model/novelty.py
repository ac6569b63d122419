# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""How much a feature vector differs from the training data of a model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features.layout import Layout
from obstacle_classifier.model.sections import Reference

__all__ = ["Novelty", "Unlike"]

TAIL = 0.01
"""Share of the training values below the usual range of a column, and share above it."""


class Unlike(NamedTuple):
    """The columns of one vector that are unlike the training data.

    Attributes:
        share: Their share of all columns, 0 to 1. Training rows have `2 * TAIL` on average.
        sensor: The sensor that has most of them; empty if there are none.
    """

    share: float
    sensor: str


class Novelty:
    """Compares vectors with the statistics of the training columns.

    A known value is unlike the training data outside the quantiles of `TAIL` and 1 - `TAIL`, or if the column was never
    known in training. An unknown value is unlike if at most `TAIL` of the training rows lacked it. The `missing`
    columns are left out, because the unknown values of their sensor say the same.

    Args:
        reference: Statistics of the d training columns.
        layout: The d columns.
    """

    def __init__(self, reference: Reference, layout: Layout) -> None:
        levels = np.array(reference.levels)
        low = int(np.flatnonzero(levels <= max(TAIL, levels[0]))[-1])
        high = int(np.flatnonzero(levels >= min(1.0 - TAIL, levels[-1]))[0])
        # A comparison with NaN is False: where training has no known value, every known value is outside.
        self._low, self._high = reference.quantiles[low], reference.quantiles[high]
        self._always_known = reference.unknown <= TAIL
        self._counted = ~layout.is_missing
        self._columns = int(self._counted.sum())
        self._slices = dict(layout.slices)

    def unlike(self, x: NDArray[np.float64]) -> Unlike:
        """The columns of a raw vector x (d,), NaN where unknown, that are unlike the training data."""
        outside = ~((x >= self._low) & (x <= self._high))
        outside &= np.isfinite(x) | self._always_known
        outside &= self._counted
        count = int(outside.sum())
        if not count:
            return Unlike(0.0, "")
        sensor = max(self._slices, key=lambda name: int(outside[self._slices[name]].sum()))
        return Unlike(count / self._columns, sensor)
