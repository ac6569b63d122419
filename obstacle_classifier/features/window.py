# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The samples of one sensor in a window, with the quantities that several statistics share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Times", "Window", "total"]

Floats: TypeAlias = NDArray[np.float64]
Times: TypeAlias = NDArray[np.int64]


def total(values: Floats) -> Floats:
    """(k,) sums over the samples (n, k), added one after the other in the order of time; a zero is +0.

    The order does not depend on k, so a channel has the same sum alone and beside other channels, bit for bit.
    """
    # `reduce` adds a single column in another order.
    sums: Floats = np.add.accumulate(values, axis=0)[-1] if values.shape[1] == 1 else np.add.reduce(values, axis=0)
    return sums + 0.0


class Window:
    """The n messages of k channels with receive time in [start, end); a channel's samples are its finite values.

    A stack of windows, each with n messages, is a window too: its k channels are those of all the windows, side by
    side. `times` then has a column and `end` an entry for each channel.

    Args:
        times: n receive times in ns, in ascending order; (n, k) int64 in a stack.
        values: (n, k) float64, C-contiguous.
        last: (k,) float64, newest finite value ever received of each channel, NaN before the first.
        end: End of the window in ns, after all times; (k,) in a stack.
        whole: Whether all values are known to be finite.

    Attributes:
        times, values, last, end: As given.
        finite: (n, k) bool, which values are finite; None if all are.
    """

    def __init__(
        self, times: Sequence[int] | Times, values: Floats, last: Floats, end: int | Times, whole: bool = False
    ) -> None:
        self.times, self.values, self.last, self.end = times, values, last, end
        self.finite: NDArray[np.bool_] | None = None
        if not whole:
            finite = np.isfinite(values)
            self.finite = None if finite.all() else finite

    def filled(self, values: Floats, fill: float) -> Floats:
        """`values` (n, k) or (n, 1) with `fill` at the values that are not samples."""
        return values if self.finite is None else np.where(self.finite, values, fill)

    @cached_property
    def columns_of_times(self) -> Times:
        """(n, k) times of each channel, or (n, 1) if they are the same for all channels."""
        times = np.asarray(self.times, np.int64)
        return times if times.ndim == 2 else times[:, np.newaxis]

    @cached_property
    def count(self) -> Floats:
        """(k,) number of samples, or () if it is the same for all channels."""
        if self.finite is None:
            return np.array(len(self.values), np.float64)
        count: Floats = self.finite.sum(axis=0).astype(np.float64)
        return count

    @cached_property
    def min(self) -> Floats:
        """(k,) smallest sample; a zero of either sign is +0."""
        smallest: Floats = np.minimum.reduce(self.filled(self.values, np.inf), axis=0) + 0.0
        return smallest

    @cached_property
    def max(self) -> Floats:
        """(k,) largest sample; a zero of either sign is +0."""
        largest: Floats = np.maximum.reduce(self.filled(self.values, -np.inf), axis=0) + 0.0
        return largest

    @cached_property
    def mean(self) -> Floats:
        """(k,) arithmetic mean."""
        mean: Floats = total(self.filled(self.values, 0.0)) / self.count
        return mean

    @cached_property
    def deviations(self) -> Floats:
        """(n, k) differences from the mean, 0 at the values that are not samples."""
        return self.filled(self.values - self.mean, 0.0)
