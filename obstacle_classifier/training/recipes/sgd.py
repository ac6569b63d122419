# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Stochastic gradient descent with weight decay and early stopping, on a network of any kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import Layout, SensorsConfig
from obstacle_classifier.networks import Network
from obstacle_classifier.nn import SGD, log_loss_from_logits
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.checkpoint import Checkpoint, FitState, State, fit_state, load_fit_state
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.examples import Examples
from obstacle_classifier.training.recipes.kind import KindSettings
from obstacle_classifier.training.recipes.recipe import Epoch, Fitted, ResumableRecipe, check_finite
from obstacle_classifier.training.runs import Runs
from obstacle_classifier.training.scratch import representative
from obstacle_classifier.training.settings import option
from obstacle_classifier.training.split import Split

__all__ = ["SGDRecipe", "SGDSettings", "best_epoch"]

UNJUDGED = 0.2
"""Share of the epochs, the first, whose held-out loss is not considered: a few held-out bags that are unlike the others
may favour a network that has hardly begun."""


@dataclass(frozen=True, kw_only=True)
class SGDSettings(KindSettings):
    """Options of the recipe `sgd`."""

    recipe: ClassVar[str] = "sgd"

    epochs: int = option(200, "passes over the training intervals, at most", minimum=1)
    learning_rate: float = option(0.01, "step of gradient descent", exclusiveMinimum=0)
    weight_decay: float = option(
        0.01,
        "pull of every weight towards 0: weight_decay / 2 times the sum of their squares joins the loss",
        minimum=0,
    )
    batch_size: int = option(32, "intervals a step", minimum=1)
    patience: int = option(
        30, "epochs without a lower held-out loss before it stops; the first fifth of all is not judged", minimum=1
    )
    validation_share: float = option(
        0.2,
        "share of the bags that early stopping watches; the final fit includes them",
        exclusiveMinimum=0,
        exclusiveMaximum=0.5,
    )


