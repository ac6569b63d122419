# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The robot: how it follows its path, and its true pose."""

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

_LOOKAHEAD, _LOOKAHEAD_TIME = 0.35, 0.3  # m, and s of driving on top
_ACCELERATION = 1.0  # m/s^2
_BRAKING = 2.0  # m/s^2
_TURNING = 1.2  # rad/s, at most
_BEND_TURNING = 0.8  # rad/s, at most, that the path asks for: the robot slows down where it bends
_STOP_GAP, _SLOW_GAP = 0.4, 1.7  # m from the robot's front to what is in its way


class Pose(NamedTuple):
    """Where the robot is (m), where it heads (rad), how fast (m/s)."""

    x: float
    y: float
    yaw: float
    speed: float


@dataclass
class Robot:
    """Two driven wheels and a caster, with a driver that follows a path and brakes for what is in the way.

    Attributes:
        scene: Whose robot it is.
        street: Whose path it follows.
        speed: What it drives at where nothing is in the way (m/s).
        commanded: Forward speed (m/s) and yaw rate (rad/s) that the wheels are asked for.
    """

    scene: Scene
    street: StreetPlan
    speed: float
    commanded: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        """Measure how the path bends (1/m)."""
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
        """How far the left and right wheel have turned (rad)."""
        left, right = self.scene.data.qpos[7:9]
        return float(left), float(right)

    @property
    def footprint(self) -> Footprint:
        """The rectangle that it covers."""
        pose = self.pose
        return Footprint(pose.x, pose.y, pose.yaw, ROBOT_LENGTH / 2, ROBOT_WIDTH / 2)

    def drive(self, step: float, gap: float) -> None:
        """Steer along the path for one control step (s) with the next obstacle `gap` m ahead of the front."""
        pose = self.pose
        now = self.commanded[0]
        ahead = _LOOKAHEAD + _LOOKAHEAD_TIME * now
        aside = self.street.path(pose.x + ahead) - pose.y
        # Pure pursuit: the arc through the point ahead.
        curvature = 2 * math.sin(math.atan2(aside, ahead) - pose.yaw) / math.hypot(aside, ahead)
        fastest = min(self.speed, _BEND_TURNING / max(self._sharpest_bend(pose.x, now), 1e-9))
        wanted = fastest * min(1.0, max(0.0, (gap - _STOP_GAP) / (_SLOW_GAP - _STOP_GAP)))
        speed = now + float(np.clip(wanted - now, -_BRAKING * step, _ACCELERATION * step))
        turning = float(np.clip(speed * curvature, -_TURNING, _TURNING))
        self.command(speed, turning)

    def _sharpest_bend(self, x: float, speed: float) -> float:
        """The largest curvature (1/m) of the path ahead, as far as it takes to brake."""
        end = x + 0.5 + speed * speed / (2 * _BRAKING)
        first, last = np.searchsorted(self.street.path_x, (x - 0.3, end))
        return float(self._bends[first:last].max(initial=0.0))

    def command(self, speed: float, yaw_rate: float) -> None:
        """Ask the wheels for a forward speed (m/s) and a yaw rate (rad/s)."""
        self.commanded = speed, yaw_rate
        half = yaw_rate * TRACK / 2
        self.scene.data.ctrl[:] = (speed - half) / ROLLING_RADIUS, (speed + half) / ROLLING_RADIUS

    def gap_to(self, rectangles: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
        """Distance (m) from the front to the nearest of n footprints (n, 5) on the way ahead; inf if it is free."""
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
