# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Pedestrians and cyclists: they go along the sidewalk and around obstacles."""

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

_STRIDE = 1.35  # m; length of two steps
_PATIENCE = 5.0  # s of waiting before turning back
_STUCK = 6.0  # s without progress before the search for a way out
_DETOUR_PACE = 0.5  # m/s; on the way out
_SWING = 0.42  # rad; amplitude of a leg's swing at 1 m/s and more
_TOE, _HEEL = 0.2, 0.09  # m; extent of a hanging leg, forward and backward


class _SidewalkUser(Actor):
    """An actor that goes along the sidewalk in a lane, and leaves the lane to pass obstacles.

    Attributes:
        sight: Distance ahead (m) at which it reacts to obstacles.
        agility: Largest sideways speed (m/s).
        sidestep: Largest sideways speed when it stands (m/s).
        turning: Largest turning rate (rad/s).
        steady_speed: Speed (m/s) below which its body turns less than its direction of motion.
        robot_clearance: Distance (m) that it keeps from the robot's middle where there is room.
        min_robot_clearance: The same where there is little room.
        standoff: Distance (m) that it keeps from the robot while there is no way past.
        direction: +1 or -1: direction along the street.
        pace: Speed (m/s) if the way is free.
        lane: y of its lane (m).
        is_blocked: Whether there is no way past the obstacles ahead.
        detour: Remaining points (m) of the way out, if it is stuck.
    """

    sight: float
    agility: float
    sidestep: float
    turning: float
    steady_speed: float
    robot_clearance: float
    min_robot_clearance: float
    standoff = 0.0

    def __init__(self, body: str, x: float, y: float, direction: int, pace: float, rng: np.random.Generator) -> None:
        super().__init__(body, x, y, 0.0 if direction > 0 else math.pi, rng)
        self.direction = direction
        self.pace = self.speed = pace
        self.lane = y
        self.sideways = self.waiting_time = 0.0
        self.is_blocked = False
        self.stuck_time, self.stuck_x = 0.0, x
        self.detour: list[tuple[float, float]] = []
        self.heading = self.yaw

    @property
    def velocity(self) -> tuple[float, float]:
        """Velocity along x and y (m/s)."""
        return self.direction * self.speed, self.sideways

    def move(self, step: float, around: Surroundings) -> None:
        """Keep to the lane or pass obstacles. Wait if there is no room; after a time, turn back or search a way out."""
        robot = around.robot
        others = around.near(self.x, self.sight + 2.0, self.body)
        self._seek_detour(step, around, others)
        if self.detour:
            self._follow_detour(step, others)
            return
        aim = self._target_y(around, others)
        wanted = min(self.pace, self.safe_speed(self.direction, 0.0, others, 0.12, 0.3))
        ahead = (robot.x - self.x) * self.direction
        if self.is_blocked and 0 < ahead < self.standoff:
            wanted = min(wanted, BACK if ahead < self.standoff - 0.5 else 0.0)
        turn = self._turn_angle(others)
        if abs(math.remainder(self.yaw - (0.0 if self.direction > 0 else math.pi), 2 * math.pi)) > 1.0:
            wanted = min(wanted, 0.4)
        self.speed += clip(wanted - self.speed, -BRAKING * step, 1.5 * step)
        limit = min(self.agility, self.sidestep + 0.5 * max(self.speed, 0.0))
        sideways = self._limit_sideways(clip(2.0 * (aim - self.y), -limit, limit), others)
        self.sideways += clip(sideways - self.sideways, -2.5 * step, 2.5 * step)
        x = self.x + self.direction * self.speed * step
        y = clip(self.y + self.sideways * step, -around.edge, around.edge)
        self.move_to(x, y, self.yaw + clip(turn, -self.turning * step, self.turning * step), others)
        if self.x != x:
            self.speed = 0.0
        if self.y != y:
            self.sideways = 0.0
        self.waiting_time = self.waiting_time + step if self.speed < 0.1 else 0.0
        if self.waiting_time > (_PATIENCE / 2 if 0 < ahead < 3 else _PATIENCE):
            self.waiting_time = 0.0
            if not -6 < ahead < 0:  # turning would lead it towards the robot
                self.direction = -self.direction

    def _seek_detour(self, step: float, around: Surroundings, others: list[Neighbour]) -> None:
        """After a long time near the robot without progress, search for a way out once per second."""
        self.stuck_time += step
        if abs(self.x - self.stuck_x) > 0.5 or abs(self.x - around.robot.x) > 8.0:
            self.stuck_time, self.stuck_x = 0.0, self.x
        if self.stuck_time < _STUCK:
            return
        self.stuck_time -= 1.0
        edge = around.edge - self.half_width
        for yaw in self._headings(others):

            def fits(x: float, y: float, yaw: float = yaw) -> bool:
                return abs(y) <= edge and self.fits(x, y, yaw, others, 0.03)

            self.detour = find_detour(self.x, self.y, self.direction, fits)
            if self.detour:
                self.heading = yaw
                if (self.detour[-1][0] - self.x) * self.direction < 0:
                    self.direction = -self.direction
                return

    def _headings(self, others: list[Neighbour]) -> Iterator[float]:
        """Possible headings here: the present one, and those along the sidewalk to which there is room to turn."""
        yield self.yaw
        for along in (0.0, math.pi):
            turn = math.remainder(along - self.yaw, 2 * math.pi)
            if abs(turn) > 0.1 and self._can_turn(turn, others):
                yield along

    def _follow_detour(self, step: float, others: list[Neighbour]) -> None:
        """Go to the next point of the way out; give it up if a neighbour blocks it."""
        here = self.x, self.y, self.yaw
        turn = math.remainder(self.heading - self.yaw, 2 * math.pi)
        if abs(turn) > 1e-6:
            x, y, yaw, share = *here[:2], self.yaw + clip(turn, -self.turning * step, self.turning * step), 0.0
        else:
            dx, dy = self.detour[0][0] - self.x, self.detour[0][1] - self.y
            share = min(1.0, _DETOUR_PACE * step / max(math.hypot(dx, dy), 1e-9))
            x, y, yaw = self.x + share * dx, self.y + share * dy, self.yaw
        self.move_to(x, y, yaw, others)
        self.speed, self.sideways = (self.x - here[0]) / step * self.direction, (self.y - here[1]) / step
        if here == (self.x, self.y, self.yaw) != (x, y, yaw):
            self.detour = []
        elif share == 1.0:
            del self.detour[0]

    def _turn_angle(self, others: list[Neighbour]) -> float:
        """Angle (rad) to turn towards its direction of motion. Without room for a large turn it goes backwards."""
        course = math.atan2(self.sideways, self.direction * max(self.speed, self.steady_speed))
        turn = math.remainder(course - self.yaw, 2 * math.pi)
        if abs(turn) <= 1.0:
            return turn
        for way in (turn, turn - math.copysign(2 * math.pi, turn)):
            if self._can_turn(way, others):
                return way
        return math.remainder(turn + math.pi, 2 * math.pi)

    def _can_turn(self, turn: float, others: list[Neighbour]) -> bool:
        """Whether there is room to turn on the spot by an angle (rad)."""
        return all(self.fits(self.x, self.y, self.yaw + turn * part / 8, others, 0.02) for part in range(1, 9))

    def _limit_sideways(self, sideways: float, others: list[Neighbour]) -> float:
        """The sideways speed (m/s), or 0 if it leads into a neighbour alongside."""
        me = Neighbour.of(self.footprint)
        for shape, reach_x, reach_y, *_ in others:
            dx, dy = shape.x - me.shape.x, shape.y - me.shape.y
            abreast = abs(dx) < me.reach_x + reach_x
            if abreast and sideways * dy > 0 and abs(dy) < me.reach_y + reach_y + 0.05:
                return 0.0
        return sideways

    def _target_y(self, around: Surroundings, others: list[Neighbour]) -> float:
        """The y to go to (m): near the lane, and clear of neighbours ahead and alongside."""
        edge = max(0.0, around.edge - self.half_width - 0.02)
        blocked: list[tuple[float, float]] = []
        for robot_clearance in (self.robot_clearance, self.min_robot_clearance):
            blocked = [(low, high) for _, low, high in self._blocked(around, others, robot_clearance)]
            aim = self._best_lane(edge, blocked)
            self.is_blocked = aim is None
            if aim is not None:
                return aim
        while blocked:  # ignore the farthest until there is a way past the others
            blocked.pop()
            aim = self._best_lane(edge, blocked)
            if aim is not None:
                return aim
        return self.y

    def _blocked(
        self, around: Surroundings, others: list[Neighbour], robot_clearance: float
    ) -> list[tuple[float, float, float]]:
        """Distance to each neighbour to pass (m), and the range of y that it blocks; the nearest first."""
        robot = around.moving.get("robot")
        sight = clip(2.5 * self.speed, 3.0, self.sight)
        blocked: list[tuple[float, float, float]] = []
        for other in others:
            ahead = (other.shape.x - self.x) * self.direction
            gap = ahead - self.half_length - other.reach_x
            if not -2 * other.reach_x - 2 * self.half_length - 0.3 < gap < (self.sight if other is robot else sight):
                continue
            # No need to pass a neighbour that goes the same way and is not slower.
            if gap > 0.3 and other.vx * self.direction > self.speed + 0.1:
                continue
            room = other.reach_y + self.half_width + 0.2
            if other is robot:
                room = max(room, robot_clearance)
            blocked.append((gap, other.shape.y - room, other.shape.y + room))
        return sorted(blocked)

    def _best_lane(self, edge: float, blocked: list[tuple[float, float]]) -> float | None:
        """The best y (m) outside the blocked ranges; None if there is none."""
        best, least = None, math.inf
        for way in (clip(self.lane, -edge, edge), *(end for pair in blocked for end in pair)):
            if abs(way) > edge or any(low + 1e-9 < way < high - 1e-9 for low, high in blocked):
                continue
            # Where both sides are equal, everybody keeps to the right.
            cost = abs(way - self.y) + 0.3 * abs(way - self.lane) + (0.2 if way * self.direction > self.y else 0.0)
            if cost < least:
                best, least = way, cost
        return best


