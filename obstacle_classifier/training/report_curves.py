# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The numbers behind the report's curves: threshold sweep and reliability of one label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.training.calibration import probability_bins

__all__ = ["Reliability", "Sweep", "reliability", "threshold_sweep"]

Values = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sweep:
    """Precision, recall and F1 (t,) at t thresholds from 0 to 1; NaN where undefined."""

    threshold: Floats
    precision: Floats
    recall: Floats
    f1: Floats


@dataclass(frozen=True)
class Reliability:
    """For each bin of probabilities that has intervals: their mean probability, the share that carries the label."""

    probability: Floats
    share: Floats
    count: NDArray[np.intp]


def threshold_sweep(y: Values, p: Values, steps: int = 100) -> Sweep:
    """Scores of deciding by threshold alone, at `steps` + 1 evenly spaced thresholds.

    Args:
        y: (n,) 0 or 1.
        p: (n,) probabilities.
        steps: Number of steps from 0 to 1.
    """
    threshold = np.linspace(0, 1, steps + 1)
    everything, present = np.sort(p), np.sort(p[y > 0])
    called = len(everything) - np.searchsorted(everything, threshold)
    hits = len(present) - np.searchsorted(present, threshold)
    return Sweep(
        threshold,
        _ratio(hits, called),
        _ratio(hits, np.full_like(hits, len(present))),
        _ratio(2 * hits, called + len(present)),
    )


def reliability(y: Values, p: Values, bins: int = 10) -> Reliability:
    """Mean probability and share of positives in bins of equal width; the bins are those of the ECE.

    Args:
        y: (n,) 0 or 1.
        p: (n,) probabilities.
        bins: Number of bins of [0, 1].
    """
    index = probability_bins(p, bins)
    count = np.bincount(index, minlength=bins)
    full = count > 0
    probability, share = (np.bincount(index, values, bins)[full] / count[full] for values in (p, y))
    return Reliability(probability, share, count[full])


def _ratio(numerator: NDArray[np.intp], denominator: NDArray[np.intp]) -> Floats:
    found = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=found, where=denominator != 0)
    return found
