# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The samples of one sensor in a window, with the quantities that several statistics share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Window"]

Floats: TypeAlias = NDArray[np.float64]


class Window:
    """The n messages of k channels with receive time in [start, end); a channel's samples are its finite values.

    Args:
        times: n receive times in ns, in ascending order.
        values: (n, k) float64, C-contiguous.
        last: (k,) float64, newest finite value ever received of each channel, NaN before the first.
        end: End of the window in ns, after all times.
        whole: Whether all values are known to be finite.

    Attributes:
        times, values, last, end: As given.
        finite: (n, k) bool, which values are finite; None if all are.
    """

    def __init__(self, times: Sequence[int], values: Floats, last: Floats, end: int, whole: bool = False) -> None:
        self.times, self.values, self.last, self.end = times, values, last, end
        self.finite: NDArray[np.bool_] | None = None
        if not whole:
            finite = np.isfinite(values)
            self.finite = None if finite.all() else finite

    def filled(self, values: Floats, fill: float) -> Floats:
        """`values` (n, k) with `fill` at the values that are not samples."""
        return values if self.finite is None else np.where(self.finite, values, fill)

    @cached_property
    def count(self) -> Floats:
        """(k,) number of samples, or () if it is the same for all channels."""
        if self.finite is None:
            return np.array(len(self.values), np.float64)
        count: Floats = self.finite.sum(axis=0).astype(np.float64)
        return count

    @cached_property
    def min(self) -> Floats:
        """(k,) smallest sample."""
        smallest: Floats = np.minimum.reduce(self.filled(self.values, np.inf), axis=0)
        return smallest

    @cached_property
    def max(self) -> Floats:
        """(k,) largest sample."""
        largest: Floats = np.maximum.reduce(self.filled(self.values, -np.inf), axis=0)
        return largest

    @cached_property
    def mean(self) -> Floats:
        """(k,) arithmetic mean."""
        mean: Floats = np.add.reduce(self.filled(self.values, 0.0), axis=0) / self.count
        return mean

    @cached_property
    def deviations(self) -> Floats:
        """(n, k) differences from the mean, 0 at the values that are not samples."""
        return self.filled(self.values - self.mean, 0.0)
