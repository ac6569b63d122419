# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Vehicles on the road, and those that cross the sidewalk."""

from __future__ import annotations

import math

import numpy as np

from obstacle_classifier.simulation.actors import Actor
from obstacle_classifier.simulation.geometry import clip
from obstacle_classifier.simulation.scene import KERB, Scene
from obstacle_classifier.simulation.surroundings import Neighbour, Surroundings

__all__ = ["Car", "CrossingCar"]

_ROAD_MARGIN = 0.3  # m to each side that a vehicle on the road keeps free
_MARGIN = 0.25  # m to each side that one on the sidewalk keeps free of who moves
_LEAST_MARGIN = 0.08  # m to each side that it keeps free of who waits
_RAMP = 0.4  # m beyond the edge of the sidewalk in which a driveway comes down to the road
_WHEELBASE = 0.6  # of the length
_DEEP = 14.0  # m from the sidewalk that a crossing vehicle starts


class Car(Actor):
    """A vehicle on the road."""

    label = "vehicle"
    half_width = 0.9
    far = 50.0

    def __init__(
        self, body: str, x: float, y: float, direction: int, pace: float, length: float, rng: np.random.Generator
    ) -> None:
        super().__init__(body, x, y, 0.0 if direction > 0 else math.pi, rng)
        self.half_length = length / 2
        self.direction, self.pace, self.speed = direction, pace, pace

    @property
    def loudness(self) -> float:
        """Engine and tyres."""
        return 66.0 + 1.6 * self.speed

    @property
    def velocity(self) -> tuple[float, float]:
        """Along x and y (m/s)."""
        return self.direction * self.speed, 0.0

    def move(self, step: float, around: Surroundings) -> None:
        """Drive on, unless somebody is ahead."""
        others = around.near(self.x, 35.0, self.body)
        wanted = min(self.pace, self.free_way(self.direction, 0.0, others, _ROAD_MARGIN, 0.5))
        self.speed = max(0.0, self.speed + clip(wanted - self.speed, -6.0 * step, 2.0 * step))
        x = self.x + self.direction * self.speed * step
        if self.fits(x, self.y, self.yaw, others):
            self.x = x
        else:
            self.speed = 0.0

    def show(self, scene: Scene) -> None:
        """Stand on the road."""
        scene.place(self.body, self.x, self.y, -KERB, self.yaw)


class CrossingCar(Actor):
    """A vehicle that comes out of a driveway, or turns into one, across the sidewalk."""

    label = "vehicle"
    half_width = 0.9

    def __init__(
        self, body: str, x: float, houses: int, outwards: bool, length: float, edge: float, rng: np.random.Generator
    ) -> None:
        direction = -houses if outwards else houses
        start = -direction * (edge + length / 2 + _DEEP)
        super().__init__(body, x, start, math.copysign(math.pi / 2, direction), rng)
        self.half_length = length / 2
        self.houses, self.edge = houses, edge
        self.direction = direction
        self.pace = float(rng.uniform(1.2, 2.2))
        self.wait = float(rng.uniform(0.5, 4.0))
        # How far beyond the sidewalk's middle it stops.
        self.waits_at = float(rng.uniform(-0.5, edge))
        self.speed = 5.0

    @property
    def loudness(self) -> float:
        """An engine at low speed."""
        return 66.0 + 3.0 * min(self.speed, 2.2)

    @property
    def velocity(self) -> tuple[float, float]:
        """Along x and y (m/s)."""
        return 0.0, self.direction * self.speed

    def move(self, step: float, around: Surroundings) -> None:
        """Cross, with a stop on the way for the traffic; let all pass who are too near."""
        robot = around.robot
        front = self.y * self.direction + self.half_length
        rear = front - 2 * self.half_length
        others = around.near(self.x, 25.0, self.body)
        # It comes quickly, crosses slowly and leaves quickly.
        away = max(-around.edge - 1.5 - front, rear - around.edge, 0.0)
        wanted = min(5.0, math.sqrt(self.pace**2 + 3.0 * away))
        for neighbours, margin in ((_moving(others, True), _MARGIN), (_moving(others, False), _LEAST_MARGIN)):
            wanted = min(wanted, self.free_way(0.0, self.direction, neighbours, margin, 1.5))
        near = -1.2 < self.x - robot.x < 2.6
        if near and -around.edge - 0.9 < front < robot.y * self.direction - 0.6:
            wanted = 0.0
        elif self.wait > 0 and self.y * self.direction >= self.waits_at - 0.2:
            self.wait -= step
            wanted = 0.0
        self.speed = max(0.0, self.speed + clip(wanted - self.speed, -3.0 * step, 1.2 * step))
        y = self.y + self.direction * self.speed * step
        if self.fits(self.x, y, self.yaw, others, 0.05):
            self.y = y
        else:
            self.speed = 0.0
        if rear > around.edge + 9.0:
            self.done = True

    def show(self, scene: Scene) -> None:
        """Stand on driveway and road, each axle on its own height."""
        span = _WHEELBASE * self.half_length
        front, back = self._ground(self.y + self.direction * span), self._ground(self.y - self.direction * span)
        scene.place(self.body, self.x, self.y, (front + back) / 2, self.yaw, math.atan2(back - front, 2 * span))

    def _ground(self, y: float) -> float:
        """Height of the ground across the driveway (m)."""
        return -KERB * clip((-self.houses * y - self.edge) / _RAMP, 0.0, 1.0)


def _moving(others: list[Neighbour], moving: bool) -> list[Neighbour]:
    """Those who move, or those who do not."""
    return [other for other in others if (abs(other.vx) + abs(other.vy) > 0.05) == moving]
