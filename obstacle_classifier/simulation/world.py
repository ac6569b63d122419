# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The state of a drive: street, robot and traffic, simulated in physics steps."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from obstacle_classifier.simulation.geometry import Floats, Footprint, corridor_ahead, overlaps
from obstacle_classifier.simulation.robot import Robot
from obstacle_classifier.simulation.scenario import LABELS, Scenario
from obstacle_classifier.simulation.scene import STEP_NS, Scene, build_scene
from obstacle_classifier.simulation.shapes import ROBOT_FRONT
from obstacle_classifier.simulation.street import StreetPlan, plan_street
from obstacle_classifier.simulation.traffic import TrafficModel

__all__ = ["World", "stream"]

_CONTROL_STEPS = 8  # physics steps per control step of robot and traffic: 20 ms
_STREET, _TRAFFIC, _SCENE = 0, 1, 2


def stream(seed: int, *key: int) -> np.random.Generator:
    """A random generator for one purpose: its numbers do not depend on the draws for other purposes."""
    return np.random.default_rng([seed, *key])


class World:
    """A drive in progress.

    Attributes:
        street: The street.
        scene: The MuJoCo model and its state.
        robot: The robot.
        traffic: The actors.
        steps: Number of physics steps so far.
        motion: (6,) sum over all steps of specific force (m/s^2) and angular velocity (rad/s) in the robot's frame.
    """

    def __init__(self, scenario: Scenario, street: StreetPlan | None = None) -> None:
        """Build the street that follows from the scenario's seed, or use the given one."""
        seed = scenario.seed
        self.street = plan_street(scenario, stream(seed, _STREET)) if street is None else street
        begin = self.street.path(0.0)
        heading = math.atan2(self.street.path(0.5) - begin, 0.5)
        self.scene: Scene = build_scene(self.street, stream(seed, _SCENE), (0.0, begin, heading))
        self.robot = Robot(self.scene, self.street, scenario.robot.speed)
        self.traffic = TrafficModel(self.scene, self.street, scenario.traffic, stream(seed, _TRAFFIC))
        self.steps = 0
        self.motion: Floats = np.zeros(6)
        self._corridor = scenario.corridor
        labelled = [thing for thing in self.street.things if thing.label is not None]
        self._static_footprints = np.array([thing.footprint for thing in labelled], np.float64).reshape(-1, 5)
        self._static_labels = [str(thing.label) for thing in labelled]
        mujoco.mj_forward(self.scene.model, self.scene.data)

    @property
    def now(self) -> int:
        """Nanoseconds since the start of the drive."""
        return self.steps * STEP_NS

    @property
    def corridor(self) -> Footprint:
        """The rectangle ahead of the robot in which labels count as present."""
        pose = self.robot.pose
        return corridor_ahead(pose.x, pose.y, pose.yaw, ROBOT_FRONT, self._corridor.length, self._corridor.width)

    def truth(self) -> tuple[str, ...]:
        """The labels present in the corridor, in the order of `LABELS`."""
        corridor = self.corridor
        near = np.abs(self._static_footprints[:, 0] - corridor.x) < corridor.half_length + corridor.half_width + 6.0
        inside = np.flatnonzero(near)[overlaps(corridor, self._static_footprints[near])]
        present = {self._static_labels[index] for index in inside}
        hits = overlaps(corridor, self.traffic.footprints())
        present |= {actor.label for actor, hit in zip(self.traffic.actors.values(), hits, strict=True) if hit}
        return tuple(label for label in LABELS if label in present)

    def step(self) -> None:
        """Simulate one physics step."""
        if self.steps % _CONTROL_STEPS == 0:
            seconds = _CONTROL_STEPS * STEP_NS * 1e-9
            self.traffic.advance(seconds, self.robot.pose)
            self.robot.drive(seconds, self.robot.gap_to(self.traffic.footprints()))
        mujoco.mj_step(self.scene.model, self.scene.data)
        self.motion += self.scene.data.sensordata
        self.steps += 1
