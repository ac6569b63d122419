# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""An LSTM over the intervals of a run, behind a standardiser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ModelError
from obstacle_classifier.features import Layout
from obstacle_classifier.networks.network import Array, ArrayType, Batch, Float32Array, Floats, Memory, Network
from obstacle_classifier.networks.numbers import MAX_PARAMETER, refuse
from obstacle_classifier.networks.standardise import (
    CompiledStandardiser,
    Standardiser,
    check_normaliser,
    fit_normaliser,
)
from obstacle_classifier.nn import CompiledMLP, Linear, grad_log_loss_from_logits, log_loss_from_logits
from obstacle_classifier.nn.recurrent import GATES, LSTM
from obstacle_classifier.nn.recurrent_inference import CompiledLSTM

__all__ = ["CompiledLSTMNetwork", "LSTMNetwork"]

MAX_UNITS = 1024
LAST_WEIGHTS = 0.3
"""Factor of the last layer's first weights: the first logits are small, no label is ruled out."""


class LSTMNetwork(Network):
    """Standardise -> LSTM -> Linear, in float32. The state is empty at the start of a run.

    Args:
        lstm: The layer, float32, of d inputs and h units; not copied.
        linear: From its h units to the c labels, float32; not copied.
        mean: (d,) training means of the raw columns, 0 for `<sensor>.missing`; copied as float64.
        scale: (d,) training standard deviations, positive, 1 for `<sensor>.missing`; copied as float64.
    """

    kind: ClassVar[str] = "lstm"
    memory: ClassVar[Memory] = Memory.STATE
    spec_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["columns", "units", "labels", "dtype"],
        "properties": {
            "columns": {"type": "integer", "minimum": 1},
            "units": {"type": "integer", "minimum": 1, "maximum": MAX_UNITS},
            "labels": {"type": "integer", "minimum": 1},
            "dtype": {"type": "string", "enum": ["float32"]},
        },
    }

    def __init__(self, lstm: LSTM, linear: Linear, mean: Array, scale: Array) -> None:
        self.lstm, self.linear = lstm, linear
        self.mean, self.scale = np.array(mean, np.float64), np.array(scale, np.float64)
        self._standardise = Standardiser(self.mean, self.scale)

    @classmethod
    def create(cls, X: Floats, layout: Layout, c: int, *, hidden: int, rng: np.random.Generator) -> LSTMNetwork:
        """A network of `hidden` units (at most 1024) with Xavier's weights, and small ones in the last layer."""
        if hidden > MAX_UNITS:
            raise ModelError(f"an LSTM of {hidden} units: expected at most {MAX_UNITS}")
        mean, scale = fit_normaliser(X, layout.is_missing)
        lstm = LSTM(len(mean), hidden, rng, np.float32)
        linear = Linear(hidden, c, rng, np.float32)
        linear.W *= LAST_WEIGHTS
        return cls(lstm, linear, mean, scale)

    @classmethod
    def array_types(cls, spec: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        """Types of mean and scale, of the LSTM's W, U and b, and of the last layer's W_out and b_out."""
        if (spec["columns"], spec["labels"]) != (d, c):
            found = f"{spec['columns']} columns and {spec['labels']} labels"
            raise ModelError(f"network of {found}: expected {d} columns and {c} labels")
        h = spec["units"]
        types: dict[str, ArrayType] = {"mean": ("<f8", (d,)), "scale": ("<f8", (d,))}
        shapes = {"W": (d, GATES * h), "U": (h, GATES * h), "b": (GATES * h,), "W_out": (h, c), "b_out": (c,)}
        types.update((name, ("<f4", shape)) for name, shape in shapes.items())
        return types

    @classmethod
    def restore(cls, spec: Mapping[str, Any], arrays: Mapping[str, Array]) -> LSTMNetwork:
        """The network of a model file."""
        lstm = LSTM(spec["columns"], spec["units"], 0, np.float32)
        lstm.W, lstm.U, lstm.b = (np.array(arrays[name], np.float32) for name in ("W", "U", "b"))
        linear = Linear.of(np.array(arrays["W_out"], np.float32), np.array(arrays["b_out"], np.float32))
        return cls(lstm, linear, arrays["mean"], arrays["scale"])

    def spec(self) -> dict[str, Any]:
        """Sizes and `dtype`."""
        return {"columns": self.lstm.d, "units": self.lstm.h, "labels": self.linear.b.size, "dtype": "float32"}

    def arrays(self) -> dict[str, Array]:
        """The parameters, mean and scale."""
        return {**self.parameters(), "mean": self.mean, "scale": self.scale}

    def parameters(self) -> dict[str, Array]:
        """W (d, 4h), U (h, 4h) and b (4h,) with columns i, f, o, g; W_out (h, c) and b_out (c,)."""
        lstm, linear = self.lstm, self.linear
        return {"W": lstm.W, "U": lstm.U, "b": lstm.b, "W_out": linear.W, "b_out": linear.b}

    def summary(self) -> str:
        """Widths and number of parameters."""
        return f"{self.lstm.d} -> {self.lstm.h} units -> {self.linear.b.size}, {super().summary()}"

    def check(self, layout: Layout) -> None:
        """Refuse numbers that are not finite or too large, and a mean or scale that changes a `missing` column."""
        for name, array in self.parameters().items():
            refuse(name, array, ~(np.abs(array) <= MAX_PARAMETER), f"numbers of at most {MAX_PARAMETER:g}")
        check_normaliser(self.mean, self.scale, layout)

    def inputs(self, X: Floats) -> Float32Array:
        """Standardised rows, 0 where unknown."""
        return self._standardise(X)

    def logits(self, inputs: Float32Array) -> Float32Array:
        """Logits (n, c) of the n standardised rows of a run."""
        outputs, _ = self.lstm.advance(inputs[None])
        logits: Float32Array = self.linear.apply(outputs[0])
        return logits

    def gradients(self, batch: Batch) -> tuple[float, dict[str, Array]]:
        """The exact mean loss of the targets, and its gradients by back-propagation through the steps of a stretch."""
        n, t, _ = batch.inputs.shape
        outputs = self.lstm.forward(batch.inputs)
        known = ~np.isnan(batch.targets).any(axis=2)
        logits, targets = self.linear.forward(outputs[known]), batch.targets[known]
        G, dW_out, db_out = self.linear.backward(grad_log_loss_from_logits(targets, logits))
        spread = np.zeros((n, t, self.lstm.h), np.float32)
        spread[known] = G
        _, dW, dU, db = self.lstm.backward(spread)
        loss = log_loss_from_logits(targets, logits)
        return loss, {"W": dW, "U": dU, "b": db, "W_out": dW_out, "b_out": db_out}

    def compile(self) -> CompiledLSTMNetwork:
        """A copy of the network that takes one feature vector per call."""
        return CompiledLSTMNetwork(self)


class CompiledLSTMNetwork:
    """Standardiser, `CompiledLSTM` and the last layer. A call allocates nothing."""

    def __init__(self, network: LSTMNetwork) -> None:
        d = network.lstm.d
        self._inputs = np.empty(d, np.float32)
        self._standardise = CompiledStandardiser(network.mean.copy(), network.scale.copy(), self._inputs)
        self._lstm = CompiledLSTM(network.lstm)
        self._last = CompiledMLP([(network.linear.W, network.linear.b)])

    def logits(self, x: Floats) -> NDArray[np.float32]:
        """Logits (c,) of the next raw features x (d,) of a run, in a buffer that the next call overwrites."""
        self._standardise(x)
        return self._last.logits(self._lstm.step(self._inputs))

    def spread(self) -> None:
        """None, because there is one member."""

    def reset(self) -> None:
        """Empty the state."""
        self._lstm.reset()

    def margin(self) -> float:
        """Infinite: the network is continuous."""
        return float("inf")
