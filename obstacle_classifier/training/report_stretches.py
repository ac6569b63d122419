# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The stretches of the bags in which the answers are worst: where to look first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.training.judged import Judged

__all__ = ["Stretch", "worst_stretches"]

LENGTH = 20 * 10**9  # ns
_LEAST = 1e-6  # distance of a probability from 0 and 1 in the loss


@dataclass(frozen=True)
class Stretch:
    """A part of a bag.

    Attributes:
        bag: Name of the bag.
        start: Begin of the stretch in s since the begin of the bag.
        rows: (n,) indices of its judged intervals, in time order.
        seconds: (n,) ends of these intervals in s since the begin of the bag.
        loss: Mean log loss over these intervals, summed over labels.
    """

    bag: str
    start: float
    rows: NDArray[np.intp]
    seconds: NDArray[np.float64]
    loss: float


def worst_stretches(judged: Judged, begins: Mapping[str, int], count: int = 6, length: int = LENGTH) -> list[Stretch]:
    """The stretches with the largest mean log loss, the worst first.

    Every bag is cut into stretches of equal length. One with less than half as many judged intervals as the fullest is
    left out: a few wrong intervals at the end of a bag are no stretch.

    Args:
        judged: The intervals.
        begins: Begin of each bag in ns, by name.
        count: How many stretches, at most.
        length: Their length in ns.
    """
    P = np.clip(judged.P, _LEAST, 1 - _LEAST)
    loss = -np.where(judged.Y > 0, np.log(P), np.log(1 - P)).sum(axis=1)
    offsets = judged.time_ns - np.array([begins[name] for name in judged.names], np.int64)[judged.bag]
    number = np.maximum(offsets - 1, 0) // length
    firsts = np.flatnonzero((np.diff(judged.bag, prepend=-1) != 0) | (np.diff(number, prepend=-1) != 0))
    groups = np.split(np.arange(len(judged)), firsts[1:])
    most = max(map(len, groups))
    found = [
        Stretch(
            bag=judged.names[judged.bag[rows[0]]],
            start=float(number[rows[0]] * length * 1e-9),
            rows=rows,
            seconds=np.asarray(offsets[rows] * 1e-9, np.float64),
            loss=float(loss[rows].mean()),
        )
        for rows in groups
        if 2 * len(rows) >= most
    ]
    return sorted(found, key=lambda stretch: -stretch.loss)[:count]
