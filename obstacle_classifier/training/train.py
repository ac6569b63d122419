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

from obstacle_classifier.bags.find import bag_names
from obstacle_classifier.errors import BagError, ConfigError, ModelError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.model import Model, Reference
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.backends import Backend
from obstacle_classifier.training.dataset import BadBag, Dataset, read_dataset, warn_left_out
from obstacle_classifier.training.metrics import scores
from obstacle_classifier.training.recipes import Epoch, recipe_of
from obstacle_classifier.training.settings import Settings
from obstacle_classifier.training.split import Split, hold_out

__all__ = ["Scored", "Training", "train"]

_DRAFT_ROWS = 100


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
        left_out: Bags that could not be used.
    """

    model: Model
    history: tuple[Epoch, ...]
    epochs: int
    bags: dict[str, tuple[str, ...]]
    scored: Scored | None
    left_out: tuple[BadBag, ...] = ()


def train(
    sensors: SensorsConfig,
    paths: Sequence[Path],
    settings: Settings,
    progress: Progress,
    backend: Backend | None = None,
) -> Training:
    """Train on labelled bags.

    Whole bags go to the test part, which only the scores see, or to one of the parts that the recipe asks for; fewer
    than three bags are each cut into time blocks. The recipe fits the network on all but the test part.

    Args:
        sensors: The columns and the labels.
        paths: The bags; those that cannot be used are left out and named.
        settings: The options, which name the recipe.
        progress: Told of every bag and every epoch.
        backend: Where the bags are read; by default here, one after the other.

    Raises:
        BagError: None of the bags can be used, or no interval is left to train on.
        ConfigError: A label file that does not hold what it must, a network or a list of bags that no model file holds,
            or a learning rate at which the loss diverged.
    """
    recipe = recipe_of(settings)
    _check_size(sensors, settings, paths)
    data = read_dataset(paths, sensors, progress, backend=backend)
    for shard in data:
        for problem in shard.problems:
            progress.say(f"warning: {problem}")
    warn_left_out(data.left_out, len(paths), progress)
    shares = {**recipe.shares(settings), "test": settings.test_share}
    # What a feature vector reaches back for: samples in the window, and a newest value not yet stale.
    gap = max(max(spec.window, spec.timeout) for spec in sensors.sensors)
    split = hold_out(data, shares, gap, np.random.default_rng(settings.seed))
    if not split.take(split.names[0]).intervals:
        raise BagError(
            f"{', '.join(map(str, paths))}: found {data.intervals} intervals, none of them both known and labelled, "
            "expected some to train on"
        )
    fitted_parts = split.names[:-1]
    _warn(split, fitted_parts, sensors, progress)
    fitted = recipe.fit(split.without("test"), sensors.layout, settings, progress)
    part_of_bag = _parts(split)
    model = Model.create(
        sensors=sensors,
        network=fitted.network,
        calibration=fitted.calibration,
        rules=fitted.rules,
        reference=Reference.of(split.take(*fitted_parts).stack()[0]),
        training=settings.document(),
        seed=settings.seed,
        bags=[{"name": shard.name, "sha256": shard.sha256, "part": part_of_bag[shard.name]} for shard in data],
    )
    scored = _scored(model, split.take("test"))
    model = model.with_metrics(_test_scores(model, scored, split.coverage("test")))
    bags = {part: tuple(name for name, own in part_of_bag.items() if own == part) for part in split.names}
    return Training(model, fitted.history, fitted.epochs, bags, scored, data.left_out)


def _check_size(sensors: SensorsConfig, settings: Settings, paths: Sequence[Path]) -> None:
    """Refuse what no model file can hold, before the work.

    Raises:
        ConfigError: The network, or the list of columns and bags, is larger than `Model.load` accepts.
    """
    c = len(sensors.labels)
    X = np.random.default_rng(0).standard_normal((_DRAFT_ROWS, len(sensors.columns)))
    blank = np.zeros((1, c))
    try:
        Model.create(
            sensors=sensors,
            network=recipe_of(settings).first_network(X, sensors.layout, c, settings, np.random.default_rng(0)),
            reference=Reference.of(X),
            metrics=scores(blank, blank, blank.astype(np.bool_), sensors.labels, 1.0),
            training=settings.document(),
            seed=settings.seed,
            bags=[{"name": name, "sha256": "0" * 64, "part": "time blocks"} for name in bag_names(paths)],
        )
    except ModelError as error:
        raise ConfigError(
            f"no model file holds a model of {len(paths)} bags, {len(sensors.columns)} columns and these training "
            f"options: {error}"
        ) from None


def _scored(model: Model, data: Dataset) -> Scored | None:
    """Answers of the model on these intervals, by the path that the robot runs."""
    if not data.intervals:
        return None
    predictor = model.predictor()
    X, Y = data.stack()
    P = np.array([predictor.probabilities(x) for x in X], np.float64)
    bags = tuple(shard.name for shard in data for _ in range(len(shard)))
    return Scored(bags, np.concatenate([shard.time_ns for shard in data]), Y, P)


def _test_scores(model: Model, scored: Scored | None, coverage: float) -> dict[str, Any]:
    """Scores without hysteresis: the test intervals need not follow one another."""
    if scored is None:
        return {}
    thresholds = np.array([rule.threshold for rule in model.rules])
    return scores(scored.Y, scored.P, thresholds <= scored.P, model.labels, coverage)


def _warn(split: Split, fitted_parts: Sequence[str], sensors: SensorsConfig, progress: Progress) -> None:
    """Say what the recordings cannot teach."""
    for shard in split.data:
        if not shard.usable.any():
            progress.say(f"warning: bag {shard.name}: no interval is both known and labelled, so it is not used")
    for part, meaning in (
        ("validation", "validation interval, so all epochs run"),
        ("test", "test interval, so there are no scores"),
    ):
        if part in split.names and not split.take(part).intervals:
            progress.say(f"warning: the recordings are too short for a {meaning}")
    X, Y = split.take(*fitted_parts).stack()
    for label, share in zip(sensors.labels, Y.mean(axis=0), strict=True):
        if share in (0, 1):
            carriers = "no training interval carries it" if share == 0 else "every training interval carries it"
            progress.say(f"warning: label {label}: {carriers}, so it cannot be learnt")
    never = [name for name, x in zip(sensors.columns, X.T, strict=True) if np.isnan(x).all()]
    if never:
        progress.say(f"warning: columns never known in a training interval: {', '.join(never)}")


def _parts(split: Split) -> dict[str, str]:
    """Where each bag went, by name: a part, `time blocks` or, without a usable interval, `unused`."""
    where = {}
    for shard, part in zip(split.data, split.parts, strict=True):
        if not shard.usable.any():
            where[shard.name] = "unused"
        else:
            where[shard.name] = "time blocks" if split.in_blocks else split.names[part[0]]
    return where
