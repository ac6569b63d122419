# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A way out for an actor that is stuck: small steps in any direction, without turning."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = ["find_detour"]

_CELL = 0.15  # m
_REACH = 20  # cells; how far the search goes along the street, in each direction


def find_detour(x: float, y: float, direction: int, fits: Callable[[float, float], bool]) -> list[tuple[float, float]]:
    """The shortest way from (x, y) to a place 3 m along the street, by breadth-first search.

    Args:
        x: Position along the street (m).
        y: Position across the street (m).
        direction: +1 or -1: preferred direction along the street. The other direction is used if this one is blocked.
        fits: Whether (x, y) is free. Must be false far across the street, or the search never ends.

    Returns:
        Points (m) of the way, without the start; empty if there is no way.
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
    """The points of the way from the start to a cell, without the start."""
    way = []
    while cell != (0, 0):
        way.append((x + cell[0] * _CELL, y + cell[1] * _CELL))
        cell = came[cell]
    return way[::-1]
