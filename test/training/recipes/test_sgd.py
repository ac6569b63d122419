# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The default recipe: descent with weight decay, early stopping, and a second fit on all that was held out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.networks import Batch, MLPNetwork, fit_normaliser, standardise
from obstacle_classifier.nn import MLP, SGD, log_loss_from_logits
from obstacle_classifier.progress import Progress, Silent
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.recipes import Fitted, SGDRecipe, SGDSettings
from obstacle_classifier.training.recipes.sgd import best_epoch
from obstacle_classifier.training.sensor_dropout import drop_sensors
from obstacle_classifier.training.split import Split
from test.helpers.training import SENSORS, Recorder, make_dataset, make_shard, make_split

SETTINGS = SGDSettings(hidden=8, epochs=12, patience=3, batch_size=16)
LAYOUT = SENSORS.layout


def fit(split: Split, settings: SGDSettings = SETTINGS, progress: Progress | None = None) -> Fitted:
    return SGDRecipe().fit(split, SENSORS, settings, progress or Silent())


def examples(n: int, seed: int = 0, noise: float = 0.0) -> Dataset:
    """One bag whose labels follow from the columns, each turned with probability `noise`."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5))
    X[:, LAYOUT.is_missing] = 0.0
    Y = np.stack([X[:, 0] > 0, X[:, 1] + X[:, 3] > 0], axis=1) ^ (rng.random((n, 2)) < noise)
    return Dataset((make_shard(f"bag_{seed}", X, Y.astype(np.float32)),))


def assert_same(one: Fitted, other: Fitted) -> None:
    for name, parameter in one.network.arrays().items():
        np.testing.assert_array_equal(parameter, other.network.arrays()[name])


# --- One epoch --------------------------------------------------------------------------------------------------------


def test_an_epoch_step_by_step() -> None:
    """Batches in the seed's order, a sensor hidden at times, decay on weights only, all in float32."""
    (shard,) = data = examples(40)
    settings = replace(SETTINGS, epochs=1, learning_rate=0.3, weight_decay=0.1)
    fitted = fit(make_split(Dataset(data.shards)), settings)

    rng = np.random.default_rng(settings.seed)
    network = MLP(5, 8, 2, rng, np.float32)
    for linear in network.linears:
        linear.W *= 0.5
    for linear in network.linears[:-1]:
        linear.b[:] = 2.0
    mean, scale = fit_normaliser(shard.X, LAYOUT.is_missing)
    order = rng.permutation(40)
    losses = []
    for rows in (order[:16], order[16:32], order[32:]):
        X = shard.X[rows]
        drop_sensors(X, LAYOUT, rng)
        loss, gradients = network.loss_and_gradients(standardise(X, mean, scale), shard.Y[rows])
        losses.append(loss * len(rows))
        for parameter, gradient in zip(network.parameters, gradients, strict=True):
            decayed = gradient + 0.1 * parameter if parameter.ndim == 2 else gradient
            parameter -= 0.3 * decayed  # noqa: PLW2901
    assert fitted.history[0].train_loss == sum(losses) / 40
    for found, expected in zip(fitted.network.parameters().values(), network.parameters, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_step_with_weight_decay_by_hand() -> None:
    parameters = [([[2.0]], [0.0]), ([[0.5]], [0.0]), ([[1.0]], [-4.0])]
    network = MLPNetwork([(np.array(W), np.array(b)) for W, b in parameters], np.zeros(1), np.ones(1))
    # x = 1: z0 = 2, a0 = 4, z1 = 2, a1 = 4, logit 0, p = 1/2; y = 1, so dL/dlogit = -1/2.
    # dW2 = 4 * -1/2 = -2; through the second ScaledReLU 2 * 1 * -1/2 = -1, dW1 = 4 * -1 = -4;
    # through the first 2 * 0.5 * -1 = -1, dW0 = 1 * -1 = -1. Decay 0.1 adds 0.1 W to each; the rate is 0.5.
    ones = np.ones((1, 1), np.float32)
    loss, gradients = network.gradients(Batch(ones, ones))
    assert loss == pytest.approx(np.log(2))
    SGD(0.5, {"W0": 0.1, "W1": 0.1, "W2": 0.1}).step(network.parameters(), gradients)
    found = [parameter.item() for parameter in network.parameters().values()]
    expected = [
        2 - 0.5 * (-1 + 0.2),
        0 - 0.5 * -1,
        0.5 - 0.5 * (-4 + 0.05),
        0 - 0.5 * -1,
        1 - 0.5 * (-2 + 0.1),
        -4 - 0.5 * -0.5,
    ]
    assert found == pytest.approx(expected)


def test_training_data_is_left_as_it_was() -> None:
    data = examples(64)
    before = data.shards[0].X.copy()
    fit(make_split(data))
    np.testing.assert_array_equal(data.shards[0].X, before)


# --- Epochs -----------------------------------------------------------------------------------------------------------


def test_early_stopping_keeps_the_best_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    (train,), (held_out,) = examples(40), examples(200, seed=1, noise=0.3)  # soon learnt too well
    settings = replace(SETTINGS, epochs=200, learning_rate=0.2, weight_decay=0.0)
    networks: list[Fitted] = []
    descend = SGDRecipe._descend

    def record(*arguments: Any) -> Fitted:
        networks.append(descend(*arguments))
        return networks[-1]

    monkeypatch.setattr(SGDRecipe, "_descend", record)
    fitted = fit(make_split(Dataset((train, held_out)), validation={1}), settings)
    watched, final = networks
    losses = np.array([epoch.validation_loss for epoch in fitted.history], float)
    best = 40 + int(np.argmin(losses[40:]))
    assert len(losses) == best + 1 + settings.patience < settings.epochs
    assert losses[:40].min() < losses[best], "the first fifth would have been better here, and is not judged"
    network = watched.network
    assert log_loss_from_logits(held_out.Y, network.logits(network.inputs(held_out.X))) == losses[best]
    assert best_epoch(fitted.history, settings.epochs) == best
    assert final.epochs == fitted.epochs == best + 1
    # The same epochs without stopping pass through the same parameters.
    assert_same(watched, fit(make_split(Dataset((train,))), replace(settings, epochs=best + 1)))


def test_every_epoch_is_reported_with_its_losses() -> None:
    recorder = Recorder()
    data = Dataset((*examples(40), *examples(20, 1)))
    fitted = fit(make_split(data, validation={1}), replace(SETTINGS, epochs=3), recorder)
    assert recorder.stages[0] == ("epochs", 3)
    assert recorder.notes[:3] == [
        f"loss {epoch.train_loss:.4f}, held-out loss {epoch.validation_loss:.4f}" for epoch in fitted.history
    ]


def test_the_order_of_batches_is_the_seeds() -> None:
    weights = [
        fit(make_split(examples(100)), replace(SETTINGS, seed=seed)).network.arrays()["W0"] for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_batches_are_shuffled_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    (shard,) = data = examples(30)
    batches: list[NDArray[np.float32]] = []
    gradients = MLPNetwork.gradients

    def record(network: MLPNetwork, batch: Batch) -> Any:
        batches.append(batch.inputs.copy())
        return gradients(network, batch)

    monkeypatch.setattr(MLPNetwork, "gradients", record)
    fitted = fit(make_split(data), replace(SETTINGS, epochs=2))
    assert [len(batch) for batch in batches] == [16, 14, 16, 14]
    inputs = fitted.network.inputs(shard.X)
    epochs = [np.concatenate(batches[:2]), np.concatenate(batches[2:])]
    for epoch in epochs:
        assert not np.array_equal(epoch[:, 0], inputs[:, 0])
        np.testing.assert_array_equal(np.sort(epoch[:, 0]), np.sort(inputs[:, 0]))
    assert not np.array_equal(epochs[0], epochs[1])


def test_a_step_too_large_is_named() -> None:
    settings = replace(SETTINGS, learning_rate=1e6, epochs=50, patience=50)
    with pytest.raises(
        ConfigError, match=r"^learning_rate 1e\+06: found in epoch \d+ a loss of (nan|inf), expected a "
    ):
        fit(make_split(examples(64)), settings)


# --- Parts of a data set ----------------------------------------------------------------------------------------------


def test_the_final_fit_takes_all_intervals_for_as_many_epochs_as_were_best() -> None:
    split = make_split(make_dataset(), validation={1}, test={4})
    recorder = Recorder()
    fitted = fit(split, SETTINGS, recorder)
    epochs = best_epoch(fitted.history, SETTINGS.epochs) + 1
    assert recorder.stages == [("epochs", 12), ("epochs", epochs)]
    assert fitted.epochs == epochs
    assert_same(fitted, fit(make_split(split.take("train", "validation")), replace(SETTINGS, epochs=epochs)))


def test_the_test_part_has_no_say() -> None:
    data = make_dataset()
    split = make_split(data, validation={1}, test={4})
    one = fit(split)
    data.shards[4].X[:] = 1e9
    data.shards[4].Y[:] = 1 - data.shards[4].Y
    other = fit(split)
    assert one.history == other.history
    assert_same(one, other)


def test_without_held_out_intervals_all_epochs_run() -> None:
    recorder = Recorder()
    fitted = fit(make_split(make_dataset()), SETTINGS, recorder)
    assert recorder.stages == [("epochs", 12)]
    assert len(fitted.history) == 12


@pytest.mark.parametrize("rows", [1, 2])
def test_very_few_intervals_give_a_finite_network(rows: int) -> None:
    fitted = fit(make_split(make_dataset(bags=1, rows=rows)))
    assert all(np.isfinite(parameter).all() for parameter in fitted.network.parameters().values())


def test_unknown_columns_and_labels_of_one_class_give_a_finite_network() -> None:
    data = make_dataset()
    for shard in data:
        shard.X[:, 0] = np.nan
        shard.X[5:10, 1] = np.nan
        shard.Y[:, 0] = 1
    network = fit(make_split(data, validation={4, 5})).network
    assert all(np.isfinite(parameter).all() for parameter in network.parameters().values())
    logits = network.logits(network.inputs(data.stack()[0]))
    assert (logits[:, 0] > 0).mean() > 0.9
