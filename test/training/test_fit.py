# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags import find_bags
from obstacle_classifier.errors import ConfigError
from obstacle_classifier.features import load_sensors, parse_sensors
from obstacle_classifier.networks import fit_normaliser, standardise
from obstacle_classifier.nn import MLP, log_loss_from_logits
from obstacle_classifier.progress import Silent
from obstacle_classifier.training.config import TrainConfig
from obstacle_classifier.training.dataset import read_dataset
from obstacle_classifier.training.fit import best_epoch, drop_sensors, fit, fit_dataset, sensor_columns, start, step
from test.helpers.training import DOCUMENT, SENSORS, Recorder, make_dataset, make_split

ROOT = Path(__file__).parents[2]
CONFIG = TrainConfig(hidden=8, epochs=12, patience=3, batch_size=16)
REFERENCE = TrainConfig(preset="reference", hidden=8, seed=3)

Examples = tuple[NDArray[np.float32], NDArray[np.float32]]


def examples(n: int, seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5)).astype(np.float32)
    X[:, [2, 4]] = 0.0
    return X, np.stack([X[:, 0] > 0, X[:, 1] + X[:, 3] > 0], axis=1).astype(np.float32)


# --- One step ---------------------------------------------------------------------------------------------------------


def test_a_step_with_weight_decay_by_hand() -> None:
    network = MLP(1, 1, 1, rng=0)
    network.set_parameters([[[2.0]], [0.0], [[0.5]], [0.0], [[1.0]], [-4.0]])
    # x = 1: z0 = 2, a0 = 4, z1 = 2, a1 = 4, logit 0, p = 1/2; y = 1, so dL/dlogit = -1/2.
    # dW2 = 4 * -1/2 = -2; through the second ScaledReLU 2 * 1 * -1/2 = -1, dW1 = 4 * -1 = -4;
    # through the first 2 * 0.5 * -1 = -1, dW0 = 1 * -1 = -1. Decay 0.1 adds 0.1 W to each; the rate is 0.5.
    loss = step(network, np.ones((1, 1)), np.ones((1, 1)), 0.5, 0.1)  # type: ignore[arg-type]
    assert loss == pytest.approx(np.log(2))
    found = [parameter.item() for parameter in network.parameters]
    expected = [
        2 - 0.5 * (-1 + 0.2),
        0 - 0.5 * -1,
        0.5 - 0.5 * (-4 + 0.05),
        0 - 0.5 * -1,
        1 - 0.5 * (-2 + 0.1),
        -4 - 0.5 * -0.5,
    ]
    assert found == pytest.approx(expected)


def test_a_step_without_decay_is_plain_descent() -> None:
    X, Y = examples(32)
    one, other = (MLP(5, 8, 2, rng=1, dtype=np.float32) for _ in range(2))
    _, gradients = other.loss_and_gradients(X, Y)
    step(one, X, Y, 0.1, 0.0)
    for found, before, gradient in zip(one.parameters, other.parameters, gradients, strict=True):
        np.testing.assert_array_equal(found, before - np.float32(0.1) * gradient)


# --- The start --------------------------------------------------------------------------------------------------------


def test_the_start_is_almost_linear_and_as_the_seed_drew_it() -> None:
    network, drawn = (MLP(16, 64, 3, rng=0) for _ in range(2))
    start(network)
    for linear, before, bias in zip(network.linears, drawn.linears, (2, 2, 0), strict=True):
        np.testing.assert_array_equal(linear.W, before.W / 2)
        np.testing.assert_array_equal(linear.b, np.full(before.b.shape, bias))
    X = np.random.default_rng(0).normal(size=(500, 16))
    assert (network.linears[0].apply(X) > 1).mean() > 0.85


# --- Sensor dropout ---------------------------------------------------------------------------------------------------


def test_sensors_that_may_be_missing_are_dropped_whole_one_time_in_ten() -> None:
    X = np.full((20_000, 5), 7.0, np.float32)
    X[:, [2, 4]] = 0.0
    drop_sensors(X, [slice(0, 3), slice(3, 5)], np.random.default_rng(0))
    dropped = X[:, [2, 4]] == 1
    np.testing.assert_array_equal(X[:, 0], np.where(dropped[:, 0], 0, 7))
    np.testing.assert_array_equal(X[:, 1], X[:, 0])
    np.testing.assert_array_equal(X[:, 3], np.where(dropped[:, 1], 0, 7))
    deviation = np.sqrt(0.1 * 0.9 / len(X))
    assert np.abs(dropped.mean(axis=0) - 0.1).max() < 5 * deviation
    assert abs(dropped.all(axis=1).mean() - 0.01) < 5 * np.sqrt(0.01 * 0.99 / len(X)), "each sensor by itself"


def test_required_and_only_sensors_are_never_dropped() -> None:
    assert SENSORS.columns[3:] == ("noise.data.last", "noise.missing")
    assert sensor_columns(SENSORS) == [slice(3, 5)], "distance is required"
    alone: dict[str, Any] = {**DOCUMENT, "sensors": {"noise": DOCUMENT["sensors"]["noise"]}}
    assert sensor_columns(parse_sensors(alone, "test")) == []


