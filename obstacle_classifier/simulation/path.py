# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The robot's path along the sidewalk, and the free space that it needs between the obstacles."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.simulation.geometry import Floats
from obstacle_classifier.simulation.things import Thing

__all__ = ["CLEARANCE", "FreeSpace", "plan_path"]

CLEARANCE = 0.55  # m between the robot's middle and an obstacle; half the robot's diagonal is 0.425
_ALONG, _ACROSS = 0.2, 0.05  # m; cells of the grid
_STEEP = 2  # cells across per cell along: a path has at most a slope of 1/2
_COMFORT = 3  # cells beyond the clearance, where there is room
_SMOOTH = 400  # rounds of smoothing


class FreeSpace:
    """The cells of a sidewalk around y = 0 that the robot's middle may be in.

    Attributes:
        x, y: (n,) and (m,) coordinates of the cells (m), y from edge to edge.
        free: (n, m) whether the cell is at least `CLEARANCE` from every obstacle.
    """

    def __init__(self, start: float, end: float, width: float) -> None:
        cells = int((width - 2 * CLEARANCE) / _ACROSS + 1e-9)
        self.x: Floats = np.arange(start, end + _ALONG, _ALONG, dtype=np.float64)
        self.y: Floats = (np.arange(cells + 1, dtype=np.float64) - cells / 2) * _ACROSS
        self.free = np.ones((len(self.x), cells + 1), np.bool_)
        self._reached = self.free.copy()  # cells that a path from the start can reach, up to column _done
        self._done = 1

    def add(self, things: Sequence[Thing]) -> bool:
        """Add obstacles if a path past them remains; returns whether it does, and changes nothing if not."""
        spans = [self._span(thing) for thing in things]
        first, last = min(span[0] for span in spans), max(span[1] for span in spans)
        if last <= first:
            return True
        begin, end = max(min(first, self._done), 1), max(last, self._done)
        free = self.free[first:last].copy()
        for thing, (low, high) in zip(things, spans, strict=True):
            free[low - first : high - first] &= self._clear(thing, low, high)
        before, self.free[first:last] = self.free[first:last].copy(), free
        reached = self._reached[begin - 1 : end] & (self.free[0] if begin == 1 else True)
        for row, here in enumerate(self.free[begin:end], 1):
            reached[row] = _reachable(reached[row - 1]) & here
            if not reached[row].any():
                self.free[first:last] = before
                return False
        self._reached[begin - 1 : end], self._done = reached, end
        return True

    def _span(self, thing: Thing) -> tuple[int, int]:
        """First and last (exclusive) column that an obstacle may block."""
        reach = thing.reach[0] + CLEARANCE
        columns = np.searchsorted(self.x, (thing.x - reach, thing.x + reach))
        return int(columns[0]), int(columns[1])

    def _clear(self, thing: Thing, low: int, high: int) -> NDArray[np.bool_]:
        """(high - low, m) whether a cell is at least `CLEARANCE` from an obstacle."""
        dx, dy = self.x[low:high, np.newaxis] - thing.x, self.y - thing.y
        c, s = math.cos(thing.yaw), math.sin(thing.yaw)
        along = np.maximum(np.abs(dx * c + dy * s) - thing.length / 2, 0.0)
        across = np.maximum(np.abs(dy * c - dx * s) - thing.width / 2, 0.0)
        clear: NDArray[np.bool_] = np.hypot(along, across) >= CLEARANCE
        return clear


def plan_path(rng: np.random.Generator, space: FreeSpace, weave: float) -> tuple[Floats, Floats]:
    """Points of a path through free space, x and y (n,) in m, that weaves up to `weave` m to each side.

    Smoothing may bring it nearer to obstacles than `CLEARANCE`, by at most one cell across.
    """
    x = space.x
    phases = rng.uniform(0, 2 * math.pi, 2)
    base = weave * (np.sin(2 * math.pi * x / 27 + phases[0]) + 0.5 * np.sin(2 * math.pi * x / 11 + phases[1])) / 1.5
    base = np.clip(base, space.y[0], space.y[-1])
    low, high = _free_bounds(space, _cheapest(space, base))
    # Pull the path straight between the bounds, with some distance to them where there is room, then smooth it.
    spare = np.minimum(_COMFORT * _ACROSS, (high - low) / 2)
    bent = np.zeros(len(x))
    for _ in range(_SMOOTH):
        bent = np.clip(0.99 * _smoothed(bent, 5), low + spare - base, high - spare - base)
    return x, np.clip(base + _smoothed(bent, 11), low - _ACROSS, high + _ACROSS)


def _reachable(reached: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The cells of the next column that are reachable from these cells of a column."""
    result = reached.copy()
    for step in range(1, _STEEP + 1):
        result[step:] |= reached[:-step]
        result[:-step] |= reached[step:]
    return result


def _cheapest(space: FreeSpace, base: Floats) -> NDArray[np.intp]:
    """(n,) rows of the path nearest to `base` with some distance to obstacles, by dynamic programming."""
    free = space.free
    roomy = free.copy()
    for step in range(1, _COMFORT + 1):
        roomy[:, step:] &= free[:, :-step]
        roomy[:, :-step] &= free[:, step:]
    cost = np.where(free, (space.y - base[:, np.newaxis]) ** 2 + 0.5 * ~roomy, math.inf)
    moves = np.arange(-_STEEP, _STEEP + 1)
    bends = 0.1 * np.abs(moves[:, np.newaxis])
    count, rows = free.shape
    came = np.zeros((count, rows), np.int8)
    padded = np.full(rows + 2 * _STEEP, math.inf)
    total = cost[0]
    for column in range(1, count):
        padded[_STEEP:-_STEEP] = total
        options = np.lib.stride_tricks.sliding_window_view(padded, rows) + bends
        best = options.argmin(axis=0)
        came[column] = moves[best]
        total = options[best, np.arange(rows)] + cost[column]
    way = np.empty(count, np.intp)
    way[-1] = total.argmin()
    for column in range(count - 1, 0, -1):
        way[column - 1] = way[column] + came[column, way[column]]
    return way


def _free_bounds(space: FreeSpace, way: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """(n,) lowest and highest free y around the path, for each column."""
    rows = np.arange(len(space.y))
    blocked = ~space.free
    below = np.where(blocked & (rows < way[:, np.newaxis]), rows, -1).max(axis=1) + 1
    above = np.where(blocked & (rows > way[:, np.newaxis]), rows, len(rows)).min(axis=1) - 1
    return space.y[below], space.y[above]


def _smoothed(values: Floats, cells: int) -> Floats:
    """A running mean over `cells` values, with Hann weights."""
    kernel = np.hanning(cells + 2)[1:-1]
    ends = np.full(cells // 2, values[0]), np.full(cells // 2, values[-1])
    return np.convolve(np.concatenate([ends[0], values, ends[1]]), kernel / kernel.sum(), mode="valid")