class Walker(_SidewalkUser):
    """A pedestrian with swinging legs; its footprint covers their swing."""

    label = "pedestrian"
    half_length, half_width = 0.2, 0.25
    sight, agility, sidestep, turning, steady_speed = 3.5, 0.7, 0.6, 4.0, 0.4
    robot_clearance, min_robot_clearance, min_gap = 1.1, 0.8, 0.4

    def __init__(self, body: str, x: float, y: float, direction: int, pace: float, rng: np.random.Generator) -> None:
        super().__init__(body, x, y, direction, pace, rng)
        self.phase = float(rng.uniform(0, 2 * math.pi))
        self.talks = bool(rng.random() < 0.4)

    @property
    def loudness(self) -> float:
        """Sound level at 1 m (dB): steps, or a voice."""
        return 60.0 if self.talks else 45.0

    @property
    def swing(self) -> float:
        """Amplitude of the legs' swing at its speed (rad)."""
        return _SWING * min(1.0, math.hypot(self.speed, self.sideways))

    def covers(self, x: float, y: float, yaw: float) -> Footprint:
        """The rectangle around the trunk and the swing of the legs, at a pose and its speed."""
        c, s = math.cos(self.swing), HIP_HEIGHT * math.sin(self.swing)
        front, back = _TOE * c + s, max(0.16, _HEEL * c + s)
        middle = (front - back) / 2
        return Footprint(
            x + middle * math.cos(yaw), y + middle * math.sin(yaw), yaw, (front + back) / 2, self.half_width
        )

    def move(self, step: float, around: Surroundings) -> None:
        """Move, and swing the legs."""
        super().move(step, around)
        self.phase += 2 * math.pi * math.hypot(self.speed, self.sideways) * step / _STRIDE

    def show(self, scene: Scene) -> None:
        """Place trunk and legs; the legs swing in opposite phase."""
        swing = self.swing * math.sin(self.phase)
        scene.place(f"{self.body}_torso", self.x, self.y, 0.0, self.yaw)
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        for part, side, angle in (("left", 0.1, swing), ("right", -0.1, -swing)):
            scene.place(f"{self.body}_{part}", self.x - side * s, self.y + side * c, HIP_HEIGHT, self.yaw, angle)

    def hide(self, scene: Scene) -> None:
        """Remove trunk and legs from the scene."""
        for part in ("torso", "left", "right"):
            scene.remove(f"{self.body}_{part}")


