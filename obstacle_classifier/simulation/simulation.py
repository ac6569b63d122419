# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A drive as a stream of messages: a bag and a live simulation have the same ones."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from obstacle_classifier.simulation.geometry import Floats, Footprint
from obstacle_classifier.simulation.messages import STRING, Message, serialise
from obstacle_classifier.simulation.range_sensors import Lidar
from obstacle_classifier.simulation.robot import Pose
from obstacle_classifier.simulation.scenario import Scenario
from obstacle_classifier.simulation.sensors import Sensor
from obstacle_classifier.simulation.street import StreetPlan
from obstacle_classifier.simulation.things import Thing
from obstacle_classifier.simulation.world import World

__all__ = ["Simulation", "Snapshot"]


@dataclass(frozen=True)
class Snapshot:
    """A view of the drive from above, at one instant.

    Attributes:
        time: Nanoseconds since the epoch.
        robot: The robot's pose.
        robot_shape: The robot's footprint.
        corridor: The rectangle in which labels count as present.
        actors: Label and footprint of each actor.
        things: The static objects near the robot.
        sidewalk: Width of the sidewalk (m).
        points: (n, 2) hits of the newest scan (m), world frame.
        truth: The labels in the newest message on the label topic.
    """

    time: int
    robot: Pose
    robot_shape: Footprint
    corridor: Footprint
    actors: tuple[tuple[str, Footprint], ...]
    things: tuple[Thing, ...]
    sidewalk: float
    points: Floats
    truth: tuple[str, ...]


class Simulation:
    """A drive through a street.

    The same scenario gives the same messages, byte for byte, on one machine with the same versions of MuJoCo and NumPy.

    Args:
        scenario: The settings of the drive.
        street: A street to use instead of the one that follows from the scenario's seed.

    Attributes:
        scenario: The settings of the drive.
        world: The state of the drive.
        topics: Message types by topic.
        start: Start of the drive, in ns since the epoch: the scenario's `start_time`, unless the caller sets another
            time before the first message.
        truth: The labels in the newest message on the label topic.
    """

    def __init__(self, scenario: Scenario, street: StreetPlan | None = None) -> None:
        self.scenario = scenario
        self.world = World(scenario, street)
        self.start = scenario.start_time * 10**9
        self._sensors = [
            Sensor(options, scenario.faults, scenario.seed, number) for number, options in enumerate(scenario.sensors)
        ]
        self.topics = {sensor.options.topic: sensor.type_name for sensor in self._sensors}
        self.topics[scenario.label_topic] = STRING
        self.truth: tuple[str, ...] = ()
        self._label_count = 0

    def messages(self) -> Iterator[Message]:
        """All messages of the drive, in order of receive time; the first and the last are label messages."""
        end = round(self.scenario.duration * 1e9)
        waiting: list[tuple[int, int, Message]] = []
        count = 0
        while self.world.now < end:
            for message in self._measure():
                heapq.heappush(waiting, (message.time, count, message))
                count += 1
            while waiting and waiting[0][0] <= self.start + self.world.now:
                yield heapq.heappop(waiting)[2]
            self.world.step()
        last = self.start + end
        while waiting and waiting[0][0] <= last:
            yield heapq.heappop(waiting)[2]
        yield self._label_message(last)

    def snapshot(self) -> Snapshot:
        """The view from above now."""
        world = self.world
        lidar = next((s.instrument for s in self._sensors if isinstance(s.instrument, Lidar)), None)
        near = world.robot.pose.x
        return Snapshot(
            time=self.start + world.now,
            robot=world.robot.pose,
            robot_shape=world.robot.footprint,
            corridor=world.corridor,
            actors=tuple((actor.label, actor.footprint) for actor in world.traffic.actors.values()),
            things=tuple(thing for thing in world.street.things if abs(thing.x - near) < 30.0),
            sidewalk=world.street.width,
            points=world.street.path_x[:0].reshape(0, 2) if lidar is None else lidar.points,
            truth=self.truth,
        )

    def _measure(self) -> Iterator[Message]:
        """The messages of the measurements that are due at this step."""
        now = self.world.now
        if now >= self._label_count * 1e9 / self.scenario.corridor.rate:
            self._label_count += 1
            yield self._label_message(self.start + now)
        for sensor in self._sensors:
            if now >= sensor.due:
                message = sensor.measure(self.world, self.start)
                if message is not None:
                    yield message

    def _label_message(self, time: int) -> Message:
        self.truth = self.world.truth()
        return Message(self.scenario.label_topic, STRING, time, serialise(STRING, {"data": ",".join(self.truth)}))
