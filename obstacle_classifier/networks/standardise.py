# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Raw features to network inputs, with the same bits in training and on the robot."""

from __future__ import annotations

import numpy as np
from numpy import divide, maximum, minimum, subtract  # one look-up a call instead of two
from numpy.typing import NDArray

from obstacle_classifier.features import Layout
from obstacle_classifier.networks.numbers import MAX_FEATURE, refuse

__all__ = ["LARGEST", "CompiledStandardiser", "Standardiser", "check_normaliser", "fit_normaliser", "standardise"]

LARGEST = 1e6  # deviations; the limit keeps logits finite for every finite feature

Floats = NDArray[np.float64]

_ZERO = np.array(0.0)  # NumPy needs more time to convert a Python number than to process a feature vector


def standardise(X: Floats, mean: Floats, scale: Floats) -> NDArray[np.float32]:
    """(X - mean) / scale in float64, limited to -1e6 ... 1e6, then NaN replaced by 0 (the mean), rounded to float32.

    Every element depends only on its own column. A row therefore gives the same bits alone and in a matrix.

    Args:
        X: (d,) or (n, d) float64 raw features, NaN where unknown.
        mean: (d,) float64.
        scale: (d,) float64, positive and larger than the rounding error of the mean.

    Returns:
        float32 of X's shape, finite.
    """
    return Standardiser(mean, scale)(X)


class Standardiser:
    """`standardise` for one mean and scale."""

    def __init__(self, mean: Floats, scale: Floats) -> None:
        self.mean, self.scale = mean, scale
        # The limits apply to X, not to the result: the subtraction and the division cannot overflow.
        self._least, self._most = mean - LARGEST * scale, mean + LARGEST * scale

    def __call__(self, X: Floats) -> NDArray[np.float32]:
        """The result of `standardise`."""
        z = np.minimum(X, self._most)
        np.maximum(z, self._least, out=z)
        np.subtract(z, self.mean, out=z)
        np.divide(z, self.scale, out=z)
        np.copyto(z, _ZERO, where=np.isnan(z))
        return z.astype(np.float32)


class CompiledStandardiser:
    """`standardise` for one vector a call, with the same bits. A call allocates nothing.

    Args:
        mean: (d,) float64.
        scale: (d,) float64.
        out: (d,) float32, the buffer that a call fills.
    """

    def __init__(self, mean: Floats, scale: Floats, out: NDArray[np.float32]) -> None:
        self._mean, self._scale, self._out = mean, scale, out
        self._least, self._most = mean - LARGEST * scale, mean + LARGEST * scale
        self._z, self._nan = np.empty(mean.shape), np.empty(mean.shape, np.bool_)

    def __call__(self, x: Floats) -> None:
        """Fill `out` with the standardised x (d,)."""
        z = self._z
        minimum(x, self._most, out=z)
        maximum(z, self._least, out=z)
        subtract(z, self._mean, z)
        divide(z, self._scale, z)
        if not z.dot(z) >= 0:  # a sum of squares is NaN if one number is
            np.putmask(z, np.isnan(z, self._nan), _ZERO)
        self._out[...] = z


def check_normaliser(mean: Floats, scale: Floats, layout: Layout) -> None:
    """Refuse a mean or scale that is not finite or too large, or changes a `missing` column.

    Raises:
        ModelError: The message has the array, the column, the number found and the numbers expected.
    """
    most, columns, missing = f"{MAX_FEATURE:g}", layout.columns, layout.is_missing
    refuse("mean", mean, ~(np.abs(mean) <= MAX_FEATURE), f"numbers of at most {most}", columns)
    refuse("scale", scale, ~((scale > 0) & (scale <= MAX_FEATURE)), f"more than 0, at most {most}", columns)
    refuse("mean", mean, missing & (mean != 0), "0, because the column is not standardised", columns)
    refuse("scale", scale, missing & (scale != 1), "1, because the column is not standardised", columns)


def fit_normaliser(X: Floats, is_missing: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Mean and standard deviation (ddof 0) of the known values of each column.

    A `<sensor>.missing` column and a column without a known value get mean 0 and deviation 1: they stay unchanged. A
    column that does not vary beyond rounding gets deviation 1.

    Args:
        X: (n, d) float64, NaN where unknown.
        is_missing: (d,) True at the `missing` columns; see `Layout.is_missing`.

    Returns:
        (d,) float64 means and (d,) float64 deviations. All are finite, and deviations are positive.
    """
    known = np.isfinite(X)
    count = np.maximum(known.sum(axis=0), 1)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.where(known, X, 0.0).sum(axis=0) / count
        scale = np.sqrt(np.square(np.where(known, X - mean, 0.0)).sum(axis=0) / count)
    # The rounding error of a mean of n equal numbers, as in scikit-learn's StandardScaler.
    rounding = count * np.abs(mean) * np.finfo(np.float64).eps
    passes = is_missing | ~np.isfinite(mean) | ~np.isfinite(scale)
    return np.where(passes, 0.0, mean), np.where(passes | (scale <= rounding), 1.0, scale)
