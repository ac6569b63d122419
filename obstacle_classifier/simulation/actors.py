# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The base class of everything that moves on the street, except the robot."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable

import numpy as np

from obstacle_classifier.simulation.geometry import Footprint, clip, separation
from obstacle_classifier.simulation.scene import Scene
from obstacle_classifier.simulation.surroundings import Neighbour, Surroundings

__all__ = ["BACK", "BRAKING", "Actor"]

BRAKING = 3.0  # m/s^2
BACK = -0.3  # m/s; speed backwards, away from something too near

_FADE = 2.0  # s; an actor's sound fades in and out in this time


class Actor(ABC):
    """A pedestrian, cyclist, dog or vehicle.

    Attributes:
        body: Name of its body in the scene.
        label: Its label in the ground truth.
        half_length, half_width: Half the size of its footprint (m).
        max_distance: Distance from the robot along the street (m) beyond which it leaves.
        min_gap: Distance (m) that it keeps from the obstacle ahead.
        x, y, yaw, speed: Pose (m, rad) and speed (m/s).
        presence: Volume from 0 to 1: its sound fades in when it enters, and out when it leaves.
        leaving: Whether it is about to leave.
    """

    label: str
    half_length: float
    half_width: float
    max_distance = 26.0
    min_gap = 0.5

    def __init__(self, body: str, x: float, y: float, yaw: float, rng: np.random.Generator) -> None:
        self.body = body
        self.x, self.y, self.yaw = x, y, yaw
        self.speed = 0.0
        self.rng = rng
        self.presence = 1.0
        self.leaving = False

    @property
    def footprint(self) -> Footprint:
        """The rectangle that it covers now."""
        return self.covers(self.x, self.y, self.yaw)

    @property
    def gone(self) -> bool:
        """Whether it has left."""
        return self.leaving and self.presence <= 0

    @property
    @abstractmethod
    def loudness(self) -> float:
        """Sound level 1 m away (dB)."""

    @property
    @abstractmethod
    def velocity(self) -> tuple[float, float]:
        """Velocity along x and y (m/s)."""

    @abstractmethod
    def move(self, step: float, around: Surroundings) -> None:
        """Move for `step` seconds."""

    def covers(self, x: float, y: float, yaw: float) -> Footprint:
        """The rectangle that it would cover at a pose."""
        return Footprint(x, y, yaw, self.half_length, self.half_width)

    def advance(self, step: float, around: Surroundings) -> None:
        """Move for `step` seconds, and mark the actor as leaving once it is too far from the robot."""
        self.move(step, around)
        self.leaving = self.leaving or abs(self.x - around.robot.x) > self.max_distance
        self.presence = clip(self.presence + (-step if self.leaving else step) / _FADE, 0.0, 1.0)
        around.moving[self.body] = Neighbour.of(self.footprint, *self.velocity)

    def show(self, scene: Scene) -> None:
        """Place its bodies in the scene."""
        scene.place(self.body, self.x, self.y, 0.0, self.yaw)

    def hide(self, scene: Scene) -> None:
        """Remove its bodies from the scene."""
        scene.remove(self.body)

    def fits(self, x: float, y: float, yaw: float, others: Iterable[Neighbour], room: float = 0.0) -> bool:
        """Whether a pose is at least `room` m from each neighbour, or no nearer to it than the present pose.

        The second case lets an actor move away from a neighbour that it already touches.
        """
        there, here = self.covers(x, y, yaw), None  # `here` is computed only if needed
        for other in others:
            shape, least = other.shape, room + other.distance
            reach = there.half_length + there.half_width + shape.half_length + shape.half_width + least
            if abs(shape.x - there.x) > reach or abs(shape.y - there.y) > reach:
                continue
            gap = separation(there, shape)
            if gap < least:
                here = self.footprint if here is None else here
                if gap < separation(here, shape):
                    return False
        return True

    def is_clear_of(self, others: Iterable[Neighbour], room: float) -> bool:
        """Whether all neighbours are at least `room` m away."""
        return all(separation(self.footprint, other.shape) >= room for other in others)

    def move_to(self, x: float, y: float, yaw: float, others: Iterable[Neighbour]) -> None:
        """Move to a pose. If that is not free, change only some of x, y and yaw; if nothing is free, stay."""
        here = self.x, self.y, self.yaw
        ways = (x, y, yaw), (x, y, self.yaw), (x, self.y, yaw), (x, self.y, self.yaw), (self.x, y, self.yaw)
        self.x, self.y, yaw = next((way for way in ways if self.fits(*way, others, 0.02)), here)
        self.yaw = math.remainder(yaw, 2 * math.pi)

    def safe_speed(self, c: float, s: float, others: Iterable[Neighbour], margin: float, foresight: float) -> float:
        """The largest speed (m/s) from which it can still brake for each neighbour ahead.

        It is negative if a neighbour at rest is too near, and infinite if the way is free.

        Args:
            c: Cosine of the direction of travel, which is parallel to an axis.
            s: Sine of the direction of travel.
            others: Neighbours that may be in the way.
            margin: Room to keep on each side (m).
            foresight: Time (s) for which sideways motion of the neighbours is predicted.
        """
        me = Neighbour.of(self.footprint)
        length = me.reach_x if abs(c) > 0.5 else me.reach_y
        fastest = math.inf
        for shape, reach_x, reach_y, vx, vy, _ in others:
            dx, dy = shape.x - me.shape.x, shape.y - me.shape.y
            along, across = dx * c + dy * s, dy * c - dx * s
            deep, wide = (reach_x, reach_y) if abs(c) > 0.5 else (reach_y, reach_x)
            gap = along - length - deep
            if along <= 0 or gap + 2 * deep <= 0:
                continue
            shift = (vy * c - vx * s) * foresight
            room = self.half_width + wide + margin
            if min(across, across + shift) > room or max(across, across + shift) < -room:
                continue
            ahead = vx * c + vy * s
            gap -= self.min_gap
            if ahead < 0:  # both must be able to stop within the gap
                gap *= max(self.speed, 0.3) / (max(self.speed, 0.3) - ahead)
            limit = math.sqrt(1.7 * BRAKING * max(gap, 0.0) + max(ahead, 0.0) ** 2)
            if gap < -self.min_gap / 2 and abs(vx) + abs(vy) < 0.05:
                limit = BACK
            fastest = min(fastest, limit)
        return fastest
