# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The robot: its driver and its true pose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from obstacle_classifier.simulation.geometry import Footprint
from obstacle_classifier.simulation.scene import Scene
from obstacle_classifier.simulation.shapes import ROBOT_FRONT, ROBOT_LENGTH, ROBOT_WIDTH, ROLLING_RADIUS, TRACK
from obstacle_classifier.simulation.street import StreetPlan

__all__ = ["Pose", "Robot"]

_LOOKAHEAD, _LOOKAHEAD_TIME = 0.35, 0.3  # m, plus the distance driven in this time (s)
_ACCELERATION = 1.0  # m/s^2
_BRAKING = 2.0  # m/s^2
_TURNING = 1.2  # rad/s; limit
_BEND_TURNING = 0.8  # rad/s; limit in bends of the path, where the robot slows down
_STOP_GAP, _SLOW_GAP = 0.4, 1.7  # m between the robot's front and an obstacle at which it stops, and slows down


class Pose(NamedTuple):
    """Position (m), heading (rad) and forward speed (m/s) of the robot."""

    x: float
    y: float
    yaw: float
    speed: float


@dataclass
class Robot:
    """A robot on two driven wheels and a caster, with a driver that follows a path and brakes for obstacles.

    Attributes:
        scene: The scene with its bodies.
        street: The street with its path.
        speed: Speed (m/s) if the way is free.
        commanded: Forward speed (m/s) and yaw rate (rad/s) commanded to the wheels.
    """

    scene: Scene
    street: StreetPlan
    speed: float
    commanded: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        """Compute the curvature of the path (1/m)."""
        x, y = self.street.path_x, self.street.path_y
        yaw = np.arctan2(np.gradient(y, x), 1.0)
        self._bends = np.abs(np.gradient(yaw, x))

    @property
    def pose(self) -> Pose:
        """The true pose."""
        data = self.scene.data
        x, y, _, w, a, b, c = data.qpos[:7]
        yaw = math.atan2(2 * (w * c + a * b), 1 - 2 * (b * b + c * c))
        return Pose(float(x), float(y), yaw, float(data.qvel[0] * math.cos(yaw) + data.qvel[1] * math.sin(yaw)))

    @property
    def wheel_angles(self) -> tuple[float, float]:
        """Angles of the left and right wheel (rad)."""
        left, right = self.scene.data.qpos[7:9]
        return float(left), float(right)

    @property
    def footprint(self) -> Footprint:
        """The rectangle that it covers."""
        pose = self.pose
        return Footprint(pose.x, pose.y, pose.yaw, ROBOT_LENGTH / 2, ROBOT_WIDTH / 2)

    def drive(self, step: float, gap: float) -> None:
        """Follow the path for one control step (s); the next obstacle is `gap` m ahead of the front."""
        pose = self.pose
        now = self.commanded[0]
        ahead = _LOOKAHEAD + _LOOKAHEAD_TIME * now
        aside = self.street.path(pose.x + ahead) - pose.y
        # Pure pursuit: the arc through the point of the path at the lookahead distance.
        curvature = 2 * math.sin(math.atan2(aside, ahead) - pose.yaw) / math.hypot(aside, ahead)
        fastest = min(self.speed, _BEND_TURNING / max(self._sharpest_bend(pose.x, now), 1e-9))
        wanted = fastest * min(1.0, max(0.0, (gap - _STOP_GAP) / (_SLOW_GAP - _STOP_GAP)))
        speed = now + float(np.clip(wanted - now, -_BRAKING * step, _ACCELERATION * step))
        turning = float(np.clip(speed * curvature, -_TURNING, _TURNING))
        self.command(speed, turning)

    def _sharpest_bend(self, x: float, speed: float) -> float:
        """The largest curvature (1/m) of the path within the braking distance."""
        end = x + 0.5 + speed * speed / (2 * _BRAKING)
        first, last = np.searchsorted(self.street.path_x, (x - 0.3, end))
        return float(self._bends[first:last].max(initial=0.0))

    def command(self, speed: float, yaw_rate: float) -> None:
        """Command a forward speed (m/s) and a yaw rate (rad/s) to the wheels."""
        self.commanded = speed, yaw_rate
        half = yaw_rate * TRACK / 2
        self.scene.data.ctrl[:] = (speed - half) / ROLLING_RADIUS, (speed + half) / ROLLING_RADIUS

    def gap_to(self, rectangles: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
        """Distance (m) from the front to the nearest footprint of (n, 5) in the way ahead; inf if the way is free."""
        pose = self.pose
        dx, dy = rectangles[:, 0] - pose.x, rectangles[:, 1] - pose.y
        c, s = math.cos(pose.yaw), math.sin(pose.yaw)
        turn = rectangles[:, 2] - pose.yaw
        cos, sin = np.abs(np.cos(turn)), np.abs(np.sin(turn))
        along = dx * c + dy * s - (rectangles[:, 3] * cos + rectangles[:, 4] * sin)
        across = np.abs(dy * c - dx * s) - (rectangles[:, 3] * sin + rectangles[:, 4] * cos)
        behind = dx * c + dy * s < 0
        in_way = ~behind & (across < ROBOT_WIDTH / 2 + 0.1)
        return float(np.min(along[in_way] - ROBOT_FRONT)) if in_way.any() else math.inf
