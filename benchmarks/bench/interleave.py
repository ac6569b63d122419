# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Times of several functions that take turns, so that other work on the machine affects all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import repeat

import numpy as np

__all__ = ["medians"]

Call = Callable[[], object]


def medians(calls: Mapping[str, Call], *, seconds: float = 6.0, run: float = 3e-3) -> dict[str, float]:
    """Seconds a call of each function: the median over runs that take turns.

    Args:
        calls: The functions by name.
        seconds: Time for the whole measurement.
        run: Time of one run, in which a function is called again and again. Short runs are seldom interrupted.
    """
    counts = {name: max(1, round(run / _once(call, run))) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[next(iter(times))]) < 5:
        for name, call in calls.items():
            _run(call, max(1, counts[name] // 4))  # fills the caches with the data of this function
            times[name].append(_run(call, counts[name]) / counts[name])
    return {name: float(np.median(own)) for name, own in times.items()}


def _once(call: Call, least: float) -> float:
    """Rough seconds a call, after a warm-up."""
    count = 1
    while (taken := _run(call, count)) < least and count < 1_000_000:
        count *= 2
    return taken / count


def _run(call: Call, count: int) -> float:
    start = time.perf_counter()
    for _ in repeat(None, count):
        call()
    return time.perf_counter() - start
