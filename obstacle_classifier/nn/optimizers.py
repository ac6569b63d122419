# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Optimizers: what a gradient does to a parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from obstacle_classifier.nn.arrays import Array

__all__ = ["SGD"]


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent, p -= lr * dL/dp, without momentum."""

    lr: float = 0.1

    def step(self, parameters: Sequence[Array], gradients: Sequence[Array]) -> None:
        """Update the parameters in place.

        Raises:
            ValueError: before any update, where the shapes differ.
        """
        if (found := [g.shape for g in gradients]) != (expected := [p.shape for p in parameters]):
            raise ValueError(f"parameters have shapes {expected}, gradients {found}")
        lr = float(self.lr)  # a NumPy scalar would widen float32
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= lr * gradient  # noqa: PLW2901