class SGDRecipe(ResumableRecipe[SGDSettings]):
    """Fit the part `train`, stopping by the part `validation`; then both for as many epochs.

    Recorded bags are few and unlike each other, so those that were held out teach more than is lost by taking over the
    number of epochs (Goodfellow, Bengio, Courville, "Deep Learning", 2016, algorithm 7.2). Without validation intervals
    the number of epochs is fixed, and there is the second fit alone.
    """

    settings = SGDSettings
    summary = "a network of any kind, shuffled batches, weight decay, early stopping"

    def shares(self, settings: SGDSettings) -> dict[str, float]:
        """A part to fit and a part to watch."""
        train = 1 - settings.validation_share - settings.test_share
        return {"train": train, "validation": settings.validation_share}

    def first_network(
        self, X: NDArray[np.float64], layout: Layout, c: int, settings: SGDSettings, rng: np.random.Generator
    ) -> Network:
        """A network of the kind that the settings name."""
        return settings.create(X, layout, c, rng)

    def fit_resumably(
        self, split: Split, sensors: SensorsConfig, settings: SGDSettings, progress: Progress, checkpoint: Checkpoint
    ) -> Fitted:
        """Fit once or twice."""
        layout = sensors.layout
        both, validation = split.take("train", "validation"), split.take("validation")
        if not validation.intervals:
            return self._descend(both, None, layout, settings, progress, checkpoint.fit("all bags"))
        watched = self._descend(split.take("train"), validation, layout, settings, progress, checkpoint.fit("watched"))
        best = best_epoch(watched.history, settings.epochs)
        progress.say(
            f"held-out loss lowest in epoch {best + 1} of {len(watched.history)}; "
            "now as many with the held-out rows too"
        )
        settings = replace(settings, epochs=best + 1)
        final = self._descend(both, None, layout, settings, progress, checkpoint.fit("all bags"))
        return replace(final, history=watched.history)

    def _descend(
        self,
        train: Dataset,
        validation: Dataset | None,
        layout: Layout,
        settings: SGDSettings,
        progress: Progress,
        state: FitState,
    ) -> Fitted:
        """Fit until the held-out loss has not fallen for `patience` epochs, and take the best parameters."""
        rng = np.random.default_rng(settings.seed)
        X, Y = train.stack()
        network = self.first_network(representative(X), layout, Y.shape[1], settings, rng)
        examples = Examples(train, network.memory, layout, settings.batch_size, settings.stretch)
        parameters = network.parameters()
        # Biases do not decay.
        decay = {name: settings.weight_decay for name in parameters if name.startswith(("W", "U"))}
        optimizer = SGD(settings.learning_rate, decay)
        held_out = None if validation is None else _HeldOut(validation, network)
        history: list[Epoch] = []
        best = {name: parameter.copy() for name, parameter in parameters.items()}

        def current() -> State:
            lowest = {f"best.{name}": parameter for name, parameter in best.items()}
            losses = [[epoch.train_loss, epoch.validation_loss] for epoch in history]
            return {**fit_state(parameters, optimizer, rng), **lowest, "history": losses}

        def is_over() -> bool:
            if held_out is None or len(history) <= int(UNJUDGED * settings.epochs):
                return len(history) == settings.epochs
            waited = len(history) - 1 - best_epoch(history, settings.epochs)
            return len(history) == settings.epochs or waited >= settings.patience

        if state.saved is not None:
            load_fit_state(state.saved, parameters, optimizer, rng)
            best = {name: state.saved[f"best.{name}"] for name in parameters}
            history = [Epoch(*losses) for losses in state.saved["history"]]
        with progress.stage("epochs", settings.epochs) as stage:
            for _ in history:
                stage.advance("done before the interruption")
            while not is_over():
                with np.errstate(over="ignore", invalid="ignore"):  # a NaN is found below
                    loss = _epoch(network, optimizer, examples, rng)
                    history.append(Epoch(loss, None if held_out is None else held_out.loss(network)))
                check_finite(
                    history[-1],
                    f"learning_rate {settings.learning_rate:g}: found in epoch {len(history)}",
                    "expected a smaller learning_rate to keep it finite",
                )
                is_judged = held_out is not None and len(history) > int(UNJUDGED * settings.epochs)
                if is_judged and best_epoch(history, settings.epochs) == len(history) - 1:
                    best = {name: parameter.copy() for name, parameter in parameters.items()}
                state.keep(current, last=is_over())
                stage.advance(_note(history[-1]))
        if held_out is not None:
            for name, parameter in parameters.items():
                parameter[...] = best[name]
        return Fitted(network, tuple(history), len(history))


def best_epoch(history: Sequence[Epoch], epochs: int) -> int:
    """Index of the epoch of the lowest held-out loss, the first fifth of `epochs` left out."""
    losses = [np.inf if epoch.validation_loss is None else epoch.validation_loss for epoch in history]
    return min(range(int(UNJUDGED * epochs), len(history)), key=losses.__getitem__)


def _epoch(network: Network, optimizer: SGD, examples: Examples, rng: np.random.Generator) -> float:
    """One pass over the examples in shuffled batches; returns the mean loss."""
    total, targets = 0.0, 0
    for count, batch in examples.epoch(network, rng):
        loss, gradients = network.gradients(batch)
        optimizer.step(network.parameters(), gradients)
        total += count * loss
        targets += count
    return total / targets


class _HeldOut:
    """Held-out intervals, for the loss of a network whose normaliser does not change."""

    def __init__(self, data: Dataset, network: Network) -> None:
        self._runs = Runs.of(data, network.memory)
        self._inputs = self._runs.inputs(network)
        _, self._Y = data.stack()

    def loss(self, network: Network) -> float:
        """Mean log loss."""
        return log_loss_from_logits(self._Y, self._runs.logits(network, self._inputs))


def _note(epoch: Epoch) -> str:
    held_out = "" if epoch.validation_loss is None else f", held-out loss {epoch.validation_loss:.4f}"
    return f"loss {epoch.train_loss:.4f}{held_out}"
