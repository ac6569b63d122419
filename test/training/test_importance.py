# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Importance by permutation over bags: what carries the labels drops the score, what does not leaves it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.progress import Silent
from obstacle_classifier.training import DefaultSettings, SGDSettings, SingleSettings, Training, train
from obstacle_classifier.training.importance import donors, intervals_of, permutation_importance
from obstacle_classifier.training.settings import Settings
from test.helpers.training import SENSORS, write_street

SMALL: dict[str, Any] = {"epochs": 5, "least_steps": 150, "hidden": 16}
RECIPES = [DefaultSettings(members=6, groups=3, **SMALL), SingleSettings(groups=3, **SMALL), SGDSettings(hidden=16)]


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("streets")
    return [write_street(folder / f"street_{seed}", seed) for seed in range(5)]


@pytest.fixture(scope="module", params=RECIPES, ids=lambda settings: settings.recipe)
def training(request: pytest.FixtureRequest, streets: list[Path]) -> Training:
    settings: Settings = request.param
    return train(SENSORS, streets, settings, Silent())


def test_with_the_true_values_the_score_is_the_models(training: Training) -> None:
    importance = permutation_importance(training)
    assert importance is not None
    assert importance.score == pytest.approx(training.model.metrics["macro"]["average_precision"], abs=1e-4)


def test_what_carries_a_label_drops_the_score(training: Training) -> None:
    importance = permutation_importance(training)
    assert importance is not None
    assert list(importance.sensors) == ["distance", "noise"]
    assert list(importance.columns) == list(SENSORS.columns)
    assert min(importance.sensors.values()) > 0.1, "each sensor alone carries a label"
    missing = [importance.columns[f"{sensor}.missing"] for sensor in importance.sensors]
    assert max(map(abs, missing)) < 0.05, "hardly any interval lacks a sensor"


def test_without_a_score_there_is_no_importance(training: Training) -> None:
    assert permutation_importance(replace(training, scored=None, unseen=None)) is None


def test_features_are_those_of_the_judged_intervals(training: Training) -> None:
    judged = training.judged
    assert judged is not None
    X, _ = intervals_of(judged, training.split.data).stack()
    expected = {
        (shard.name, int(time)): x
        for shard in training.split.data
        for time, x in zip(shard.time_ns, shard.X, strict=True)
    }
    for x, bag, time in zip(X, judged.bag, judged.time_ns, strict=True):
        np.testing.assert_array_equal(x, expected[judged.names[bag], int(time)])


def test_donors_are_rows_of_another_bag_in_the_same_order() -> None:
    bag = np.array([0, 0, 0, 0, 2, 2, 5, 5, 5])
    of_next = {  # donors of a bag's rows, by the bag that gives
        (0, 2): [4, 4, 5, 5],
        (0, 5): [6, 6, 7, 8],
        (2, 0): [0, 2],
        (2, 5): [6, 7],
        (5, 0): [0, 1, 2],
        (5, 2): [4, 4, 5],
    }
    rings = set()
    rng = np.random.default_rng(0)
    for _ in range(20):
        rows = donors(bag, rng)
        givers = {own: int(bag[rows[bag == own][0]]) for own in (0, 2, 5)}
        assert sorted(givers.values()) == [0, 2, 5], "each bag gives once"
        for own, giver in givers.items():
            assert rows[bag == own].tolist() == of_next[own, giver]
        rings.add(tuple(givers.values()))
    assert len(rings) == 2, "three bags make two rings"


def test_a_single_bag_is_turned_in_itself() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        rows = donors(np.zeros(8, np.intp), rng)
        assert sorted(rows.tolist()) == list(range(8))
        assert (np.diff(rows) % 8 == 1).all()
        assert rows[0] in range(2, 7), "at least a quarter"
