# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Those who move on the sidewalk: walkers, cyclists and dogs, each with its own way of going."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from obstacle_classifier.simulation.geometry import Floats, Footprint
from obstacle_classifier.simulation.robot import Pose
from obstacle_classifier.simulation.scene import HIP_HEIGHT, Scene

__all__ = ["Actor", "Cyclist", "Dog", "Surroundings", "Walker", "clip"]

_FAR = 26.0  # m from the robot beyond which nobody is simulated
_STRIDE = 1.35  # m that a walker covers in two steps
_PATIENCE = 5.0  # s
_SWING = 0.42  # rad that a leg swings to each side at walking pace


@dataclass(frozen=True)
class Surroundings:
    """What an actor heeds.

    Attributes:
        robot: The robot's pose.
        obstacles: (n, 5) footprints of what stands on the sidewalk.
        actors: (m, 5) footprints of all who move.
        edge: y of the sidewalk's edges is between -edge and edge (m).
        houses: +1 if they stand on the left, else -1.
    """

    robot: Pose
    obstacles: Floats
    actors: Floats
    edge: float
    houses: int


def clip(value: float, low: float, high: float) -> float:
    """The number nearest to `value` between two others."""
    return min(max(value, low), high)


class Actor(ABC):
    """Somebody on the street; `body` is its name in the scene.

    Attributes:
        label: What the ground truth calls it.
        x, y, yaw, speed: Its pose (m, rad) and speed (m/s).
    """

    label: str
    half_length: float
    half_width: float

    def __init__(self, body: str, x: float, y: float, yaw: float, rng: np.random.Generator) -> None:
        self.body = body
        self.x, self.y, self.yaw = x, y, yaw
        self.speed = 0.0
        self.rng = rng
        self.done = False

    @property
    def footprint(self) -> Footprint:
        """The rectangle that it covers."""
        return Footprint(self.x, self.y, self.yaw, self.half_length, self.half_width)

    @property
    @abstractmethod
    def loudness(self) -> float:
        """Sound level 1 m away (dB)."""

    @abstractmethod
    def move(self, step: float, around: Surroundings) -> None:
        """Go on for `step` seconds."""

    def advance(self, step: float, around: Surroundings) -> None:
        """Go on for `step` seconds; `done` once out of reach."""
        self.move(step, around)
        self.done = self.done or abs(self.x - around.robot.x) > _FAR

    def show(self, scene: Scene) -> None:
        """Take its place in the scene."""
        scene.place(self.body, self.x, self.y, 0.0, self.yaw)

    def hide(self, scene: Scene) -> None:
        """Leave the scene."""
        scene.remove(self.body)


class _Passer(Actor):
    """Somebody who goes along the sidewalk and steps aside for what is in the way."""

    sight: float
    agility: float  # m/s sideways at full pace, at most
    sidestep: float  # m/s sideways from a stand, at most
    berth: float  # m kept from the robot's middle

    def __init__(self, body: str, x: float, y: float, direction: int, pace: float, rng: np.random.Generator) -> None:
        super().__init__(body, x, y, 0.0 if direction > 0 else math.pi, rng)
        self.direction = direction
        self.pace = self.speed = pace
        self.lane = y
        self.sideways = self.waited = 0.0

    def move(self, step: float, around: Surroundings) -> None:
        """Keep to the lane, or step aside; wait where there is no room, and turn back in the end."""
        robot = around.robot
        aim = self._aside(around)
        ahead = (robot.x - self.x) * self.direction
        beside = abs(robot.y - self.y)
        wanted = self.pace
        if -0.2 < ahead < self.half_length + 1.6 and beside < self.half_width + 0.35:
            wanted = 0.0 if ahead > 0 else self.pace
        elif 0 < ahead < self.sight and beside < self.berth * 0.8:
            wanted = 0.8 * self.pace
        self.speed += clip(wanted - self.speed, -3.0 * step, 1.5 * step)
        limit = min(self.agility, self.sidestep + 0.5 * self.speed)
        sideways = clip(2.0 * (aim - self.y), -limit, limit)
        towards = sideways * (robot.y - self.y) > 0
        if towards and abs(ahead) < self.half_length + 0.5 and beside < self.half_width + 0.45:
            sideways = self.sideways = 0.0
        self.sideways += clip(sideways - self.sideways, -2.5 * step, 2.5 * step)
        self.x += self.direction * self.speed * step
        self.y += self.sideways * step
        self.yaw = math.atan2(self.sideways, self.direction * max(self.speed, 0.4))
        self.waited = self.waited + step if self.speed < 0.1 else 0.0
        if self.waited > _PATIENCE:
            self.direction, self.waited = -self.direction, 0.0

    def _aside(self, around: Surroundings) -> float:
        """Where across the sidewalk to go: the lane, or beside what is in it."""
        robot, edge = around.robot, around.edge - self.half_width
        ahead = (robot.x - self.x) * self.direction
        following = -3.5 < ahead <= 0 and robot.speed > self.speed - 0.1
        aim = self.lane
        if (0 < ahead < self.sight or following) and abs(robot.y - self.lane) < self.berth:
            aim = self._around(robot.y, self.berth, edge)
        for others, nearest in ((around.obstacles, -0.8), (around.actors, 0.2)):
            near = (others[:, 0] - self.x) * self.direction
            for _, y, _, a, b in others[(near > nearest) & (near < 3.0)]:
                room = max(a, b) + self.half_width + 0.12
                if abs(y - aim) < room:
                    aim = self._around(float(y), room, edge)
        return clip(aim, -edge, edge)

    def _around(self, y: float, room: float, edge: float) -> float:
        """The nearer way around something at y that stays on the sidewalk."""
        ways = [way for way in (y - room, y + room) if -edge <= way <= edge]
        return min(ways or [-edge, edge], key=lambda way: abs(way - self.y))


