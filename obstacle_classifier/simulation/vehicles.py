# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Vehicles on the road, and vehicles that cross the sidewalk."""

from __future__ import annotations

import math

import numpy as np

from obstacle_classifier.simulation.actors import Actor
from obstacle_classifier.simulation.geometry import clip
from obstacle_classifier.simulation.scene import KERB, Scene
from obstacle_classifier.simulation.surroundings import Neighbour, Surroundings

__all__ = ["Car", "CrossingCar"]

_ROAD_MARGIN = 0.3  # m; room on each side of a vehicle on the road
_MARGIN = 0.25  # m; room on each side of a crossing vehicle, to moving neighbours
_LEAST_MARGIN = 0.08  # m; the same, to neighbours at rest
_RAMP = 0.4  # m; length of a driveway's ramp from the edge of the sidewalk down to the road
_WHEELBASE = 0.6  # relative to the length
_START_DISTANCE = 14.0  # m between the sidewalk and the start of a crossing vehicle


class Car(Actor):
    """A vehicle on the road."""

    label = "vehicle"
    half_width = 0.9
    max_distance = 50.0

    def __init__(
        self, body: str, x: float, y: float, direction: int, pace: float, length: float, rng: np.random.Generator
    ) -> None:
        super().__init__(body, x, y, 0.0 if direction > 0 else math.pi, rng)
        self.half_length = length / 2
        self.direction, self.pace, self.speed = direction, pace, pace

    @property
    def loudness(self) -> float:
        """Sound level at 1 m (dB): engine and tyres."""
        return 66.0 + 1.6 * self.speed

    @property
    def velocity(self) -> tuple[float, float]:
        """Velocity along x and y (m/s)."""
        return self.direction * self.speed, 0.0

    def move(self, step: float, around: Surroundings) -> None:
        """Drive along the road, and brake for neighbours ahead."""
        others = around.near(self.x, 35.0, self.body)
        wanted = min(self.pace, self.safe_speed(self.direction, 0.0, others, _ROAD_MARGIN, 0.5))
        self.speed = max(0.0, self.speed + clip(wanted - self.speed, -6.0 * step, 2.0 * step))
        x = self.x + self.direction * self.speed * step
        if self.fits(x, self.y, self.yaw, others):
            self.x = x
        else:
            self.speed = 0.0

    def show(self, scene: Scene) -> None:
        """Place it on the road."""
        scene.place(self.body, self.x, self.y, -KERB, self.yaw)


class CrossingCar(Actor):
    """A vehicle that crosses the sidewalk at a driveway, out of it or into it."""

    label = "vehicle"
    half_width = 0.9

    def __init__(
        self, body: str, x: float, houses: int, outwards: bool, length: float, edge: float, rng: np.random.Generator
    ) -> None:
        direction = -houses if outwards else houses
        start = -direction * (edge + length / 2 + _START_DISTANCE)
        super().__init__(body, x, start, math.copysign(math.pi / 2, direction), rng)
        self.half_length = length / 2
        self.houses, self.edge = houses, edge
        self.direction = direction
        self.pace = float(rng.uniform(1.2, 2.2))
        self.wait_time = float(rng.uniform(0.5, 4.0))
        # It stops here for a time, measured from the sidewalk's middle along its direction (m).
        self.stop_y = float(rng.uniform(-0.5, edge))
        self.speed = 5.0

    @property
    def loudness(self) -> float:
        """Sound level at 1 m (dB): an engine at low speed."""
        return 66.0 + 3.0 * min(self.speed, 2.2)

    @property
    def velocity(self) -> tuple[float, float]:
        """Velocity along x and y (m/s)."""
        return 0.0, self.direction * self.speed

    def move(self, step: float, around: Surroundings) -> None:
        """Cross the sidewalk with a stop on the way, and give way to neighbours that are near."""
        robot = around.robot
        front = self.y * self.direction + self.half_length
        rear = front - 2 * self.half_length
        others = around.near(self.x, 25.0, self.body)
        # Faster before and after the sidewalk than on it.
        away = max(-around.edge - 1.5 - front, rear - around.edge, 0.0)
        wanted = min(5.0, math.sqrt(self.pace**2 + 3.0 * away))
        for neighbours, margin in ((_moving(others, True), _MARGIN), (_moving(others, False), _LEAST_MARGIN)):
            wanted = min(wanted, self.safe_speed(0.0, self.direction, neighbours, margin, 1.5))
        near = -1.2 < self.x - robot.x < 2.6
        if near and -around.edge - 0.9 < front < robot.y * self.direction - 0.6:
            wanted = 0.0
        elif self.wait_time > 0 and self.y * self.direction >= self.stop_y - 0.2:
            self.wait_time -= step
            wanted = 0.0
        self.speed = max(0.0, self.speed + clip(wanted - self.speed, -3.0 * step, 1.2 * step))
        y = self.y + self.direction * self.speed * step
        if self.fits(self.x, y, self.yaw, others, 0.05):
            self.y = y
        else:
            self.speed = 0.0
        if rear > around.edge + 9.0:
            self.leaving = True

    def show(self, scene: Scene) -> None:
        """Place it on the ground, each axle at its own height."""
        span = _WHEELBASE * self.half_length
        front, back = self._ground(self.y + self.direction * span), self._ground(self.y - self.direction * span)
        scene.place(self.body, self.x, self.y, (front + back) / 2, self.yaw, math.atan2(back - front, 2 * span))

    def _ground(self, y: float) -> float:
        """Height of the ground at y in a driveway (m)."""
        return -KERB * clip((-self.houses * y - self.edge) / _RAMP, 0.0, 1.0)


def _moving(others: list[Neighbour], moving: bool) -> list[Neighbour]:
    """The neighbours that move, or those at rest."""
    return [other for other in others if (abs(other.vx) + abs(other.vy) > 0.05) == moving]
