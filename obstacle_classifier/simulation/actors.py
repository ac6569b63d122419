# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Those who move on the sidewalk: walkers, cyclists and dogs, each with its own way of going."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from obstacle_classifier.simulation.geometry import Footprint
from obstacle_classifier.simulation.robot import Pose
from obstacle_classifier.simulation.scene import HIP_HEIGHT, Scene

__all__ = ["Actor", "Cyclist", "Dog", "Neighbour", "Surroundings", "Walker", "apart", "clip"]

_STRIDE = 1.35  # m that a walker covers in two steps
_PATIENCE = 5.0  # s
_SWING = 0.42  # rad that a leg swings to each side at walking pace
_TOE, _HEEL = 0.2, 0.09  # m that a hanging leg reaches forward and backward
_FADE = 2.0  # s in which somebody becomes audible, or ceases to be
_BRAKING = 3.0  # m/s^2
_BACK = -0.3  # m/s backwards from what is too near


class Neighbour(NamedTuple):
    """What an actor heeds: its footprint, half its extent along x and y (m) and its velocity (m/s)."""

    shape: Footprint
    reach_x: float
    reach_y: float
    vx: float = 0.0
    vy: float = 0.0

    @classmethod
    def of(cls, shape: Footprint, vx: float = 0.0, vy: float = 0.0) -> Neighbour:
        """A neighbour of this footprint."""
        c, s = abs(math.cos(shape.yaw)), abs(math.sin(shape.yaw))
        a, b = shape.half_length, shape.half_width
        return cls(shape, c * a + s * b, s * a + c * b, vx, vy)


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


def clip(value: float, low: float, high: float) -> float:
    """The number nearest to `value` between two others."""
    return min(max(value, low), high)


def apart(one: Footprint, other: Footprint) -> float:
    """A lower bound of the distance (m) between two rectangles, the exact depth of their overlap if negative."""
    dx, dy = other.x - one.x, other.y - one.y
    c, s, cos, sin = math.cos(one.yaw), math.sin(one.yaw), math.cos(other.yaw), math.sin(other.yaw)
    turned, across = abs(c * cos + s * sin), abs(c * sin - s * cos)
    a, b, p, q = one.half_length, one.half_width, other.half_length, other.half_width
    return max(
        abs(dx * c + dy * s) - a - p * turned - q * across,
        abs(dy * c - dx * s) - b - p * across - q * turned,
        abs(dx * cos + dy * sin) - p - a * turned - b * across,
        abs(dy * cos - dx * sin) - q - a * across - b * turned,
    )


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
            shape = other.shape
            reach = there.half_length + there.half_width + shape.half_length + shape.half_width + room
            if abs(shape.x - there.x) > reach or abs(shape.y - there.y) > reach:
                continue
            gap = apart(there, shape)
            if gap < room:
                here = self.footprint if here is None else here
                if gap < apart(here, shape):
                    return False
        return True

    def fits_in(self, others: Iterable[Neighbour], room: float) -> bool:
        """Whether all others are at least `room` m away."""
        return all(apart(self.footprint, other.shape) >= room for other in others)

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
        for shape, reach_x, reach_y, vx, vy in others:
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
            limit = math.sqrt(1.7 * _BRAKING * max(gap, 0.0) + max(ahead, 0.0) ** 2)
            if gap < -self.keep / 2 and abs(vx) + abs(vy) < 0.05:
                limit = _BACK
            fastest = min(fastest, limit)
        return fastest


