# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.errors import BagError, ConfigError
from obstacle_classifier.networks import fit_normaliser
from obstacle_classifier.progress import Silent
from obstacle_classifier.training import ReferenceSettings, SGDSettings, Training, evaluate, train
from obstacle_classifier.training.dataset import read_dataset
from test.helpers.bags import write_bag
from test.helpers.messages import make_float32
from test.helpers.training import FLOAT32, SENSORS, START, Recorder, write_street

SETTINGS = SGDSettings(hidden=16, epochs=40, patience=10)


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("streets")
    return [write_street(folder / f"street_{seed}", seed) for seed in range(5)]


@pytest.fixture(scope="module")
def training(streets: list[Path]) -> Training:
    return train(SENSORS, streets, SETTINGS, Silent())


def test_what_can_be_learnt_is(training: Training) -> None:
    for label in SENSORS.labels:
        assert training.model.metrics["labels"][label]["average_precision"] > 0.9


def test_whole_bags_are_held_out_and_named(training: Training, streets: list[Path]) -> None:
    assert [len(training.bags[part]) for part in ("train", "validation", "test")] == [3, 1, 1]
    assert {name for names in training.bags.values() for name in names} == {path.name for path in streets}
    assert [(bag["name"], bag["name"] in training.bags[bag["part"]]) for bag in training.model.bags] == [
        (path.name, True) for path in streets
    ]


def test_the_normaliser_has_not_seen_the_test_bags(training: Training, streets: list[Path]) -> None:
    data = read_dataset([path for path in streets if path.name not in training.bags["test"]], SENSORS, Silent())
    mean, scale = fit_normaliser(data.usable().stack()[0], SENSORS.layout.is_missing)
    np.testing.assert_array_equal(training.model.network.numbers["mean"], mean)
    np.testing.assert_array_equal(training.model.network.numbers["scale"], scale)


def test_evaluate_gives_the_scores_that_training_promised(training: Training, streets: list[Path]) -> None:
    recorder = Recorder()
    (test,) = (path for path in streets if path.name in training.bags["test"])
    promised = {key: value for key, value in training.model.metrics.items() if key != "judged"}
    assert evaluate(training.model, [test], recorder) == {**promised, "left_out": []}
    assert recorder.lines == []
    evaluate(training.model, streets, recorder)
    assert sorted(recorder.lines) == sorted(
        f"warning: {path}: the model was trained on this bag" for path in streets if path != test
    )


def test_the_reference_recipe_trains(streets: list[Path]) -> None:
    model = train(SENSORS, streets, ReferenceSettings(hidden=16), Silent()).model
    assert model.provenance.training["recipe"] == "reference"
    assert model.metrics["macro"]["average_precision"] > 0.5


# --- Recordings that say little ---------------------------------------------------------------------------------------


def test_one_bag_is_cut_into_blocks_of_time(tmp_path: Path) -> None:
    recorder = Recorder()
    training = train(SENSORS, [write_street(tmp_path / "street", 0, 30.0)], SETTINGS, recorder)
    assert training.bags == {"train": (), "validation": (), "test": ()}
    assert training.model.bags[0]["part"] == "time blocks"
    # 300 intervals, 60 in the last block, of which the first 0.3 s (the timeout) are left out.
    assert training.model.metrics["n"] == 57
    assert recorder.lines[0].startswith("held-out loss lowest in epoch ")


def test_a_label_that_training_never_or_always_sees_is_told(tmp_path: Path) -> None:
    labels = "start,end,label\n0,100,near\n"
    bags = [write_street(tmp_path / f"s{seed}", seed, 4.0, labels=labels) for seed in range(4)]
    recorder = Recorder()
    training = train(SENSORS, bags, SETTINGS, recorder)
    assert "warning: label near: every training interval carries it, so it cannot be learnt" in recorder.lines
    assert "warning: label loud: no training interval carries it, so it cannot be learnt" in recorder.lines
    assert training.model.metrics["labels"]["loud"]["average_precision"] is None


def test_a_bag_without_a_known_interval_is_left_out_and_named(tmp_path: Path) -> None:
    noise = [("/noise", FLOAT32, START + step * 10**8, make_float32(50)) for step in range(30)]
    deaf = write_bag(tmp_path / "deaf", noise, labels="start,end,label\n")
    bags = [deaf, *(write_street(tmp_path / f"s{seed}", seed, 4.0) for seed in range(3))]
    recorder = Recorder()
    training = train(SENSORS, bags, SETTINGS, recorder)
    assert "warning: bag deaf: no interval is both known and labelled, so it is not used" in recorder.lines
    assert training.model.bags[0]["part"] == "unused"
    assert [len(names) for names in training.bags.values()] == [1, 1, 1]


def test_a_sensor_that_no_recording_has_is_told(tmp_path: Path) -> None:
    distance = [("/distance", FLOAT32, START + step * 10**8, make_float32(step % 7)) for step in range(60)]
    labels = "start,end,label\n0,1,near\n1,3,loud\n"
    bags = [write_bag(tmp_path / f"b{index}", distance, labels=labels) for index in range(3)]
    recorder = Recorder()
    training = train(SENSORS, bags, SETTINGS, recorder)
    assert "warning: columns never known in a training interval: noise.data.last" in recorder.lines
    assert training.model.metrics["n"] > 0


def test_a_recording_of_a_moment(tmp_path: Path) -> None:
    recorder = Recorder()
    training = train(SENSORS, [write_street(tmp_path / "street", 0, 0.2)], SETTINGS, recorder)
    assert recorder.lines[:2] == [
        "warning: the recordings are too short for a validation interval, so all epochs run",
        "warning: the recordings are too short for a test interval, so there are no scores",
    ]
    assert training.model.metrics == {}


def test_nothing_to_train_on_is_refused(tmp_path: Path) -> None:
    bag = write_street(tmp_path / "street", 0, 2.0, labels="start,end,label\n0,100,ignore\n")
    with pytest.raises(BagError) as caught:
        train(SENSORS, [bag], SETTINGS, Silent())
    assert str(caught.value) == (
        f"{bag}: found 19 intervals, none of them both known and labelled, expected some to train on"
    )


def test_a_learning_rate_at_which_the_loss_diverges_is_refused(streets: list[Path]) -> None:
    with pytest.raises(ConfigError, match=r"^learning_rate 1e\+08: found in epoch 1 a loss of "):
        train(SENSORS, streets, SGDSettings(learning_rate=1e8), Silent())
