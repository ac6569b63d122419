# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Scores against the number of training bags, and what a split of single intervals would claim.

Both come from fits of the run's recipe anew, each judged on intervals that it has not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.progress import Progress, Silent
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.metrics import macro_average_precision, mean_defined
from obstacle_classifier.training.recipes import recipe_of
from obstacle_classifier.training.recipes.recipe import Fitted
from obstacle_classifier.training.settings import Settings
from obstacle_classifier.training.split import MIN_BAGS, Split, deal_bags, hold_out, reach
from obstacle_classifier.training.train import Training

__all__ = ["CurvePoint", "LearningCurve", "learning_curve"]

FOLDS = 3
SHARES = (0.25, 0.5, 1.0)
"""Share of a fold's training bags of each point of the curve."""


@dataclass(frozen=True)
class CurvePoint:
    """Scores of fits on about as many bags.

    Attributes:
        bags: Mean number of training bags.
        scores: Macro average precision on the held-out bags of each fold; NaN if they carry no label.
    """

    bags: float
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the folds that have a score."""
        return mean_defined(self.scores)


@dataclass(frozen=True)
class LearningCurve:
    """What more bags give, and what a careless split would claim.

    Attributes:
        points: From few bags to all of each fold's training bags.
        shuffled: Macro average precision of each fold when intervals, not bags, are dealt at random.
    """

    points: tuple[CurvePoint, ...]
    shuffled: tuple[float, ...]

    @property
    def grouped_mean(self) -> float:
        """Mean score on whole bags that training has not seen."""
        return self.points[-1].mean

    @property
    def shuffled_mean(self) -> float:
        """Mean score on intervals whose neighbours training has seen."""
        return mean_defined(self.shuffled)


def learning_curve(training: Training, progress: Progress) -> LearningCurve | None:
    """Fit the run's recipe on subsets of its bags, and score each fit on bags of another fold.

    Three folds by bag; in each the recipe is fitted on a quarter, a half and all of the other bags, the smaller sets
    being parts of the larger. Then once a fold on intervals that are dealt at random. All bags take part, those of a
    test part too; nothing is chosen by the result.

    Args:
        training: The finished run.
        progress: Told of every fit.

    Returns:
        The curve; None with fewer than three usable bags.

    Raises:
        ConfigError: The loss of a fit became infinite or NaN.
    """
    data = training.split.data.usable()
    if len(data) < MIN_BAGS:
        return None
    sensors, settings = training.model.sensors, replace(training.settings, test_share=0.0)
    rng = np.random.default_rng(settings.seed)
    folds = deal_bags(data, {str(fold): 1 / FOLDS for fold in range(FOLDS)}, rng)
    others = [rng.permutation([i for i, part in enumerate(folds.parts) if part[0] != fold]) for fold in range(FOLDS)]
    rows = [rng.integers(0, FOLDS, len(shard)) for shard in data]
    points = []
    shuffled = []
    with progress.stage("learning curve", FOLDS * (len(SHARES) + 1)) as stage:
        for share in SHARES:
            scores, sizes = [], []
            for fold in range(FOLDS):
                chosen = sorted(others[fold][: max(1, round(share * len(others[fold])))].tolist())
                sizes.append(len(chosen))
                fitted = _fit(_pick(data, chosen), sensors, settings)
                scores.append(_score(fitted, folds.take(str(fold)), sensors))
                stage.advance(f"{len(chosen)} bags, macro AP {scores[-1]:.3f}")
            points.append(CurvePoint(float(np.mean(sizes)), tuple(scores)))
        for fold in range(FOLDS):
            seen = data.select([own != fold for own in rows])
            fitted = _fit(seen, sensors, settings, shuffle=rng)
            shuffled.append(_score(fitted, data.select([own == fold for own in rows]), sensors))
            stage.advance(f"shuffled intervals, macro AP {shuffled[-1]:.3f}")
    return LearningCurve(_distinct(points), tuple(shuffled))


def _pick(data: Dataset, chosen: Sequence[int]) -> Dataset:
    return replace(data, shards=tuple(data.shards[index] for index in chosen))


def _fit(
    data: Dataset, sensors: SensorsConfig, settings: Settings, shuffle: np.random.Generator | None = None
) -> Fitted:
    """What the recipe makes of these intervals; with `shuffle`, its own parts are random intervals, too."""
    recipe = recipe_of(settings)
    shares = recipe.shares(settings)
    if shuffle is None:
        split = hold_out(data, shares, reach(sensors), np.random.default_rng(settings.seed))
    else:
        parts = tuple(shuffle.choice(len(shares), len(shard), p=list(shares.values())) for shard in data)
        split = Split(data, tuple(shares), parts)
    return recipe.fit(split, sensors, settings, Silent())


def _score(fitted: Fitted, held_out: Dataset, sensors: SensorsConfig) -> float:
    if not len(held_out):
        return float("nan")
    return macro_average_precision(held_out.stack()[1], fitted.logits(held_out, sensors.interval))


def _distinct(points: Sequence[CurvePoint]) -> tuple[CurvePoint, ...]:
    """The points without repeats: of few bags, a quarter and a half may be the same."""
    return tuple({point.bags: point for point in points}.values())
