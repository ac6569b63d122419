# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Confidence intervals by resampling bags: intervals of one bag are not independent, bags are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.training.judged import Judged

__all__ = ["bootstrap_average_precision"]

RESAMPLES = 200
CONFIDENCE = 0.9
LEAST_BAGS = 3  # with fewer, resampling says nothing

Interval = list[float] | None


def bootstrap_average_precision(judged: Judged) -> tuple[list[Interval], Interval]:
    """The 90 % confidence interval of average precision, per label and of their mean.

    Bags are drawn with replacement (Efron, Tibshirani, "An Introduction to the Bootstrap", 1993); a resample without a
    positive does not count for its label. The draws are the same in every call.

    Returns:
        Per label [low, high], and the same of the macro mean; None with fewer than 3 bags, or without a positive.
    """
    c = judged.Y.shape[1]
    bags = len(judged.names)
    if len(np.unique(judged.bag)) < LEAST_BAGS:
        return [None] * c, None
    rng = np.random.default_rng(0)
    weights = np.array([np.bincount(rng.integers(0, bags, bags), minlength=bags) for _ in range(RESAMPLES)], np.float64)
    rows = (
        [np.ones(len(judged), np.bool_)]
        if judged.group is None
        else [judged.group == group for group in np.unique(judged.group)]
    )
    values = np.full((RESAMPLES, c), np.nan)
    for label in range(c):
        parts = [
            _weighted_average_precision(judged.Y[own, label], judged.P[own, label], weights[:, judged.bag[own]])
            for own in rows
        ]
        values[:, label] = _mean_defined(np.stack(parts))
    return [_interval(column) for column in values.T], _interval(_mean_defined(values.T))


def _weighted_average_precision(
    y: NDArray[np.float32], p: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average precision for each row of weights (r, n); NaN without a positive."""
    order = np.argsort(-p, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)
    found = np.empty(len(weights))
    for index, row in enumerate(weights):
        w = row[order]
        present = np.cumsum(w * y[order])[ends]
        called = np.cumsum(w)[ends]
        if not present[-1]:
            found[index] = np.nan
            continue
        precision = present / np.maximum(called, 1)
        found[index] = np.sum(np.diff(present, prepend=0.0) * precision) / present[-1]
    return found


def _mean_defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the first axis of the numbers that are not NaN; NaN where there is none."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _interval(values: NDArray[np.float64]) -> Interval:
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    low, high = np.quantile(known, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return [float(low), float(high)]
