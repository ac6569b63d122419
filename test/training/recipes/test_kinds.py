# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Networks with memory by the recipes that fit them: they learn what only earlier intervals tell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier import evaluate, load_model, predict, train
from obstacle_classifier.errors import ConfigError, ModelError
from obstacle_classifier.model import Model
from obstacle_classifier.progress import Silent
from obstacle_classifier.training import Training, parse_train_config
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.importance import permutation_importance
from obstacle_classifier.training.learning_curve import learning_curve
from obstacle_classifier.training.metrics import macro_average_precision
from obstacle_classifier.training.recipes import recipe_of
from obstacle_classifier.training.runs import Runs
from obstacle_classifier.training.split import deal_bags
from test.helpers.models import forge
from test.helpers.training import SENSORS, make_shard, write_street

QUICK: dict[str, dict[str, Any]] = {
    "lstm": {"network": "lstm", "hidden": 8, "epochs": 3, "least_steps": 60, "groups": 2},
    "window": {"network": "window", "hidden": 8, "epochs": 3, "least_steps": 60, "members": 2, "window": 3},
}


def echo(bags: int = 12, rows: int = 120, seed: int = 0) -> Dataset:
    """A label says whether the first column was high two intervals ago. The intervals between carry no label."""
    rng = np.random.default_rng(seed)
    shards = []
    for index in range(bags):
        X = rng.normal(size=(rows, len(SENSORS.columns)))
        X[:, list(SENSORS.layout.missing.values())] = 0.0
        Y = np.full((rows, 2), np.nan, np.float32)
        Y[2:] = (np.roll(X[:, :1], 2, axis=0) > 0)[2:]
        Y[np.arange(rows) % 3 > 0] = np.nan
        shards.append(make_shard(f"bag_{index}", X, Y))
    return Dataset(tuple(shards))


@pytest.mark.parametrize(
    ("options", "learns"),
    [
        ({"network": "lstm", "hidden": 16, "epochs": 1, "least_steps": 900, "learning_rate": 0.01}, True),
        ({"network": "window", "recipe": "sgd", "window": 3, "epochs": 40, "learning_rate": 0.1}, True),
        ({"network": "window", "window": 3, "members": 2, "hidden": 16, "least_steps": 400}, True),
        ({"network": "window", "recipe": "single", "window": 3, "hidden": 16, "least_steps": 400, "groups": 2}, True),
        ({"network": "ensemble", "members": 2, "hidden": 16, "least_steps": 400}, False),
    ],
)
def test_only_memory_learns_from_earlier_intervals(options: dict[str, Any], learns: bool) -> None:
    settings = parse_train_config(options, "test")
    recipe = recipe_of(settings)
    data, unseen = echo().usable(), echo(4, seed=1).usable()
    shares = recipe.shares(replace(settings, test_share=0.0))
    split = deal_bags(data, shares, np.random.default_rng(0))
    fitted = recipe.fit(split, SENSORS, settings, Silent())
    network = fitted.network
    assert network.kind == options["network"]
    score = macro_average_precision(unseen.stack()[1], Runs.of(unseen, network.memory).logits(network))
    assert (score > 0.9) == learns, score
    if fitted.unseen is not None and learns:
        judged = macro_average_precision(fitted.unseen.Y, fitted.unseen.P, fitted.unseen.group)
        assert judged > 0.85, "the judges see the history of the bags that they judge"


def test_the_network_names_the_recipe() -> None:
    assert parse_train_config({"network": "lstm"}, "test").recipe == "adamw"
    assert parse_train_config({"network": "window"}, "test").recipe == "default"
    assert parse_train_config({"network": "ensemble"}, "test").recipe == "default"
    assert parse_train_config({"network": "lstm", "recipe": "sgd"}, "test").recipe == "sgd"
    with pytest.raises(ConfigError, match="test: key 'network': found 'lstm'"):
        parse_train_config({"network": "lstm", "recipe": "default"}, "test")
    with pytest.raises(ConfigError, match="test: key 'network': found 'other'"):
        parse_train_config({"network": "other"}, "test")


