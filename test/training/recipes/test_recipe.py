# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A recipe of one's own: this file and one line that registers it are all that it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.features import Layout, SensorsConfig
from obstacle_classifier.model import Calibration, Model
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.networks import Batch, MLPNetwork
from obstacle_classifier.nn import AdamW, Cosine
from obstacle_classifier.progress import Progress, Silent
from obstacle_classifier.training import load_train_config, train
from obstacle_classifier.training.recipes import RECIPES, Fitted, Recipe, register
from obstacle_classifier.training.settings import Settings, option
from obstacle_classifier.training.split import Split
from test.helpers.training import SENSORS, Recorder, write_street


@dataclass(frozen=True, kw_only=True)
class WholeSettings(Settings):
    recipe: ClassVar[str] = "whole"

    steps: int = option(100, "steps", minimum=1)


class WholeRecipe(Recipe[WholeSettings]):
    """All intervals in every step."""

    settings = WholeSettings
    summary = "all intervals in every step"

    def first_network(
        self, X: NDArray[np.float64], layout: Layout, c: int, settings: WholeSettings, rng: np.random.Generator
    ) -> MLPNetwork:
        return MLPNetwork.create(X, layout, c, hidden=8, rng=rng)

    def fit(self, split: Split, sensors: SensorsConfig, settings: WholeSettings, progress: Progress) -> Fitted:
        X, Y = split.take("train").stack()
        network = self.first_network(X, sensors.layout, Y.shape[1], settings, np.random.default_rng(settings.seed))
        optimizer = AdamW(Cosine(0.02, settings.steps))
        for _ in range(settings.steps):
            optimizer.step(network.parameters(), network.gradients(Batch(network.inputs(X), Y))[1])
        return Fitted(network, (), settings.steps, (Calibration(2.0, 0.5),) * 2, (DecisionRule(0.3, 2, 3),) * 2)


@pytest.fixture
def registered() -> Iterator[None]:
    register(WholeRecipe)
    yield
    del RECIPES[WholeSettings.recipe]


def test_it_trains_and_its_model_saves_and_loads(registered: None, tmp_path: Path) -> None:
    bags = [write_street(tmp_path / f"street_{seed}", seed) for seed in range(4)]
    settings = load_train_config(None, ["recipe=whole", "steps=150", "seed=2"])
    assert settings == WholeSettings(steps=150, seed=2)
    recorder = Recorder()
    training = train(SENSORS, bags, settings, recorder)
    training.model.save(tmp_path / "model.npz")
    model = Model.load(tmp_path / "model.npz")
    assert model == training.model
    assert model.provenance.training == {"recipe": "whole", "steps": 150, "test_share": 0.2, "seed": 2}
    assert {bag["part"] for bag in model.bags} == {"train", "test"}
    assert model.calibration == (Calibration(2.0, 0.5),) * 2
    assert [rule.threshold for rule in model.rules] == [0.3, 0.3]
    assert model.metrics["macro"]["average_precision"] > 0.9
    assert not any("validation" in line for line in recorder.lines), "it asks for no such part"


def test_its_options_are_its_own(registered: None) -> None:
    with pytest.raises(ConfigError) as caught:
        load_train_config(None, ["recipe=whole", "steps=0"])
    assert str(caught.value) == "--set: key 'steps': found 0, expected at least 1"
    with pytest.raises(ConfigError) as caught:
        load_train_config(None, ["recipe=whole", "batch_size=7"])
    assert str(caught.value) == (
        "--set: key 'batch_size': found 7, expected the default: the recipe 'whole' does not use it"
    )
    with pytest.raises(ConfigError) as caught:
        load_train_config(None, ["steps=7"])
    assert str(caught.value) == (
        "--set: key 'steps': found 7, expected the default: the recipe 'default' does not use it"
    )


def test_without_it_nobody_knows_its_name() -> None:
    with pytest.raises(ConfigError, match="key 'recipe': found 'whole', expected one of: default, "):
        load_train_config(None, ["recipe=whole"])


def test_a_network_kind_is_chosen_by_name(tmp_path: Path) -> None:
    settings: Any = load_train_config(None, ["recipe=sgd", "network=mlp", "epochs=2", "hidden=4"])
    assert settings.network == "mlp"
    model = train(SENSORS, [write_street(tmp_path / "street", 0, 4.0)], settings, Silent()).model
    assert model.network.kind == "mlp"
    with pytest.raises(ConfigError, match=r"key 'network': found 'brain', expected one of: .*mlp"):
        load_train_config(None, ["recipe=sgd", "network=brain"])
