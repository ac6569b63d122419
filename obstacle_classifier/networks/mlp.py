# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The multilayer perceptron with ScaledReLU, behind a standardiser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ModelError
from obstacle_classifier.features import Layout
from obstacle_classifier.networks.network import Array, ArrayType, Batch, Float32Array, Floats, Network
from obstacle_classifier.networks.numbers import MAX_PARAMETER, refuse
from obstacle_classifier.networks.standardise import (
    CompiledStandardiser,
    Standardiser,
    check_normaliser,
    fit_normaliser,
)
from obstacle_classifier.nn import MLP, CompiledMLP, Layer, Linear, ScaledReLU, backpropagate

__all__ = ["MLPNetwork"]

Parameters = Sequence[tuple[Array, Array]]


class MLPNetwork(Network):
    """Standardise -> Linear -> ScaledReLU -> ... -> Linear, in float32.

    Args:
        parameters: (W, b) of each Linear, W (i, o) and b (o,); copied as float32.
        mean: (d,) training means of the raw columns, 0 for `<sensor>.missing`; copied as float64.
        scale: (d,) training standard deviations, positive, 1 for `<sensor>.missing`; copied as float64.

    Raises:
        ModelError: The shapes do not chain.
    """

    kind: ClassVar[str] = "mlp"
    spec_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["widths", "activation", "dtype"],
        "properties": {
            "widths": {"type": "array", "minItems": 2, "maxItems": 16, "items": {"type": "integer", "minimum": 1}},
            "activation": {"type": "string", "enum": ["scaled_relu"]},
            "dtype": {"type": "string", "enum": ["float32"]},
        },
    }

    def __init__(self, parameters: Parameters, mean: Array, scale: Array) -> None:
        self.mean, self.scale = np.array(mean, np.float64), np.array(scale, np.float64)
        _check_shapes(parameters, self.mean, self.scale)
        self.linears = tuple(Linear.of(np.array(W, np.float32), np.array(b, np.float32)) for W, b in parameters)
        self._layers: list[Layer] = [self.linears[0]]
        for before, linear in pairwise(self.linears):
            self._layers += [ScaledReLU(before.b.size), linear]
        self._standardise = Standardiser(self.mean, self.scale)

    @classmethod
    def create(cls, X: Floats, layout: Layout, c: int, *, hidden: int, rng: np.random.Generator) -> MLPNetwork:
        """A network with two hidden layers and Kaiming weights, changed by `start_almost_linear`."""
        mean, scale = fit_normaliser(X, layout.is_missing)
        network = cls.of(MLP(len(layout.columns), hidden, c, rng, np.float32), mean, scale)
        network.start_almost_linear()
        return network

    @classmethod
    def of(cls, mlp: MLP, mean: Array, scale: Array) -> MLPNetwork:
        """A network with copies of an MLP's parameters."""
        return cls([(linear.W, linear.b) for linear in mlp.linears], mean, scale)

    @classmethod
    def array_types(cls, spec: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        """Types of W and b of each Linear, of mean and of scale."""
        widths = spec["widths"]
        if (widths[0], widths[-1]) != (d, c):
            raise ModelError(f"network of widths {widths}: expected {d} inputs and {c} outputs")
        types: dict[str, ArrayType] = {"mean": ("<f8", (d,)), "scale": ("<f8", (d,))}
        for index, (i, o) in enumerate(pairwise(widths)):
            types[f"W{index}"], types[f"b{index}"] = ("<f4", (i, o)), ("<f4", (o,))
        return types

    @classmethod
    def restore(cls, spec: Mapping[str, Any], arrays: Mapping[str, Array]) -> MLPNetwork:
        """The network of a model file."""
        count = len(spec["widths"]) - 1
        parameters = [(arrays[f"W{index}"], arrays[f"b{index}"]) for index in range(count)]
        return cls(parameters, arrays["mean"], arrays["scale"])

    def spec(self) -> dict[str, Any]:
        """`widths` [d, h, ..., c], `activation` and `dtype`."""
        widths = [len(self.mean), *(linear.b.size for linear in self.linears)]
        return {"widths": widths, "activation": "scaled_relu", "dtype": "float32"}

    def arrays(self) -> dict[str, Array]:
        """The parameters, mean and scale."""
        return {**self.parameters(), "mean": self.mean, "scale": self.scale}

    def parameters(self) -> dict[str, Array]:
        """W0, b0, W1, b1, ..."""
        named: dict[str, Array] = {}
        for index, linear in enumerate(self.linears):
            named[f"W{index}"], named[f"b{index}"] = linear.W, linear.b
        return named

    def summary(self) -> str:
        """Widths and number of parameters."""
        return f"{' -> '.join(map(str, self.spec()['widths']))}, {super().summary()}"

    def start_almost_linear(self) -> None:
        """Halve all weights and set the hidden biases to 2. Training then starts from a nearly linear network.

        ScaledReLU jumps from 0 to 2 at 1. With the drawn weights and biases of 0, most hidden units are off, and each
        unit jumps somewhere in the range of the data. The network is then a rough function with large logits
        (deviation 5). Gradient descent on a few recordings never smooths it where they have few examples.

        After this change, the first layer's pre-activations have mean 2 and deviation 0.7. Nine in ten are above 1.
        Most units output 2x, and training adds jumps where the examples need them.
        """
        for linear in self.linears:
            linear.W *= 0.5
        for linear in self.linears[:-1]:
            linear.b[:] = 2.0

    def check(self, layout: Layout) -> None:
        """Refuse numbers that are not finite or too large, and a mean or scale that changes a `missing` column."""
        for name, array in self.parameters().items():
            refuse(name, array, ~(np.abs(array) <= MAX_PARAMETER), f"numbers of at most {MAX_PARAMETER:g}")
        check_normaliser(self.mean, self.scale, layout)

    def inputs(self, X: Floats) -> Float32Array:
        """Standardised rows, 0 where unknown."""
        return self._standardise(X)

    def logits(self, inputs: Float32Array) -> Float32Array:
        """Logits (n, c) of standardised rows (n, d)."""
        X: Array = inputs
        for layer in self._layers:
            X = layer.apply(X)
        return X

    def gradients(self, batch: Batch) -> tuple[float, dict[str, Array]]:
        """The exact loss and its gradients, from (P - Y)/n at the logits, which does not vanish in saturation."""
        loss, gradients = backpropagate(self._layers, batch.inputs, batch.targets)
        return loss, dict(zip(self.parameters(), gradients, strict=True))

    def compile(self) -> CompiledMLPNetwork:
        """A copy of the network that takes one feature vector per call."""
        parameters = [(linear.W, linear.b) for linear in self.linears]
        return CompiledMLPNetwork(parameters, self.mean.copy(), self.scale.copy())


class CompiledMLPNetwork:
    """Standardiser and `CompiledMLP`. A call allocates nothing."""

    def __init__(self, parameters: Parameters, mean: Floats, scale: Floats) -> None:
        self._mlp = CompiledMLP(parameters)
        self._standardise = CompiledStandardiser(mean, scale, self._mlp.inputs)

    def logits(self, x: Floats) -> NDArray[np.float32]:
        """Logits (c,) of raw features x (d,), in a buffer that the next call overwrites."""
        self._standardise(x)
        return self._mlp.run()

    def spread(self) -> None:
        """None, because there is one member."""

    def reset(self) -> None:
        """Do nothing, because the network has no memory."""

    def margin(self) -> float:
        """Smallest distance of a hidden unit to ScaledReLU's jump, |z - 1|, at the last call."""
        return self._mlp.nearest_jump()


def _check_shapes(parameters: Parameters, mean: Array, scale: Array) -> None:
    if mean.ndim != 1 or mean.shape != scale.shape:
        raise ModelError(f"mean, scale: found shapes {mean.shape} and {scale.shape}, expected (d,) for both")
    widths = [len(mean), *(np.shape(W)[-1] for W, _ in parameters)]
    shapes = [((i, o), (o,)) for i, o in pairwise(widths)]
    found = [(np.shape(W), np.shape(b)) for W, b in parameters]
    if not found or found != shapes:
        raise ModelError(f"network: found shapes {found}, expected W (i, o) and b (o,) that chain from {len(mean)}")
