# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The ensemble and the single network: what their judges say, and what the model serves of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.model import Model
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.progress import Silent
from obstacle_classifier.training import Training, load_train_config, train
from test.helpers.training import SENSORS, Recorder, write_street

QUICK = ["hidden=16", "epochs=10", "least_steps=100"]
RECIPES = ("default", "single")


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("streets")
    return [write_street(folder / f"street_{seed}", seed, 20.0) for seed in range(6)]


@pytest.fixture(scope="module")
def trainings(streets: list[Path]) -> dict[str, Training]:
    return {
        recipe: train(SENSORS, streets, load_train_config(None, [f"recipe={recipe}", *QUICK]), Silent())
        for recipe in RECIPES
    }


@pytest.mark.parametrize("recipe", RECIPES)
def test_no_bag_is_lost_and_every_bag_is_judged(trainings: dict[str, Training], recipe: str) -> None:
    training = trainings[recipe]
    assert {bag["part"] for bag in training.model.bags} == {"train"}
    assert training.scored is None
    unseen = training.unseen
    assert unseen is not None
    assert unseen.names == tuple(f"street_{seed}" for seed in range(6))
    assert np.unique(unseen.bag).tolist() == list(range(6))
    assert training.model.metrics["judged"] == "left out bags"
    assert training.model.metrics["n"] == len(unseen) > 1100
    assert training.model.metrics["macro"]["average_precision"] > 0.8
    assert all(epoch.validation_loss is not None for epoch in training.history)


@pytest.mark.parametrize("recipe", RECIPES)
def test_equal_runs_give_equal_models(streets: list[Path], recipe: str) -> None:
    settings = load_train_config(None, [f"recipe={recipe}", *QUICK, "epochs=2", "least_steps=0"])
    one, other = (train(SENSORS, streets, settings, Silent()).model for _ in range(2))
    assert one.arrays.keys() == other.arrays.keys()
    assert all(array.tobytes() == other.arrays[name].tobytes() for name, array in one.arrays.items())
    assert (one.rules, one.calibration) == (other.rules, other.calibration)


def test_the_members_answer_and_their_spread_are_served(trainings: dict[str, Training], tmp_path: Path) -> None:
    model = trainings["default"].model
    model.save(tmp_path / "model.npz")
    predictor = Model.load(tmp_path / "model.npz").predictor()
    predictor.probabilities(model.golden.inputs[0])
    spread = predictor.spread()
    assert spread is not None
    assert ((spread >= 0) & (spread <= 0.5)).all()
    assert spread.max() > 0
    single = trainings["single"].model.network
    assert (single.kind, single.spec["members"]) == ("ensemble", 1)


def test_calibration_and_thresholds_are_those_of_the_model(trainings: dict[str, Training]) -> None:
    training = trainings["default"]
    assert any(calibration != (1.0, 0.0) for calibration in training.model.calibration)
    assert training.model.rules != (DecisionRule(),) * 2
    unseen = training.unseen
    assert unseen is not None
    for index, (label, rule) in enumerate(zip(SENSORS.labels, training.model.rules, strict=True)):
        y, called = unseen.Y[:, index] > 0, unseen.P[:, index] >= rule.threshold
        f1 = 2 * (y & called).sum() / (y.sum() + called.sum())
        for other in (0.2, 0.4, 0.6, 0.8):
            called = unseen.P[:, index] >= other
            assert f1 >= 2 * (y & called).sum() / (y.sum() + called.sum()), label


@pytest.mark.parametrize("kind", ["precision", "recall"])
def test_a_demanded_precision_or_recall_is_met_on_unseen_bags(streets: list[Path], kind: str) -> None:
    settings = load_train_config(None, [*QUICK, f"target.{kind}=0.9", "target.loud.recall=0.5"])
    training = train(SENSORS, streets, settings, Silent())
    unseen = training.unseen
    assert unseen is not None
    rules = training.model.rules
    for index, (name, goal) in enumerate(((kind, 0.9), ("recall", 0.5))):
        y, called = unseen.Y[:, index] > 0, unseen.P[:, index] >= rules[index].threshold
        met = (y & called).sum() / (called if name == "precision" else y).sum()
        assert met >= goal - 1e-9


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["target.dog.recall=0.5"], "key 'target.dog': found no such label, expected one of: near, loud"),
        (["target.recall=0.5", "target.precision=0.5"], "key 'target': found precision and recall, expected one"),
        (["label_weights.dog=2"], "key 'label_weights.dog': found no such label, expected one of: near, loud"),
    ],
)
def test_a_wish_for_a_label_that_does_not_exist_is_refused(
    streets: list[Path], settings: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        train(SENSORS, streets, load_train_config(None, settings), Silent())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("target.precision=2", "--set: key 'target.precision': found 2, expected less than 1"),
        ("target.near=0.5", "--set: key 'target.near': found 0.5, expected a mapping"),
        ("label_weights.near=-1", "--set: key 'label_weights.near': found -1, expected at least 0"),
        ("epochs.x=1", "--set: key 'epochs': found {'x': 1}, expected a whole number"),
    ],
)
def test_a_wish_that_is_none_is_refused(setting: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_train_config(None, [setting])
    assert str(caught.value) == message


def test_test_bags_are_scored_beside_the_left_out_ones(streets: list[Path]) -> None:
    training = train(SENSORS, streets, load_train_config(None, [*QUICK, "test_share=0.3"]), Silent())
    metrics: Any = training.model.metrics
    assert metrics["judged"] == "test bags"
    assert len(training.bags["test"]) == 2
    assert metrics["bags"] == 2
    assert metrics["left out bags"]["bags"] == 4
    assert training.scored is not None
    assert set(training.scored.names) == set(training.bags["test"])


def test_one_bag_is_judged_in_blocks_of_time(tmp_path: Path) -> None:
    training = train(SENSORS, [write_street(tmp_path / "s", 0, 60.0)], load_train_config(None, QUICK), Silent())
    assert training.unseen is not None
    assert training.model.metrics["macro"]["average_precision"] > 0.5


def test_every_bag_is_trained_on_though_one_has_no_label_of_its_own(tmp_path: Path) -> None:
    """Of two bags, the one with both labels stays with every member; without a second fit none would see the other."""
    both = write_street(tmp_path / "both", 0, 20.0)
    near = write_street(tmp_path / "near", 1, 20.0, labels="start,end,label\n2,6,near\n9,12,near\n")
    recorder = Recorder()
    training = train(SENSORS, [both, near], load_train_config(None, QUICK), recorder)
    assert training.unseen is not None
    assert training.unseen.names == ("both", "near")
    assert np.unique(training.unseen.bag).tolist() == [1], "the other bag is judged by members that leave it out"
    assert [name for name, _ in recorder.stages if name == "epochs"] == ["epochs", "epochs"]
