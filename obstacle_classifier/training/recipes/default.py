# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""An ensemble whose members leave out whole bags, calibrated and given thresholds by their answers on these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.features import Layout, SensorsConfig
from obstacle_classifier.networks import EnsembleNetwork, WindowNetwork
from obstacle_classifier.networks.ensemble import BINS, MEMBERS
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.checkpoint import Checkpoint
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.decision_rules import targets_of
from obstacle_classifier.training.judges import Judges
from obstacle_classifier.training.left_out import LeftOut
from obstacle_classifier.training.members import FittedMembers, MemberOptions, first_members, fit_members
from obstacle_classifier.training.recipes.conclusion import JudgedSettings, conclude, deal
from obstacle_classifier.training.recipes.kind import window_option
from obstacle_classifier.training.recipes.recipe import Epoch, Fitted, ResumableRecipe
from obstacle_classifier.training.sensor_dropout import SENSOR_DROPOUT
from obstacle_classifier.training.settings import option
from obstacle_classifier.training.split import Split

__all__ = ["FEW_BAGS", "DefaultRecipe", "DefaultSettings", "MemberSettings"]

FEW_BAGS = 16
"""With fewer bags, one that a member leaves out is too large a part of all that it could learn from: other members are
then served than judge."""


@dataclass(frozen=True, kw_only=True)
class MemberSettings(JudgedSettings):
    """Options of the recipes that fit encoded members."""

    test_share: float = option(
        0.0,
        "share of the bags that only the reported scores see; 0: all bags are trained on, and members that have not "
        "seen a bag judge it",
        minimum=0,
        exclusiveMaximum=0.5,
    )
    network: str = option(
        EnsembleNetwork.kind,
        "kind of the network",
        choices=lambda: (EnsembleNetwork.kind, WindowNetwork.kind),
    )
    window: int = window_option()
    bins: int = option(BINS, "bins of the piecewise-linear encoding of a column", minimum=1, maximum=64)
    epochs: int = option(16, "passes of each member over its intervals", minimum=1)
    least_steps: int = option(
        300, "steps of each member at least: with few intervals, `epochs` is raised until it makes so many", minimum=0
    )
    learning_rate: float = option(2e-3, "first step of AdamW; it falls to 0 along a cosine", exclusiveMinimum=0)
    weight_decay: float = option(0.01, "share of each weight, times the step, that a step takes away", minimum=0)
    batch_size: int = option(64, "intervals a step", minimum=2)
    mixup: float = option(
        0.4, "a of the Beta(a, a) distribution by which two intervals are mixed; 0 mixes none", minimum=0
    )
    dropout: float = option(
        0.1, "probability that a hidden unit is left out of a step", minimum=0, exclusiveMaximum=0.9
    )
    label_smoothing: float = option(
        0.0, "weight of 1/2 in each target: 0.1 makes targets of 0.05 and 0.95", minimum=0, exclusiveMaximum=1
    )
    label_weights: dict[str, Any] = option(
        {},
        "factor of a label's loss by its name, 1 for the others",
        additionalProperties={"type": "number", "minimum": 0},
    )
    groups: int = option(
        8, "groups of bags; each is left out by some members, which judge it; 1: nothing is left out", minimum=1
    )

    @property
    def vectors(self) -> int:
        """Number of vectors that a member sees."""
        return self.window if self.network == WindowNetwork.kind else 1

    def member_options(self, members: int, labels: Sequence[str] | None = None) -> MemberOptions:
        """The options of `fit_members`; without `labels`, those of its first network.

        Raises:
            ConfigError: A weight names a label that does not exist.
        """
        labels = tuple(self.label_weights) if labels is None else labels
        for label in self.label_weights:
            if label not in labels:
                expected = f"expected one of: {', '.join(labels)}"
                raise ConfigError(f"key 'label_weights.{label}': found no such label, {expected}")
        weights = tuple(float(self.label_weights.get(label, 1.0)) for label in labels) if self.label_weights else ()
        return MemberOptions(
            members=members,
            window=self.vectors,
            hidden=self.hidden,
            bins=self.bins,
            epochs=self.epochs,
            least_steps=self.least_steps,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            batch_size=self.batch_size,
            mixup=self.mixup,
            dropout=self.dropout,
            sensor_dropout=SENSOR_DROPOUT,
            label_smoothing=self.label_smoothing,
            label_weights=weights,
            seed=self.seed,
        )


@dataclass(frozen=True, kw_only=True)
class DefaultSettings(MemberSettings):
    """Options of the recipe `default`."""

    recipe: ClassVar[str] = "default"

    members: int = option(MEMBERS, "networks of the ensemble; their probabilities are averaged", minimum=2, maximum=64)


class DefaultRecipe(ResumableRecipe[DefaultSettings]):
    """Fit the members together; each leaves out a group of whole bags, and no bag is lost to training.

    Their answers on the bags that they left out give the calibration, the thresholds, and scores on all bags. With few
    bags, the members are then fitted once more, on all bags.
    """

    settings = DefaultSettings
    summary = "an ensemble of encoded networks, calibrated and scored on the bags that each member leaves out"

    def first_network(
        self, X: NDArray[np.float64], layout: Layout, c: int, settings: DefaultSettings, rng: np.random.Generator
    ) -> EnsembleNetwork:
        """An ensemble before training."""
        return first_members(X, layout, c, settings.member_options(settings.members), rng)

    def fit_resumably(
        self,
        split: Split,
        sensors: SensorsConfig,
        settings: DefaultSettings,
        progress: Progress,
        checkpoint: Checkpoint,
    ) -> Fitted:
        """Fit the members, then calibration and rules."""
        targets_of(settings.target, sensors.labels)  # refuse a wrong target before the work
        data = split.take("train")
        left_out = deal(data, min(settings.groups, settings.members), sensors, settings.seed, settings.vectors)
        options = settings.member_options(settings.members, sensors.labels)
        judges = fit_members(data, left_out, sensors.layout, options, progress, checkpoint.fit("judges"))
        network = judges.network
        # With one group, all members leave out the same bags.
        if left_out.judged.any() and (len(left_out) == 1 or len(data) < FEW_BAGS):
            progress.say("now the members once more, on all bags")
            nothing = LeftOut.nothing(data.intervals)
            state = checkpoint.fit("all bags")
            network = fit_members(data, nothing, sensors.layout, options, progress, state).network
        return judge(judges, network, data, left_out, sensors, settings, progress)


def judge(
    members: FittedMembers,
    network: EnsembleNetwork,
    data: Dataset,
    left_out: LeftOut,
    sensors: SensorsConfig,
    settings: MemberSettings,
    progress: Progress,
) -> Fitted:
    """Smoothing, calibration, rules and scores of a network from the answers of members that had not seen the bags.

    Args:
        members: The members and their answers.
        network: The network to be served.
        data: The training intervals.
        left_out: The groups of the members.
        sensors: The columns and the labels.
        settings: The options.
        progress: Told of targets that cannot be met.
    """
    losses = members.unseen_losses or (None,) * len(members.losses)
    history = tuple(Epoch(loss, unseen) for loss, unseen in zip(members.losses, losses, strict=True))
    groups = tuple(members.network.subset(slice(index, None, len(left_out))) for index in range(len(left_out)))
    fitted = Fitted(network, history, len(history), judges=Judges(groups))
    counts = (members.network.members // len(left_out), network.members)
    return conclude(fitted, members.unseen_logits, counts, data, left_out, sensors, settings, progress)