def test_training_data_is_left_as_it_was() -> None:
    X, Y = examples(64)
    before = X.copy()
    fit((X, Y), None, CONFIG, [slice(0, 3), slice(3, 5)], Silent())
    np.testing.assert_array_equal(X, before)


# --- Epochs -----------------------------------------------------------------------------------------------------------


def test_early_stopping_keeps_the_best_parameters() -> None:
    train, (X, Y) = examples(40), examples(200, seed=1)
    noisy = X, np.where(np.random.default_rng(2).random(Y.shape) < 0.3, 1 - Y, Y)  # soon learnt too well
    config = replace(CONFIG, epochs=200, learning_rate=0.2, weight_decay=0.0)
    network, history = fit(train, noisy, config, [], Silent())
    losses = np.array([epoch.validation_loss for epoch in history], float)
    best = 40 + int(np.argmin(losses[40:]))
    assert len(history) == best + 1 + config.patience < config.epochs
    assert losses[:40].min() < losses[best], "the first fifth would have been better here, and is not judged"
    assert log_loss_from_logits(noisy[1], network.logits(noisy[0])) == losses[best]
    assert best_epoch(history, config) == best
    # The same epochs without stopping pass through the same parameters.
    again, _ = fit(train, None, replace(config, epochs=best + 1), [], Silent())
    for one, other in zip(network.parameters, again.parameters, strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_epoch_is_reported_with_its_losses() -> None:
    recorder = Recorder()
    _, history = fit(examples(40), examples(20, 1), replace(CONFIG, epochs=3), [], recorder)
    assert recorder.stages == [("epochs", 3)]
    assert recorder.notes == [f"loss {e.train_loss:.4f}, held-out loss {e.validation_loss:.4f}" for e in history]


def test_the_order_of_batches_is_the_seeds() -> None:
    networks = [fit(examples(100), None, replace(CONFIG, seed=seed), [], Silent())[0] for seed in (0, 0, 1)]
    W = [network.parameters[0] for network in networks]
    np.testing.assert_array_equal(W[0], W[1])
    assert not np.array_equal(W[0], W[2])


def test_batches_are_shuffled_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    X, Y = examples(30)
    batches: list[NDArray[np.float32]] = []

    def record(network: MLP, X: Any, Y: Any, learning_rate: float, weight_decay: float) -> float:
        batches.append(X.copy())
        return step(network, X, Y, learning_rate, weight_decay)

    monkeypatch.setattr("obstacle_classifier.training.fit.step", record)
    fit((X, Y), None, replace(CONFIG, epochs=2), [], Silent())
    assert [len(batch) for batch in batches] == [16, 14, 16, 14]
    epochs = [np.concatenate(batches[:2]), np.concatenate(batches[2:])]
    for epoch in epochs:
        assert not np.array_equal(epoch, X)
        np.testing.assert_array_equal(np.sort(epoch[:, 0]), np.sort(X[:, 0]))
    assert not np.array_equal(epochs[0], epochs[1])


def test_a_step_too_large_is_named() -> None:
    X, Y = examples(64)
    with pytest.raises(
        ConfigError, match=r"^learning_rate 1e\+06: found in epoch \d+ a loss of (nan|inf), expected a "
    ):
        fit((X, Y), (X, Y), replace(CONFIG, learning_rate=1e6, epochs=50, patience=50), [], Silent())


def test_features_too_wild_for_the_reference_recipe_are_told() -> None:
    X, Y = examples(300)
    with pytest.raises(ConfigError, match=r"^preset 'reference': found a loss of (nan|inf), use the default preset$"):
        fit((np.clip(X, -3, 3) * np.float32(1e38), Y), None, REFERENCE, [], Silent())


# --- The reference preset ---------------------------------------------------------------------------------------------


def test_the_reference_preset_is_the_mlps_own_recipe_bit_for_bit() -> None:
    split = make_split(make_dataset(), validation={1}, test={4})
    fitted = fit_dataset(split, SENSORS, REFERENCE, Silent())
    X, Y = split.take("train", "validation").stack()
    mean, scale = fit_normaliser(X, SENSORS.layout.is_missing)
    network = MLP(5, 8, 2, rng=3, dtype=np.float32)
    network.sgd(standardise(X, mean, scale), Y)
    for found, expected in zip(fitted.network.parameters, network.parameters, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("seed", range(3))
def test_in_bag_order_the_reference_recipe_learns_little_but_the_last_bag(recordings: Path, seed: int) -> None:
    sensors = load_sensors(ROOT / "config" / "sensors" / "borealtc.yaml")
    paths = find_bags([recordings / "borealtc"])
    few = [path for path in paths if path.name.endswith(("_00", "_02", "_03"))]
    data = read_dataset(few, sensors, Silent()).usable()
    X, Y = data.stack()
    mean, scale = fit_normaliser(X, sensors.layout.is_missing)
    Z = standardise(X, mean, scale)
    earlier = data.intervals - len(data.shards[-1])
    loss = []
    for order in (np.arange(len(X)), np.random.default_rng(seed).permutation(len(X))):
        config = TrainConfig(preset="reference", seed=seed)
        network, _ = fit((Z[order], Y[order]), None, config, [], Silent())
        loss.append(log_loss_from_logits(Y[:earlier], network.logits(Z[:earlier])))
    assert loss[0] > 2 * loss[1], "loss on the bags before the last: in order, and shuffled"


# --- Parts of a data set ----------------------------------------------------------------------------------------------


def test_the_final_fit_takes_all_intervals_for_as_many_epochs_as_were_best() -> None:
    split = make_split(make_dataset(), validation={1}, test={4})
    recorder = Recorder()
    fitted = fit_dataset(split, SENSORS, CONFIG, recorder)

    # First by the training part's mean and scale, watching the validation part.
    (X, Y), (X_held_out, Y_held_out) = split.take("train").stack(), split.take("validation").stack()
    mean, scale = fit_normaliser(X, SENSORS.layout.is_missing)
    held_out = standardise(X_held_out, mean, scale), Y_held_out
    _, history = fit((standardise(X, mean, scale), Y), held_out, CONFIG, sensor_columns(SENSORS), Silent())
    assert fitted.history == tuple(history)
    epochs = best_epoch(history, CONFIG) + 1
    assert recorder.stages == [("epochs", 12), ("epochs", epochs)]
    assert fitted.epochs == epochs

    # Then by those of both.
    X, Y = split.take("train", "validation").stack()
    mean, scale = fit_normaliser(X, SENSORS.layout.is_missing)
    np.testing.assert_array_equal(fitted.mean, mean)
    np.testing.assert_array_equal(fitted.scale, scale)
    both = standardise(X, mean, scale), Y
    network, _ = fit(both, None, replace(CONFIG, epochs=epochs), sensor_columns(SENSORS), Silent())
    for found, expected in zip(fitted.network.parameters, network.parameters, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_the_test_part_has_no_say() -> None:
    data = make_dataset()
    split = make_split(data, validation={1}, test={4})
    fitted = [fit_dataset(split, SENSORS, CONFIG, Silent())]
    data.shards[4].X[:] = 1e9
    data.shards[4].Y[:] = 1 - data.shards[4].Y
    fitted.append(fit_dataset(split, SENSORS, CONFIG, Silent()))
    np.testing.assert_array_equal(fitted[0].mean, fitted[1].mean)
    assert fitted[0].history == fitted[1].history
    for one, other in zip(fitted[0].network.parameters, fitted[1].network.parameters, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_held_out_intervals_all_epochs_run() -> None:
    recorder = Recorder()
    fitted = fit_dataset(make_split(make_dataset()), SENSORS, CONFIG, recorder)
    assert recorder.stages == [("epochs", 12)]
    assert len(fitted.history) == 12


@pytest.mark.parametrize("rows", [1, 2])
def test_very_few_intervals_give_a_finite_network(rows: int) -> None:
    fitted = fit_dataset(make_split(make_dataset(bags=1, rows=rows)), SENSORS, CONFIG, Silent())
    assert all(np.isfinite(parameter).all() for parameter in fitted.network.parameters)


def test_unknown_columns_and_labels_of_one_class_give_a_finite_network() -> None:
    data = make_dataset()
    for shard in data:
        shard.X[:, 0] = np.nan
        shard.X[5:10, 1] = np.nan
        shard.Y[:, 0] = 1
    fitted = fit_dataset(make_split(data, validation={4, 5}), SENSORS, CONFIG, Silent())
    assert all(np.isfinite(parameter).all() for parameter in fitted.network.parameters)
    logits = fitted.network.logits(standardise(data.stack()[0], fitted.mean, fitted.scale))
    assert (logits[:, 0] > 0).mean() > 0.9


# --- The normaliser ---------------------------------------------------------------------------------------------------


def test_the_normaliser_by_hand() -> None:
    columns = ("a.x", "a.never", "a.constant", "a.missing")
    X = np.array([[1.0, np.nan, 0.1, 0], [3.0, np.nan, 0.1, 1], [np.nan, np.nan, 0.1, 1], [5.0, np.nan, 0.1, 1]])
    mean, scale = fit_normaliser(X, np.array([column.endswith(".missing") for column in columns]))
    np.testing.assert_allclose(mean, [3, 0, 0.1, 0], rtol=1e-15)
    np.testing.assert_allclose(scale, [np.sqrt(8 / 3), 1, 1, 1], rtol=1e-15)


def test_standardised_training_columns_have_mean_0_and_deviation_1() -> None:
    X = make_dataset().stack()[0] * 1e6 + 1e7
    mean, scale = fit_normaliser(X, SENSORS.layout.is_missing)
    Z = standardise(X, mean, scale)[:, [0, 1, 3]].astype(np.float64)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(Z.std(axis=0), 1, rtol=1e-6)


def test_columns_beyond_float64_still_give_finite_numbers() -> None:
    X = np.array([[1e308, 1.0], [-1e308, 2.0], [1.7e308, np.inf]])
    mean, scale = fit_normaliser(X, np.zeros(2, np.bool_))
    assert np.isfinite(mean).all()
    assert np.isfinite(scale).all()
    assert (scale > 0).all()
