# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The reference recipe: `MLP.sgd` on the intervals in the order in which they were recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags import find_bags
from obstacle_classifier.errors import ConfigError
from obstacle_classifier.features import load_sensors
from obstacle_classifier.networks import MLPNetwork, fit_normaliser, standardise
from obstacle_classifier.nn import MLP, log_loss_from_logits
from obstacle_classifier.progress import Silent
from obstacle_classifier.training.dataset import Dataset, read_dataset
from obstacle_classifier.training.recipes import ReferenceRecipe, ReferenceSettings
from test.helpers.training import SENSORS, make_dataset, make_shard, make_split

ROOT = Path(__file__).parents[3]
SETTINGS = ReferenceSettings(hidden=8, seed=3)


def test_it_is_the_mlps_own_recipe_bit_for_bit() -> None:
    split = make_split(make_dataset(), validation={1}, test={4})
    network = ReferenceRecipe().fit(split, SENSORS, SETTINGS, Silent()).network
    X, Y = split.take("train", "validation").stack()
    mean, scale = fit_normaliser(X, SENSORS.layout.is_missing)
    mlp = MLP(5, 8, 2, rng=3, dtype=np.float32)
    mlp.sgd(standardise(X, mean, scale), Y)
    for name, array in MLPNetwork.of(mlp, mean, scale).arrays().items():
        np.testing.assert_array_equal(network.arrays()[name], array)


def test_a_loss_that_is_not_finite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(mlp: MLP, X: object, Y: object, *, epochs: int) -> None:
        mlp.linears[2].b[:] = np.inf

    monkeypatch.setattr(MLP, "sgd", diverge)
    with pytest.raises(ConfigError, match=r"^recipe 'reference': found a loss of (nan|inf), use the default recipe$"):
        ReferenceRecipe().fit(make_split(make_dataset()), SENSORS, SETTINGS, Silent())


@pytest.mark.parametrize("seed", range(3))
def test_in_bag_order_it_learns_little_but_the_last_bag(recordings: Path, seed: int) -> None:
    sensors = load_sensors(ROOT / "config" / "sensors" / "borealtc.yaml")
    paths = find_bags([recordings / "borealtc"])
    few = [path for path in paths if path.name.endswith(("_00", "_02", "_03"))]
    data = read_dataset(few, sensors, Silent()).usable()
    X, Y = data.stack()
    earlier = data.intervals - len(data.shards[-1])
    loss = []
    for order in (np.arange(len(X)), np.random.default_rng(seed).permutation(len(X))):
        split = make_split(Dataset((make_shard("all", X[order], Y[order]),)))
        network = ReferenceRecipe().fit(split, sensors, ReferenceSettings(seed=seed), Silent()).network
        loss.append(log_loss_from_logits(Y[:earlier], network.logits(network.inputs(X[:earlier]))))
    assert loss[0] > 2 * loss[1], "loss on the bags before the last: in order, and shuffled"
