# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Learning rates as functions of the step; the first step is step 0.

A schedule keeps no state: the rate of a step depends on the step alone, so training resumes in the middle of one. They
are the closed forms of PyTorch's `torch.optim.lr_scheduler`, whose names stand with each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Constant", "Cosine", "Exponential", "Schedule", "StepDecay", "WarmUp"]

Schedule = Callable[[int], float]
"""Learning rate of each step, counted from 0."""


@dataclass(frozen=True)
class Constant:
    """`rate` at every step."""

    rate: float

    def __call__(self, step: int) -> float:
        """The rate of a step."""
        del step
        return float(self.rate)  # a NumPy scalar would widen float32


@dataclass(frozen=True)
class Exponential:
    """`rate * factor ** step` (ExponentialLR)."""

    rate: float
    factor: float

    def __call__(self, step: int) -> float:
        """The rate of a step."""
        return float(self.rate) * float(self.factor) ** step


@dataclass(frozen=True)
class StepDecay:
    """`rate`, multiplied by `factor` after every `every` steps (StepLR)."""

    rate: float
    every: int
    factor: float = 0.1

    def __call__(self, step: int) -> float:
        """The rate of a step."""
        return float(self.rate) * float(self.factor) ** (step // self.every)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from `rate` at step 0 down to `lowest` at step `steps`, and `lowest` from there on.

    CosineAnnealingLR; Loshchilov and Hutter, "SGDR", 2017, eq. 5.
    """

    rate: float
    steps: int
    lowest: float = 0.0

    def __call__(self, step: int) -> float:
        """The rate of a step."""
        share = min(step / self.steps, 1.0)
        return float(self.lowest) + (float(self.rate) - float(self.lowest)) * (1 + math.cos(math.pi * share)) / 2


@dataclass(frozen=True)
class WarmUp:
    """Another schedule times a factor that rises evenly from `start` at step 0 to 1 at step `steps`.

    LinearLR; Goyal et al., "Accurate, large minibatch SGD", 2017, section 2.2.
    """

    schedule: Schedule
    steps: int
    start: float = 1 / 3

    def __call__(self, step: int) -> float:
        """The rate of a step."""
        share = min(step / self.steps, 1.0)
        return self.schedule(step) * (float(self.start) + (1 - float(self.start)) * share)
