# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""From one raw feature vector to probabilities, as computed at every interval on the robot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy import add, exp, minimum, multiply, reciprocal, subtract  # one look-up a call instead of two
from numpy.typing import NDArray

from obstacle_classifier.networks import CompiledNetwork

__all__ = ["MAX_SMOOTHING", "Calibration", "Predictor"]

MAX_SMOOTHING = 1000.0
"""Longest mean delay of a smoothed logit, in intervals."""

Floats = NDArray[np.float64]

_FLOAT32 = np.dtype(np.float32)
_ONE = np.array(1.0)
_MOST = np.array(700.0)  # e^700 is finite in float64, and its reciprocal is 0 in float32


class Calibration(NamedTuple):
    """Calibration of one label: sigmoid(scale * logit + offset)."""

    scale: float = 1.0
    offset: float = 0.0


class Predictor:
    """Network, calibration, smoothing over time and sigmoid for one vector per call.

    The calibrated logit z of a label is smoothed to s = g z + (1 - g) s of the call before, with g = 1 / (1 + delay);
    the first call after `reset` has s = z.

    The same sequence of vectors after `reset` gives the same bits from every instance on a machine. An instance has its
    own buffers: use one per thread.

    Args:
        network: The compiled network.
        calibration: Calibration of each of the c labels.
        smoothing: Mean delay of each label's smoothed logit, in intervals; 0 smooths nothing. None: 0 for all labels.
    """

    def __init__(
        self,
        network: CompiledNetwork,
        calibration: Sequence[Calibration],
        smoothing: Sequence[float] | None = None,
    ) -> None:
        self._network = network
        # Negated, because the sigmoid is 1 / (1 + e^-logit).
        self._factor = -np.array([label.scale for label in calibration])
        self._offset = np.array([label.offset for label in calibration])
        self._exponent = np.empty(len(calibration))
        delay = np.array(smoothing or (), np.float64)
        self._smooths = bool(delay.any())
        self._gain = 1.0 / (1.0 + delay)
        self._kept = 1.0 - self._gain
        self._recent = np.empty(len(calibration))
        self._first = True

    def probabilities(self, x: Floats) -> NDArray[np.float32]:
        """Probabilities (c,) float32, in a new array, of the raw features x (d,) float64, NaN where unknown."""
        exponent = self._exponent
        exponent[...] = self._network.logits(x)
        multiply(exponent, self._factor, exponent)
        subtract(exponent, self._offset, exponent)
        minimum(exponent, _MOST, out=exponent)
        if self._smooths:
            self._smooth(exponent)
        exp(exponent, exponent)
        add(exponent, _ONE, exponent)
        reciprocal(exponent, exponent)
        p: NDArray[np.float32] = exponent.astype(_FLOAT32)
        return p

    def spread(self) -> NDArray[np.float32] | None:
        """Standard deviation (c,) of the members' probabilities at the last call, in a new array; None for one member.

        It is the spread before calibration, because members are not calibrated one by one.
        """
        spread = self._network.spread()
        return None if spread is None else spread.copy()

    def reset(self) -> None:
        """Forget earlier vectors. The next vector starts a new sequence."""
        self._network.reset()
        self._first = True

    def margin(self) -> float:
        """Distance of the last call to the network's nearest discontinuity; infinite if the network is continuous."""
        return self._network.margin()

    def _smooth(self, exponent: Floats) -> None:
        """Smooth the exponents (c,) in place."""
        recent = self._recent
        if self._first:
            self._first = False
            np.copyto(recent, exponent)
            return
        np.multiply(exponent, self._gain, out=exponent)
        np.multiply(recent, self._kept, out=recent)
        np.add(recent, exponent, out=recent)
        np.copyto(exponent, recent)
