# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The learning curve, and the claim of a shuffled split, on data whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.progress import Silent
from obstacle_classifier.training import DefaultSettings, SGDSettings, Training, train
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.learning_curve import LearningCurve, learning_curve
from obstacle_classifier.training.settings import Settings
from test.helpers.training import SENSORS, Recorder, make_dataset, make_shard, make_split, write_street

SETTINGS = DefaultSettings(members=3, groups=3, epochs=10, least_steps=200, hidden=16, seed=4)


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("streets")
    return [write_street(folder / f"street_{seed}", seed, 4.0) for seed in range(3)]


@pytest.fixture(scope="module")
def training(streets: list[Path]) -> Training:
    return train(SENSORS, streets, SETTINGS, Silent())


def on(data: Dataset, training: Training, settings: Settings = SETTINGS) -> LearningCurve:
    """The curve as if the run had been on these data."""
    curve = learning_curve(replace(training, split=make_split(data), settings=settings), Silent())
    assert curve is not None
    return curve


def signatures(bags: int = 9, rows: int = 60) -> Dataset:
    """Bags that each have a place of their own in the features, and labels that say nothing beyond the bag."""
    rng = np.random.default_rng(0)
    d = len(SENSORS.columns)
    shards = []
    for bag in range(bags):
        X = rng.normal(scale=10.0, size=d) + 0.1 * rng.normal(size=(rows, d))
        Y = np.zeros((rows, 2), np.float32)
        Y[:, bag % 2] = 1
        shards.append(make_shard(f"bag_{bag}", X, Y))
    return Dataset(tuple(shards))


def test_a_split_of_single_intervals_claims_more_than_is_true(training: Training) -> None:
    curve = on(signatures(), training)
    assert curve.shuffled_mean > 0.98, "the bag gives the label away"
    assert curve.grouped_mean < 0.85, "a new bag gives nothing away"


@pytest.mark.parametrize("settings", [SETTINGS, SGDSettings(epochs=20, hidden=16, patience=5)], ids=["default", "sgd"])
def test_points_go_from_a_quarter_to_all_bags_of_a_fold(training: Training, settings: Settings) -> None:
    curve = on(make_dataset(bags=12), training, settings)
    assert [point.bags for point in curve.points] == [2.0, 4.0, 8.0]
    scores = np.array([point.scores for point in curve.points])
    assert scores.shape == (3, 3)
    assert ((scores > 0) & (scores <= 1)).all()
    assert curve.points[-1].mean > curve.points[0].mean, "a rough function is learnt better from more"
    assert curve.grouped_mean == pytest.approx(scores[-1].mean())


def test_equal_runs_give_equal_curves(training: Training) -> None:
    data = make_dataset(bags=3)
    assert on(data, training) == on(data, training)


def test_every_fit_is_reported_and_few_bags_give_fewer_points(training: Training) -> None:
    recorder = Recorder()
    curve = learning_curve(training, recorder)
    assert curve is not None
    assert recorder.stages == [("learning curve", 12)]
    assert len(recorder.notes) == 12
    assert [point.bags for point in curve.points] == [1.0, 2.0]


def test_two_bags_give_no_curve(streets: list[Path]) -> None:
    training = train(SENSORS, streets[:2], SETTINGS, Silent())
    assert learning_curve(training, Silent()) is None
