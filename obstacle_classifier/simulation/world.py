# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The state of a drive: street, robot and cast, carried forward one step of the physics at a time."""

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
from obstacle_classifier.simulation.traffic import Cast

__all__ = ["World", "stream"]

_CONTROL_STEPS = 8  # physics steps between two decisions of the robot and the cast: 20 ms
_STREET, _CAST, _SCENE = 0, 1, 2


def stream(seed: int, *key: int) -> np.random.Generator:
    """Random numbers of their own for each purpose, so that none depends on how many another one draws."""
    return np.random.default_rng([seed, *key])


class World:
    """A drive in progress.

    Attributes:
        street, scene, robot, cast: What is in it.
        steps: Physics steps done.
        motion: (6,) sum over all steps of specific force (m/s^2) and angular velocity (rad/s) in the robot's frame.
    """

    def __init__(self, scenario: Scenario, street: StreetPlan | None = None) -> None:
        """Make the street of the scenario's seed, or take the one given."""
        seed = scenario.seed
        self.street = plan_street(scenario, stream(seed, _STREET)) if street is None else street
        begin = self.street.path(0.0)
        heading = math.atan2(self.street.path(0.5) - begin, 0.5)
        self.scene: Scene = build_scene(self.street, stream(seed, _SCENE), (0.0, begin, heading))
        self.robot = Robot(self.scene, self.street, scenario.robot.speed)
        self.cast = Cast(self.scene, self.street, scenario.traffic, stream(seed, _CAST))
        self.steps = 0
        self.motion: Floats = np.zeros(6)
        self._corridor = scenario.corridor
        labelled = [thing for thing in self.street.things if thing.label is not None]
        self._standing = np.array([thing.footprint for thing in labelled], np.float64).reshape(-1, 5)
        self._standing_labels = [str(thing.label) for thing in labelled]
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
        near = np.abs(self._standing[:, 0] - corridor.x) < corridor.half_length + corridor.half_width + 6.0
        inside = np.flatnonzero(near)[overlaps(corridor, self._standing[near])]
        present = {self._standing_labels[index] for index in inside}
        hits = overlaps(corridor, self.cast.footprints())
        present |= {actor.label for actor, hit in zip(self.cast.actors.values(), hits, strict=True) if hit}
        return tuple(label for label in LABELS if label in present)

    def step(self) -> None:
        """Go on for one step of the physics."""
        if self.steps % _CONTROL_STEPS == 0:
            seconds = _CONTROL_STEPS * STEP_NS * 1e-9
            self.cast.advance(seconds, self.robot.pose)
            self.robot.drive(seconds, self.robot.gap_to(self.cast.footprints()))
        mujoco.mj_step(self.scene.model, self.scene.data)
        self.motion += self.scene.data.sensordata
        self.steps += 1
