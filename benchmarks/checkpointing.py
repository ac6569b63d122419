# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Memory and time of activation checkpointing, measured and counted.

    python -m benchmarks.checkpointing [DEPTH]

The first network has equal layers, each a Linear and a ScaledReLU. It keeps all activations, or every k-th. The second
is the three-layer network d -> h -> h -> c. Its ratio of training to inference has a closed form.
"""

from __future__ import annotations

import math
import sys
import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from obstacle_classifier.nn import Layer, Linear, ScaledReLU
from obstacle_classifier.nn.arrays import Array
from obstacle_classifier.nn.checkpointing import Checkpointed
from obstacle_classifier.nn.sequential import Sequential

N, WIDTH, REPEATS = 2000, 256, 7
D, H, C = 64, 128, 10


def blocks(widths: list[int]) -> list[Layer]:
    """Linear and ScaledReLU from width to width, in float32, without the ScaledReLU after the last Linear."""
    layers: list[Layer] = []
    for i, (d, h) in enumerate(pairwise(widths)):
        layers += [Linear(d, h, rng=i, dtype=np.float32), ScaledReLU(h)]
    return layers[:-1]


def operations(layers: tuple[Layer, ...], every: int) -> tuple[int, int]:
    """Floating-point operations of the products, (inference, training) for one example."""
    products = [2 * layer.W.size if isinstance(layer, Linear) else 0 for layer in layers]
    last = (math.ceil(len(layers) / every) - 1) * every
    return sum(products), 3 * sum(products) + sum(products[:last])


def kept(layers: tuple[Layer, ...], every: int, n: int) -> int:
    """Largest number of bytes in use: the inputs of all segments, and the kept arrays of one segment."""

    def of(part: tuple[Layer, ...]) -> int:
        linears = sum(4 * n * layer.W.shape[0] for layer in part if isinstance(layer, Linear))
        return int(linears) + sum(n * layer.h for layer in part if isinstance(layer, ScaledReLU))

    segments = [layers[start : start + every] for start in range(0, len(layers), every)]
    inputs = sum(4 * n * segment[0].W.shape[0] for segment in segments[1:] if isinstance(segment[0], Linear))
    return int(inputs) + max(map(of, segments))


def measured(network: Sequential, X: Array, G: Array) -> tuple[float, float, int]:
    """Shortest times in s of inference and training, and the peak memory of training in bytes."""

    def train() -> None:
        network.forward(X)
        network.backward(G)

    def seconds(call: Callable[[], object]) -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    train()
    tracemalloc.start()
    train()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    turns = [(seconds(lambda: network.apply(X)), seconds(train)) for _ in range(REPEATS)]
    inference, training = (min(times) for times in zip(*turns, strict=True))
    return inference, training, peak


def report(title: str, widths: list[int], segments: list[int]) -> None:
    """One table with a row for each segment length. The last segment is the whole network."""
    layers = tuple(blocks(widths))
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, widths[0]), np.float32)
    G = rng.standard_normal((N, widths[-1]), np.float32)
    print(title)
    print(f"{'inputs kept':<24}{'MB kept':>9}{'MB peak':>9}{'ms':>8}{'training / inference':>22}{'counted':>9}")
    for every in segments:
        whole = every >= len(layers)
        network = Sequential(*layers) if whole else Checkpointed(*layers, every=every)
        inference, training, peak = measured(network, X, G)
        counted = operations(layers, every)
        name = "all" if whole else f"1 in {every} of {len(layers)} layers"
        print(
            f"{name:<24}{kept(layers, every, N) / 1e6:>9.1f}{peak / 1e6:>9.1f}{1e3 * training:>8.0f}"
            f"{training / inference:>22.2f}{counted[1] / counted[0]:>9.2f}"
        )


def main(depth: int = 24) -> None:
    """Print both tables."""
    segments = [2 * k for k in (1, 2, 4, 6, 12) if k < depth]
    report(f"{depth} layers of {WIDTH}, n = {N}", [WIDTH] * (depth + 1), [2 * depth, *segments])
    print()
    report(f"MLP({D}, {H}, {C}), n = {N}: 4 - c/(d + h + c) = {4 - C / (D + H + C):.3f}", [D, H, H, C], [6, 2])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
