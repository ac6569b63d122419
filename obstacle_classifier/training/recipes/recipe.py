# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The contract of a recipe, and the registry of recipes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.features import Layout, SensorsConfig
from obstacle_classifier.model import Calibration
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.networks import Network
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.checkpoint import Checkpoint
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.judged import Judged, following
from obstacle_classifier.training.judges import Judges
from obstacle_classifier.training.runs import Runs
from obstacle_classifier.training.settings import Settings
from obstacle_classifier.training.smoothing import smooth
from obstacle_classifier.training.split import Split

__all__ = ["RECIPES", "Epoch", "Fitted", "Recipe", "ResumableRecipe", "check_finite", "recipe_of", "register"]

AnySettings = TypeVar("AnySettings", bound=Settings)


@dataclass(frozen=True)
class Epoch:
    """Mean log loss of one epoch: on the batches as they were fitted, and held out (None: nothing was)."""

    train_loss: float
    validation_loss: float | None


@dataclass(frozen=True)
class Fitted:
    """A fitted network, and what fitting it has shown of its quality.

    Attributes:
        network: The network.
        history: Losses of the fit that was watched on held-out intervals, if there were any; an entry an epoch.
        epochs: Number of epochs of the fit of `network` itself.
        calibration: Of each label's logit; None: as it is.
        rules: Of each label, from probability to presence; None: a threshold of 0.5.
        smoothing: Mean delay of each label's smoothed logit, in intervals; None: no smoothing.
        unseen: Intervals judged by members that had not seen their bag, with calibrated probabilities; None: there are
            no such members.
        raw_ece: Expected calibration error of each label on `unseen` before calibration.
        judges: The networks that judged `unseen`; None if there is no `unseen`.
    """

    network: Network
    history: tuple[Epoch, ...]
    epochs: int
    calibration: tuple[Calibration, ...] | None = None
    rules: tuple[DecisionRule, ...] | None = None
    smoothing: tuple[float, ...] | None = None
    unseen: Judged | None = None
    raw_ece: tuple[float, ...] = ()
    judges: Judges | None = None

    def logits(self, data: Dataset, interval: int) -> NDArray[np.float64]:
        """Smoothed logits (n, c) of the network, before calibration, for the intervals of a data set.

        Args:
            data: Intervals of the length `interval`, in ns.
            interval: In ns.
        """
        Z = np.asarray(Runs.of(data, self.network.memory).logits(self.network), np.float64)
        if self.smoothing is None:
            return Z
        return smooth(Z, following(data.bag, data.time_ns, interval), self.smoothing)


class Recipe(ABC, Generic[AnySettings]):
    """A way from a data set to a network. It sees no interval of the part `test`.

    Attributes:
        settings: Its options; `settings.recipe` is its name.
        summary: The recipe in a few words, for people.
    """

    settings: ClassVar[type[Settings]]
    summary: ClassVar[str]

    def shares(self, settings: AnySettings) -> dict[str, float]:
        """Share of the bags of each part but `test`, by name; the first is never empty. They sum to 1 - test_share."""
        return {"train": 1 - settings.test_share}

    @abstractmethod
    def first_network(
        self, X: NDArray[np.float64], layout: Layout, c: int, settings: AnySettings, rng: np.random.Generator
    ) -> Network:
        """The network before the first step.

        Args:
            X: (n, d) raw features, n > 0, NaN where unknown.
            layout: The d columns.
            c: Number of labels.
            settings: The options.
            rng: Source of the first weights.
        """

    @abstractmethod
    def fit(self, split: Split, sensors: SensorsConfig, settings: AnySettings, progress: Progress) -> Fitted:
        """Fit a network.

        Args:
            split: The usable intervals in the parts that `shares` names; the first is not empty.
            sensors: The columns and the labels.
            settings: The options.
            progress: Told of every epoch.

        Raises:
            ConfigError: The loss became infinite or NaN.
        """

    def fit_resumably(
        self, split: Split, sensors: SensorsConfig, settings: AnySettings, progress: Progress, checkpoint: Checkpoint
    ) -> Fitted:
        """`fit` that continues from a checkpoint and keeps its state there; a plain recipe starts at the beginning."""
        del checkpoint
        return self.fit(split, sensors, settings, progress)


class ResumableRecipe(Recipe[AnySettings]):
    """A recipe that hands the state of its fits to a checkpoint and continues from it, to the same bits."""

    def fit(self, split: Split, sensors: SensorsConfig, settings: AnySettings, progress: Progress) -> Fitted:
        """`fit_resumably` from the beginning, without a file."""
        return self.fit_resumably(split, sensors, settings, progress, Checkpoint())

    @abstractmethod
    def fit_resumably(
        self, split: Split, sensors: SensorsConfig, settings: AnySettings, progress: Progress, checkpoint: Checkpoint
    ) -> Fitted:
        """Fit a network.

        Args:
            split: As in `fit`.
            sensors: As in `fit`.
            settings: As in `fit`.
            progress: As in `fit`.
            checkpoint: Gives each fit the state in which an earlier run stopped, and takes its state.
        """


RECIPES: dict[str, Recipe[Any]] = {}
"""The known recipes by name."""

AnyRecipe = TypeVar("AnyRecipe", bound=type[Recipe[Any]])


def register(recipe: AnyRecipe) -> AnyRecipe:
    """Make a recipe known to the training options; usable as a class decorator."""
    RECIPES[recipe.settings.recipe] = recipe()
    return recipe


def recipe_of(settings: Settings) -> Recipe[Any]:
    """The recipe that settings belong to."""
    return RECIPES[settings.recipe]


def check_finite(epoch: Epoch, cause: str, remedy: str) -> None:
    """Refuse to go on with a loss that is infinite or NaN.

    Raises:
        ConfigError: `<cause> a loss of <loss>, <remedy>`.
    """
    for loss in (epoch.train_loss, epoch.validation_loss):
        if loss is not None and not np.isfinite(loss):
            raise ConfigError(f"{cause} a loss of {loss}, {remedy}")
