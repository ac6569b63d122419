# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The convolutions of the network `scan`: two along the beams of each scanner, each with ReLU and pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import ScanColumns
from obstacle_classifier.networks.network import Floats
from obstacle_classifier.networks.standardise import fit_normaliser
from obstacle_classifier.nn import Layer
from obstacle_classifier.nn.convolution import Conv1d
from obstacle_classifier.nn.elementwise import ReLU
from obstacle_classifier.nn.initializers import Seed
from obstacle_classifier.nn.pooling import MaxPool1d

__all__ = [
    "SCANS_SCHEMA",
    "SECOND_KERNEL",
    "convolutions_of",
    "layers_of",
    "merged_width",
    "other_columns",
    "places",
    "scans_of",
    "share_normaliser",
]

STRIDE, SECOND_KERNEL, SECOND_STRIDE, POOL = 3, 5, 2, 2
SCANS_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "minItems": 1,
    "maxItems": 16,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": list(ScanColumns._fields),
        "properties": {
            "first": {"type": "integer", "minimum": 0},
            "beams": {"type": "integer", "minimum": 1, "maximum": 1024},
            "statistics": {"type": "integer", "minimum": 1, "maximum": 16},
        },
    },
}
"""JSON schema of the scans in a network's spec."""


def convolutions_of(scan: ScanColumns, channels: int, kernel: int, rng: Seed) -> tuple[Conv1d, Conv1d]:
    """The convolutions of a scanner, float32: from its statistics to the channels, and to twice as many."""
    return (
        Conv1d(scan.statistics, channels, kernel, STRIDE, kernel // 2, rng, np.float32),
        Conv1d(channels, 2 * channels, SECOND_KERNEL, SECOND_STRIDE, SECOND_KERNEL // 2, rng, np.float32),
    )


def places(beams: int, kernel: int) -> tuple[int, int]:
    """Places of a scan after the first convolution with its pooling, and after the second; 0 if it is too short."""
    first = max(0, (beams + 2 * (kernel // 2) - kernel) // STRIDE + 1) // POOL
    second = max(0, (first + 2 * (SECOND_KERNEL // 2) - SECOND_KERNEL) // SECOND_STRIDE + 1) // POOL if first else 0
    return first, second


def layers_of(first: Conv1d, second: Conv1d) -> tuple[Layer, ...]:
    """The convolutions with what follows each."""
    return first, ReLU(), MaxPool1d(POOL), second, ReLU(), MaxPool1d(POOL)


def merged_width(scans: Sequence[ScanColumns], channels: int, kernel: int, d: int) -> int:
    """Inputs of the perceptron."""
    features = sum(2 * channels * places(scan.beams, kernel)[1] for scan in scans)
    return features + len(other_columns(scans, d))


def other_columns(scans: Sequence[ScanColumns], d: int) -> NDArray[np.intp]:
    """The columns that are not beams."""
    other = np.ones(d, np.bool_)
    for first, beams, statistics in scans:
        other[first : first + beams * statistics] = False
    return np.flatnonzero(other)


def scans_of(spec: Mapping[str, Any]) -> tuple[ScanColumns, ...]:
    """The scans of a network's spec."""
    return tuple(ScanColumns(**scan) for scan in spec["scans"])


def share_normaliser(scan: ScanColumns, X: Floats, mean: Floats, scale: Floats) -> None:
    """Give all beams of a scan the mean and the deviation of their known values together, for each statistic."""
    first, beams, statistics = scan
    for index in range(statistics):
        columns = slice(first + index, first + beams * statistics, statistics)
        values = X[:, columns].reshape(-1, 1)
        mean[columns], scale[columns] = fit_normaliser(values, np.zeros(1, np.bool_))
