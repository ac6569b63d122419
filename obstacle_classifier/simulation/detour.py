# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Ways out for somebody who got stuck: step by step, in any direction, without turning."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = ["find_detour"]

_CELL = 0.15  # m
_REACH = 20  # cells along the street that are searched to each side


def find_detour(x: float, y: float, direction: int, fits: Callable[[float, float], bool]) -> list[tuple[float, float]]:
    """The shortest way from (x, y) to where it is 3 m along the street, by breadth-first search.

    Args:
        x: m along the street.
        y: m across.
        direction: +1 or -1, along the street; the other one is taken if there is no way in this one.
        fits: Whether (x, y) is free; never far across, or the search has no end.

    Returns:
        Points (m) from the first step to the last; empty if there is no way.
    """
    came: dict[tuple[int, int], tuple[int, int]] = {(0, 0): (0, 0)}
    queue = deque(came)
    back: tuple[int, int] | None = None
    while queue:
        here = queue.popleft()
        if here[0] * direction == _REACH:
            return _trace(x, y, came, here)
        if here[0] * direction == -_REACH:
            back = back or here
            continue
        for step in ((direction, 0), (0, 1), (0, -1), (-direction, 0)):
            there = here[0] + step[0], here[1] + step[1]
            if there not in came and fits(x + there[0] * _CELL, y + there[1] * _CELL):
                came[there] = here
                queue.append(there)
    return [] if back is None else _trace(x, y, came, back)


def _trace(
    x: float, y: float, came: dict[tuple[int, int], tuple[int, int]], cell: tuple[int, int]
) -> list[tuple[float, float]]:
    """The points from the start to a cell."""
    way = []
    while cell != (0, 0):
        way.append((x + cell[0] * _CELL, y + cell[1] * _CELL))
        cell = came[cell]
    return way[::-1]
