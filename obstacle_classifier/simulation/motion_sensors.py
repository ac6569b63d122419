# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Sensors of the robot's own motion: Imu and wheel odometry."""

from __future__ import annotations

import math

import numpy as np

from obstacle_classifier.simulation.messages import Fields, xyz
from obstacle_classifier.simulation.scenario import SensorOptions
from obstacle_classifier.simulation.shapes import ROLLING_RADIUS, TRACK
from obstacle_classifier.simulation.world import World

__all__ = ["Imu", "WheelOdometry"]


class Imu:
    """Accelerometer and gyroscope; a sample is the mean over the physics steps since the previous sample.

    The axes follow REP-145: x forward, y left, z up, and +g on z at rest. The orientation is not estimated.
    """

    type_name = "sensor_msgs/msg/Imu"

    def __init__(self, options: SensorOptions, rng: np.random.Generator) -> None:
        self._rng = rng
        noise, bias = (
            [options[f"accelerometer_{what}"]] * 3 + [options[f"gyroscope_{what}"]] * 3 for what in ("noise", "bias")
        )
        self._noise = np.array(noise)
        self._bias = np.array(bias) * rng.standard_normal(6)
        self._before, self._steps = np.zeros(6), 0

    def measure(self, world: World, noise_factor: float) -> Fields:
        """The fields of an Imu message."""
        new = world.steps - self._steps
        mean = (world.motion - self._before) / new if new else np.array(world.scene.data.sensordata)
        self._before, self._steps = world.motion.copy(), world.steps
        values = mean + self._bias + self._noise * noise_factor * self._rng.standard_normal(6)
        variances = self._noise**2
        unknown = np.zeros(9)
        unknown[0] = -1.0
        return {
            "orientation": xyz((0.0, 0.0, 0.0, 1.0)),
            "orientation_covariance": unknown,
            "angular_velocity": xyz(values[3:]),
            "angular_velocity_covariance": np.diag(variances[3:]).ravel(),
            "linear_acceleration": xyz(values[:3]),
            "linear_acceleration_covariance": np.diag(variances[:3]).ravel(),
        }


class WheelOdometry:
    """Pose and twist, integrated from the angles of the wheels.

    Errors: physical slip on the ground, a constant scale error of each wheel, and noise on the wheel speeds.
    """

    type_name = "nav_msgs/msg/Odometry"

    def __init__(self, options: SensorOptions, rng: np.random.Generator) -> None:
        self._options, self._rng = options, rng
        self._scale = ROLLING_RADIUS * (1.0 + options["slip"] * rng.standard_normal(2))
        self._angles: np.ndarray[tuple[int], np.dtype[np.float64]] | None = None
        self._steps = 0
        self._x = self._y = self._yaw = 0.0

    def measure(self, world: World, noise_factor: float) -> Fields:
        """The fields of an Odometry message; the pose is relative to the start of the drive."""
        angles = np.array(world.robot.wheel_angles)
        turned = np.zeros(2) if self._angles is None else angles - self._angles
        seconds = (world.steps - self._steps) * world.scene.model.opt.timestep
        self._angles, self._steps = angles, world.steps
        noise = self._options["noise"] * noise_factor * self._rng.standard_normal(2)
        left, right = (turned + noise * seconds) * self._scale
        forward, turn = (left + right) / 2, (right - left) / TRACK
        middle = self._yaw + turn / 2
        self._x += forward * math.cos(middle)
        self._y += forward * math.sin(middle)
        self._yaw = math.remainder(self._yaw + turn, 2 * math.pi)
        half = self._yaw / 2
        speed, rate = (forward / seconds, turn / seconds) if seconds else (0.0, 0.0)
        pose = {
            "position": xyz((self._x, self._y, 0.0)),
            "orientation": xyz((0.0, 0.0, math.sin(half), math.cos(half))),
        }
        twist = {"linear": xyz((speed, 0.0, 0.0)), "angular": xyz((0.0, 0.0, rate))}
        return {
            "child_frame_id": "base_link",
            "pose": {"pose": pose, "covariance": np.zeros(36)},
            "twist": {"twist": twist, "covariance": np.zeros(36)},
        }