class Walker(_Passer):
    """A pedestrian with swinging legs."""

    label = "pedestrian"
    half_length, half_width = 0.2, 0.25
    sight, agility, sidestep, berth = 3.5, 0.7, 0.6, 0.8

    def __init__(self, body: str, x: float, y: float, direction: int, pace: float, rng: np.random.Generator) -> None:
        super().__init__(body, x, y, direction, pace, rng)
        self.phase = float(rng.uniform(0, 2 * math.pi))
        self.talks = bool(rng.random() < 0.4)

    @property
    def loudness(self) -> float:
        """Steps, or a voice."""
        return 60.0 if self.talks else 45.0

    def move(self, step: float, around: Surroundings) -> None:
        """Walk."""
        super().move(step, around)
        self.phase += 2 * math.pi * math.hypot(self.speed, self.sideways) * step / _STRIDE

    def show(self, scene: Scene) -> None:
        """Trunk above two legs in opposite phase."""
        swing = _SWING * min(1.0, math.hypot(self.speed, self.sideways)) * math.sin(self.phase)
        scene.place(f"{self.body}_torso", self.x, self.y, 0.0, self.yaw)
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        for part, side, angle in (("left", 0.1, swing), ("right", -0.1, -swing)):
            scene.place(f"{self.body}_{part}", self.x - side * s, self.y + side * c, HIP_HEIGHT, self.yaw, angle)

    def hide(self, scene: Scene) -> None:
        """Leave the scene, legs and all."""
        for part in ("torso", "left", "right"):
            scene.remove(f"{self.body}_{part}")


class Cyclist(_Passer):
    """A cyclist on the sidewalk: quick, long, seldom straight."""

    label = "bicycle"
    half_length, half_width = 0.87, 0.3
    sight, agility, sidestep, berth = 7.0, 1.0, 0.15, 0.9

    def __init__(self, body: str, x: float, y: float, direction: int, pace: float, rng: np.random.Generator) -> None:
        super().__init__(body, x, y, direction, pace, rng)
        self.middle, self.wobble = y, float(rng.uniform(0, 2 * math.pi))
        self.bell = 0.0

    @property
    def loudness(self) -> float:
        """Tyres and chain, or the bell."""
        return 76.0 if self.bell > 0 else 46.0 + 3.0 * self.speed

    def move(self, step: float, around: Surroundings) -> None:
        """Ride; ring behind the robot, sometimes."""
        self.wobble += 2.5 * step
        self.lane = self.middle + 0.12 * math.sin(self.wobble)
        super().move(step, around)
        self.bell -= step
        ahead = (around.robot.x - self.x) * self.direction
        if 2 < ahead < 8 and self.bell < -2.0 and self.rng.random() < 0.25 * step:
            self.bell = 0.6


class Dog(Actor):
    """A dog: low, erratic, curious about the robot."""

    label = "dog"
    half_length, half_width = 0.45, 0.15

    def __init__(
        self, body: str, x: float, y: float, rng: np.random.Generator, owner: Walker | None, direction: int
    ) -> None:
        super().__init__(body, x, y, 0.0, rng)
        self.owner, self.direction = owner, direction
        self.vx = self.vy = 0.0
        self.mood, self.target = 0.0, (x, y)
        self.bark = 0.0

    @property
    def loudness(self) -> float:
        """Paws, or a bark."""
        return 84.0 if self.bark > 0 else 44.0

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
        self._shy_from(robot)
        self.x += self.vx * step
        self.y = clip(self.y + self.vy * step, -edge, edge)
        self.speed = math.hypot(self.vx, self.vy)
        if self.speed > 0.15:
            turn = math.remainder(math.atan2(self.vy, self.vx) - self.yaw, 2 * math.pi)
            self.yaw += clip(turn, -6 * step, 6 * step)

    def _shy_from(self, robot: Pose) -> None:
        dx, dy = self.x - robot.x, self.y - robot.y
        distance = math.hypot(dx, dy) + 1e-9
        if distance < 1.1:
            push = 2.5 * (1.1 - distance)
            self.vx += push * dx / distance
            self.vy += push * dy / distance
