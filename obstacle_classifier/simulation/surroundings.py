# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The obstacles that pedestrians, cyclists, dogs and vehicles steer around."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from obstacle_classifier.simulation.geometry import Footprint
from obstacle_classifier.simulation.robot import Pose

__all__ = ["Neighbour", "Surroundings"]


class Neighbour(NamedTuple):
    """An obstacle to an actor: a static object, another actor or the robot.

    Attributes:
        shape: Its footprint.
        reach_x, reach_y: Half the footprint's extent along x and y (m).
        vx, vy: Velocity (m/s).
        distance: Extra distance (m) that every actor keeps from it.
    """

    shape: Footprint
    reach_x: float
    reach_y: float
    vx: float = 0.0
    vy: float = 0.0
    distance: float = 0.0

    @classmethod
    def of(cls, shape: Footprint, vx: float = 0.0, vy: float = 0.0, distance: float = 0.0) -> Neighbour:
        """A neighbour with this footprint."""
        return cls(shape, *shape.reach, vx, vy, distance)


@dataclass(frozen=True)
class Surroundings:
    """All obstacles near the robot at one instant.

    Attributes:
        robot: The robot's pose.
        edge: Half the width of the sidewalk (m): it extends from y = -edge to y = edge.
        houses: Side of the houses: +1 left, -1 right.
        static: The static objects.
        moving: The actors by body name, and the robot as `robot`.
    """

    robot: Pose
    edge: float
    houses: int
    static: list[Neighbour] = field(default_factory=list)
    moving: dict[str, Neighbour] = field(default_factory=dict)

    def near(self, x: float, distance: float, excluded: str) -> list[Neighbour]:
        """The neighbours within a distance along the street of x, without the one of a body name."""
        others = [other for body, other in self.moving.items() if body != excluded]
        return [other for other in (*self.static, *others) if abs(other.shape.x - x) < distance + other.reach_x]
