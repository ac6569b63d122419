# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Numeric health of a training: values that are not finite, units that never fire, outputs that are always certain."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.networks import Array
from obstacle_classifier.networks.ensemble import EnsembleNetwork

__all__ = ["check_finite_step", "health_warnings"]

DEAD = 0.5
"""Share of dead hidden units in a layer from which training warns."""

SATURATED = 0.5
"""Share of probabilities within 1e-6 of 0 or 1 from which training warns."""

CERTAIN = 13.8  # logit of a probability 1e-6 from 1
ROWS = 2048  # training rows looked at


def check_finite_step(
    loss: float, gradients: Mapping[str, Array], learning_rate: float, epoch: int, batch: int
) -> None:
    """Refuse a step whose loss or gradients are not finite, before it changes the parameters.

    Raises:
        ConfigError: Naming epoch, batch and the first array whose gradient is not finite.
    """
    place = f"learning_rate {learning_rate:g}: found"
    remedy = "expected a smaller learning_rate to keep it finite"
    if not np.isfinite(loss):
        raise ConfigError(f"{place} a loss of {loss} in epoch {epoch}, batch {batch}, {remedy}")
    for name, gradient in gradients.items():
        # One sum finds a NaN or an infinity without an array of flags.
        if not np.isfinite(np.sum(gradient)):
            raise ConfigError(
                f"{place} a gradient of {name} that is not finite in epoch {epoch}, batch {batch}, {remedy}"
            )


def health_warnings(network: EnsembleNetwork, inputs: NDArray[np.float32]) -> list[str]:
    """A line for each sign that a fitted network has gone wrong.

    Args:
        network: The network.
        inputs: (n, e) encoded training rows, n > 0; at most 2048 of them, evenly spaced, are looked at.
    """
    rows = inputs[:: -(-len(inputs) // ROWS)]
    lines = []
    for layer, active in enumerate(network.stack.activity(rows), start=1):
        dead = float((active == 0).mean())
        if dead >= DEAD:
            lines.append(f"hidden layer {layer}: {100 * dead:.0f} % of the units never fire: lower learning_rate")
    certain = float((np.abs(network.member_logits(rows)) > CERTAIN).mean())
    if certain >= SATURATED:
        lines.append(
            f"{100 * certain:.0f} % of the members' probabilities are within 1e-6 of 0 or 1: raise weight_decay, or "
            "lower epochs"
        )
    return lines
