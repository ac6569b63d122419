# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Convolutions along the beams of each scanner, beside the other columns, into a multilayer perceptron."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ConfigError, ModelError
from obstacle_classifier.features import Layout, ScanColumns
from obstacle_classifier.networks.convolutions import (
    SCANS_SCHEMA,
    SECOND_KERNEL,
    convolutions_of,
    layers_of,
    merged_width,
    other_columns,
    places,
    scans_of,
    share_normaliser,
)
from obstacle_classifier.networks.network import Array, ArrayType, Batch, Float32Array, Floats, Network
from obstacle_classifier.networks.numbers import MAX_PARAMETER, refuse
from obstacle_classifier.networks.standardise import (
    CompiledStandardiser,
    Standardiser,
    check_normaliser,
    fit_normaliser,
)
from obstacle_classifier.nn import CompiledMLP, Linear, ScaledReLU, grad_log_loss_from_logits, log_loss_from_logits
from obstacle_classifier.nn.convolution import Conv1d
from obstacle_classifier.nn.convolution_inference import CompiledConv1d
from obstacle_classifier.nn.initializers import from_data
from obstacle_classifier.nn.sequential import Flatten, Sequential

__all__ = ["CompiledScan", "ScanNetwork"]

CHANNELS, KERNEL = 8, 7
START_ROWS = 2048  # training rows that the first weights of the perceptron are fitted to
LAST_WEIGHTS = 0.3  # factor of the last layer's first weights: the first logits are small, no label is ruled out
MAX_CONVOLUTION = 1e3
"""Of a weight or bias of a convolution. There are four products on the way: with it, none overflows."""


