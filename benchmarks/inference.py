# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Latency of one forward pass at batch 1: `python -m benchmarks.inference [D H C]`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

from obstacle_classifier.nn import MLP, CompiledMLP

CALLS = 20_000


def percentiles(call: Callable[[], object]) -> str:
    """Median, 99th percentile and worst of many calls, in microseconds."""
    times = np.empty(CALLS)
    for i in range(CALLS):
        start = time.perf_counter_ns()
        call()
        times[i] = time.perf_counter_ns() - start
    p50, p99, worst = np.percentile(times[CALLS // 10 :], [50, 99, 100]) / 1e3
    return f"{p50:10.1f}{p99:10.1f}{worst:10.1f}"


def main(d: int = 64, h: int = 128, c: int = 10) -> None:
    """Print the latency of the network as trained, compiled, and compiled with its distance to the jump."""
    mlp = MLP(d, h, c, rng=0, dtype=np.float32)
    fast = CompiledMLP([(linear.W, linear.b) for linear in mlp.linears])
    x = np.random.default_rng(0).normal(size=d).astype(np.float32)

    def with_nearest_jump() -> None:
        fast.logits(x)
        fast.nearest_jump()

    print(f"MLP({d}, {h}, {c}), float32, NumPy {np.__version__}, microseconds")
    print(f"{'':<28}{'median':>10}{'p99':>10}{'worst':>10}")
    print(f"{'MLP.logits':<28}{percentiles(lambda: mlp.logits(x[None]))}")
    print(f"{'CompiledMLP.logits':<28}{percentiles(lambda: fast.logits(x))}")
    print(f"{'... and nearest_jump':<28}{percentiles(with_nearest_jump)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
