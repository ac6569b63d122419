# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a score rests on: its drop when the values of a sensor or a column come from another bag.

Breiman, "Random Forests", 2001, with bags in place of rows: the intervals of a bag resemble each other, and a value
from elsewhere in the same bag would still tell much of the right one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.judged import Judged
from obstacle_classifier.training.metrics import macro_average_precision
from obstacle_classifier.training.runs import Runs
from obstacle_classifier.training.smoothing import smooth
from obstacle_classifier.training.train import Training

__all__ = ["Importance", "donors", "intervals_of", "permutation_importance"]

MOST_ROWS = 2000
"""Intervals judged for each sensor and column, in evenly spaced stretches; more change little and take long."""

STRETCH = 50
"""Intervals in a row: smoothing needs the ones before."""

SENSOR_DEALS, COLUMN_DEALS = 6, 2
"""Deals of other bags whose drops are averaged: there are many columns, and few sensors."""

Floats = NDArray[np.float64]
Score = Callable[[Floats], float]


@dataclass(frozen=True)
class Importance:
    """Drops of the macro average precision.

    Attributes:
        score: The macro average precision with the true values.
        sensors: Drop by sensor, all its columns permuted together, in file order.
        columns: Drop by column; columns that share information with another one drop less than both together.
    """

    score: float
    sensors: dict[str, float]
    columns: dict[str, float]


def permutation_importance(training: Training) -> Importance | None:
    """The importance of each sensor and column for the answers on intervals that the judges had not seen.

    These are the test intervals, or else the training intervals that members had left out. None without such
    intervals, or if no label is present in them.
    """
    judged = training.judged
    if judged is None or not judged.Y.any():
        return None
    every = -(-len(judged) // MOST_ROWS)
    judged = judged.select(np.arange(len(judged)) // STRETCH % every == 0)
    score, runs = _score(training, judged)
    X = runs.X
    truth = score(X)
    layout = training.model.sensors.layout
    rng = np.random.default_rng(0)
    deals = [donors(runs.bag, rng) for _ in range(max(SENSOR_DEALS, COLUMN_DEALS))]

    def drop(place: slice, count: int) -> float:
        return truth - float(np.mean([score(_with_values(X, place, X[deal, place])) for deal in deals[:count]]))

    sensors = {name: drop(place, SENSOR_DEALS) for name, place in layout.slices.items()}
    columns = {name: drop(slice(i, i + 1), COLUMN_DEALS) for i, name in enumerate(layout.columns)}
    return Importance(truth, sensors, columns)


def intervals_of(judged: Judged, data: Dataset) -> Dataset:
    """The judged intervals, by bag and time; bags without one are left out."""
    shards = {shard.name: shard for shard in data}
    chosen = []
    for index, name in enumerate(judged.names):
        own = judged.time_ns[judged.bag == index]
        if len(own):
            chosen.append(shards[name].select(np.isin(shards[name].time_ns, own)))
    return Dataset(tuple(chosen))


def donors(bag: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """For each of n rows, the row of another bag at the same share of that bag's length.

    The bags give their values to one another in a ring of random order. In recorded order, neighbours are often alike.

    Args:
        bag: (n,) bag of each row, all rows of a bag together. A single bag is turned in itself instead.
        rng: Of the order.
    """
    starts = np.flatnonzero(np.diff(bag, prepend=-1))
    ends = np.append(starts[1:], len(bag))
    bags = len(starts)
    if bags == 1:
        return np.roll(np.arange(len(bag)), rng.integers(len(bag) // 4, len(bag) - len(bag) // 4 + 1))
    chosen = np.empty(len(bag), np.intp)
    ring = rng.permutation(bags)
    for index, other in zip(ring, np.roll(ring, 1), strict=True):
        start, end = starts[index], ends[index]
        length = ends[other] - starts[other]
        chosen[start:end] = starts[other] + np.arange(end - start) * length // (end - start)
    return chosen


def _with_values(X: Floats, place: slice, values: Floats) -> Floats:
    changed = X.copy()
    changed[:, place] = values
    return changed


def _score(training: Training, judged: Judged) -> tuple[Score, Runs]:
    """Macro average precision of the answers of those who judged `judged`, to other features; and the true features.

    Smoothed logits take the place of probabilities: calibration does not change the order of the intervals.
    """
    judges, group = training.judges, judged.group
    data = intervals_of(judged, training.split.data)
    follows = judged.follows

    def smoothed(Z: NDArray[np.float32]) -> Floats:
        return smooth(Z.astype(np.float64), follows, training.model.smoothing)

    if judges is not None and group is not None:
        runs = Runs.of(data, judges.memory)
        return (
            lambda X: macro_average_precision(judged.Y, smoothed(judges.logits(replace(runs, X=X), group)), group),
            runs,
        )
    served = training.model.network.restore()
    runs = Runs.of(data, served.memory)
    return lambda X: macro_average_precision(judged.Y, smoothed(replace(runs, X=X).logits(served))), runs
