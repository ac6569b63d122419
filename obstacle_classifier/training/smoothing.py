# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""How far each label's logit is smoothed over time, from answers on bags that the members had not seen.

An obstacle stays for many intervals, while the errors of single intervals partly cancel out. Exponential smoothing
(Brown, "Smoothing, Forecasting and Prediction of Discrete Time Series", 1963) lowers the errors and delays the answers.
The log loss counts both: late answers when an event begins or ends, and errors in between.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.training.calibration import fit_calibration

__all__ = ["DELAYS", "choose_smoothing", "smooth"]

DELAYS = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0)
"""The candidates, in intervals."""

LEAST_BAGS = 3
"""With the label, and in all: the spread over fewer says nothing."""

Floats = NDArray[np.float64]
Values = NDArray[np.floating[Any]]


def smooth(Z: Floats, follows: NDArray[np.bool_], delays: Sequence[float]) -> Floats:
    """Exponentially smoothed logits: s = g z + (1 - g) s_before with g = 1 / (1 + delay).

    Args:
        Z: (n, c) logits in time order.
        follows: (n,) whether a row directly follows the one before; one that does not starts anew.
        delays: Mean delay of each label, in intervals; 0 leaves it as it is.

    Returns:
        (n, c).
    """
    smoothed = Z.copy()
    for label, delay in enumerate(delays):
        if not delay:
            continue
        gain = 1.0 / (1.0 + delay)
        recent = 0.0
        column = []
        for z, goes_on in zip(Z[:, label].tolist(), follows.tolist(), strict=True):
            recent = gain * z + (1.0 - gain) * recent if goes_on else z
            column.append(recent)
        smoothed[:, label] = column
    return smoothed


def choose_smoothing(
    Z: Floats, Y: Values, bag: NDArray[np.intp], follows: NDArray[np.bool_], most: float
) -> tuple[float, ...]:
    """The delay of each label, one of `DELAYS`.

    It is the shortest one whose log loss, after calibration, is within one standard error over bags of the lowest
    (Breiman, Friedman, Olshen, Stone, "Classification and Regression Trees", 1984). A label in fewer than three bags is
    not smoothed.

    Args:
        Z: (n, c) logits of intervals by members that have not seen their bags.
        Y: (n, c) 0 or 1.
        bag: (n,) bag of each interval.
        follows: (n,) whether an interval directly follows the one before, in the same bag.
        most: Longest delay.
    """
    candidates = [delay for delay in DELAYS if delay <= most]
    chosen = []
    for z, y in zip(Z.T[:, :, None], Y.T[:, :, None], strict=True):
        if len(np.unique(bag[y[:, 0] > 0])) < LEAST_BAGS:
            chosen.append(0.0)
            continue
        losses = [_loss_by_bag(smooth(z, follows, [delay]), y, bag) for delay in candidates]
        lowest = min(losses, key=lambda loss: float(loss.mean()))
        chosen.append(next(d for d, loss in zip(candidates, losses, strict=True) if _within_error(loss - lowest)))
    return tuple(chosen)


def _loss_by_bag(z: Floats, y: Values, bag: NDArray[np.intp]) -> Floats:
    """Mean log loss of each bag's calibrated logits."""
    ((scale, offset),) = fit_calibration(z, y, bag)
    loss = np.logaddexp(0.0, (1 - 2 * y[:, 0]) * (scale * z[:, 0] + offset))
    bags, index = np.unique(bag, return_inverse=True)
    return np.bincount(index, loss, len(bags)) / np.bincount(index)


def _within_error(excess: Floats) -> bool:
    """Whether the mean of an excess over bags is at most its standard error."""
    return float(excess.mean()) <= float(excess.std(ddof=1)) / math.sqrt(len(excess))
