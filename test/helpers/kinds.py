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
            **{
                name: {
                    "type": "std_msgs/msg/Float32",
                    "topic": f"/{name}",
                    "statistics": ["last", "mean"],
                    "timeout": 0.3,
                }
                for name in ("near", "far")
            },
            "front": {
                "type": "sensor_msgs/msg/LaserScan",
                "topic": "/front",
                "reduce": "beams",
                "sectors": 30,
                "statistics": ["last", "min"],
            },
            "back": {"type": "sensor_msgs/msg/LaserScan", "topic": "/back", "reduce": "beams", "sectors": 25},
        },
    },
    "test",
)
LAYOUT = SENSORS.layout
LABELS = len(SENSORS.labels)
SIZES: dict[str, dict[str, Any]] = {
    "ensemble": {"members": 3},
    "scan": {"channels": 3, "kernel": 5},
    "window": {"members": 3, "window": 3},
}
"""Arguments of `create` that only some kinds have."""


def features(n: int, seed: int = 0) -> NDArray[np.float64]:
    """Raw features of n intervals: several scales, some unknown, sensors that are missing at times."""
    rng = np.random.default_rng(seed)
    X = rng.normal(1.0, 1.0, (n, len(LAYOUT.columns)))
    X[:, 0] += 1e3
    X[rng.random(X.shape) < 0.1] = np.nan
    for sensor, place in LAYOUT.slices.items():
        missing = rng.random(n) < 0.2
        X[missing, place] = np.nan
        X[:, LAYOUT.missing[sensor]] = missing
    return X


def made(kind: str) -> Network:
    """A network of 8 hidden units with random weights, large enough to matter."""
    network = network_class(kind).create(
        features(500, seed=1), LAYOUT, LABELS, hidden=8, rng=np.random.default_rng(2), **SIZES.get(kind, {})
    )
    for name, parameter in network.parameters().items():
        if name in ("W2", "W_out") or (name == "W1" and kind == "scan"):
            parameter[...] *= 3
    return network
