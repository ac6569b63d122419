# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""From recorded bags to a model that the robot loads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.bags import Bag
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.model import Model, Reference
from obstacle_classifier.networks import MLPNetwork
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.config import TrainConfig
from obstacle_classifier.training.dataset import Dataset, read_dataset
from obstacle_classifier.training.fit import Epoch, fit_dataset
from obstacle_classifier.training.metrics import scores
from obstacle_classifier.training.split import MIN_BAGS, hold_out

__all__ = ["Scored", "Training", "train"]

PARTS = ("train", "validation", "test")

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Scored:
    """The test intervals: what was there, and what the model says.

    Attributes:
        bags: Name of the bag of each of the n intervals.
        time_ns: (n,) int64 interval ends.
        Y: (n, c) float32, 1 where a label is present, else 0.
        P: (n, c) float64 probabilities.
    """

    bags: tuple[str, ...]
    time_ns: NDArray[np.int64]
    Y: NDArray[np.float32]
    P: NDArray[np.float64]


@dataclass(frozen=True)
class Training:
    """A finished training run.

    Attributes:
        model: The model, its test scores in `model.metrics` (empty without a test interval).
        history: Loss per epoch of the fit that was watched on the validation part.
        epochs: For how many the model itself was fitted.
        bags: Names of the bags of each part (empty where bags were cut into time blocks).
        scored: The test intervals, None if there are none.
    """

    model: Model
    history: tuple[Epoch, ...]
    epochs: int
    bags: dict[str, tuple[str, ...]]
    scored: Scored | None


def train(sensors: SensorsConfig, paths: Sequence[Path], config: TrainConfig, progress: Progress) -> Training:
    """Train on labelled bags.

    Whole bags go to the training, the validation (early stopping) or the test part (scores); fewer than three bags are
    each cut into time blocks. The network saved has been fitted on all but the test part, as `fit_dataset` says.

    Raises:
        BagError: A bag cannot be used, has no labels, or no interval is left to train on.
        ConfigError: A label file that does not hold what it must, or a learning rate at which the loss diverged.
    """
    data = read_dataset(paths, sensors, progress)
    for problem in data.problems:
        progress.say(f"warning: {problem}")
    shares = (1 - config.validation_share - config.test_share, config.validation_share, config.test_share)
    # What a feature vector reaches back for: samples in the window, and a newest value not yet stale.
    gap = max(max(spec.window, spec.timeout) for spec in sensors.sensors)
    rows = hold_out(data, shares, gap, np.random.default_rng(config.seed))
    if not len(rows[0]):
        raise BagError(
            f"{', '.join(map(str, paths))}: found {len(data.X)} intervals, none of them both known and labelled, "
            "expected some to train on"
        )
    _warn(data, rows, sensors, progress)
    fitted = fit_dataset(data, rows[0], rows[1], sensors, config, progress)
    parts = _parts(data, rows)
    model = Model.create(
        sensors=sensors,
        network=MLPNetwork.of(fitted.network, fitted.mean, fitted.scale),
        reference=Reference.of(data.X[np.concatenate(rows[:2])]),
        training=config.document(),
        seed=config.seed,
        bags=_provenance(paths, data, parts),
    )
    scored = _scored(model, data, rows[2])
    model = model.with_metrics(_test_scores(model, data, scored))
    bags = {part: tuple(name for name, own in zip(data.bags, parts, strict=True) if own == part) for part in PARTS}
    return Training(model, fitted.history, fitted.epochs, bags, scored)


def _scored(model: Model, data: Dataset, rows: Rows) -> Scored | None:
    """What the model says of these rows, by the path that the robot runs."""
    if not len(rows):
        return None
    predictor = model.predictor()
    P = np.array([predictor.probabilities(x) for x in data.X[rows]], np.float64)
    return Scored(tuple(data.bags[bag] for bag in data.bag[rows]), data.time_ns[rows], data.Y[rows], P)


def _test_scores(model: Model, data: Dataset, scored: Scored | None) -> dict[str, Any]:
    """Scores without hysteresis: the test rows need not follow one another."""
    if scored is None:
        return {}
    thresholds = np.array([rule.threshold for rule in model.rules])
    test_bags = [data.bags.index(name) for name in set(scored.bags)]
    labelled = ~np.isnan(data.Y).any(axis=1) & np.isin(data.bag, test_bags)
    coverage = float((~data.unknown[labelled]).mean())
    return scores(scored.Y, scored.P, thresholds <= scored.P, model.labels, coverage)


def _warn(data: Dataset, rows: Sequence[Rows], sensors: SensorsConfig, progress: Progress) -> None:
    """Say what the recordings cannot teach."""
    for index in sorted(set(range(len(data.bags))) - set(data.bag[data.usable].tolist())):
        progress.say(f"warning: bag {data.bags[index]}: no interval is both known and labelled, so it is not used")
    for part, meaning in ((1, "validation interval, so all epochs run"), (2, "test interval, so there are no scores")):
        if not len(rows[part]):
            progress.say(f"warning: the recordings are too short for a {meaning}")
    fitted = np.concatenate(rows[:2])
    for label, share in zip(sensors.labels, data.Y[fitted].mean(axis=0), strict=True):
        if share in (0, 1):
            carriers = "no training interval carries it" if share == 0 else "every training interval carries it"
            progress.say(f"warning: label {label}: {carriers}, so it cannot be learnt")
    never = [name for name, x in zip(sensors.columns, data.X[fitted].T, strict=True) if np.isnan(x).all()]
    if never:
        progress.say(f"warning: columns never known in a training interval: {', '.join(never)}")


def _parts(data: Dataset, rows: Sequence[Rows]) -> list[str]:
    """Where each bag went: a part, `time blocks` or, without a usable interval, `unused`."""
    if len(np.unique(data.bag[data.usable])) < MIN_BAGS:
        used = "time blocks"
        return [used if index in data.bag[data.usable] else "unused" for index in range(len(data.bags))]
    where = {int(index): part for part, own in zip(PARTS, rows, strict=True) for index in np.unique(data.bag[own])}
    return [where.get(index, "unused") for index in range(len(data.bags))]


def _provenance(paths: Sequence[Path], data: Dataset, parts: Sequence[str]) -> list[dict[str, str]]:
    entries = []
    for path, name, part in zip(paths, data.bags, parts, strict=True):
        with Bag(path) as bag:
            entries.append({"name": name, "sha256": bag.sha256(), "part": part})
    return entries
