# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""One raw feature vector to probabilities, as the robot computes them at every interval."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ModelError
from obstacle_classifier.model.standardise import Standardiser
from obstacle_classifier.nn import CompiledMLP

__all__ = ["Calibration", "Parameters", "Predictor", "check_numbers"]

Floats = NDArray[np.float64]
Parameters = Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]

# With these, no finite features make a number overflow on the way through three Linears.
MAX_FEATURE = 1e300  # of mean and scale
MAX_PARAMETER = 1e6  # of W, b and calibration

_ONE = np.array(1.0)
_MOST = np.array(700.0)  # e^700 is finite in float64, its reciprocal 0 in float32


class Calibration(NamedTuple):
    """What one label's logit is multiplied by, and what is then added, before the sigmoid."""

    scale: float = 1.0
    offset: float = 0.0


class Predictor:
    """Standardise, network, calibrate, sigmoid: for one vector a call, in buffers of its own.

    The same vector gives the same bits on every call and from every instance on a machine. One instance serves one
    thread.

    Args:
        parameters: (W, b) of each Linear, W (i, o) and b (o,) float32.
        mean: (d,) float64 training means.
        scale: (d,) float64 training deviations, positive.
        calibration: One for each of the c labels.
    """

    def __init__(self, parameters: Parameters, mean: Floats, scale: Floats, calibration: Sequence[Calibration]) -> None:
        self._network = CompiledMLP(parameters)
        self._standardise = Standardiser(mean, scale)
        self._work, self._nan = np.empty(mean.shape), np.empty(mean.shape, np.bool_)
        self._inputs = np.empty(mean.shape, np.float32)
        # Negated, because the sigmoid is 1 / (1 + e^-logit).
        self._factor = -np.array([label.scale for label in calibration])
        self._offset = np.array([label.offset for label in calibration])
        self._exponent = np.empty(len(calibration))

    def probabilities(self, x: Floats) -> NDArray[np.float32]:
        """Probabilities (c,) float32, a new array, of the raw features x (d,) float64, NaN where unknown."""
        inputs = self._standardise(x, work=self._work, nan=self._nan, out=self._inputs)
        exponent = np.multiply(self._network.logits(inputs), self._factor, out=self._exponent)
        np.subtract(exponent, self._offset, out=exponent)
        np.minimum(exponent, _MOST, out=exponent)
        np.exp(exponent, out=exponent)
        np.add(exponent, _ONE, out=exponent)
        np.reciprocal(exponent, out=exponent)
        p: NDArray[np.float32] = exponent.astype(np.float32)
        return p

    def nearest_jump(self) -> float:
        """How far the last call was from ScaledReLU's jump: min |z - 1| over the hidden units."""
        return self._network.nearest_jump()


def check_numbers(
    columns: Sequence[str],
    labels: Sequence[str],
    parameters: Parameters,
    mean: Floats,
    scale: Floats,
    calibration: Sequence[Calibration],
) -> None:
    """Refuse what a predictor cannot be made of.

    Raises:
        ModelError: Naming the array, the column or the label, what was found and what was expected.
    """
    widths = [len(columns), *(W.shape[-1] for W, _ in parameters)]
    shapes = list(pairwise(widths))
    if [W.shape for W, _ in parameters] != shapes or [b.shape for _, b in parameters] != [(o,) for _, o in shapes]:
        found = [(W.shape, b.shape) for W, b in parameters]
        raise ModelError(f"network: found shapes {found}, expected W (i, o) and b (o,) that chain from {len(columns)}")
    if widths[-1] != len(labels) or len(calibration) != len(labels) or not parameters:
        raise ModelError(
            f"network: found {widths[-1]} outputs and {len(calibration)} calibrations for {len(labels)} labels"
        )
    for index, pair in enumerate(parameters):
        for name, array in zip((f"W{index}", f"b{index}"), pair, strict=True):
            _refuse(name, array, ~(np.abs(array) <= MAX_PARAMETER), f"numbers of at most {MAX_PARAMETER:g}")
    if mean.shape != (len(columns),) or scale.shape != (len(columns),):
        raise ModelError(f"mean, scale: found shapes {mean.shape} and {scale.shape}, expected ({len(columns)},)")
    missing = np.array([column.endswith(".missing") for column in columns])
    _refuse("mean", mean, ~(np.abs(mean) <= MAX_FEATURE), f"numbers of at most {MAX_FEATURE:g}", columns)
    _refuse("scale", scale, ~((scale > 0) & (scale <= MAX_FEATURE)), f"more than 0, at most {MAX_FEATURE:g}", columns)
    _refuse("mean", mean, missing & (mean != 0), "0, because the column is not standardised", columns)
    _refuse("scale", scale, missing & (scale != 1), "1, because the column is not standardised", columns)
    for label, (factor, offset) in zip(labels, calibration, strict=True):
        if not (0 < factor <= MAX_PARAMETER and abs(offset) <= MAX_PARAMETER):
            expected = f"a scale of more than 0 and both at most {MAX_PARAMETER:g}"
            raise ModelError(f"calibration of {label}: found scale {factor}, offset {offset}, expected {expected}")


def _refuse(
    name: str,
    array: NDArray[np.floating[Any]],
    refused: NDArray[np.bool_],
    expected: str,
    columns: Sequence[str] | None = None,
) -> None:
    if refused.any():
        where = tuple(int(index) for index in np.argwhere(refused)[0])
        place = f"column {columns[where[0]]}" if columns else f"index {where}"
        raise ModelError(f"{name}: {place}: found {array[where]:g}, expected {expected}")
