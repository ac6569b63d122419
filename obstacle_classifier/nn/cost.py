# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The cost of the network: floating-point operations of its matrix products, and measured times.

A product of (n, i) and (i, o) takes n * i * o multiplications and as many additions: 2nio. The count leaves out biases,
activations and the update. They grow as n(i + o) or io, not as nio.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from obstacle_classifier.nn.losses import get_grad_log_loss
from obstacle_classifier.nn.mlp import MLP

__all__ = ["Cost", "ProductCost", "Timing", "cost", "describe_cost", "measure_time"]


@dataclass(frozen=True)
class ProductCost:
    """The products of one Linear i -> o for n examples, in floating-point operations."""

    n: int
    i: int
    o: int

    @property
    def forward(self) -> int:
        """Operations of O = X W. dX = G W^T and dW = X^T G take the same number each."""
        return 2 * self.n * self.i * self.o

    @property
    def training(self) -> int:
        """Operations of the forward pass, dX and dW."""
        return 3 * self.forward


@dataclass(frozen=True)
class Cost:
    """The products of a whole network d -> h -> h -> c for n examples, in floating-point operations."""

    layers: tuple[ProductCost, ...]

    @property
    def forward(self) -> int:
        """Operations of inference: 2n h (d + h + c)."""
        return sum(layer.forward for layer in self.layers)

    @property
    def training(self) -> int:
        """Operations of the forward and the complete backward pass: 6n h (d + h + c)."""
        return sum(layer.training for layer in self.layers)

    @property
    def training_without_first_dx(self) -> int:
        """Operations of training without the first layer's dX: 2ndh less than `training`."""
        return self.training - self.layers[0].forward

    @property
    def ratio(self) -> Fraction:
        """Training divided by inference: 3."""
        return Fraction(self.training, self.forward)

    @property
    def ratio_without_first_dx(self) -> Fraction:
        """Training without the first dX divided by inference: 3 - d/(d + h + c)."""
        return Fraction(self.training_without_first_dx, self.forward)


@dataclass(frozen=True)
class Timing:
    """Shortest measured times, in seconds, for a batch of n examples."""

    n: int
    forward: float
    training: float
    training_without_first_dx: float

    @property
    def ratio(self) -> float:
        """Training divided by inference."""
        return self.training / self.forward

    @property
    def ratio_without_first_dx(self) -> float:
        """Training without the first dX divided by inference."""
        return self.training_without_first_dx / self.forward


def cost(d: int, h: int, c: int, n: int = 1) -> Cost:
    """The cost of `MLP(d, h, c)` for n examples.

    Raises:
        ValueError: d, h, c or n is not positive.
    """
    if min(d, h, c, n) < 1:
        raise ValueError(f"d, h, c and n are positive, got {d}, {h}, {c} and {n}")
    return Cost((ProductCost(n, d, h), ProductCost(n, h, h), ProductCost(n, h, c)))


def measure_time(d: int, h: int, c: int, n: int = 1000, repeats: int = 30) -> Timing:
    """Times of inference and of training, with and without the first dX, in float32 on random data.

    Training here means the gradients, without the update. The three functions take turns, and the shortest time of each
    counts: other work on the machine only makes times longer.
    """
    rng = np.random.default_rng(0)
    mlp = MLP(d, h, c, rng, np.float32)
    X = rng.normal(size=(n, d)).astype(np.float32)
    Y = (rng.random((n, c)) < 0.5).astype(np.float32)

    def composed() -> None:
        grad = get_grad_log_loss(Y, mlp.forward(X))
        for layer in mlp.layers[::-1]:
            grad, *_ = layer.backward(grad)

    calls: list[Callable[[], object]] = [lambda: mlp.logits(X), composed, lambda: mlp.loss_and_gradients(X, Y)]
    times = np.array([[_seconds(call) for call in calls] for _ in range(repeats + 1)])[1:]  # the first warms up
    forward, training, without_first_dx = (float(best) for best in times.min(axis=0))
    return Timing(n, forward, training, without_first_dx)


def describe_cost(d: int, h: int, c: int, n: int = 1, timing: Timing | None = None) -> str:
    """The derivation of the cost of `MLP(d, h, c)` for n examples, as text; with `timing`, also the measured ratios."""
    total = cost(d, h, c, n)
    rows = [
        (f"Linear({layer.i}, {layer.o})", layer.forward, layer.forward, layer.forward, layer.training)
        for layer in total.layers
    ]
    rows.append(("total", total.forward, total.forward, total.forward, total.training))
    lines = [
        f"Matrix products of MLP({d}, {h}, {c}) for n = {n}, in floating-point operations.",
        "X W of shapes (n, i) and (i, o) takes nio multiplications and nio additions: 2nio.",
        "",
        f"{'':<20}" + "".join(f"{head:>16}" for head in ("forward", "dX = G W^T", "dW = X^T G", "training")),
        *(f"{name:<20}" + "".join(f"{count:>16,}" for count in counts) for name, *counts in rows),
        "",
        "Inference is the forward pass, 2nio a layer; training adds dX and dW, 2nio each, so 6nio:",
        f"    ratio = {total.training:,} / {total.forward:,} = {total.ratio}, whatever n and the shape",
        f"The first layer needs no dX, which saves 2ndh = {total.layers[0].forward:,}:",
        f"    ratio = {total.training_without_first_dx:,} / {total.forward:,}"
        f" = 3 - d/(d + h + c) = 3 - {d}/{d + h + c} = {float(total.ratio_without_first_dx):.4f}",
    ]
    if timing is not None:
        lines += [
            "",
            f"Measured on this machine, float32, n = {timing.n}, best of the repeats:",
            f"    inference {1e3 * timing.forward:.3f} ms, training {1e3 * timing.training:.3f} ms:"
            f" ratio {timing.ratio:.2f}",
            f"    without the first dX {1e3 * timing.training_without_first_dx:.3f} ms:"
            f" ratio {timing.ratio_without_first_dx:.2f}",
            "Activations, losses and memory traffic, which the count leaves out, make the difference.",
        ]
    return "\n".join(lines)


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
