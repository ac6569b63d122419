# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Stochastic gradient descent on standardised intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.networks import fit_normaliser, standardise
from obstacle_classifier.nn import MLP, SGD, log_loss_from_logits
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.config import TrainConfig
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.split import Split

__all__ = [
    "SENSOR_DROPOUT",
    "Epoch",
    "Fitted",
    "best_epoch",
    "drop_sensors",
    "fit",
    "fit_dataset",
    "sensor_columns",
    "start",
    "step",
]

SENSOR_DROPOUT = 0.1
"""Probability that an example loses a non-required sensor, so that the network learns what missing means."""

UNJUDGED = 0.2
"""Share of the epochs, the first, whose held-out loss is not considered: a few held-out bags that are unlike the others
may favour a network that has hardly begun."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Epoch:
    """Mean log loss of one epoch: on the batches as they were fitted, and held out (None without held-out rows)."""

    train_loss: float
    validation_loss: float | None


@dataclass(frozen=True)
class Fitted:
    """A fitted network.

    Attributes:
        network: Of the inputs that `standardise` makes with `mean` and `scale`.
        mean: (d,) float64.
        scale: (d,) float64.
        history: An entry an epoch of the fit that was watched on held-out rows, if there were any.
        epochs: For how many the network itself was fitted.
    """

    network: MLP
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    history: tuple[Epoch, ...]
    epochs: int


def fit_dataset(split: Split, sensors: SensorsConfig, config: TrainConfig, progress: Progress) -> Fitted:
    """Standardise and fit the part `train`, stopping by the part `validation`; then both for as many epochs.

    Recorded bags are few and unlike each other, so those that were held out teach more than is lost by taking over the
    number of epochs (Goodfellow, Bengio, Courville, "Deep Learning", 2016, algorithm 7.2). The preset `reference` and a
    fit without validation intervals have a fixed number of epochs: for them there is the second fit alone.

    Args:
        split: The intervals; the part `train` has at least one, the part `validation` possibly none.
        sensors: The columns.
        config: The options.
        progress: Told of every epoch.

    Raises:
        ConfigError: The loss became infinite or NaN.
    """
    both, validation = split.take("train", "validation"), split.take("validation")
    if not validation.intervals or config.preset == "reference":
        return _fit_shards(both, None, sensors, config, progress)
    watched = _fit_shards(split.take("train"), validation, sensors, config, progress)
    best = best_epoch(watched.history, config)
    progress.say(
        f"held-out loss lowest in epoch {best + 1} of {len(watched.history)}; now as many with the held-out rows too"
    )
    final = _fit_shards(both, None, sensors, replace(config, epochs=best + 1), progress)
    return replace(final, history=watched.history)


def _fit_shards(
    train: Dataset, validation: Dataset | None, sensors: SensorsConfig, config: TrainConfig, progress: Progress
) -> Fitted:
    mean, scale = fit_normaliser(train.stack()[0], sensors.layout.is_missing)

    def examples(data: Dataset) -> tuple[Floats, Floats]:
        X, Y = data.stack()
        return standardise(X, mean, scale), Y

    held_out = None if validation is None else examples(validation)
    network, history = fit(examples(train), held_out, config, sensor_columns(sensors), progress)
    return Fitted(network, mean, scale, tuple(history), len(history))


def best_epoch(history: Sequence[Epoch], config: TrainConfig) -> int:
    """Index of the epoch of the lowest held-out loss, the first fifth of `config.epochs` left out."""
    losses = [np.inf if epoch.validation_loss is None else epoch.validation_loss for epoch in history]
    return min(range(int(UNJUDGED * config.epochs), len(history)), key=losses.__getitem__)


def sensor_columns(sensors: SensorsConfig) -> list[slice]:
    """Columns of each sensor that training drops at times: the non-required ones, if there is another to go by.

    Each slice ends with the sensor's `missing` column.
    """
    slices, first = [], 0
    for spec in sensors.sensors:
        stop = first + len(spec.columns)
        if not spec.required and len(sensors.sensors) > 1:
            slices.append(slice(first, stop))
        first = stop
    return slices


def fit(
    train: tuple[Floats, Floats],
    validation: tuple[Floats, Floats] | None,
    config: TrainConfig,
    droppable: Sequence[slice],
    progress: Progress,
) -> tuple[MLP, list[Epoch]]:
    """Fit an MLP(d, config.hidden, c) by descent from `start`, in batches shuffled every epoch.

    With validation rows, fitting stops after `config.patience` epochs without a lower validation loss, and the
    parameters of the lowest are kept; the first fifth of `config.epochs` is not considered. Without, all epochs run.
    The preset `reference` is `MLP.sgd` as it is, on the rows in the order given.

    Args:
        train: (n, d) float32 standardised features and (n, c) float32 targets, n > 0.
        validation: The same of held-out rows, n > 0.
        config: The options.
        droppable: Column slices as `sensor_columns` gives them.
        progress: Told of every epoch.

    Returns:
        The network and its history, an entry an epoch (one entry in all for the reference preset).

    Raises:
        ConfigError: The loss became infinite or NaN.
    """
    X, Y = train
    rng = np.random.default_rng(config.seed)
    network = MLP(X.shape[1], config.hidden, Y.shape[1], rng=rng, dtype=np.float32)
    if config.preset == "reference":
        with progress.stage("epochs", 1) as stage:
            with np.errstate(over="ignore", invalid="ignore"):
                network.sgd(X, Y)
                history = [Epoch(log_loss_from_logits(Y, network.logits(X)), _loss(network, validation))]
            _check_finite(history[0], "preset 'reference': found", "use the default preset")
            stage.advance(f"loss {history[0].train_loss:.4f}")
        return network, history
    start(network)
    history = []
    best = network.copy_parameters()
    with progress.stage("epochs", config.epochs) as stage:
        for epoch in range(config.epochs):
            with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is NaN, and found here
                history.append(Epoch(_descend(network, X, Y, config, droppable, rng), _loss(network, validation)))
            _check_finite(
                history[-1],
                f"learning_rate {config.learning_rate:g}: found in epoch {epoch + 1}",
                "expected a smaller learning_rate to keep it finite",
            )
            loss = history[-1].validation_loss
            stage.advance(
                f"loss {history[-1].train_loss:.4f}" + ("" if loss is None else f", held-out loss {loss:.4f}")
            )
            if loss is None or epoch < int(UNJUDGED * config.epochs):
                continue
            lowest = best_epoch(history, config)
            if lowest == epoch:
                best = network.copy_parameters()
            if epoch - lowest >= config.patience:
                break
    if validation is not None:
        network.set_parameters(best)
    return network, history


def start(network: MLP) -> None:
    """Turn the first weights into a network that begins almost linear: all weights halved, hidden biases 2.

    ScaledReLU jumps from 0 to 2 at 1. With the weights as drawn and biases 0 most hidden units are off, and each jumps
    somewhere amid the data: a rough function of large logits (deviation 5), which descent on a few recordings never
    smooths where they have few examples. Moved so, the first layer's pre-activations lie at 2 with deviation 0.7, nine
    in ten of them above 1: a unit mostly passes 2x, and jumps come in where examples ask for them.
    """
    for linear in network.linears:
        linear.W *= 0.5
    for linear in network.linears[:-1]:
        linear.b[:] = 2.0


def step(network: MLP, X: Floats, Y: Floats, learning_rate: float, weight_decay: float) -> float:
    """One step down the gradient of the batch's loss plus weight_decay / 2 times the sum of all squared weights.

    The loss goes through the logits. Biases do not decay.

    Returns:
        The batch's loss before the step, decay not counted.
    """
    loss, gradients = network.loss_and_gradients(X, Y)
    decayed = [
        gradient + weight_decay * parameter if parameter.ndim == 2 else gradient
        for parameter, gradient in zip(network.parameters, gradients, strict=True)
    ]
    SGD(learning_rate).step(network.parameters, decayed)
    return loss


def drop_sensors(X: Floats, droppable: Sequence[slice], rng: np.random.Generator) -> None:
    """Make each sensor missing, in place, with probability 0.1 in each row of standardised X (n, d).

    All its columns become 0, as NaN does, and its `missing` column 1.
    """
    for columns in droppable:
        dropped = rng.random(len(X)) < SENSOR_DROPOUT
        X[dropped, columns] = 0.0
        X[dropped, columns.stop - 1] = 1.0


def _descend(
    network: MLP, X: Floats, Y: Floats, config: TrainConfig, droppable: Sequence[slice], rng: np.random.Generator
) -> float:
    """One epoch; returns the mean loss."""
    order = rng.permutation(len(X))
    total = 0.0
    for start in range(0, len(X), config.batch_size):
        rows = order[start : start + config.batch_size]
        batch = X[rows]
        drop_sensors(batch, droppable, rng)
        total += len(rows) * step(network, batch, Y[rows], config.learning_rate, config.weight_decay)
    return total / len(X)


def _loss(network: MLP, validation: tuple[Floats, Floats] | None) -> float | None:
    return None if validation is None else log_loss_from_logits(validation[1], network.logits(validation[0]))


def _check_finite(epoch: Epoch, what: str, remedy: str) -> None:
    for loss in (epoch.train_loss, epoch.validation_loss):
        if loss is not None and not np.isfinite(loss):
            raise ConfigError(f"{what} a loss of {loss}, {remedy}")
