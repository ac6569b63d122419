# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Vehicles on the road, and those that cross the sidewalk."""

from __future__ import annotations

import math

import numpy as np

from obstacle_classifier.simulation.actors import Actor, Surroundings, clip

__all__ = ["Car", "CrossingCar"]


class Car(Actor):
    """A vehicle on the road."""

    label = "vehicle"
    half_width = 0.9

    def __init__(
        self, body: str, x: float, y: float, direction: int, pace: float, length: float, rng: np.random.Generator
    ) -> None:
        super().__init__(body, x, y, 0.0 if direction > 0 else math.pi, rng)
        self.half_length = length / 2
        self.direction, self.speed = direction, pace

    @property
    def loudness(self) -> float:
        """Engine and tyres."""
        return 66.0 + 1.6 * self.speed

    def move(self, step: float, around: Surroundings) -> None:
        """Drive on."""
        self.x += self.direction * self.speed * step


class CrossingCar(Actor):
    """A vehicle that comes out of a driveway, or turns into one, across the sidewalk."""

    label = "vehicle"
    half_width = 0.9

    def __init__(
        self, body: str, x: float, houses: int, outwards: bool, length: float, edge: float, rng: np.random.Generator
    ) -> None:
        direction = -houses if outwards else houses
        start = -direction * (edge + length / 2 + 2.0)
        super().__init__(body, x, start, math.copysign(math.pi / 2, direction), rng)
        self.half_length = length / 2
        self.direction = direction
        self.pace = float(rng.uniform(1.2, 2.2))
        self.wait = float(rng.uniform(0.5, 4.0))
        # How far beyond the sidewalk's middle it stops.
        self.waits_at = float(rng.uniform(-0.5, edge))
        self.speed = 0.0

    @property
    def loudness(self) -> float:
        """An engine at low speed."""
        return 66.0 + 3.0 * self.speed

    def move(self, step: float, around: Surroundings) -> None:
        """Cross, with a stop on the way for the traffic; let a robot pass that is too near."""
        robot = around.robot
        front = self.y * self.direction + self.half_length
        near = -1.2 < self.x - robot.x < 2.6
        wanted = self.pace
        if near and -around.edge - 0.9 < front < 0.2:
            wanted = 0.0
        elif self.wait > 0 and self.y * self.direction >= self.waits_at - 0.2:
            self.wait -= step
            wanted = 0.0
        self.speed += clip(wanted - self.speed, -3.0 * step, 1.2 * step)
        self.y += self.direction * self.speed * step
        if front - 2 * self.half_length > around.edge + 4.0:
            self.done = True
