# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Statistics of one sensor's channels over a window of samples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["STATISTICS", "window_statistics"]

STATISTICS = ("last", "min", "max", "mean", "std", "rms", "peak_to_peak", "slope", "count")

Floats: TypeAlias = NDArray[np.float64]


def window_statistics(
    names: Sequence[str],
    times: Sequence[int],
    values: Floats,
    last: Floats,
    end: int,
    whole: bool | None = None,
) -> Floats:
    """Statistics of the finite samples of each channel in a window.

    `std` has ddof 0; `slope` is the least-squares slope per second, NaN below two distinct times; every statistic but
    `count` and `last` is NaN without a finite sample. What overflows float64 is NaN as well. The result is a function
    of the arguments' values alone, bit for bit.

    Args:
        names: The s statistics wanted, among `STATISTICS`.
        times: n receive times in ns, all before `end`.
        values: (n, k) float64, C-contiguous, non-finite where a sample is to be skipped.
        last: (k,) float64, newest finite value ever received of each channel.
        end: End of the window in ns.
        whole: Whether all values are finite, if that is known.

    Returns:
        (k, s) float64.
    """
    out = np.empty((last.shape[0], len(names)))
    finite = None
    if not whole:
        finite = np.isfinite(values)
        if finite.all():
            finite = None
    with np.errstate(all="ignore"):
        window = _Window(times, values, finite, end)
        for column, name in enumerate(names):
            if name == "last":
                out[:, column] = last
            elif name == "count":
                out[:, column] = window.count
            else:
                out[:, column] = getattr(window, name) if len(values) else np.nan
        if finite is not None:
            without = window.count == 0
            for column, name in enumerate(names):
                if name not in ("last", "count"):
                    out[without, column] = np.nan
    known = np.isfinite(out)
    if not known.all():
        out[~known] = np.nan
    return out


class _Window:
    """The samples of a window with what several statistics share; `finite` is None if all of them are."""

    def __init__(self, times: Sequence[int], values: Floats, finite: NDArray[np.bool_] | None, end: int) -> None:
        self._times, self._values, self._finite, self._end = times, values, finite, end

    @cached_property
    def count(self) -> Floats:
        """(k,) or () number of samples."""
        if self._finite is None:
            return np.array(len(self._values), np.float64)
        count: Floats = self._finite.sum(axis=0).astype(np.float64)
        return count

    def _filled(self, values: Floats, fill: float) -> Floats:
        return values if self._finite is None else np.where(self._finite, values, fill)

    @cached_property
    def min(self) -> Floats:
        """(k,) smallest sample."""
        smallest: Floats = np.minimum.reduce(self._filled(self._values, np.inf), axis=0)
        return smallest

    @cached_property
    def max(self) -> Floats:
        """(k,) largest sample."""
        largest: Floats = np.maximum.reduce(self._filled(self._values, -np.inf), axis=0)
        return largest

    @property
    def peak_to_peak(self) -> Floats:
        """(k,) largest less smallest sample."""
        return self.max - self.min

    @cached_property
    def mean(self) -> Floats:
        """(k,) arithmetic mean."""
        mean: Floats = np.add.reduce(self._filled(self._values, 0.0), axis=0) / self.count
        return mean

    @cached_property
    def _deviations(self) -> Floats:
        """(n, k) differences from the mean, 0 where a sample is skipped."""
        return self._filled(self._values - self.mean, 0.0)

    @property
    def std(self) -> Floats:
        """(k,) standard deviation, ddof 0."""
        std: Floats = np.sqrt(np.add.reduce(np.square(self._deviations), axis=0) / self.count)
        return std

    @property
    def rms(self) -> Floats:
        """(k,) root of the mean square."""
        rms: Floats = np.sqrt(np.add.reduce(np.square(self._filled(self._values, 0.0)), axis=0) / self.count)
        return rms

    @property
    def slope(self) -> Floats:
        """(k,) least-squares slope per second: sum (t - mean t)(v - mean v) / sum (t - mean t)^2."""
        times = np.array(self._times, np.int64)
        seconds = ((times - self._end) * 1e-9)[:, np.newaxis]
        seconds = self._filled(np.broadcast_to(seconds, self._values.shape), 0.0)
        offsets = self._filled(seconds - np.add.reduce(seconds, axis=0) / self.count, 0.0)
        spread = np.add.reduce(np.square(offsets), axis=0)
        slope = np.add.reduce(offsets * self._deviations, axis=0) / spread
        # Equal times leave a spread of rounding errors only: no slope is to be had from them.
        if self._finite is None:
            return slope if times[-1] > times[0] else np.full_like(slope, np.nan)
        first = times[np.argmax(self._finite, axis=0)]
        distinct = (self._finite & (times[:, np.newaxis] != first)).any(axis=0)
        return np.where(distinct, slope, np.nan)