class ScanNetwork(Network):
    """Standardise, convolutions of each scan, and a perceptron on what they give and the other columns.

    A scan goes twice through Conv1d -> ReLU -> MaxPool1d. The second convolution has twice the channels of the first.
    The perceptron is Linear -> ScaledReLU -> Linear. All beams of a scanner have the same mean and deviation: a
    convolution compares neighbours.

    Args:
        scans: The columns of each scanner.
        convolutions: Of each scanner, two layers, float32; not copied.
        linears: The two layers of the perceptron, float32; not copied.
        mean: (d,) training means of the raw columns, 0 for `<sensor>.missing`; copied as float64.
        scale: (d,) training standard deviations, positive, 1 for `<sensor>.missing`; copied as float64.
    """

    kind: ClassVar[str] = "scan"
    options: ClassVar[tuple[str, ...]] = ("channels", "kernel")
    spec_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["columns", "scans", "channels", "kernel", "hidden", "labels", "dtype"],
        "properties": {
            "columns": {"type": "integer", "minimum": 1},
            "scans": SCANS_SCHEMA,
            "channels": {"type": "integer", "minimum": 1, "maximum": 64},
            "kernel": {"type": "integer", "minimum": 1, "maximum": 31},
            "hidden": {"type": "integer", "minimum": 1, "maximum": 4096},
            "labels": {"type": "integer", "minimum": 1},
            "dtype": {"type": "string", "enum": ["float32"]},
        },
    }

    def __init__(
        self,
        scans: Sequence[ScanColumns],
        convolutions: Sequence[tuple[Conv1d, Conv1d]],
        linears: tuple[Linear, Linear],
        mean: Array,
        scale: Array,
    ) -> None:
        self.scans, self.convolutions, self.linears = tuple(scans), tuple(convolutions), linears
        self.mean, self.scale = np.array(mean, np.float64), np.array(scale, np.float64)
        self._standardise = Standardiser(self.mean, self.scale)
        self._others = other_columns(self.scans, len(self.mean))
        self._stages = [Sequential(*layers_of(*pair), Flatten()) for pair in self.convolutions]
        self._jump = ScaledReLU(linears[0].b.size)

    @classmethod
    def create(
        cls,
        X: Floats,
        layout: Layout,
        c: int,
        *,
        hidden: int,
        rng: np.random.Generator,
        channels: int = CHANNELS,
        kernel: int = KERNEL,
    ) -> ScanNetwork:
        """A network whose perceptron starts from the training rows X.

        Args:
            X: (n, d) float64 raw training features, NaN where unknown.
            layout: The d columns, with the beams of at least one scanner.
            c: Number of labels.
            hidden: Units of the perceptron's hidden layer.
            rng: Source of the first weights.
            channels: Of the first convolution.
            kernel: Beams that an entry of the first convolution sees.

        Raises:
            ConfigError: No scanner has beams, or one has too few for the convolutions.
        """
        scans = tuple(layout.scans.values())
        if not scans:
            raise ConfigError("network 'scan': found no LaserScan with `reduce: beams` among the sensors, expected one")
        for name, scan in layout.scans.items():
            if not places(scan.beams, kernel)[1]:
                raise ConfigError(f"network 'scan': found {scan.beams} beams of sensor '{name}', expected more")
        mean, scale = fit_normaliser(X, layout.is_missing)
        for scan in scans:
            share_normaliser(scan, X, mean, scale)
        pairs = [convolutions_of(scan, channels, kernel, rng) for scan in scans]
        first = Linear(merged_width(scans, channels, kernel, len(mean)), hidden, rng, np.float32)
        last = Linear(hidden, c, rng, np.float32)
        last.W *= LAST_WEIGHTS
        network = cls(scans, pairs, (first, last), mean, scale)
        rows = network.inputs(X[rng.permutation(len(X))[:START_ROWS]])
        from_data(first.W, first.b, network._merged(rows))
        return network

    @classmethod
    def array_types(cls, spec: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        """Types of mean and scale, of the convolutions of scanner i (`W_scan<i>_0`, ...), and of W0, b0, W1 and b1."""
        if (spec["columns"], spec["labels"]) != (d, c):
            found = f"{spec['columns']} columns and {spec['labels']} labels"
            raise ModelError(f"network of {found}: expected {d} columns and {c} labels")
        scans = scans_of(spec)
        channels, kernel, h = spec["channels"], spec["kernel"], spec["hidden"]
        end = 0
        for scan in scans:
            if scan.first < end or scan.first + scan.beams * scan.statistics > d or not places(scan.beams, kernel)[1]:
                raise ModelError(f"network: found scan {scan._asdict()}, expected columns after {end} and within {d}")
            end = scan.first + scan.beams * scan.statistics
        types: dict[str, ArrayType] = {"mean": ("<f8", (d,)), "scale": ("<f8", (d,))}
        for index, scan in enumerate(scans):
            types[f"W_scan{index}_0"] = ("<f4", (channels, scan.statistics, kernel))
            types[f"b_scan{index}_0"] = ("<f4", (channels,))
            types[f"W_scan{index}_1"] = ("<f4", (2 * channels, channels, SECOND_KERNEL))
            types[f"b_scan{index}_1"] = ("<f4", (2 * channels,))
        types.update(W0=("<f4", (merged_width(scans, channels, kernel, d), h)), b0=("<f4", (h,)))
        types.update(W1=("<f4", (h, c)), b1=("<f4", (c,)))
        return types

    @classmethod
    def restore(cls, spec: Mapping[str, Any], arrays: Mapping[str, Array]) -> ScanNetwork:
        """The network of a model file."""
        own = {name: np.array(array, np.float32) for name, array in arrays.items() if name not in ("mean", "scale")}
        channels, kernel, pairs = spec["channels"], spec["kernel"], []
        scans = scans_of(spec)
        for index, scan in enumerate(scans):
            pair = convolutions_of(scan, channels, kernel, 0)
            for layer, convolution in enumerate(pair):
                convolution.W, convolution.b = own[f"W_scan{index}_{layer}"], own[f"b_scan{index}_{layer}"]
            pairs.append(pair)
        linears = Linear.of(own["W0"], own["b0"]), Linear.of(own["W1"], own["b1"])
        return cls(scans, pairs, linears, arrays["mean"], arrays["scale"])

    def spec(self) -> dict[str, Any]:
        """Sizes, the columns of the scans and `dtype`."""
        channels, _, kernel = self.convolutions[0][0].W.shape
        return {
            "columns": len(self.mean),
            "scans": [scan._asdict() for scan in self.scans],
            "channels": channels,
            "kernel": kernel,
            "hidden": self.linears[0].b.size,
            "labels": self.linears[1].b.size,
            "dtype": "float32",
        }

    def arrays(self) -> dict[str, Array]:
        """The parameters, mean and scale."""
        return {**self.parameters(), "mean": self.mean, "scale": self.scale}

    def parameters(self) -> dict[str, Array]:
        """W0 (e, h), b0, W1 (h, c) and b1 of the perceptron, and those of the convolutions of each scanner."""
        named: dict[str, Array] = {}
        for layer, linear in enumerate(self.linears):
            named[f"W{layer}"], named[f"b{layer}"] = linear.parameters
        for index, pair in enumerate(self.convolutions):
            for layer, convolution in enumerate(pair):
                named[f"W_scan{index}_{layer}"], named[f"b_scan{index}_{layer}"] = convolution.parameters
        return named

    def summary(self) -> str:
        """Widths and number of parameters."""
        beams = " + ".join(str(scan.beams) for scan in self.scans)
        e, h = self.linears[0].W.shape
        return (
            f"{beams} beams of {len(self.mean)} columns -> {e} -> {h} -> {self.linears[1].b.size}, {super().summary()}"
        )

    def check(self, layout: Layout) -> None:
        """Refuse numbers that are not finite or too large, and scans that are not those of the sensors file."""
        for name, array in self.parameters().items():
            most = MAX_CONVOLUTION if "scan" in name else MAX_PARAMETER
            refuse(name, array, ~(np.abs(array) <= most), f"numbers of at most {most:g}")
        check_normaliser(self.mean, self.scale, layout)
        if self.scans != tuple(layout.scans.values()):
            expected = [scan._asdict() for scan in layout.scans.values()]
            raise ModelError(f"scans: found {[scan._asdict() for scan in self.scans]}, expected {expected}")

    def inputs(self, X: Floats) -> Float32Array:
        """Standardised rows, 0 where unknown."""
        return self._standardise(X)

    def logits(self, inputs: Float32Array) -> Float32Array:
        """Logits (n, c) of standardised rows (n, d)."""
        first, last = self.linears
        logits: Float32Array = last.apply(self._jump.apply(first.apply(self._merged(inputs))))
        return logits

    def gradients(self, batch: Batch) -> tuple[float, dict[str, Array]]:
        """The exact loss and its gradients, from (P - Y)/n at the logits."""
        first, last = self.linears
        parts = [
            stage.forward(self._beams(batch.inputs, scan)) for stage, scan in zip(self._stages, self.scans, strict=True)
        ]
        merged = np.concatenate([*parts, batch.inputs[:, self._others]], axis=1)
        Z = last.forward(self._jump.forward(first.forward(merged)))
        G, dW1, db1 = last.backward(grad_log_loss_from_logits(batch.targets, Z))
        (G,) = self._jump.backward(G)
        G, dW0, db0 = first.backward(G)
        named = {"W0": dW0, "b0": db0, "W1": dW1, "b1": db1}
        ends = np.cumsum([part.shape[1] for part in parts])
        for index, (stage, own) in enumerate(zip(self._stages, np.split(G, ends, axis=1)[:-1], strict=True)):
            _, *gradients = stage.backward(own)
            named.update(
                zip((f"{name}_scan{index}_{layer}" for layer in (0, 1) for name in "Wb"), gradients, strict=True)
            )
        return log_loss_from_logits(batch.targets, Z), named

    def compile(self) -> CompiledScan:
        """A copy of the network that takes one feature vector per call."""
        return CompiledScan(self)

    @staticmethod
    def _beams(inputs: Float32Array, scan: ScanColumns) -> Float32Array:
        """The beams of a scanner, (n, s, b)."""
        first, beams, statistics = scan
        return inputs[:, first : first + beams * statistics].reshape(-1, beams, statistics).swapaxes(1, 2)

    def _merged(self, inputs: Float32Array) -> Float32Array:
        """The inputs (n, e) of the perceptron: the features of each scan, then the other columns."""
        parts = [stage.apply(self._beams(inputs, scan)) for stage, scan in zip(self._stages, self.scans, strict=True)]
        return np.concatenate([*parts, inputs[:, self._others]], axis=1)


class CompiledScan:
    """Standardiser, convolutions and `CompiledMLP`. A call allocates only views."""

    def __init__(self, network: ScanNetwork) -> None:
        d = len(network.mean)
        self._inputs = np.empty(d, np.float32)
        self._standardise = CompiledStandardiser(network.mean.copy(), network.scale.copy(), self._inputs)
        self._mlp = CompiledMLP([(linear.W, linear.b) for linear in network.linears])
        self._merged = self._mlp.inputs
        self._others, start = other_columns(network.scans, d), 0
        self._scans: list[tuple[CompiledConv1d, Float32Array, Float32Array]] = []
        for (first, beams, statistics), pair in zip(network.scans, network.convolutions, strict=True):
            convolution = CompiledConv1d(layers_of(*pair), (statistics, beams))
            x = self._inputs[first : first + beams * statistics].reshape(beams, statistics).T
            shape = convolution.apply(np.zeros((statistics, beams), np.float32)).shape
            size = shape[0] * shape[1]
            self._scans.append((convolution, x, self._merged[start : start + size].reshape(shape)))
            start += size
        self._rest = self._merged[start:]

    def logits(self, x: Floats) -> NDArray[np.float32]:
        """Logits (c,) of raw features x (d,), in a buffer that the next call overwrites."""
        self._standardise(x)
        for convolution, beams, out in self._scans:
            np.copyto(out, convolution.apply(beams))
        np.take(self._inputs, self._others, out=self._rest, mode="clip")  # "raise" would buffer
        return self._mlp.run()

    def spread(self) -> None:
        """None, because there is one member."""

    def reset(self) -> None:
        """Do nothing, because the network has no memory."""

    def margin(self) -> float:
        """Smallest distance of a hidden unit to ScaledReLU's jump, |z - 1|, at the last call."""
        return self._mlp.nearest_jump()
