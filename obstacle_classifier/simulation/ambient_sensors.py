# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Sensors of sound, light and temperature."""

from __future__ import annotations

import math

import numpy as np

from obstacle_classifier.simulation.messages import Fields
from obstacle_classifier.simulation.range_sensors import cast_rays
from obstacle_classifier.simulation.scenario import SensorOptions
from obstacle_classifier.simulation.scene import SOLID
from obstacle_classifier.simulation.world import World

__all__ = ["Light", "Microphone", "Thermometer", "in_sun", "sound_level"]

_SUN = np.array([0.35, -0.45, 0.82])  # direction to the sun
_SHADE, _SUNSHINE = 9_000.0, 55_000.0  # lux
_COOL, _WARM = 21.0, 34.0  # degrees Celsius of the ground, in the shade and in the sun
_TIME_CONSTANT = 4.0  # s; of the thermometer
_MOTOR = 42.0  # dB at 1 m from the robot at rest; 6 dB more for each m/s


class Microphone:
    """Noise level in dB: the sum of all sources. Ten times the distance weakens a source by 20 dB."""

    type_name = "std_msgs/msg/Float32"

    def __init__(self, options: SensorOptions, rng: np.random.Generator) -> None:
        self._options, self._rng = options, rng
        self._ambient = options["ambient"] + float(rng.uniform(0, 6))
        self._drift = 0.0

    def measure(self, world: World, noise_factor: float) -> Fields:
        """The fields of a Float32."""
        self._drift += 0.05 * (-self._drift + 2.0 * float(self._rng.standard_normal()))
        level = sound_level(world, self._ambient + self._drift)
        return {"data": level + self._options["noise"] * noise_factor * float(self._rng.standard_normal())}


def sound_level(world: World, ambient: float) -> float:
    """Sound level at the robot (dB): ambient sound, the robot's motors and all actors."""
    pose = world.robot.pose
    power = 10 ** (ambient / 10) + 10 ** ((_MOTOR + 6 * abs(pose.speed)) / 10)
    for actor in world.traffic.actors.values():
        distance = max(1.0, math.hypot(actor.x - pose.x, actor.y - pose.y))
        power += actor.presence * 10 ** (actor.loudness / 10) / distance**2
    return 10 * math.log10(power)


def in_sun(world: World) -> bool:
    """Whether the line from the robot's top to the sun is free."""
    pose = world.robot.pose
    sun = _SUN / np.linalg.norm(_SUN)
    distances, _ = cast_rays(world, np.array([pose.x, pose.y, 0.5]), sun[np.newaxis], SOLID, 40.0)
    return bool(np.isinf(distances[0]))


class Light:
    """Illuminance in lux; lower in the shade."""

    type_name = "sensor_msgs/msg/Illuminance"

    def __init__(self, options: SensorOptions, rng: np.random.Generator) -> None:
        self._options, self._rng = options, rng

    def measure(self, world: World, noise_factor: float) -> Fields:
        """The fields of an Illuminance."""
        lux = _SUNSHINE if in_sun(world) else _SHADE
        relative = self._options["noise"]
        noise = relative * noise_factor * float(self._rng.standard_normal())
        return {"illuminance": max(0.0, lux * (1.0 + noise)), "variance": (lux * relative) ** 2}


class Thermometer:
    """Temperature of the ground in degrees Celsius: warmer in the sun, and measured with a delay."""

    type_name = "sensor_msgs/msg/Temperature"

    def __init__(self, options: SensorOptions, rng: np.random.Generator) -> None:
        self._options, self._rng = options, rng
        self._value: float | None = None

    def measure(self, world: World, noise_factor: float) -> Fields:
        """The fields of a Temperature."""
        target = _WARM if in_sun(world) else _COOL
        follow = 1.0 - math.exp(-1.0 / (_TIME_CONSTANT * self._options["rate"]))
        self._value = target if self._value is None else self._value + follow * (target - self._value)
        noise = self._options["noise"]
        return {
            "temperature": self._value + noise * noise_factor * float(self._rng.standard_normal()),
            "variance": noise**2,
        }
