# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Initial weights."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import DTypeLike

from obstacle_classifier.nn.arrays import Array

__all__ = ["Seed", "kaiming_normal"]

Seed = np.random.Generator | int | None


def kaiming_normal(d: int, h: int, rng: Seed = None, dtype: DTypeLike = np.float64) -> Array:
    """Weights (d, h) drawn from N(0, 2/d), which keeps the variance of the signal through rectified layers.

    He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", 2015, eq. 10. Drawn in float64 whatever the dtype, so a seed
    means the same weights in every precision, up to rounding.

    Raises:
        ValueError: unless d and h are positive.
    """
    if d < 1 or h < 1:
        raise ValueError(f"a layer needs at least one input and one output, got {d} and {h}")
    return np.random.default_rng(rng).normal(0.0, math.sqrt(2 / d), (d, h)).astype(dtype)