@pytest.fixture(scope="module")
def bags(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("streets")
    return [write_street(folder / f"street_{seed}", seed) for seed in range(5)]


@pytest.fixture(scope="module", params=list(QUICK))
def training(request: pytest.FixtureRequest, bags: list[Path]) -> Training:
    return train(SENSORS, bags[:4], QUICK[request.param])


def test_served_as_it_was_scored(training: Training, bags: list[Path], tmp_path: Path) -> None:
    model = training.model
    assert model.network.kind == training.settings.document()["network"]
    model.save(tmp_path / "model.npz")
    loaded = load_model(tmp_path / "model.npz")
    assert loaded == model
    scores = evaluate(loaded, [bags[4]])
    assert scores["macro"]["average_precision"] > 0.4
    predictions = list(predict(loaded, bags[4]))
    again = list(predict(loaded, bags[4]))
    assert b"".join(one.p.tobytes() for one in predictions) == b"".join(one.p.tobytes() for one in again)


def test_calibrated_and_judged_by_networks_that_have_not_seen_the_bags(training: Training) -> None:
    assert training.unseen is not None
    assert training.judges is not None
    assert len(training.judges.networks) == 2
    assert training.model.metrics["judged"] == "left out bags"
    importance = permutation_importance(training)
    assert importance is not None
    assert max(importance.sensors, key=lambda name: importance.sensors[name]) in ("distance", "noise")
    assert importance.score == pytest.approx(training.model.metrics["macro"]["average_precision"], abs=0.02)


def test_scores_of_a_test_part_are_those_of_the_served_network(bags: list[Path]) -> None:
    """In the test part, history runs through the intervals without a label."""
    settings = {**QUICK["lstm"], "test_share": 0.4, "groups": 1}
    trained = train(SENSORS, bags, settings)
    assert trained.scored is not None
    (first, *_) = trained.scored.names
    path = next(bag for bag in bags if bag.name == first)
    predictions = {one.end: one.p for one in predict(trained.model, path)}
    own = trained.scored.bag == 0
    served = np.array([predictions[int(time)] for time in trained.scored.time_ns[own]])
    np.testing.assert_array_equal(served, trained.scored.P[own].astype(np.float32))


def test_a_learning_curve_is_drawn(training: Training) -> None:
    if training.settings.recipe == "default":
        pytest.skip("slow, and the same code")
    curve = learning_curve(training, Silent())
    assert curve is not None
    assert curve.grouped_mean > 0.4


DAMAGE = {
    "lstm": [
        ("network.U", r"member network\.U: found <f4 of shape"),
        ("network.W_out", r"member network\.W_out: found <f4 of shape"),
    ],
    "window": [("network.W0", r"member network\.W0: found <f4 of shape")],
}


def test_its_damaged_file_is_refused(training: Training, tmp_path: Path) -> None:
    model: Model = training.model
    kind = model.network.kind
    for name, message in DAMAGE[kind]:
        array = model.network.numbers[name.removeprefix("network.")]
        for value, expected in ((array[:-1], message), (None, f"member {name}: is missing")):
            path = forge(tmp_path / "damaged.npz", model, arrays={name: value})
            with pytest.raises(ModelError, match=expected):
                load_model(path)
        path = forge(tmp_path / "damaged.npz", model, arrays={name: np.full_like(array, np.nan)})
        with pytest.raises(ModelError, match=rf"{name.removeprefix('network.')}: .*found nan"):
            load_model(path)
        path = forge(tmp_path / "damaged.npz", model, arrays={name: -array})
        with pytest.raises(ModelError, match=r"golden vector \d, label .*: computed"):
            load_model(path)
    key = {"lstm": "units", "window": "window"}[kind]
    for size in (0, 100_000, "8"):
        path = forge(tmp_path / "damaged.npz", model, {"network.spec": {**model.network.spec, key: size}})
        with pytest.raises(ModelError, match=rf"key 'network\.spec\.{key}': found"):
            load_model(path)
