"""Statistics of one sensor's channels over a window of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["STATISTICS", "window_statistics"]

STATISTICS = ("last", "min", "max", "mean", "std", "rms", "peak_to_peak", "slope", "count")

Floats: TypeAlias = NDArray[np.float64]


def window_statistics(names: Sequence[str], times: NDArray[np.int64], values: Floats, last: Floats, end: int) -> Floats:
    """Statistics of the finite samples of each channel in a window.

    `std` has ddof 0; `slope` is the least-squares slope per second, NaN below two distinct times; every statistic but
    `count` and `last` is NaN without a finite sample. What overflows float64 is NaN as well. The result is a function
    of the arguments' values alone, bit for bit.

    Args:
        names: The s statistics wanted, among `STATISTICS`.
        times: (n,) int64, receive times in ns, all before `end`.
        values: (n, k) float64, C-contiguous, non-finite where a sample is to be skipped.
        last: (k,) float64, newest finite value ever received of each channel.
        end: End of the window in ns.

    Returns:
        (k, s) float64.
    """
    out = np.empty((last.shape[0], len(names)))
    finite = np.isfinite(values)
    whole = bool(finite.all())
    count = finite.sum(axis=0).astype(np.float64)
    with np.errstate(all="ignore"):
        window = _Window(times, values, finite, whole, count, end)
        for column, name in enumerate(names):
            if name == "last":
                out[:, column] = last
            elif name == "count":
                out[:, column] = count
            else:
                out[:, column] = np.where(count > 0, getattr(window, name)(), np.nan)
    out[~np.isfinite(out)] = np.nan
    return out


@dataclass
class _Window:
    """The samples of a window with what several statistics share."""

    times: NDArray[np.int64]
    values: Floats
    finite: NDArray[np.bool_]
    whole: bool
    count: Floats
    end: int

    def _filled(self, values: Floats, fill: float) -> Floats:
        return values if self.whole else np.where(self.finite, values, fill)

    def min(self) -> Floats:
        """(k,) smallest sample."""
        smallest: Floats = np.minimum.reduce(self._filled(self.values, np.inf), axis=0, initial=np.inf)
        return smallest

    def max(self) -> Floats:
        """(k,) largest sample."""
        largest: Floats = np.maximum.reduce(self._filled(self.values, -np.inf), axis=0, initial=-np.inf)
        return largest

    def peak_to_peak(self) -> Floats:
        """(k,) largest less smallest sample."""
        return self.max() - self.min()

    @cached_property
    def centre(self) -> Floats:
        """(k,) arithmetic mean."""
        centre: Floats = np.add.reduce(self._filled(self.values, 0.0), axis=0) / self.count
        return centre

    def mean(self) -> Floats:
        """(k,) arithmetic mean."""
        return self.centre

    @cached_property
    def deviations(self) -> Floats:
        """(n, k) differences from the mean, 0 where a sample is skipped."""
        return self._filled(self.values - self.centre, 0.0)

    def std(self) -> Floats:
        """(k,) standard deviation, ddof 0."""
        std: Floats = np.sqrt(np.add.reduce(np.square(self.deviations), axis=0) / self.count)
        return std

    def rms(self) -> Floats:
        """(k,) root of the mean square."""
        rms: Floats = np.sqrt(np.add.reduce(np.square(self._filled(self.values, 0.0)), axis=0) / self.count)
        return rms

    def slope(self) -> Floats:
        """(k,) least-squares slope per second: sum (t - mean t)(v - mean v) / sum (t - mean t)^2."""
        seconds = ((self.times - self.end) * 1e-9)[:, np.newaxis]
        seconds = self._filled(np.broadcast_to(seconds, self.values.shape), 0.0)
        offsets = self._filled(seconds - np.add.reduce(seconds, axis=0) / self.count, 0.0)
        spread = np.add.reduce(np.square(offsets), axis=0)
        slope = np.add.reduce(offsets * self.deviations, axis=0) / spread
        # Equal times leave a spread of rounding errors only: no slope is to be had from them.
        first = self.times[np.argmax(self.finite, axis=0)] if len(self.times) else np.int64(0)
        distinct = (self.finite & (self.times[:, np.newaxis] != first)).any(axis=0)
        return np.where(distinct, slope, np.nan)
