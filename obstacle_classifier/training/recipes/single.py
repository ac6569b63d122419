# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""One encoded network: an eighth of the ensemble's cost on the robot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import Layout, SensorsConfig
from obstacle_classifier.networks.ensemble import EnsembleNetwork
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.checkpoint import Checkpoint
from obstacle_classifier.training.decision_rules import targets_of
from obstacle_classifier.training.left_out import LeftOut
from obstacle_classifier.training.members import first_members, fit_members
from obstacle_classifier.training.recipes.conclusion import deal
from obstacle_classifier.training.recipes.default import MemberSettings, judge
from obstacle_classifier.training.recipes.recipe import Fitted, ResumableRecipe
from obstacle_classifier.training.settings import option
from obstacle_classifier.training.split import Split

__all__ = ["SingleRecipe", "SingleSettings"]


@dataclass(frozen=True, kw_only=True)
class SingleSettings(MemberSettings):
    """Options of the recipe `single`."""

    recipe: ClassVar[str] = "single"

    groups: int = option(
        4, "groups of bags; for each a judge is fitted without it; 1: no calibration and no scores", minimum=1
    )


class SingleRecipe(ResumableRecipe[SingleSettings]):
    """Fit one network on all bags, and judges that each leave out a group of bags.

    The judges are fitted in the same way. They give the calibration, the thresholds and the scores, and are discarded.
    """

    settings = SingleSettings
    summary = "one encoded network; judges that leave out bags calibrate and score it"

    def first_network(
        self, X: NDArray[np.float64], layout: Layout, c: int, settings: SingleSettings, rng: np.random.Generator
    ) -> EnsembleNetwork:
        """One member before training."""
        return first_members(X, layout, c, settings.member_options(1), rng)

    def fit_resumably(
        self, split: Split, sensors: SensorsConfig, settings: SingleSettings, progress: Progress, checkpoint: Checkpoint
    ) -> Fitted:
        """Fit the judges and the network, then calibration and rules."""
        targets_of(settings.target, sensors.labels)  # refuse a wrong target before the work
        data = split.take("train")
        left_out = deal(data, settings.groups, sensors, settings.seed, settings.vectors)
        options = settings.member_options(len(left_out), sensors.labels)
        judges = fit_members(data, left_out, sensors.layout, options, progress, checkpoint.fit("judges"))
        network = judges.network
        if left_out.judged.any():
            nothing = LeftOut.nothing(data.intervals)
            options = settings.member_options(1, sensors.labels)
            state = checkpoint.fit("all bags")
            network = fit_members(data, nothing, sensors.layout, options, progress, state).network
        return judge(judges, network, data, left_out, sensors, settings, progress)
