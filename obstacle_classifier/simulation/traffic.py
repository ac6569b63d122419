# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Who comes along when: actors enter out of the robot's sight and leave it again."""

from __future__ import annotations

import math

import numpy as np

from obstacle_classifier.simulation.actors import Actor, Cyclist, Dog, Surroundings, Walker
from obstacle_classifier.simulation.geometry import Floats
from obstacle_classifier.simulation.robot import Pose
from obstacle_classifier.simulation.scenario import Traffic
from obstacle_classifier.simulation.scene import CAST, Scene
from obstacle_classifier.simulation.street import StreetPlan
from obstacle_classifier.simulation.vehicles import Car, CrossingCar

__all__ = ["Cast"]

_ENTRANCE = 22.0  # m ahead of or behind the robot


class Cast:
    """All who move.

    Attributes:
        actors: Those on the street, by body name.
    """

    def __init__(self, scene: Scene, street: StreetPlan, traffic: Traffic, rng: np.random.Generator) -> None:
        self.actors: dict[str, Actor] = {}
        self._scene, self._street, self._rng = scene, street, rng
        self._rates = {
            "pedestrian": traffic.pedestrian,
            "bicycle": traffic.bicycle,
            "dog": traffic.dog,
            "car": traffic.vehicle,
        }
        self._next = {kind: self._wait(rate) * rng.uniform(0, 1) for kind, rate in self._rates.items()}
        self._crossing = {x: bool(rng.random() < traffic.crossing) for x in street.driveways}
        on_sidewalk = [
            thing
            for thing in street.things
            if abs(thing.y) - thing.reach[1] < street.width / 2 and thing.kind != "wall"
        ]
        self._obstacles = np.array([thing.footprint for thing in on_sidewalk], np.float64).reshape(-1, 5)
        self._first = True

    def advance(self, step: float, robot: Pose) -> None:
        """Go on for `step` seconds: enter, move, leave."""
        edge = self._street.width / 2
        around = Surroundings(robot, self._near(robot.x), self.footprints(), edge, self._street.houses)
        if self._first:
            self._first = False
            self._open(around)
        for kind, rate in self._rates.items():
            self._next[kind] -= step
            if self._next[kind] <= 0:
                self._next[kind] = self._wait(rate)
                self._enter(kind, around)
        for x in [x for x, comes in self._crossing.items() if comes and 3.5 < x - robot.x < 8.0]:
            self._crossing[x] = False
            self._cross(x, around)
        for actor in list(self.actors.values()):
            actor.advance(step, around)
            if actor.done:
                actor.hide(self._scene)
                del self.actors[actor.body]
            else:
                actor.show(self._scene)

    def footprints(self) -> Floats:
        """(n, 5) rectangles that the actors cover."""
        return np.array([actor.footprint for actor in self.actors.values()], np.float64).reshape(-1, 5)

    def _near(self, x: float) -> Floats:
        return self._obstacles[np.abs(self._obstacles[:, 0] - x) < 30.0]

    def _wait(self, per_minute: float) -> float:
        return float(self._rng.exponential(60.0 / per_minute)) if per_minute > 0 else math.inf

    def _free_body(self, kind: str) -> str | None:
        return next((f"{kind}{n}" for n in range(CAST[kind]) if f"{kind}{n}" not in self.actors), None)

    def _open(self, around: Surroundings) -> None:
        """Some are there already as the drive begins."""
        for _ in range(int(self._rng.poisson(self._rates["pedestrian"] * 0.15))):
            self._enter("pedestrian", around, float(self._rng.uniform(4, _ENTRANCE)))

    def _enter(self, kind: str, around: Surroundings, distance: float = _ENTRANCE) -> None:
        body = self._free_body(kind)
        if body is None:
            return
        rng, robot, edge = self._rng, around.robot, around.edge
        if kind == "car":
            self._enter_road(body, around)
            return
        # Whoever comes towards the robot starts ahead; whoever goes its way starts behind if quicker, else ahead.
        direction = int(rng.choice([-1, 1], p=[0.6, 0.4]))
        lane = float(rng.uniform(-edge + 0.4, edge - 0.4))
        if kind == "bicycle":
            pace = float(rng.uniform(1.6, 3.8))
            x = robot.x - _ENTRANCE if direction > 0 else robot.x + _ENTRANCE
            self.actors[body] = Cyclist(body, x, lane, direction, pace, rng)
            return
        pace = float(rng.uniform(0.6, 1.7))
        behind = direction > 0 and pace > robot.speed + 0.2
        x = robot.x - 6.0 if behind else robot.x + distance
        if kind == "pedestrian":
            self.actors[body] = Walker(body, x, lane, direction, pace, rng)
            return
        owner = None
        walker = self._free_body("pedestrian")
        if walker is not None and rng.random() < 0.5:
            owner = Walker(walker, x, lane, direction, pace, rng)
            self.actors[walker] = owner
        self.actors[body] = Dog(body, x + 0.8, lane, rng, owner, direction)

    def _enter_road(self, body: str, around: Surroundings) -> None:
        direction = int(self._rng.choice([-1, 1]))
        near_lane = direction == -around.houses  # traffic keeps to the right
        away = around.edge + 2.3 + (1.6 if near_lane else 4.8)
        pace = float(self._rng.uniform(6, 13))
        x = around.robot.x - direction * 25.0
        length = self._scene.cars[body]
        self.actors[body] = Car(body, x, -around.houses * away, direction, pace, length, self._rng)

    def _cross(self, x: float, around: Surroundings) -> None:
        body = self._free_body("crossing")
        if body is not None:
            outwards = bool(self._rng.random() < 0.7)
            length = self._scene.cars[body]
            self.actors[body] = CrossingCar(body, x, around.houses, outwards, length, around.edge, self._rng)
