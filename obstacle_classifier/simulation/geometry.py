# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Rectangles on the ground: footprints and the robot's corridor, their distance and overlap."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Footprint", "clip", "corners", "corridor_ahead", "overlaps", "separation"]

Floats = NDArray[np.float64]


class Footprint(NamedTuple):
    """A rectangle: centre (m), direction (rad, counterclockwise from x), half length and half width (m)."""

    x: float
    y: float
    yaw: float
    half_length: float
    half_width: float

    @property
    def reach(self) -> tuple[float, float]:
        """Half the extent along x and along y (m)."""
        c, s = abs(math.cos(self.yaw)), abs(math.sin(self.yaw))
        return c * self.half_length + s * self.half_width, s * self.half_length + c * self.half_width


def corridor_ahead(x: float, y: float, yaw: float, front: float, length: float, width: float) -> Footprint:
    """A rectangle that begins `front` m ahead of a pose and extends in its direction."""
    middle = front + length / 2
    return Footprint(x + middle * math.cos(yaw), y + middle * math.sin(yaw), yaw, length / 2, width / 2)


def separation(one: Footprint, other: Footprint) -> float:
    """A lower bound of the distance (m) between two rectangles; minus the depth of the overlap if they overlap."""
    dx, dy = other.x - one.x, other.y - one.y
    c, s, cos, sin = math.cos(one.yaw), math.sin(one.yaw), math.cos(other.yaw), math.sin(other.yaw)
    turned, across = abs(c * cos + s * sin), abs(c * sin - s * cos)
    a, b, p, q = one.half_length, one.half_width, other.half_length, other.half_width
    return max(
        abs(dx * c + dy * s) - a - p * turned - q * across,
        abs(dy * c - dx * s) - b - p * across - q * turned,
        abs(dx * cos + dy * sin) - p - a * turned - b * across,
        abs(dy * cos - dx * sin) - q - a * across - b * turned,
    )


def overlaps(one: Footprint, others: Floats) -> NDArray[np.bool_]:
    """Which of n rectangles share area with `one`, by the separating axis theorem.

    Args:
        one: A rectangle.
        others: (n, 5) float64: a rectangle per row, with the fields of `Footprint`.

    Returns:
        (n,) bool.
    """
    along, across = others[:, 0] - one.x, others[:, 1] - one.y
    c, s = math.cos(one.yaw), math.sin(one.yaw)
    turn = others[:, 2] - one.yaw
    cos, sin = np.abs(np.cos(turn)), np.abs(np.sin(turn))
    a, b = others[:, 3], others[:, 4]
    separated = np.abs(along * c + across * s) >= one.half_length + a * cos + b * sin
    separated |= np.abs(across * c - along * s) >= one.half_width + a * sin + b * cos
    cs, sn = np.cos(others[:, 2]), np.sin(others[:, 2])
    separated |= np.abs(along * cs + across * sn) >= a + one.half_length * cos + one.half_width * sin
    separated |= np.abs(across * cs - along * sn) >= b + one.half_length * sin + one.half_width * cos
    return ~separated


def corners(rectangle: Footprint) -> Floats:
    """The corners of a rectangle, (4, 2) in m, counterclockwise."""
    x, y, yaw, a, b = rectangle
    c, s = math.cos(yaw), math.sin(yaw)
    signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
    return np.array([(x + i * a * c - j * b * s, y + i * a * s + j * b * c) for i, j in signs])


def clip(value: float, low: float, high: float) -> float:
    """`value` limited to the range from `low` to `high`."""
    return min(max(value, low), high)
