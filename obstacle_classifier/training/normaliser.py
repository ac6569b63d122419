# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Means and deviations of the training features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["fit_normaliser"]


def fit_normaliser(X: NDArray[np.float64], columns: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (ddof 0) of the known values of each column.

    A `<sensor>.missing` column, one without a known value, and one that does not vary beyond rounding get deviation 1,
    the first two mean 0: they pass as they are.

    Args:
        X: (n, d) float64, NaN where unknown.
        columns: The d column names.

    Returns:
        (d,) float64 means and (d,) float64 deviations, all finite, deviations positive.
    """
    known = np.isfinite(X)
    count = np.maximum(known.sum(axis=0), 1)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.where(known, X, 0.0).sum(axis=0) / count
        scale = np.sqrt(np.square(np.where(known, X - mean, 0.0)).sum(axis=0) / count)
    # The rounding error of a mean of n equal numbers, as in scikit-learn's StandardScaler.
    rounding = count * np.abs(mean) * np.finfo(np.float64).eps
    passes = np.array([column.endswith(".missing") for column in columns]) | ~np.isfinite(mean) | ~np.isfinite(scale)
    return np.where(passes, 0.0, mean), np.where(passes | (scale <= rounding), 1.0, scale)
