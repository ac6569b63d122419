# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Those who go along the sidewalk and step aside for what is in the way: walkers and cyclists."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from obstacle_classifier.simulation.actors import BACK, BRAKING, Actor
from obstacle_classifier.simulation.detour import find_detour
from obstacle_classifier.simulation.geometry import Footprint, clip
from obstacle_classifier.simulation.scene import Scene
from obstacle_classifier.simulation.shapes import HIP_HEIGHT
from obstacle_classifier.simulation.surroundings import Neighbour, Surroundings

__all__ = ["Cyclist", "Walker"]

_STRIDE = 1.35  # m that a walker covers in two steps
_PATIENCE = 5.0  # s
_STUCK = 6.0  # s without progress after which a way out is sought
_DETOUR_PACE = 0.5  # m/s
_SWING = 0.42  # rad that a leg swings to each side at walking pace
_TOE, _HEEL = 0.2, 0.09  # m that a hanging leg reaches forward and backward


class _Passer(Actor):
    """Somebody who goes along the sidewalk and steps aside for what is in the way."""

    sight: float
    agility: float  # m/s sideways at full pace, at most
    sidestep: float  # m/s sideways from a stand, at most
    turning: float  # rad/s
    steady: float  # m/s below which it turns less than it steps aside
    berth: float  # m kept from the robot's middle where there is room
    least_berth: float  # m kept from it where there is none
    wary = 0.0  # m kept from the robot while there is no way past

    def __init__(self, body: str, x: float, y: float, direction: int, pace: float, rng: np.random.Generator) -> None:
        super().__init__(body, x, y, 0.0 if direction > 0 else math.pi, rng)
        self.direction = direction
        self.pace = self.speed = pace
        self.lane = y
        self.sideways = self.waited = 0.0
        self.hemmed = False
        self.stuck, self.stuck_at = 0.0, x
        self.detour: list[tuple[float, float]] = []
        self.heading = self.yaw

    @property
    def velocity(self) -> tuple[float, float]:
        """Along x and y (m/s)."""
        return self.direction * self.speed, self.sideways

    def move(self, step: float, around: Surroundings) -> None:
        """Keep to the lane, or step aside; wait where there is no room, and turn back or seek a way out in the end."""
        robot = around.robot
        others = around.near(self.x, self.sight + 2.0, self.body)
        self._seek_detour(step, around, others)
        if self.detour:
            self._follow_detour(step, others)
            return
        aim = self._aside(around, others)
        wanted = min(self.pace, self.free_way(self.direction, 0.0, others, 0.12, 0.3))
        ahead = (robot.x - self.x) * self.direction
        if self.hemmed and 0 < ahead < self.wary:
            wanted = min(wanted, BACK if ahead < self.wary - 0.5 else 0.0)
        turn = self._turn(others)
        if abs(math.remainder(self.yaw - (0.0 if self.direction > 0 else math.pi), 2 * math.pi)) > 1.0:
            wanted = min(wanted, 0.4)
        self.speed += clip(wanted - self.speed, -BRAKING * step, 1.5 * step)
        limit = min(self.agility, self.sidestep + 0.5 * max(self.speed, 0.0))
        sideways = self._yielding(clip(2.0 * (aim - self.y), -limit, limit), others)
        self.sideways += clip(sideways - self.sideways, -2.5 * step, 2.5 * step)
        x = self.x + self.direction * self.speed * step
        y = clip(self.y + self.sideways * step, -around.edge, around.edge)
        self.take(x, y, self.yaw + clip(turn, -self.turning * step, self.turning * step), others)
        if self.x != x:
            self.speed = 0.0
        if self.y != y:
            self.sideways = 0.0
        self.waited = self.waited + step if self.speed < 0.1 else 0.0
        if self.waited > (_PATIENCE / 2 if 0 < ahead < 3 else _PATIENCE):
            self.waited = 0.0
            if not -6 < ahead < 0:  # no use in turning towards the robot
                self.direction = -self.direction

    def _seek_detour(self, step: float, around: Surroundings, others: list[Neighbour]) -> None:
        """Look for a way out, once a second, after a long time near the robot without progress."""
        self.stuck += step
        if abs(self.x - self.stuck_at) > 0.5 or abs(self.x - around.robot.x) > 8.0:
            self.stuck, self.stuck_at = 0.0, self.x
        if self.stuck < _STUCK:
            return
        self.stuck -= 1.0
        edge = around.edge - self.half_width
        for yaw in self._turns(others):

            def fits(x: float, y: float, yaw: float = yaw) -> bool:
                return abs(y) <= edge and self.fits(x, y, yaw, others, 0.03)

            self.detour = find_detour(self.x, self.y, self.direction, fits)
            if self.detour:
                self.heading = yaw
                if (self.detour[-1][0] - self.x) * self.direction < 0:
                    self.direction = -self.direction
                return

    def _turns(self, others: list[Neighbour]) -> Iterator[float]:
        """Directions in which it can stand here: the one it has, and those along the sidewalk to which it can turn."""
        yield self.yaw
        for along in (0.0, math.pi):
            turn = math.remainder(along - self.yaw, 2 * math.pi)
            if abs(turn) > 0.1 and self._can_turn(turn, others):
                yield along

    def _follow_detour(self, step: float, others: list[Neighbour]) -> None:
        """Go to the next point of the way out; give it up where somebody has come into it."""
        here = self.x, self.y, self.yaw
        turn = math.remainder(self.heading - self.yaw, 2 * math.pi)
        if abs(turn) > 1e-6:
            x, y, yaw, share = *here[:2], self.yaw + clip(turn, -self.turning * step, self.turning * step), 0.0
        else:
            dx, dy = self.detour[0][0] - self.x, self.detour[0][1] - self.y
            share = min(1.0, _DETOUR_PACE * step / max(math.hypot(dx, dy), 1e-9))
            x, y, yaw = self.x + share * dx, self.y + share * dy, self.yaw
        self.take(x, y, yaw, others)
        self.speed, self.sideways = (self.x - here[0]) / step * self.direction, (self.y - here[1]) / step
        if here == (self.x, self.y, self.yaw) != (x, y, yaw):
            self.detour = []
        elif share == 1.0:
            del self.detour[0]

    def _turn(self, others: list[Neighbour]) -> float:
        """How far to turn (rad); whoever has no room to turn round goes backwards."""
        course = math.atan2(self.sideways, self.direction * max(self.speed, self.steady))
        turn = math.remainder(course - self.yaw, 2 * math.pi)
        if abs(turn) <= 1.0:
            return turn
        for way in (turn, turn - math.copysign(2 * math.pi, turn)):
            if self._can_turn(way, others):
                return way
        return math.remainder(turn + math.pi, 2 * math.pi)

    def _can_turn(self, turn: float, others: list[Neighbour]) -> bool:
        """Whether there is room to turn on the spot (rad)."""
        return all(self.fits(self.x, self.y, self.yaw + turn * part / 8, others, 0.02) for part in range(1, 9))

    def _yielding(self, sideways: float, others: list[Neighbour]) -> float:
        """The pace sideways, 0 if it leads into somebody abreast."""
        me = Neighbour.of(self.footprint)
        for shape, reach_x, reach_y, *_ in others:
            dx, dy = shape.x - me.shape.x, shape.y - me.shape.y
            abreast = abs(dx) < me.reach_x + reach_x
            if abreast and sideways * dy > 0 and abs(dy) < me.reach_y + reach_y + 0.05:
                return 0.0
        return sideways

    def _aside(self, around: Surroundings, others: list[Neighbour]) -> float:
        """Where across the sidewalk to go: near the lane, clear of what is ahead and abreast, the nearest first."""
        edge = max(0.0, around.edge - self.half_width - 0.02)
        blocked: list[tuple[float, float]] = []
        for berth in (self.berth, self.least_berth):
            blocked = [(low, high) for _, low, high in self._blocked(around, others, berth)]
            aim = self._lane(edge, blocked)
            self.hemmed = aim is None
            if aim is not None:
                return aim
        while blocked:  # as far as there is a way
            blocked.pop()
            aim = self._lane(edge, blocked)
            if aim is not None:
                return aim
        return self.y

    def _blocked(self, around: Surroundings, others: list[Neighbour], berth: float) -> list[tuple[float, float, float]]:
        """How far ahead each who is to be passed begins (m), and between which y it leaves no room, nearest first."""
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
                room = max(room, berth)
            blocked.append((gap, other.shape.y - room, other.shape.y + room))
        return sorted(blocked)

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
    sight, agility, sidestep, turning, steady = 3.5, 0.7, 0.6, 4.0, 0.4
    berth, least_berth, keep = 1.1, 0.8, 0.4

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
    sight, agility, sidestep, turning, steady = 8.0, 1.0, 0.5, 1.5, 1.2
    berth, least_berth, keep, wary = 1.2, 0.9, 0.45, 4.5

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
