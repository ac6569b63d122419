# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""From probabilities to the labels present, with a threshold and a hysteresis per label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Decision", "DecisionRule"]


@dataclass(frozen=True)
class DecisionRule:
    """The rule that decides when one label is present.

    Attributes:
        threshold: Probability at or above which an interval counts for the label.
        enter: Number of consecutive intervals at or above the threshold after which the label is present.
        exit: Number of consecutive intervals below the threshold after which the label is absent.
    """

    threshold: float = 0.5
    enter: int = 1
    exit: int = 1


class Decision:
    """Applies the rules to one interval after another.

    Args:
        labels: Names of the c labels.
        rules: Rule of each label.
    """

    def __init__(self, labels: Sequence[str], rules: Sequence[DecisionRule]) -> None:
        self._labels = tuple(labels)
        self.rules = tuple(rules)
        self.reset()

    def reset(self) -> None:
        """Forget earlier intervals: no label is present, and all counts are 0."""
        self._present = [False] * len(self._labels)
        self._against = [0] * len(self._labels)

    def update(self, probabilities: NDArray[np.float32]) -> tuple[str, ...]:
        """Labels present after an interval with these (c,) probabilities, in the model's order."""
        for index, (p, rule) in enumerate(zip(probabilities.tolist(), self.rules, strict=True)):
            if (p >= rule.threshold) == self._present[index]:
                self._against[index] = 0
                continue
            self._against[index] += 1
            if self._against[index] >= (rule.exit if self._present[index] else rule.enter):
                self._present[index] = not self._present[index]
                self._against[index] = 0
        return tuple(label for label, present in zip(self._labels, self._present, strict=True) if present)
