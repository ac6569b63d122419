# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Probabilities to obstacles present: a threshold and a hysteresis per label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Decision", "DecisionRule"]


@dataclass(frozen=True)
class DecisionRule:
    """When one label counts as present.

    Attributes:
        threshold: Probability from which an interval speaks for the label.
        enter: Consecutive intervals at or above the threshold after which it is present.
        exit: Consecutive intervals below after which it is absent again.
    """

    threshold: float = 0.5
    enter: int = 1
    exit: int = 1


class Decision:
    """The labels present, interval after interval."""

    def __init__(self, labels: Sequence[str], rules: Sequence[DecisionRule]) -> None:
        self._labels = tuple(labels)
        self.rules = tuple(rules)
        self.reset()

    def reset(self) -> None:
        """Forget the past: no label is present, no count has begun."""
        self._present = [False] * len(self._labels)
        self._against = [0] * len(self._labels)

    def update(self, probabilities: NDArray[np.float32]) -> tuple[str, ...]:
        """Labels present after an interval with these (c,) probabilities, in model order."""
        for index, (p, rule) in enumerate(zip(probabilities.tolist(), self.rules, strict=True)):
            if (p >= rule.threshold) == self._present[index]:
                self._against[index] = 0
                continue
            self._against[index] += 1
            if self._against[index] >= (rule.exit if self._present[index] else rule.enter):
                self._present[index] = not self._present[index]
                self._against[index] = 0
        return tuple(label for label, present in zip(self._labels, self._present, strict=True) if present)
