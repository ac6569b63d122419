# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Golden vectors: inputs and the probabilities they gave where the model was made, tried again at every load."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ModelError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.model.predictor import Predictor

__all__ = ["COUNT", "MARGIN", "TOLERANCE", "check_golden_vectors", "golden_inputs", "golden_outputs"]

COUNT = 8
MARGIN = 1e-3  # of every hidden pre-activation from ScaledReLU's jump, where rounding would flip the unit
TOLERANCE = 1e-4  # of a probability: other BLAS kernels round otherwise

_MISSING, _UNKNOWN = 0.3, 0.2  # probability of a missing sensor, and of an unknown column, in every second vector
_TRIES = 1000  # per vector

Floats = NDArray[np.float64]


def golden_inputs(predictor: Predictor, sensors: SensorsConfig, mean: Floats, scale: Floats, seed: int) -> Floats:
    """Raw feature vectors (8, d) like those of training, every second with unknown columns and missing sensors.

    No hidden unit comes within 1e-3 of ScaledReLU's jump on any of them.

    Raises:
        ModelError: The network has no such inputs.
    """
    rng = np.random.default_rng([seed, COUNT])
    inputs = np.empty((COUNT, len(mean)))
    for row in range(COUNT):
        for _ in range(_TRIES):
            inputs[row] = mean + scale * rng.standard_normal(len(mean))
            _set_missing(inputs[row], sensors, rng, _MISSING * (row % 2), _UNKNOWN * (row % 2))
            predictor.probabilities(inputs[row])
            if predictor.nearest_jump() > MARGIN:
                break
        else:
            raise ModelError(
                f"the network keeps a hidden unit within {MARGIN} of ScaledReLU's jump in {_TRIES} random inputs: "
                "its outputs would differ from machine to machine"
            )
    return inputs


def golden_outputs(predictor: Predictor, inputs: Floats) -> NDArray[np.float32]:
    """Probabilities (g, c) of the inputs (g, d), one at a time as the robot computes them."""
    return np.stack([predictor.probabilities(x) for x in inputs])


def check_golden_vectors(
    predictor: Predictor, inputs: Floats, outputs: NDArray[np.float32], labels: Sequence[str]
) -> None:
    """Compare what this machine computes with what the model's file promises.

    Raises:
        ModelError: Naming the first vector and label that differ by more than 1e-4.
    """
    computed = golden_outputs(predictor, inputs)
    wrong = np.argwhere(~(np.abs(computed - outputs) <= TOLERANCE))
    if len(wrong):
        row, column = wrong[0]
        raise ModelError(
            f"golden vector {row}, label {labels[column]}: computed {computed[row, column]:.6f}, "
            f"expected {outputs[row, column]:.6f} within {TOLERANCE}"
        )


def _set_missing(x: Floats, sensors: SensorsConfig, rng: np.random.Generator, missing: float, unknown: float) -> None:
    start = 0
    for sensor in sensors.sensors:
        end = start + len(sensor.columns)
        is_missing = rng.random() < missing
        x[start : end - 1][rng.random(end - 1 - start) < (1.0 if is_missing else unknown)] = np.nan
        x[end - 1] = is_missing
        start = end
