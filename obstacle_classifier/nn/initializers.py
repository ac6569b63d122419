# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Initial weights."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import DTypeLike

from obstacle_classifier.nn.arrays import Array

__all__ = ["Seed", "from_data", "kaiming_normal", "xavier_normal", "xavier_uniform"]

Seed = np.random.Generator | int | None


def kaiming_normal(d: int, h: int, rng: Seed = None, dtype: DTypeLike = np.float64) -> Array:
    """Weights (d, h) drawn from N(0, 2/d), which keeps the variance of the signal through rectified layers.

    He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", 2015, eq. 10. The weights are drawn in float64 for every dtype:
    one seed gives the same weights in every precision, up to rounding.

    Raises:
        ValueError: d or h is not positive.
    """
    _check_shape(d, h)
    return np.random.default_rng(rng).normal(0.0, math.sqrt(2 / d), (d, h)).astype(dtype)


def xavier_normal(d: int, h: int, rng: Seed = None, dtype: DTypeLike = np.float64) -> Array:
    """Weights (d, h) drawn from N(0, 2/(d + h)), for layers with an activation that is about the identity near 0.

    A variance of 1/d keeps the variance of the signal, 1/h that of the gradient. 2/(d + h) is between the two. Glorot
    and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010, eq. 12.

    Raises:
        ValueError: d or h is not positive.
    """
    _check_shape(d, h)
    return np.random.default_rng(rng).normal(0.0, math.sqrt(2 / (d + h)), (d, h)).astype(dtype)


def xavier_uniform(d: int, h: int, rng: Seed = None, dtype: DTypeLike = np.float64) -> Array:
    """Weights (d, h) drawn uniformly from [-a, a) with a = sqrt(6/(d + h)).

    They have the variance of `xavier_normal`, but are bounded. Glorot and Bengio, 2010, eq. 16.

    Raises:
        ValueError: d or h is not positive.
    """
    _check_shape(d, h)
    bound = math.sqrt(6 / (d + h))
    return np.random.default_rng(rng).uniform(-bound, bound, (d, h)).astype(dtype)


def from_data(W: Array, b: Array, X: Array) -> None:
    """Scale weights and set biases in place, so that each pre-activation z of the rows X has mean 1 and deviation 1.

    ScaledReLU jumps at 1. Every unit therefore starts with its jump in the middle of the data, and is on for about half
    of the rows. The scaling is that of Mishkin and Matas, "All you need is a good init", 2016, for each unit. A unit
    with the same z on all rows keeps its weights.

    Args:
        W: (d, h), or (k, d, h) for k layers side by side.
        b: (h,) or (k, h).
        X: (n, d), or (k, n, d) if each layer has its own rows; n > 0.
    """
    Z = X @ W
    mean, deviation = Z.mean(axis=-2), Z.std(axis=-2)
    rounding = W.shape[-2] * np.finfo(W.dtype).eps * np.abs(Z).max(axis=-2)
    scale = 1 / np.where(deviation > rounding, deviation, 1)
    W *= scale[..., None, :]
    b[...] = 1 - scale * mean


def _check_shape(d: int, h: int) -> None:
    if d < 1 or h < 1:
        raise ValueError(f"a layer needs at least one input and one output, got {d} and {h}")