class _Passer(Actor):
    """Somebody who goes along the sidewalk and steps aside for what is in the way."""

    sight: float
    agility: float  # m/s sideways at full pace, at most
    sidestep: float  # m/s sideways from a stand, at most
    turning: float  # rad/s
    steady: float  # m/s below which it turns less than it steps aside
    berth: float  # m kept from the robot's middle
    wary = 0.0  # m kept from the robot while there is no way past

    def __init__(self, body: str, x: float, y: float, direction: int, pace: float, rng: np.random.Generator) -> None:
        super().__init__(body, x, y, 0.0 if direction > 0 else math.pi, rng)
        self.direction = direction
        self.pace = self.speed = pace
        self.lane = y
        self.sideways = self.waited = 0.0
        self.hemmed = False

    @property
    def velocity(self) -> tuple[float, float]:
        """Along x and y (m/s)."""
        return self.direction * self.speed, self.sideways

    def move(self, step: float, around: Surroundings) -> None:
        """Keep to the lane, or step aside; wait where there is no room, and turn back in the end."""
        robot = around.robot
        others = around.near(self.x, self.sight + 2.0, self.body)
        aim = self._aside(around, others)
        wanted = min(self.pace, self.free_way(self.direction, 0.0, others, 0.12, 0.3))
        ahead = (robot.x - self.x) * self.direction
        if self.hemmed and 0 < ahead < self.wary:
            wanted = min(wanted, _BACK if ahead < self.wary - 0.5 else 0.0)
        turn = self._turn(others)
        if abs(math.remainder(self.yaw - (0.0 if self.direction > 0 else math.pi), 2 * math.pi)) > 1.0:
            wanted = min(wanted, 0.4)
        self.speed += clip(wanted - self.speed, -_BRAKING * step, 1.5 * step)
        limit = min(self.agility, self.sidestep + 0.5 * max(self.speed, 0.0))
        sideways = self._yielding(clip(2.0 * (aim - self.y), -limit, limit), others)
        self.sideways += clip(sideways - self.sideways, -2.5 * step, 2.5 * step)
        self._go(
            self.x + self.direction * self.speed * step,
            clip(self.y + self.sideways * step, -around.edge, around.edge),
            self.yaw + clip(turn, -self.turning * step, self.turning * step),
            others,
        )
        self.waited = self.waited + step if self.speed < 0.1 else 0.0
        if self.waited > (_PATIENCE / 2 if 0 < ahead < 3 else _PATIENCE):
            self.waited = 0.0
            if not -6 < ahead < 0:  # no use in turning towards the robot
                self.direction = -self.direction

    def _turn(self, others: list[Neighbour]) -> float:
        """How far to turn (rad); whoever has no room to turn round goes backwards."""
        course = math.atan2(self.sideways, self.direction * max(self.speed, self.steady))
        turn = math.remainder(course - self.yaw, 2 * math.pi)
        if abs(turn) <= 1.0:
            return turn
        for way in (turn, turn - math.copysign(2 * math.pi, turn)):
            if all(self.fits(self.x, self.y, self.yaw + way * part / 8, others, 0.02) for part in range(1, 9)):
                return way
        return math.remainder(turn + math.pi, 2 * math.pi)

    def _go(self, x: float, y: float, yaw: float, others: list[Neighbour]) -> None:
        """Take the new pose, or as much of it as touches nobody."""
        for way in ((x, y, yaw), (x, y, self.yaw), (x, self.y, yaw), (x, self.y, self.yaw), (self.x, y, self.yaw)):
            if self.fits(*way, others, 0.02):
                break
        else:
            way = self.x, self.y, self.yaw
        if way[0] != x:
            self.speed = 0.0
        if way[1] != y:
            self.sideways = 0.0
        self.x, self.y, self.yaw = way[0], way[1], math.remainder(way[2], 2 * math.pi)

    def _yielding(self, sideways: float, others: list[Neighbour]) -> float:
        """The pace sideways, 0 if it leads into somebody abreast."""
        me = Neighbour.of(self.footprint)
        for shape, reach_x, reach_y, _, _ in others:
            dx, dy = shape.x - me.shape.x, shape.y - me.shape.y
            abreast = abs(dx) < me.reach_x + reach_x
            if abreast and sideways * dy > 0 and abs(dy) < me.reach_y + reach_y + 0.05:
                return 0.0
        return sideways

    def _aside(self, around: Surroundings, others: list[Neighbour]) -> float:
        """Where across the sidewalk to go: near the lane, clear of what is ahead and abreast, the nearest first."""
        edge = max(0.0, around.edge - self.half_width - 0.02)
        robot = around.moving.get("robot")
        sight = clip(2.5 * self.speed, 3.0, self.sight)
        blocked: list[tuple[float, float, float]] = []
        for other in others:
            ahead = (other.shape.x - self.x) * self.direction
            gap = ahead - self.half_length - other.reach_x
            if not -2 * other.reach_x - 2 * self.half_length - 0.3 < gap < (self.sight if other is robot else sight):
                continue
            # Who goes the same way at the same pace need not be passed.
            if gap > 0.3 and other.vx * self.direction > self.speed + 0.1:
                continue
            room = other.reach_y + self.half_width + 0.2
            if other is robot:
                room = max(room, self.berth)
            blocked.append((gap, other.shape.y - room, other.shape.y + room))
        aim, lanes = self._lane(edge, []), []
        self.hemmed = False
        for _, low, high in sorted(blocked):
            lanes.append((low, high))
            way = self._lane(edge, lanes)
            if way is None:
                self.hemmed = True
                break
            aim = way
        if aim is None:
            return self.y
        return aim

    def _lane(self, edge: float, blocked: list[tuple[float, float]]) -> float | None:
        """The best place across the sidewalk outside of all that is blocked, if any."""
        best, least = None, math.inf
        for way in (clip(self.lane, -edge, edge), *(end for pair in blocked for end in pair)):
            if abs(way) > edge or any(low + 1e-9 < way < high - 1e-9 for low, high in blocked):
                continue
            # All keep to the right where both sides are alike.
            cost = abs(way - self.y) + 0.3 * abs(way - self.lane) + (0.2 if way * self.direction > self.y else 0.0)
            if cost < least:
                best, least = way, cost
        return best