class Cyclist(_SidewalkUser):
    """A cyclist on the sidewalk, who wobbles around the lane."""

    label = "bicycle"
    half_length, half_width = 0.87, 0.3
    sight, agility, sidestep, turning, steady_speed = 8.0, 1.0, 0.5, 1.5, 1.2
    robot_clearance, min_robot_clearance, min_gap, standoff = 1.2, 0.9, 0.45, 4.5

    def __init__(self, body: str, x: float, y: float, direction: int, pace: float, rng: np.random.Generator) -> None:
        super().__init__(body, x, y, direction, pace, rng)
        self.middle, self.wobble = y, float(rng.uniform(0, 2 * math.pi))
        self.bell = 0.0

    @property
    def loudness(self) -> float:
        """Sound level at 1 m (dB): tyres and chain, or the bell."""
        return 76.0 if self.bell > 0 else 46.0 + 3.0 * self.speed

    def move(self, step: float, around: Surroundings) -> None:
        """Move, and sometimes ring the bell behind the robot."""
        self.wobble += 2.5 * step
        self.lane = self.middle + 0.12 * math.sin(self.wobble)
        super().move(step, around)
        self.bell -= step
        ahead = (around.robot.x - self.x) * self.direction
        if 2 < ahead < 8 and self.bell < -2.0 and self.rng.random() < 0.25 * step:
            self.bell = 0.6
