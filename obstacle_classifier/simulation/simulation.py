# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A drive as a stream of messages: what a bag holds and what a live simulation publishes are the same."""

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
    """What there is to see from above at one instant.

    Attributes:
        time: Nanoseconds since the epoch.
        robot: The robot's pose.
        robot_shape: The rectangle that it covers.
        corridor: The rectangle in which labels count as present.
        actors: Label and rectangle of everybody who moves.
        things: All that stands still.
        sidewalk: Width of the sidewalk (m).
        points: (n, 2) lidar hits, m in the world.
        truth: The labels present, as last published.
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
        scenario: What is driven through, and how it is sensed.
        street: Instead of the one that the scenario's seed makes.

    Attributes:
        scenario, world: What it is about.
        topics: Type of each topic.
        start: When the drive begins, in ns since the epoch: the scenario's `start_time`, unless the caller sets another
            time before the first message.
        truth: The labels present, as last published.
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
        self._announcements = 0

    def messages(self) -> Iterator[Message]:
        """All messages of the drive in order of receive time, the labels first and last among them."""
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
        yield self._announce(last)

    def snapshot(self) -> Snapshot:
        """What there is to see now."""
        world = self.world
        lidar = next((s.instrument for s in self._sensors if isinstance(s.instrument, Lidar)), None)
        near = world.robot.pose.x
        return Snapshot(
            time=self.start + world.now,
            robot=world.robot.pose,
            robot_shape=world.robot.footprint,
            corridor=world.corridor,
            actors=tuple((actor.label, actor.footprint) for actor in world.cast.actors.values()),
            things=tuple(thing for thing in world.street.things if abs(thing.x - near) < 30.0),
            sidewalk=world.street.width,
            points=world.street.path_x[:0].reshape(0, 2) if lidar is None else lidar.points,
            truth=self.truth,
        )

    def _measure(self) -> Iterator[Message]:
        """The messages that come of what is due at this step."""
        now = self.world.now
        if now >= self._announcements * 1e9 / self.scenario.corridor.rate:
            self._announcements += 1
            yield self._announce(self.start + now)
        for sensor in self._sensors:
            if now >= sensor.due:
                message = sensor.measure(self.world, self.start)
                if message is not None:
                    yield message

    def _announce(self, time: int) -> Message:
        self.truth = self.world.truth()
        return Message(self.scenario.label_topic, STRING, time, serialise(STRING, {"data": ",".join(self.truth)}))