class Walker(_Passer):
    """A pedestrian with swinging legs, who covers what they sweep."""

    label = "pedestrian"
    half_length, half_width = 0.2, 0.25
    sight, agility, sidestep, turning, steady, berth = 3.5, 0.7, 0.6, 4.0, 0.4, 0.8
    keep = 0.4

    def __init__(self, body: str, x: float, y: float, direction: int, pace: float, rng: np.random.Generator) -> None:
        super().__init__(body, x, y, direction, pace, rng)
        self.phase = float(rng.uniform(0, 2 * math.pi))
        self.talks = bool(rng.random() < 0.4)

    @property
    def loudness(self) -> float:
        """Steps, or a voice."""
        return 60.0 if self.talks else 45.0

    @property
    def swing(self) -> float:
        """How far the legs swing at this pace (rad)."""
        return _SWING * min(1.0, math.hypot(self.speed, self.sideways))

    def covers(self, x: float, y: float, yaw: float) -> Footprint:
        """What the legs sweep at this pace, and the trunk above them."""
        c, s = math.cos(self.swing), HIP_HEIGHT * math.sin(self.swing)
        front, back = _TOE * c + s, max(0.16, _HEEL * c + s)
        middle = (front - back) / 2
        return Footprint(
            x + middle * math.cos(yaw), y + middle * math.sin(yaw), yaw, (front + back) / 2, self.half_width
        )

    def move(self, step: float, around: Surroundings) -> None:
        """Walk."""
        super().move(step, around)
        self.phase += 2 * math.pi * math.hypot(self.speed, self.sideways) * step / _STRIDE

    def show(self, scene: Scene) -> None:
        """Trunk above two legs in opposite phase."""
        swing = self.swing * math.sin(self.phase)
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
    sight, agility, sidestep, turning, steady, berth = 8.0, 1.0, 0.5, 1.5, 1.2, 0.9
    keep, wary = 0.45, 4.5

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
        for way in ((x, y, yaw), (x, y, self.yaw), (x, self.y, yaw), (x, self.y, self.yaw), (self.x, y, self.yaw)):
            if self.fits(*way, others, 0.02):
                break
        else:
            way = self.x, self.y, self.yaw
        if way[0] != x:
            self.vx = 0.0
        if way[1] != y:
            self.vy = 0.0
        self.x, self.y, self.yaw = way[0], way[1], math.remainder(way[2], 2 * math.pi)
