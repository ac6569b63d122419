# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""From which probability on, and after how many intervals, a label counts as present."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.training.events import runs
from obstacle_classifier.training.metrics import precision_recall

__all__ = ["Target", "Threshold", "choose_threshold", "propose_hysteresis"]

MOST_INTERVALS = 5
"""Of a proposed hysteresis."""

SHORT_EVENTS = 0.1
"""Share of the events that are shorter than the one that a proposed hysteresis is measured by."""

DELAY = 0.25
"""Share of such an event that a proposed hysteresis may miss."""

Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Target:
    """What a threshold is chosen for: a least precision, a least recall, or, without either, the best F1."""

    precision: float | None = None
    recall: float | None = None

    def __post_init__(self) -> None:
        if self.precision is not None and self.recall is not None:
            raise ValueError("a threshold can be chosen for a precision or for a recall, got both")


@dataclass(frozen=True)
class Threshold:
    """A threshold, and the scores at it on the intervals that it was chosen on.

    Attributes:
        value: Probability at or above which the label counts as present.
        precision: Share of the intervals at or above it that carry the label; NaN if nothing was chosen.
        recall: Share of the intervals with the label that are at or above it; NaN if nothing was chosen.
        met: False if no threshold reaches the target.
    """

    value: float
    precision: float
    recall: float
    met: bool

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _f1(np.array(self.precision), np.array(self.recall)).item()


def choose_threshold(y: Values, p: Values, target: Target | None = None) -> Threshold:
    """The threshold of one label.

    It lies halfway between two probabilities that occurred, where rounding on another machine changes no decision. For
    a precision it is the one of most recall that reaches it, for a recall the one of most precision; where none does,
    the one that comes nearest.

    Args:
        y: (n,) 0 or 1.
        p: (n,) calibrated probabilities of bags that training has not seen.
        target: What to choose for; the best F1 by default.

    Returns:
        The threshold; 0.5 without an interval that carries the label.
    """
    target = target or Target()
    if not np.any(y):
        return Threshold(0.5, float("nan"), float("nan"), met=False)
    precision, recall = precision_recall(y, p)
    values = np.unique(np.asarray(p, np.float64))[::-1]
    f1 = _f1(precision, recall)
    if target.precision is not None:
        met = precision >= target.precision
        best = _argmax(recall, precision, f1, where=met) if met.any() else _argmax(precision, recall)
    elif target.recall is not None:
        met = recall >= target.recall
        best = _argmax(precision, f1, where=met)
    else:
        met = np.ones(len(values), np.bool_)
        best = _argmax(f1, precision)
    below = values[best + 1] if best + 1 < len(values) else 0.0
    return Threshold(float((values[best] + below) / 2), float(precision[best]), float(recall[best]), bool(met[best]))


def propose_hysteresis(y: Values, follows: NDArray[np.bool_], delay: float = 0.0) -> tuple[int, int]:
    """(enter, exit): intervals after which a label is taken for present, and for absent again.

    A longer wait suppresses single wrong intervals and delays the answer. Each is a quarter of a short event or of a
    short gap between events (one in ten is shorter), less the delay of the probabilities, 1 to 5.

    Args:
        y: (n,) 0 or 1.
        follows: (n,) whether an interval directly follows the one before, in the same bag.
        delay: Mean delay of the probabilities by smoothing, in intervals.
    """
    present = np.asarray(y) > 0
    events = [end - start for start, end in runs(present, follows)]
    gaps = [
        end - start
        for start, end in runs(~present, follows)
        if follows[start] and end < len(y) and follows[end]  # between two events
    ]
    return _wait(events, delay), _wait(gaps, delay)


def _wait(lengths: Sequence[int], delay: float) -> int:
    if not lengths:
        return 1
    return int(np.clip(DELAY * np.quantile(lengths, SHORT_EVENTS) - delay, 1, MOST_INTERVALS))


def _f1(precision: Values, recall: Values) -> NDArray[np.float64]:
    total = np.asarray(precision + recall, np.float64)
    return np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total != 0)


def _argmax(*keys: Values, where: NDArray[np.bool_] | None = None) -> int:
    """Index of the largest first key, among equal ones of the largest second key, and so on."""
    candidates = np.arange(len(keys[0])) if where is None else np.flatnonzero(where)
    for key in keys:
        candidates = candidates[key[candidates] == key[candidates].max()]
    return int(candidates[0])
