# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The ensemble on the last M feature vectors of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from obstacle_classifier.errors import ModelError
from obstacle_classifier.features import Layout
from obstacle_classifier.networks.ensemble import (
    BINS,
    MEMBERS,
    START_ROWS,
    CompiledEnsemble,
    EnsembleNetwork,
    fit_encoding,
)
from obstacle_classifier.networks.network import ArrayType, Float32Array, Floats, Memory
from obstacle_classifier.nn.encoding import Encoding
from obstacle_classifier.nn.stacked_mlp import StackedMLP

__all__ = ["MAX_WINDOW", "CompiledWindow", "WindowNetwork"]

MAX_WINDOW = 64
WINDOW = 4


class WindowNetwork(EnsembleNetwork):
    """Encode each vector, put the last M side by side, newest first, and go on as the ensemble does.

    Vectors from before the run are unknown: their entries are 0, the training mean.

    Args:
        encoding: Of the raw columns of one vector, e entries.
        stack: The members, float32, M e wide.
        columns: Number of columns.

    Raises:
        ModelError: The members are not as wide as 1 to 64 encoded vectors.
    """

    kind: ClassVar[str] = "window"
    memory: ClassVar[Memory] = Memory.INPUTS
    options: ClassVar[tuple[str, ...]] = ("window",)
    spec_schema: ClassVar[Mapping[str, Any]] = {
        **EnsembleNetwork.spec_schema,
        "required": [*EnsembleNetwork.spec_schema["required"], "window"],
        "properties": {
            **EnsembleNetwork.spec_schema["properties"],
            "window": {"type": "integer", "minimum": 1, "maximum": MAX_WINDOW},
        },
    }

    @classmethod
    def create(
        cls,
        X: Floats,
        layout: Layout,
        c: int,
        *,
        hidden: int,
        rng: np.random.Generator,
        members: int = MEMBERS,
        bins: int = BINS,
        window: int = WINDOW,
    ) -> WindowNetwork:
        """As the ensemble's. X counts as one run, which matters to the first weights only.

        Args:
            X: (n, d) float64 raw training features, NaN where unknown.
            layout: The d columns.
            c: Number of labels.
            hidden: Units of a hidden layer of a member.
            rng: Source of the first weights.
            members: Number of members, k.
            bins: Bins of a column at most; fewer where the M vectors would have more than 1200 entries.
            window: Number of vectors, M.
        """
        encoding = fit_encoding(X, layout, bins, window)
        stack = StackedMLP(members, window * len(encoding), hidden, c, rng, np.float32)
        network = cls(encoding, stack, len(layout.columns))
        stack.start_from_data(network.inputs(X)[rng.permutation(len(X))[:START_ROWS]])
        return network

    @classmethod
    def array_types(cls, spec: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        """As the ensemble's, with a first Linear of M e inputs."""
        types = super().array_types(spec, d, c)
        return {**types, "W0": ("<f4", (spec["members"], spec["window"] * spec["entries"], spec["hidden"]))}

    @property
    def window(self) -> int:
        """Number of vectors, M."""
        return int(self.stack.shape[1] // len(self.encoding))

    def _check_width(self) -> None:
        inputs, e = self.stack.shape[1], len(self.encoding)
        if inputs % e or not 1 <= inputs // e <= MAX_WINDOW:
            raise ModelError(f"network: found {inputs} inputs, expected 1 to {MAX_WINDOW} times the {e} entries")

    def spec(self) -> dict[str, Any]:
        """As the ensemble's, with `window`; `entries` are those of one vector."""
        return {**super().spec(), "entries": len(self.encoding), "window": self.window}

    def entries_of(self, columns: slice) -> tuple[slice, ...]:
        """The entries of each of the M vectors that read columns start to stop."""
        (own,) = super().entries_of(columns)
        e = len(self.encoding)
        return tuple(slice(own.start + index * e, own.stop + index * e) for index in range(self.window))

    def inputs(self, X: Floats) -> Float32Array:
        """Encoded rows (n, M e) of the n vectors of a run, each beside the M - 1 before it."""
        one = self.encoding(X)
        n, e = one.shape
        inputs = np.zeros((n, self.window, e), np.float32)
        for age in range(min(self.window, n)):
            inputs[age:, age] = one[: n - age]
        return inputs.reshape(n, -1)

    def compile(self) -> CompiledWindow:
        """The network for one feature vector a call."""
        return CompiledWindow(self.encoding, self.stack)


class CompiledWindow(CompiledEnsemble):
    """Encode the vector beside the earlier ones, members, mean, without allocation."""

    def __init__(self, encoding: Encoding, stack: StackedMLP) -> None:
        super().__init__(encoding, stack)
        inputs, e = self._members.inputs, len(encoding)
        self._earlier, self._shifted = inputs[:-e], inputs[e:]
        self._copy = np.empty_like(self._earlier)  # copying from the one to the other directly would allocate

    def logits(self, x: Floats) -> Floats:
        """Logits (c,) float64 of the next raw features x (d,) of a run, in a buffer that the next call overwrites."""
        np.copyto(self._copy, self._earlier)
        np.copyto(self._shifted, self._copy)
        return super().logits(x)

    def reset(self) -> None:
        """Forget the earlier vectors: they become unknown."""
        self._members.inputs[:] = 0
