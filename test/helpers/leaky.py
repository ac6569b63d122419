# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A network kind of one file: logistic regression on a leaky mean of the feature vectors. It has memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ModelError
from obstacle_classifier.features import Layout
from obstacle_classifier.networks import (
    Array,
    ArrayType,
    Batch,
    Memory,
    Network,
    fit_normaliser,
    standardise,
)
from obstacle_classifier.nn import grad_log_loss_from_logits, log_loss_from_logits

KEPT = 0.5  # share of the mean that an interval leaves to the earlier ones


class LeakyNetwork(Network):
    """The mean over the intervals of a run, in which each counts half as much as the next."""

    kind: ClassVar[str] = "leaky"
    memory: ClassVar[Memory] = Memory.INPUTS
    spec_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["kept"],
        "properties": {"kept": {"type": "number", "minimum": 0, "maximum": 1}},
    }

    def __init__(self, W: Array, mean: Array, scale: Array) -> None:
        self.W, self.mean, self.scale = (np.array(array) for array in (W, mean, scale))

    @classmethod
    def create(
        cls, X: NDArray[np.float64], layout: Layout, c: int, *, hidden: int, rng: np.random.Generator
    ) -> LeakyNetwork:
        del hidden
        mean, scale = fit_normaliser(X, layout.is_missing)
        return cls(rng.normal(0.0, 0.1, (len(mean), c)).astype(np.float32), mean, scale)

    def spec(self) -> dict[str, Any]:
        return {"kept": KEPT}

    def arrays(self) -> dict[str, Array]:
        return {"W": self.W, "mean": self.mean, "scale": self.scale}

    @classmethod
    def array_types(cls, spec: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        return {"W": ("<f4", (d, c)), "mean": ("<f8", (d,)), "scale": ("<f8", (d,))}

    @classmethod
    def restore(cls, spec: Mapping[str, Any], arrays: Mapping[str, Array]) -> LeakyNetwork:
        return cls(arrays["W"], arrays["mean"], arrays["scale"])

    def check(self, layout: Layout) -> None:
        if not all(np.isfinite(array).all() for array in self.arrays().values()):
            raise ModelError("leaky: found a number that is not finite")

    def inputs(self, X: NDArray[np.float64]) -> NDArray[np.float32]:
        inputs = standardise(X, self.mean, self.scale)
        for row in range(1, len(inputs)):
            inputs[row] = follow(inputs[row - 1], inputs[row])
        return inputs

    def logits(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = inputs @ self.W
        return logits

    def parameters(self) -> dict[str, Array]:
        return {"W": self.W}

    def gradients(self, batch: Batch) -> tuple[float, dict[str, Array]]:
        Z = self.logits(batch.inputs)
        G = grad_log_loss_from_logits(batch.targets, Z)
        return log_loss_from_logits(batch.targets, Z), {"W": batch.inputs.T @ G}

    def compile(self) -> CompiledLeaky:
        return CompiledLeaky(self)


def follow(state: NDArray[np.float32], inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean after one more interval."""
    share = np.float32(KEPT)
    return share * state + (1 - share) * inputs


class CompiledLeaky:
    def __init__(self, network: LeakyNetwork) -> None:
        self._network = network
        self._state: NDArray[np.float32] | None = None

    def logits(self, x: NDArray[np.float64]) -> Array:
        inputs = standardise(x, self._network.mean, self._network.scale)
        self._state = inputs if self._state is None else follow(self._state, inputs)
        return self._network.logits(self._state)

    def spread(self) -> NDArray[np.float32]:
        return np.zeros(self._network.W.shape[1], np.float32)

    def reset(self) -> None:
        self._state = None

    def margin(self) -> float:
        return float("inf")
