# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What those who move on the street heed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from obstacle_classifier.simulation.geometry import Footprint
from obstacle_classifier.simulation.robot import Pose

__all__ = ["Neighbour", "Surroundings"]


class Neighbour(NamedTuple):
    """What an actor heeds: its footprint, half its extent along x and y (m), its velocity (m/s).

    Nobody comes nearer to it than `distance` (m), beside the room that each keeps from all.
    """

    shape: Footprint
    reach_x: float
    reach_y: float
    vx: float = 0.0
    vy: float = 0.0
    distance: float = 0.0

    @classmethod
    def of(cls, shape: Footprint, vx: float = 0.0, vy: float = 0.0, distance: float = 0.0) -> Neighbour:
        """A neighbour of this footprint."""
        return cls(shape, *shape.reach, vx, vy, distance)


@dataclass(frozen=True)
class Surroundings:
    """What an actor heeds.

    Attributes:
        robot: The robot's pose.
        edge: y of the sidewalk's edges is between -edge and edge (m).
        houses: +1 if they stand on the left, else -1.
        standing: What stands on the sidewalk.
        moving: The robot, and by body name all who move, where they are now.
    """

    robot: Pose
    edge: float
    houses: int
    standing: list[Neighbour] = field(default_factory=list)
    moving: dict[str, Neighbour] = field(default_factory=dict)

    def near(self, x: float, distance: float, but: str) -> list[Neighbour]:
        """All within a distance along the street of x, but one."""
        others = [other for body, other in self.moving.items() if body != but]
        return [other for other in (*self.standing, *others) if abs(other.shape.x - x) < distance + other.reach_x]
