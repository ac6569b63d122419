# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Small networks of every kind, and feature vectors for them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import SensorsConfig, parse_sensors
from obstacle_classifier.networks import Network, network_class

__all__ = ["LABELS", "LAYOUT", "SENSORS", "SIZES", "features", "made"]

SENSORS: SensorsConfig = parse_sensors(
    {
        "interval": 0.1,
        "labels": ["one", "two", "three"],
        "sensors": {
            name: {"type": "std_msgs/msg/Float32", "topic": f"/{name}", "statistics": ["last", "mean"], "timeout": 0.3}
            for name in ("near", "far")
        },
    },
    "test",
)
LAYOUT = SENSORS.layout
LABELS = len(SENSORS.labels)
SIZES: dict[str, dict[str, Any]] = {"window": {"members": 3, "window": 3}, "ensemble": {"members": 3}}
"""Arguments of `create` that only some kinds have."""


def features(n: int, seed: int = 0) -> NDArray[np.float64]:
    """Raw features of n intervals: two scales, some unknown, a sensor that is missing at times."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(scale, 1.0, n) for scale in (1e3, 0.0, 0.0, 5.0, 1.0, 0.0)])
    missing = rng.random((n, 2)) < 0.2
    X[:, [2, 5]] = missing
    X[:, [0, 1, 3, 4]] = np.where(rng.random((n, 4)) < 0.2, np.nan, X[:, [0, 1, 3, 4]])
    for sensor, first in enumerate((0, 3)):
        X[missing[:, sensor], first : first + 2] = np.nan
    return X


def made(kind: str) -> Network:
    """A network of 8 hidden units with random weights, large enough to matter."""
    network = network_class(kind).create(
        features(500, seed=1), LAYOUT, LABELS, hidden=8, rng=np.random.default_rng(2), **SIZES.get(kind, {})
    )
    for name, parameter in network.parameters().items():
        if name in ("W2", "W_out"):
            parameter[...] *= 3
    return network
