# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The robot's sensors: their timing, their faults and their messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from obstacle_classifier.simulation.ambient_sensors import Light, Microphone, Thermometer
from obstacle_classifier.simulation.messages import Fields, Message, header, serialise
from obstacle_classifier.simulation.motion_sensors import Imu, WheelOdometry
from obstacle_classifier.simulation.range_sensors import Lidar, Sonar
from obstacle_classifier.simulation.scenario import Fault, SensorOptions
from obstacle_classifier.simulation.world import World, stream

__all__ = ["Sensor"]

_SENSORS = 3  # key of the sensors' random stream; `world` has the other keys


class _Instrument(Protocol):
    """The measurement of one type of sensor."""

    type_name: str

    def measure(self, world: World, noise_factor: float) -> Fields:
        """All fields of the message except its header; `noise_factor` multiplies the noise."""


_INSTRUMENTS: dict[str, Callable[[SensorOptions, np.random.Generator], _Instrument]] = {
    "lidar": Lidar,
    "sonar": Sonar,
    "imu": Imu,
    "odometry": WheelOdometry,
    "microphone": Microphone,
    "light": Light,
    "thermometer": Thermometer,
}
_FRAMES = {"odometry": "odom", "microphone": None}


class Sensor:
    """One sensor of the scenario.

    Attributes:
        options: Its options in the scenario.
        instrument: Its measurement.
        type_name: ROS 2 type of its messages.
        due: Time of the next measurement, in ns since the start of the drive.
    """

    def __init__(self, options: SensorOptions, faults: Sequence[Fault], seed: int, number: int) -> None:
        self.options = options
        self.instrument = _INSTRUMENTS[options.type](options, stream(seed, _SENSORS, number))
        self.type_name = self.instrument.type_name
        self._faults = [fault for fault in faults if fault.sensor == options.name]
        self._lost = stream(seed, _SENSORS, number, 1)
        # A lidar loses beams, the others whole messages.
        self._loss = 0.0 if options.type == "lidar" else options["dropout"]
        self._frame = _FRAMES.get(options.type, options.name)
        self.due = self._count = 0
        self._last: Fields | None = None

    def measure(self, world: World, start: int) -> Message | None:
        """Measure once; returns the message, or None if it is lost.

        Args:
            world: The state of the drive.
            start: Start of the drive, in ns since the epoch.
        """
        self._count += 1
        self.due = round(self._count * 1e9 / self.options["rate"])
        seconds = world.now * 1e-9
        faults = {fault.kind: fault for fault in self._faults if fault.start <= seconds < fault.start + fault.duration}
        noise: Any = faults.get("noise")
        fields = self.instrument.measure(world, 1.0 if noise is None else noise.factor)
        if "freeze" in faults and self._last is not None:
            fields = self._last
        self._last = fields
        if self._lost.random() < self._loss or "dropout" in faults:
            return None
        time = start + world.now
        if self._frame is not None:
            offset = faults["clock_offset"].offset if "clock_offset" in faults else 0.0
            fields = {"header": header(max(0, time + round(offset * 1e9)), self._frame), **fields}
        return Message(
            self.options.topic, self.type_name, time + self.options.latency_ns, serialise(self.type_name, fields)
        )
