# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Hidden sensors: training examples from which a sensor is missing, so that the network learns what missing means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import Layout

__all__ = ["SENSOR_DROPOUT", "drop_sensors"]

SENSOR_DROPOUT = 0.1
"""Probability that an example loses a sensor that it can do without."""


def drop_sensors(X: NDArray[np.float64], layout: Layout, rng: np.random.Generator) -> None:
    """Make each of `layout.droppable` missing, in place, with probability 0.1 in each row of raw features X (n, d).

    All its columns become NaN, and its `missing` column 1, as if it had never sent a message.
    """
    for sensor in layout.droppable:
        dropped = rng.random(len(X)) < SENSOR_DROPOUT
        X[dropped, layout.slices[sensor]] = np.nan
        X[dropped, layout.missing[sensor]] = 1.0
