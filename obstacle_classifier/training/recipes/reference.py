# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The recipe of the classifier's specification, to compare others with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import Layout, SensorsConfig
from obstacle_classifier.networks import MLPNetwork, fit_normaliser
from obstacle_classifier.nn import MLP, log_loss_from_logits
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.checkpoint import Checkpoint, State
from obstacle_classifier.training.recipes.recipe import Epoch, Fitted, ResumableRecipe, check_finite
from obstacle_classifier.training.runs import Runs
from obstacle_classifier.training.scratch import representative
from obstacle_classifier.training.settings import NetworkSettings
from obstacle_classifier.training.split import Split

__all__ = ["ReferenceRecipe", "ReferenceSettings"]

EPOCHS = 10
_NAMES = ("W0", "b0", "W1", "b1", "W2", "b2")  # of `MLP.parameters`


@dataclass(frozen=True, kw_only=True)
class ReferenceSettings(NetworkSettings):
    """Options of the recipe `reference`: all but these are part of the recipe."""

    recipe: ClassVar[str] = "reference"


class ReferenceRecipe(ResumableRecipe[ReferenceSettings]):
    """`MLP.sgd` as it is: 10 epochs, batches of 100 in recorded order, rate 0.1, first weights as drawn."""

    settings = ReferenceSettings
    summary = "10 epochs, batches of 100 in order, rate 0.1"

    def first_network(
        self, X: NDArray[np.float64], layout: Layout, c: int, settings: ReferenceSettings, rng: np.random.Generator
    ) -> MLPNetwork:
        """Kaiming weights behind a standardiser."""
        mlp = MLP(len(layout.columns), settings.hidden, c, rng, np.float32)
        return MLPNetwork.of(mlp, *fit_normaliser(X, layout.is_missing))

    def shares(self, settings: ReferenceSettings) -> dict[str, float]:
        """Two parts as in the recipe `sgd`, so that equal seeds hold out the same test bags; both are fitted."""
        return {"train": 0.8 - settings.test_share, "validation": 0.2}

    def fit_resumably(
        self,
        split: Split,
        sensors: SensorsConfig,
        settings: ReferenceSettings,
        progress: Progress,
        checkpoint: Checkpoint,
    ) -> Fitted:
        """Fit all intervals, in the order in which they were recorded."""
        layout = sensors.layout
        data = split.take("train", "validation")
        _, Y = data.stack()
        runs = Runs.of(data, MLPNetwork.memory)
        mean, scale = fit_normaliser(representative(runs.X), layout.is_missing)
        mlp = MLP(len(layout.columns), settings.hidden, Y.shape[1], np.random.default_rng(settings.seed), np.float32)
        inputs = runs.inputs(MLPNetwork.of(mlp, mean, scale))
        state = checkpoint.fit("all bags")
        begun = 0
        if state.saved is not None:
            begun = state.saved["epochs"]
            mlp.set_parameters([state.saved[name] for name in _NAMES])
        with progress.stage("epochs", 1) as stage:
            with np.errstate(over="ignore", invalid="ignore"):
                for epochs in range(begun + 1, EPOCHS + 1):
                    mlp.sgd(inputs, Y, epochs=1)
                    state.keep(partial(_state, mlp, epochs), last=epochs == EPOCHS)
                network = MLPNetwork.of(mlp, mean, scale)
                epoch = Epoch(log_loss_from_logits(Y, runs.logits(network, inputs)), None)
            check_finite(epoch, "recipe 'reference': found", "use the default recipe")
            stage.advance(f"loss {epoch.train_loss:.4f}")
        return Fitted(network, (epoch,), 1)


def _state(mlp: MLP, epochs: int) -> State:
    return {"epochs": epochs, **dict(zip(_NAMES, mlp.parameters, strict=True))}
