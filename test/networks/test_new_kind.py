# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A kind of network that the package does not know: one file (test/helpers/leaky.py) and one registry line in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("rclpy", reason="rclpy is not installed")
pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier import load_model, predict, train
from obstacle_classifier.bags import Bag
from obstacle_classifier.errors import ModelError
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.model import Model
from obstacle_classifier.networks import network, register
from test.helpers.bags import write_bag
from test.helpers.leaky import LeakyNetwork, follow
from test.helpers.lockstep import Lockstep
from test.helpers.models import forge
from test.helpers.training import DOCUMENT, FLOAT32, START, write_street


def all_required() -> dict[str, Any]:
    return {name: {**sensor, "required": True} for name, sensor in DOCUMENT["sensors"].items()}


SENSORS = parse_sensors({**DOCUMENT, "sensors": all_required()}, "test")


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    register(LeakyNetwork)
    yield
    del network._KINDS[LeakyNetwork.kind]


@pytest.fixture(scope="module")
def bags(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("streets")
    return [write_street(folder / f"street_{seed}", seed) for seed in range(5)]


@pytest.fixture(scope="module")
def drive(bags: list[Path]) -> Path:
    """The last bag without the second sensor's messages from 4 to 6 s: intervals in the middle are unknown."""
    with Bag(bags[4]) as bag:
        messages = [
            (topic, FLOAT32, time, data)
            for topic, time, data in bag.messages(SENSORS.topics)
            if topic != "/noise" or not START + 4 * 10**9 <= time < START + 6 * 10**9
        ]
    return write_bag(bags[4].parent / "drive", messages)


@pytest.fixture(scope="module")
def model(bags: list[Path]) -> Model:
    return train(SENSORS, bags[:4], {"recipe": "sgd", "network": "leaky", "epochs": 5}).model


def test_it_is_trained_saved_and_loaded(model: Model, tmp_path: Path) -> None:
    assert model.network.kind == "leaky"
    assert model.metrics["macro"]["average_precision"] > 0.5, "three times its chance level"
    model.save(tmp_path / "model.npz")
    loaded = load_model(tmp_path / "model.npz")
    assert loaded == model
    restored = loaded.network.restore()
    assert isinstance(restored, LeakyNetwork)
    np.testing.assert_array_equal(restored.W, model.network.numbers["W"])


def test_its_damaged_file_is_refused(model: Model, tmp_path: Path) -> None:
    W = model.network.numbers["W"]
    for change, message in (
        ({"network.W": W[:-1]}, r"member network\.W: found <f4 of shape"),
        ({"network.W": None}, r"member network\.W: is missing"),
        ({"network.W": np.full_like(W, np.nan)}, "leaky: found a number that is not finite"),
        ({"network.W": -W}, "golden vector 0, label near: computed"),
    ):
        path = forge(tmp_path / "damaged.npz", model, arrays=change)
        with pytest.raises(ModelError, match=message):
            load_model(path)
    path = forge(tmp_path / "damaged.npz", model, {"network.spec": {"kept": 2}})
    with pytest.raises(ModelError, match=r"key 'network\.spec\.kept': found 2, expected at most 1"):
        load_model(path)


@pytest.mark.usefixtures("shared_memory")
def test_it_is_served_over_dds_as_offline(model: Model, drive: Path, tmp_path: Path) -> None:
    model.save(tmp_path / "model.npz")
    with Lockstep(tmp_path / "model.npz", SENSORS) as lockstep, Bag(drive) as bag:
        topics = SENSORS.topics
        lockstep.play((topics[topic], time, data) for topic, time, data in bag.messages(topics))
    live = np.array([message.data for message in lockstep.probabilities], np.float32)
    offline = list(predict(model, drive))
    assert len(offline) > 90
    assert live.tobytes() == np.array([prediction.p for prediction in offline]).tobytes()


def test_its_memory_lasts_until_an_unknown_interval(model: Model, drive: Path) -> None:
    restored = model.network.restore()
    state: NDArray[np.float32] | None = None
    unknown = []
    for prediction in predict(model, drive):
        unknown.append(prediction.unknown)
        if prediction.unknown:
            state = None
            continue
        inputs = restored.inputs(prediction.x[None])[0]
        state = inputs if state is None else follow(state, inputs)
        logits = restored.logits(state).astype(np.float64)
        np.testing.assert_allclose(prediction.p, 1 / (1 + np.exp(-logits)), rtol=1e-5)
        assert prediction.spread is not None
    assert unknown[:40] == [False] * 40
    assert any(unknown)
    assert not unknown[-1], "it recovered"
