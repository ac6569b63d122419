# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Statistics of one sensor's channels over a window of samples.

To add a statistic, write a function of the window and declare it in `STATISTICS`. The sensors file then accepts its
name, and `python -m test.test_docs_tables` lists its meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from obstacle_classifier.features.window import Floats, Window, total

__all__ = ["STATISTICS", "Statistic", "window_statistics"]


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """One number per channel of a window.

    Attributes:
        name: Name in the sensors file and in column names.
        compute: From the window to (k,) float64, NaN where unknown; () counts for every channel. It must be a function
            of the window alone, bit for bit.
        meaning: One phrase for the documents.
        depends_on_end: Whether the value can change when the window's end moves on and its samples stay the same. The
            value of any other statistic is kept until the samples change.
        needs_samples: Whether the value is NaN for a channel without a sample in the window. `compute` then gets
            windows with at least one row.
        stackable: Whether `compute` takes stacks of windows, as bags are read: each value must be a function of its own
            channel's samples and times alone, bit for bit.
    """

    name: str
    compute: Callable[[Window], Floats]
    meaning: str
    depends_on_end: bool
    needs_samples: bool = True
    stackable: bool = False


def window_statistics(statistics: Sequence[Statistic], window: Window) -> Floats:
    """The s statistics of the k channels of a window.

    A value that overflows float64 is NaN. The result is a function of the arguments' values alone, bit for bit.

    Returns:
        (k, s) float64.
    """
    out = np.empty((window.last.shape[0], len(statistics)))
    without = None if window.finite is None else window.count == 0
    with np.errstate(all="ignore"):
        for column, statistic in enumerate(statistics):
            if not statistic.needs_samples:
                out[:, column] = statistic.compute(window)
                continue
            out[:, column] = statistic.compute(window) if len(window.values) else np.nan
            if without is not None:
                out[without, column] = np.nan
    known = np.isfinite(out)
    if not known.all():
        out[~known] = np.nan
    return out


def _std(window: Window) -> Floats:
    std: Floats = np.sqrt(total(np.square(window.deviations)) / window.count)
    return std


def _rms(window: Window) -> Floats:
    rms: Floats = np.sqrt(total(np.square(window.filled(window.values, 0.0))) / window.count)
    return rms


def _slope(window: Window) -> Floats:
    """Sum (t - mean t)(v - mean v) / sum (t - mean t)^2."""
    times = window.columns_of_times
    seconds = window.filled(np.multiply(times - window.end, 1e-9), 0.0)
    offsets = window.filled(seconds - total(seconds) / window.count, 0.0)
    slope = total(offsets * window.deviations) / total(np.square(offsets))
    # Equal times leave a spread of rounding errors only: no slope follows from them.
    if window.finite is None:
        distinct = times[-1] > times[0]
    else:
        times = np.broadcast_to(times, window.finite.shape)
        first = np.take_along_axis(times, np.argmax(window.finite, axis=0)[np.newaxis], axis=0)
        distinct = (window.finite & (times != first)).any(axis=0)
    return np.where(distinct, slope, np.nan)


STATISTICS = {
    statistic.name: statistic
    for statistic in (
        Statistic(
            name="last",
            compute=lambda window: window.last,
            meaning="newest finite value ever received, in the window or before it",
            depends_on_end=False,
            needs_samples=False,
            stackable=True,
        ),
        Statistic(
            name="min",
            compute=lambda window: window.min,
            meaning="smallest sample",
            depends_on_end=False,
            stackable=True,
        ),
        Statistic(
            name="max",
            compute=lambda window: window.max,
            meaning="largest sample",
            depends_on_end=False,
            stackable=True,
        ),
        Statistic(
            name="mean",
            compute=lambda window: window.mean,
            meaning="arithmetic mean",
            depends_on_end=False,
            stackable=True,
        ),
        Statistic(
            name="std",
            compute=_std,
            meaning="standard deviation, ddof 0",
            depends_on_end=False,
            stackable=True,
        ),
        Statistic(
            name="rms",
            compute=_rms,
            meaning="root of the mean square",
            depends_on_end=False,
            stackable=True,
        ),
        Statistic(
            name="peak_to_peak",
            compute=lambda window: window.max - window.min,
            meaning="largest minus smallest sample",
            depends_on_end=False,
            stackable=True,
        ),
        Statistic(
            name="slope",
            compute=_slope,
            meaning="least-squares slope over the receive times, per second; NaN below two distinct times",
            depends_on_end=True,  # by rounding: the times are taken relative to the end
            stackable=True,
        ),
        Statistic(
            name="count",
            compute=lambda window: window.count,
            meaning="number of finite samples",
            depends_on_end=False,
            needs_samples=False,
            stackable=True,
        ),
    )
}
"""Every statistic by its name in the sensors file."""
