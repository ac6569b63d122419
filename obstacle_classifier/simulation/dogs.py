# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Dogs."""

from __future__ import annotations

import math

import numpy as np

from obstacle_classifier.simulation.actors import Actor
from obstacle_classifier.simulation.geometry import Footprint, clip
from obstacle_classifier.simulation.passers import Walker
from obstacle_classifier.simulation.surroundings import Neighbour, Surroundings

__all__ = ["Dog"]


class Dog(Actor):
    """A dog: low, erratic, curious about the robot.

    Args:
        front, back: How far it reaches forward and backward from its middle (m).
    """

    label = "dog"
    half_width = 0.15

    def __init__(
        self,
        body: str,
        x: float,
        y: float,
        rng: np.random.Generator,
        owner: Walker | None,
        direction: int,
        front: float = 0.5,
        back: float = 0.35,
    ) -> None:
        super().__init__(body, x, y, 0.0 if direction > 0 else math.pi, rng)
        self.half_length, self.offset = (front + back) / 2, (front - back) / 2
        self.owner, self.direction = owner, direction
        self.vx = self.vy = 0.0
        self.mood, self.target = 0.0, (x, y)
        self.bark = 0.0

    @property
    def loudness(self) -> float:
        """Paws, or a bark."""
        return 84.0 if self.bark > 0 else 44.0

    @property
    def velocity(self) -> tuple[float, float]:
        """Along x and y (m/s)."""
        return self.vx, self.vy

    def covers(self, x: float, y: float, yaw: float) -> Footprint:
        """Its trunk, head and legs."""
        return super().covers(x + self.offset * math.cos(yaw), y + self.offset * math.sin(yaw), yaw)

    def move(self, step: float, around: Surroundings) -> None:
        """Run after whatever it has in mind, which changes every second or so."""
        robot, edge = around.robot, around.edge - 0.2
        self.mood -= step
        if self.mood <= 0:
            self.mood = float(self.rng.exponential(1.2)) + 0.3
            near = math.hypot(robot.x - self.x, robot.y - self.y) < 7
            wander = float(self.rng.normal(0, 1.2)), float(self.rng.uniform(-edge, edge))
            if near and self.rng.random() < 0.3:  # the robot is interesting
                reach = float(self.rng.uniform(1.3, 3.5))
                self.target = robot.x + reach + robot.speed * self.mood, robot.y + float(self.rng.normal(0, 0.5))
            elif self.owner is not None and not self.owner.done:
                self.target = self.owner.x + wander[0], wander[1]
            else:
                self.target = self.x + wander[0] + 1.5 * self.direction, wander[1]
            if near and self.rng.random() < 0.3:
                self.bark = 0.25
        self.bark -= step
        dx, dy = self.target[0] - self.x, clip(self.target[1], -edge, edge) - self.y
        distance = math.hypot(dx, dy) + 1e-9
        pace = min(2.2, 1.5 * distance)
        gain = 4.0 * step
        self.vx += gain * (pace * dx / distance - self.vx) + 0.9 * math.sqrt(step) * float(self.rng.standard_normal())
        self.vy += gain * (pace * dy / distance - self.vy) + 0.9 * math.sqrt(step) * float(self.rng.standard_normal())
        others = around.near(self.x, 3.0, self.body)
        self._shy(step, edge, others, around.moving.get("robot"))
        self._go(step, edge, others)
        self.speed = math.hypot(self.vx, self.vy)

    def _shy(self, step: float, edge: float, others: list[Neighbour], robot: Neighbour | None) -> None:
        """Be driven away from all that is near on the sidewalk, from the robot most."""
        for other in others:
            shape = other.shape
            if abs(shape.y) > edge + 0.2:
                continue
            c, s = math.cos(shape.yaw), math.sin(shape.yaw)
            dx, dy = self.x - shape.x, self.y - shape.y
            along = clip(dx * c + dy * s, -shape.half_length, shape.half_length)
            across = clip(dy * c - dx * s, -shape.half_width, shape.half_width)
            dx, dy = dx - along * c + across * s, dy - along * s - across * c
            distance = math.hypot(dx, dy) + 1e-9
            room = 0.8 if other is robot else 0.6
            if distance < room:
                push = (120.0 if other is robot else 60.0) * step * (room - distance)
                # Away from it, and around it on the side of what the dog has in mind.
                side = math.copysign(0.6, dx * (self.target[1] - self.y) - dy * (self.target[0] - self.x))
                self.vx += push * (dx - side * dy) / distance
                self.vy += push * (dy + side * dx) / distance

    def _go(self, step: float, edge: float, others: list[Neighbour]) -> None:
        """Take the next pose, or as much of it as touches nobody."""
        x, y, yaw = self.x + self.vx * step, clip(self.y + self.vy * step, -edge, edge), self.yaw
        if math.hypot(self.vx, self.vy) > 0.15:
            turn = math.remainder(math.atan2(self.vy, self.vx) - self.yaw, 2 * math.pi)
            yaw += clip(turn, -6 * step, 6 * step)
        self.take(x, y, yaw, others)
        if self.x != x:
            self.vx = 0.0
        if self.y != y:
            self.vy = 0.0
