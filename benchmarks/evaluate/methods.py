# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The recipes of this package and scikit-learn's classifiers behind one signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.networks import fit_normaliser, standardise
from obstacle_classifier.nn import sigmoid
from obstacle_classifier.progress import Silent
from obstacle_classifier.training import (
    DefaultSettings,
    ReferenceSettings,
    SGDSettings,
    SingleSettings,
)
from obstacle_classifier.training.calibration import calibrated
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.metrics import scores
from obstacle_classifier.training.recipes import Fitted, recipe_of
from obstacle_classifier.training.settings import Settings
from obstacle_classifier.training.split import deal_bags

__all__ = ["COMPETITORS", "METHODS", "OURS", "Answer", "Method", "boosting", "ours", "sklearn_mlp", "trees"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """What a fitted method says of n intervals.

    Attributes:
        P: (n, c) probabilities.
        raw: (n, c) probabilities before calibration; None if the method does not calibrate.
        left_out: Macro average precision on the training bags, each judged by members that have not seen it; None
            without such members.
    """

    P: Floats
    raw: Floats | None = None
    left_out: float | None = None


Answers = Callable[[Dataset], Answer]
Method = Callable[[Dataset, SensorsConfig, int], Answers]
"""Fit the intervals of a data set with a seed; returns the answers to those of another one."""


def ours(settings: Settings) -> Method:
    """A recipe as `train` runs it, without a test part."""

    def fit(train: Dataset, sensors: SensorsConfig, seed: int) -> Answers:
        own = replace(settings, seed=seed, test_share=0.0)
        recipe = recipe_of(own)
        split = deal_bags(train, recipe.shares(own), np.random.default_rng(seed))
        return partial(_answer, recipe.fit(split, sensors, own, Silent()), sensors)

    return fit


def trees(name: str, **options: Any) -> Method:
    """scikit-learn's ensemble of trees of a class name, on standardised features."""

    def fit(train: Dataset, sensors: SensorsConfig, seed: int) -> Answers:
        from sklearn import ensemble

        X, Y, scaled = _standardised(train, sensors)
        forest = getattr(ensemble, name)(random_state=seed, **options).fit(X, Y)

        def answer(test: Dataset) -> Answer:
            columns = forest.predict_proba(scaled(test.stack()[0]))
            # A label without a positive in training has one class only.
            return Answer(np.stack([p[:, 1] if p.shape[1] == 2 else np.zeros(len(p)) for p in columns], axis=1))

        return answer

    return fit


def boosting(**options: Any) -> Method:
    """scikit-learn's HistGradientBoosting, a model a label, on the raw features: it knows what NaN means."""

    def fit(train: Dataset, sensors: SensorsConfig, seed: int) -> Answers:
        from sklearn.ensemble import HistGradientBoostingClassifier

        X, Y = train.stack()
        models = [
            HistGradientBoostingClassifier(random_state=seed, **options).fit(X, y) if 0 < y.mean() < 1 else None
            for y in Y.T
        ]

        def answer(test: Dataset) -> Answer:
            rows, _ = test.stack()
            constant = Y.mean(axis=0)
            columns = [
                np.full(len(rows), constant[label]) if model is None else model.predict_proba(rows)[:, 1]
                for label, model in enumerate(models)
            ]
            return Answer(np.stack(columns, axis=1))

        return answer

    return fit


def sklearn_mlp(**options: Any) -> Method:
    """scikit-learn's network, on standardised features."""

    def fit(train: Dataset, sensors: SensorsConfig, seed: int) -> Answers:
        from sklearn.neural_network import MLPClassifier

        X, Y, scaled = _standardised(train, sensors)
        network = MLPClassifier(random_state=seed, **options).fit(X, Y)
        return lambda test: Answer(np.asarray(network.predict_proba(scaled(test.stack()[0])), np.float64))

    return fit


OURS: dict[str, Method] = {
    settings.recipe: ours(settings)
    for settings in (DefaultSettings(), SingleSettings(), SGDSettings(), ReferenceSettings())
}
"""The recipes by name."""

OURS["unsmoothed"] = ours(DefaultSettings(most_smoothing=0.0))  # as the others, which see one interval alone

COMPETITORS: dict[str, Method] = {
    "forest": trees("RandomForestClassifier", n_estimators=300),
    "extra trees": trees("ExtraTreesClassifier", n_estimators=300),
    "boosting": boosting(),
    "small boosting": boosting(max_iter=60, max_leaf_nodes=15),
    "sklearn mlp": sklearn_mlp(hidden_layer_sizes=(64, 64), batch_size=32, max_iter=30),
}
"""scikit-learn's classifiers by name, with its defaults where nothing else is said.

The network has the size of one member; `--tune` chose its epochs. Few and small trees are better on some data sets.
"""

METHODS = OURS | COMPETITORS


def _answer(fitted: Fitted, sensors: SensorsConfig, test: Dataset) -> Answer:
    Z = fitted.logits(test, sensors.interval)
    raw = np.asarray(sigmoid(Z), np.float64)
    if fitted.calibration is None or fitted.unseen is None:
        return Answer(raw)
    left_out = scores(fitted.unseen, sensors.labels, coverage=1.0)["macro"]["average_precision"]
    return Answer(calibrated(Z, fitted.calibration), raw, left_out)


def _standardised(
    train: Dataset, sensors: SensorsConfig
) -> tuple[NDArray[np.float32], NDArray[np.float32], Callable[[Floats], NDArray[np.float32]]]:
    """X and Y to fit, and the standardiser."""
    X, Y = train.stack()
    mean, scale = fit_normaliser(X, sensors.layout.is_missing)
    return standardise(X, mean, scale), Y, lambda rows: standardise(rows, mean, scale)
