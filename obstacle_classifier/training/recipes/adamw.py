# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""AdamW on a network of any kind; judges that leave out bags calibrate and score it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import Layout, SensorsConfig
from obstacle_classifier.networks import Network, registered
from obstacle_classifier.nn import AdamW, Cosine
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.checkpoint import Checkpoint, FitState, fit_state, load_fit_state
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.decision_rules import targets_of
from obstacle_classifier.training.examples import Examples
from obstacle_classifier.training.judges import Judges
from obstacle_classifier.training.numeric_health import check_finite_step
from obstacle_classifier.training.recipes.conclusion import JudgedSettings, conclude, deal
from obstacle_classifier.training.recipes.kind import KindSettings
from obstacle_classifier.training.recipes.recipe import Epoch, Fitted, ResumableRecipe
from obstacle_classifier.training.runs import Runs
from obstacle_classifier.training.settings import option
from obstacle_classifier.training.split import Split

__all__ = ["AdamWRecipe", "AdamWSettings"]


@dataclass(frozen=True, kw_only=True)
class AdamWSettings(KindSettings, JudgedSettings):
    """Options of the recipe `adamw`."""

    recipe: ClassVar[str] = "adamw"

    test_share: float = option(
        0.0,
        "share of the bags that only the reported scores see; 0: all bags are trained on, and judges that have not "
        "seen a bag judge it",
        minimum=0,
        exclusiveMaximum=0.5,
    )
    network: str = option("lstm", "kind of the network", choices=registered)
    epochs: int = option(20, "passes over the training intervals", minimum=1)
    least_steps: int = option(
        300, "steps at least: with few intervals, `epochs` is raised until it makes about so many", minimum=0
    )
    learning_rate: float = option(2e-3, "first step of AdamW; it falls to 0 along a cosine", exclusiveMinimum=0)
    weight_decay: float = option(0.01, "share of each weight, times the step, that a step takes away", minimum=0)
    batch_size: int = option(64, "intervals a step", minimum=1)
    groups: int = option(
        4, "groups of bags; for each a judge is fitted without it; 1: no calibration and no scores", minimum=1
    )


class AdamWRecipe(ResumableRecipe[AdamWSettings]):
    """Fit one network on all bags, and judges that each leave out a group of bags, all in the same way.

    The judges give the calibration, the thresholds and the scores, and are discarded.
    """

    settings = AdamWSettings
    summary = "a network of any kind by AdamW; judges that leave out bags calibrate and score it"

    def first_network(
        self, X: NDArray[np.float64], layout: Layout, c: int, settings: AdamWSettings, rng: np.random.Generator
    ) -> Network:
        """A network of the kind that the settings name."""
        return settings.create(X, layout, c, rng)

    def fit_resumably(
        self, split: Split, sensors: SensorsConfig, settings: AdamWSettings, progress: Progress, checkpoint: Checkpoint
    ) -> Fitted:
        """Fit the judges and the network, then calibration and rules."""
        targets_of(settings.target, sensors.labels)  # refuse a wrong target before the work
        data = split.take("train")
        left_out = deal(data, settings.groups, sensors, settings.seed, settings.vectors)
        fitted = self._descend(data, sensors.layout, settings, progress, checkpoint.fit("all bags"))
        if not left_out.judged.any():
            return fitted
        ends = np.cumsum([len(shard) for shard in data])[:-1]
        seen = [data.select(np.split(~hidden, ends)) for hidden in left_out.hidden]
        judges = Judges(
            tuple(
                self._descend(part, sensors.layout, settings, progress, checkpoint.fit(f"judge {index}")).network
                for index, part in enumerate(seen)
            )
        )
        unseen = judges.logits(Runs.of(data, fitted.network.memory), left_out.group).astype(np.float64)
        return conclude(replace(fitted, judges=judges), unseen, (1, 1), data, left_out, sensors, settings, progress)

    def _descend(
        self, data: Dataset, layout: Layout, settings: AdamWSettings, progress: Progress, state: FitState
    ) -> Fitted:
        """Fit one network."""
        rng = np.random.default_rng(settings.seed)
        X, Y = data.stack()
        network = self.first_network(X, layout, Y.shape[1], settings, rng)
        examples = Examples(data, network.memory, layout, settings.batch_size, settings.stretch)
        parameters = network.parameters()
        # Biases do not decay.
        decay = {name: settings.weight_decay for name in parameters if name.startswith(("W", "U"))}
        epochs = max(settings.epochs, -(-settings.least_steps // examples.batches))
        optimizer = AdamW(Cosine(settings.learning_rate, epochs * examples.batches), weight_decay=decay)
        losses: list[float] = []
        if state.saved is not None:
            load_fit_state(state.saved, parameters, optimizer, rng)
            losses = list(state.saved["losses"])
        with progress.stage("epochs", epochs) as stage:
            for _ in losses:
                stage.advance("done before the interruption")
            while len(losses) < epochs:
                losses.append(_epoch(network, optimizer, examples, rng, settings.learning_rate, len(losses) + 1))
                state.keep(
                    lambda: {**fit_state(parameters, optimizer, rng), "losses": losses}, last=len(losses) == epochs
                )
                stage.advance(f"loss {losses[-1]:.4f}")
        return Fitted(network, tuple(Epoch(loss, None) for loss in losses), epochs)


def _epoch(
    network: Network,
    optimizer: AdamW,
    examples: Examples,
    rng: np.random.Generator,
    learning_rate: float,
    epoch: int,
) -> float:
    """One pass over the examples in shuffled batches; returns the mean loss.

    Raises:
        ConfigError: The loss or a gradient became infinite or NaN.
    """
    total, targets = 0.0, 0
    for step, (count, batch) in enumerate(examples.epoch(network, rng)):
        with np.errstate(over="ignore", invalid="ignore"):  # the result is NaN, and found here
            loss, gradients = network.gradients(batch)
        check_finite_step(loss, gradients, learning_rate, epoch, step + 1)
        optimizer.step(network.parameters(), gradients)
        total += count * loss
        targets += count
    return total / targets
