# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Dogs."""

from __future__ import annotations

import math

import numpy as np

from obstacle_classifier.simulation.actors import Actor
from obstacle_classifier.simulation.geometry import Footprint, clip
from obstacle_classifier.simulation.sidewalk_users import Walker
from obstacle_classifier.simulation.surroundings import Neighbour, Surroundings

__all__ = ["Dog"]


class Dog(Actor):
    """A dog: low, erratic, curious about the robot.

    Args:
        body, x, y, rng: As for every actor.
        owner: The pedestrian that it stays near, if any.
        direction: +1 or -1: its direction along the street if it has no owner.
        front, back: Extent forward and backward from its origin (m).
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
        self.target_time, self.target = 0.0, (x, y)
        self.bark = 0.0

    @property
    def loudness(self) -> float:
        """Sound level at 1 m (dB): paws, or a bark."""
        return 84.0 if self.bark > 0 else 44.0

    @property
    def velocity(self) -> tuple[float, float]:
        """Velocity along x and y (m/s)."""
        return self.vx, self.vy

    def covers(self, x: float, y: float, yaw: float) -> Footprint:
        """The rectangle around trunk, head and legs at a pose."""
        return super().covers(x + self.offset * math.cos(yaw), y + self.offset * math.sin(yaw), yaw)

    def move(self, step: float, around: Surroundings) -> None:
        """Run to its target, and choose a new target about every second."""
        robot, edge = around.robot, around.edge - 0.2
        self.target_time -= step
        if self.target_time <= 0:
            self.target_time = float(self.rng.exponential(1.2)) + 0.3
            near = math.hypot(robot.x - self.x, robot.y - self.y) < 7
            wander = float(self.rng.normal(0, 1.2)), float(self.rng.uniform(-edge, edge))
            if near and self.rng.random() < 0.3:  # it is curious about the robot
                reach = float(self.rng.uniform(1.3, 3.5))
                self.target = robot.x + reach + robot.speed * self.target_time, robot.y + float(self.rng.normal(0, 0.5))
            elif self.owner is not None and not self.owner.leaving:
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
        self._avoid(step, edge, others, around.moving.get("robot"))
        self._move(step, edge, others)
        self.speed = math.hypot(self.vx, self.vy)

    def _avoid(self, step: float, edge: float, others: list[Neighbour], robot: Neighbour | None) -> None:
        """Accelerate away from near neighbours on the sidewalk, most strongly from the robot."""
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
                # Away from the neighbour, and around it on the side of the target.
                side = math.copysign(0.6, dx * (self.target[1] - self.y) - dy * (self.target[0] - self.x))
                self.vx += push * (dx - side * dy) / distance
                self.vy += push * (dy + side * dx) / distance

    def _move(self, step: float, edge: float, others: list[Neighbour]) -> None:
        """Move to the next pose as far as it is free."""
        x, y, yaw = self.x + self.vx * step, clip(self.y + self.vy * step, -edge, edge), self.yaw
        if math.hypot(self.vx, self.vy) > 0.15:
            turn = math.remainder(math.atan2(self.vy, self.vx) - self.yaw, 2 * math.pi)
            yaw += clip(turn, -6 * step, 6 * step)
        self.move_to(x, y, yaw, others)
        if self.x != x:
            self.vx = 0.0
        if self.y != y:
            self.vy = 0.0
