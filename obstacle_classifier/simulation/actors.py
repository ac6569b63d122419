# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Those who move on the street: what they share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable

import numpy as np

from obstacle_classifier.simulation.geometry import Footprint, apart, clip
from obstacle_classifier.simulation.scene import Scene
from obstacle_classifier.simulation.surroundings import Neighbour, Surroundings

__all__ = ["BACK", "BRAKING", "Actor"]

BRAKING = 3.0  # m/s^2
BACK = -0.3  # m/s backwards from what is too near

_FADE = 2.0  # s in which somebody becomes audible, or ceases to be


class Actor(ABC):
    """Somebody on the street; `body` is its name in the scene.

    Attributes:
        label: What the ground truth calls it.
        far: Distance from the robot along the street beyond which it leaves (m).
        x, y, yaw, speed: Its pose (m, rad) and speed (m/s).
        presence: Share of its sound that is heard: who enters or leaves fades in or out.
        done: Whether it is about to leave.
    """

    label: str
    half_length: float
    half_width: float
    far = 26.0
    keep = 0.5  # m kept from who is ahead

    def __init__(self, body: str, x: float, y: float, yaw: float, rng: np.random.Generator) -> None:
        self.body = body
        self.x, self.y, self.yaw = x, y, yaw
        self.speed = 0.0
        self.rng = rng
        self.presence = 1.0
        self.done = False

    @property
    def footprint(self) -> Footprint:
        """The rectangle that it covers."""
        return self.covers(self.x, self.y, self.yaw)

    @property
    def gone(self) -> bool:
        """Whether it has left."""
        return self.done and self.presence <= 0

    @property
    @abstractmethod
    def loudness(self) -> float:
        """Sound level 1 m away (dB)."""

    @property
    @abstractmethod
    def velocity(self) -> tuple[float, float]:
        """Along x and y (m/s)."""

    @abstractmethod
    def move(self, step: float, around: Surroundings) -> None:
        """Go on for `step` seconds."""

    def covers(self, x: float, y: float, yaw: float) -> Footprint:
        """The rectangle that it would cover elsewhere."""
        return Footprint(x, y, yaw, self.half_length, self.half_width)

    def advance(self, step: float, around: Surroundings) -> None:
        """Go on for `step` seconds; `done` once out of reach."""
        self.move(step, around)
        self.done = self.done or abs(self.x - around.robot.x) > self.far
        self.presence = clip(self.presence + (-step if self.done else step) / _FADE, 0.0, 1.0)
        around.moving[self.body] = Neighbour.of(self.footprint, *self.velocity)

    def show(self, scene: Scene) -> None:
        """Take its place in the scene."""
        scene.place(self.body, self.x, self.y, 0.0, self.yaw)

    def hide(self, scene: Scene) -> None:
        """Leave the scene."""
        scene.remove(self.body)

    def fits(self, x: float, y: float, yaw: float, others: Iterable[Neighbour], room: float = 0.0) -> bool:
        """Whether it touches nobody there, or at least none deeper than it does now."""
        there, here = self.covers(x, y, yaw), None
        for other in others:
            shape, least = other.shape, room + other.distance
            reach = there.half_length + there.half_width + shape.half_length + shape.half_width + least
            if abs(shape.x - there.x) > reach or abs(shape.y - there.y) > reach:
                continue
            gap = apart(there, shape)
            if gap < least:
                here = self.footprint if here is None else here
                if gap < apart(here, shape):
                    return False
        return True

    def fits_in(self, others: Iterable[Neighbour], room: float) -> bool:
        """Whether all others are at least `room` m away."""
        return all(apart(self.footprint, other.shape) >= room for other in others)

    def take(self, x: float, y: float, yaw: float, others: Iterable[Neighbour]) -> None:
        """Take a new pose, or as much of it as touches nobody."""
        here = self.x, self.y, self.yaw
        ways = (x, y, yaw), (x, y, self.yaw), (x, self.y, yaw), (x, self.y, self.yaw), (self.x, y, self.yaw)
        self.x, self.y, yaw = next((way for way in ways if self.fits(*way, others, 0.02)), here)
        self.yaw = math.remainder(yaw, 2 * math.pi)

    def free_way(self, c: float, s: float, others: Iterable[Neighbour], margin: float, foresight: float) -> float:
        """The speed (m/s) from which it can still brake for all who are in its way; backwards from what is too near.

        Args:
            c: Cosine of where it goes, a direction along an axis.
            s: Its sine.
            others: Who may be in the way.
            margin: Room kept to each side (m).
            foresight: Time (s) for which the others' crossing the way is foreseen.
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
            gap -= self.keep
            if ahead < 0:  # both have to stop within the gap
                gap *= max(self.speed, 0.3) / (max(self.speed, 0.3) - ahead)
            limit = math.sqrt(1.7 * BRAKING * max(gap, 0.0) + max(ahead, 0.0) ** 2)
            if gap < -self.keep / 2 and abs(vx) + abs(vy) < 0.05:
                limit = BACK
            fastest = min(fastest, limit)
        return fastest
