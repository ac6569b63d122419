# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The statistics of one sensor over many windows at once, as recorded messages allow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features.statistics import Statistic, window_statistics
from obstacle_classifier.features.window import Floats, Times, Window

__all__ = ["newest_finite", "tables"]

MAX_STACK = 1 << 14
"""Most numbers in a stack of windows; temporaries then fit in the processor's cache."""


def newest_finite(values: Floats, before: Floats, counts: NDArray[np.intp]) -> Floats:
    """The newest finite value of each channel after some of the messages.

    Args:
        values: (n, k) values of n messages.
        before: (k,) newest finite values before them.
        counts: (e,) how many of the messages count, in ascending order.

    Returns:
        (e, k).
    """
    rows = np.vstack([before, values])
    finite = np.isfinite(values)
    if finite.all():
        return rows[counts]
    source = np.zeros(rows.shape, np.intp)
    source[1:] = np.where(finite, np.arange(1, len(rows))[:, np.newaxis], 0)
    np.maximum.accumulate(source, axis=0, out=source)
    return np.take_along_axis(rows, source[counts], axis=0)


def tables(
    statistics: Sequence[Statistic],
    times: Times,
    values: Floats,
    starts: NDArray[np.intp],
    stops: NDArray[np.intp],
    last: Floats,
    ends: Times,
) -> Floats:
    """The s statistics over w windows of the same samples, each with the bits of `window_statistics` of that window.

    Args:
        statistics: The s statistics.
        times: (n,) receive times in ns, in ascending order.
        values: (n, k) values of k channels.
        starts: (w,) index of each window's first sample.
        stops: (w,) index after each window's last sample.
        last: (w, k) newest finite values received before each window's end.
        ends: (w,) end of each window in ns.

    Returns:
        (w, k * s), the statistics of a channel together.
    """
    channels = values.shape[1]
    table = np.empty((len(ends), channels * len(statistics)))
    together = all(statistic.stackable for statistic in statistics)
    whole = bool(np.isfinite(values).all())
    lengths = stops - starts
    for length in np.unique(lengths).tolist():
        same = np.flatnonzero(lengths == length)
        width = max(1, MAX_STACK // max(1, length * channels)) if together else 1
        for first in range(0, len(same), width):
            part = same[first : first + width]
            if len(part) == 1:
                (one,) = part.tolist()
                samples = slice(int(starts[one]), int(stops[one]))
                window = Window(times[samples], values[samples], last[one], int(ends[one]), whole)
            else:
                window = _stack(times, values, starts[part], length, last[part], ends[part], whole)
            table[part] = window_statistics(statistics, window).reshape(len(part), -1)
    return table


def _stack(
    times: Times,
    values: Floats,
    starts: NDArray[np.intp],
    length: int,
    last: Floats,
    ends: Times,
    whole: bool,
) -> Window:
    """Windows of equal length, side by side."""
    channels = values.shape[1]
    rows = starts + np.arange(length)[:, np.newaxis]
    return Window(
        np.repeat(times[rows], channels, axis=1),
        values[rows].reshape(length, len(starts) * channels),
        last.ravel(),
        np.repeat(ends, channels),
        whole,
    )
