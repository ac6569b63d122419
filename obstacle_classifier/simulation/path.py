# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A way along the sidewalk that keeps clear of what stands on it."""

from __future__ import annotations

import math

import numpy as np

from obstacle_classifier.simulation.geometry import Floats
from obstacle_classifier.simulation.things import Thing

__all__ = ["CLEARANCE", "plan_path"]

CLEARANCE = 0.45  # m from the robot's middle to what it passes, at least
_GRID = 0.25  # m


def plan_path(
    rng: np.random.Generator, things: tuple[Thing, ...], reach: tuple[float, float], width: float, weave: float
) -> tuple[Floats, Floats]:
    """Points of the path, x and y (n,), from reach[0] to reach[1]; it weaves up to `weave` m to each side."""
    x = np.arange(reach[0], reach[1] + _GRID, _GRID)
    phases = rng.uniform(0, 2 * math.pi, 2)
    base = weave * (np.sin(2 * math.pi * x / 27 + phases[0]) + 0.5 * np.sin(2 * math.pi * x / 11 + phases[1])) / 1.5
    edge = width / 2 - CLEARANCE
    low, high = np.full(len(x), -edge), np.full(len(x), edge)
    groups: dict[object, list[Thing]] = {}
    for number, thing in enumerate(things):
        if abs(thing.y) - thing.reach[1] < width / 2:
            groups.setdefault(thing.group if thing.group >= 0 else f"kerb {number}", []).append(thing)
    for members in groups.values():
        first = min(thing.x - thing.reach[0] for thing in members) - 1.0
        last = max(thing.x + thing.reach[0] for thing in members) + 1.0
        inside = (x >= first) & (x <= last)
        if inside.any():
            bottom, top = _gap(members, edge, float(base[inside].mean()))
            low[inside] = np.maximum(low[inside], bottom)
            high[inside] = np.minimum(high[inside], top)
    y = np.clip(base, np.minimum(low, high), np.maximum(low, high))
    kernel = np.hanning(11)[1:-1]
    smooth = np.convolve(np.pad(y, len(kernel) // 2, mode="edge"), kernel / kernel.sum(), mode="valid")
    return x, smooth


def _gap(members: list[Thing], edge: float, wanted: float) -> tuple[float, float]:
    """The free stretch across the sidewalk that is nearest to `wanted` and wide enough."""
    blocked = sorted((thing.y - thing.reach[1] - CLEARANCE, thing.y + thing.reach[1] + CLEARANCE) for thing in members)
    gaps, low = [], -edge
    for bottom, top in blocked:
        if bottom > low:
            gaps.append((low, min(bottom, edge)))
        low = max(low, top)
    if low < edge:
        gaps.append((low, edge))
    if not gaps:
        return -edge, edge
    return min(
        gaps, key=lambda gap: max(gap[0] - wanted, wanted - gap[1], 0.0) + (1.0 if gap[1] - gap[0] < 0.05 else 0.0)
    )
