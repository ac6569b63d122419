# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The traffic: actors enter and leave out of the robot's sight."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from obstacle_classifier.simulation.actors import Actor
from obstacle_classifier.simulation.dogs import Dog
from obstacle_classifier.simulation.geometry import Floats, Footprint
from obstacle_classifier.simulation.robot import Pose
from obstacle_classifier.simulation.scenario import Traffic
from obstacle_classifier.simulation.scene import MAX_ACTORS, Scene
from obstacle_classifier.simulation.shapes import ROBOT_LENGTH, ROBOT_WIDTH
from obstacle_classifier.simulation.sidewalk_users import Cyclist, Walker
from obstacle_classifier.simulation.street import StreetPlan
from obstacle_classifier.simulation.surroundings import Neighbour, Surroundings
from obstacle_classifier.simulation.vehicles import Car, CrossingCar

__all__ = ["TrafficModel"]

_ENTRANCE = 22.0  # m ahead of or behind the robot, where actors enter
_ROAD_ENTRANCE = 48.0  # m; the same for vehicles on the road
_CROWD_SIZE, _CROWD_RADIUS = 6, 10.0  # nobody enters while so many actors are within this distance of the robot (m)
_ROBOT_DISTANCE = 0.13  # m; extra distance that all actors keep from the robot
_LANES = 6  # positions across the sidewalk that are tried for an actor that enters


class TrafficModel:
    """All actors, and when they enter.

    Attributes:
        actors: The actors on the street, by body name.
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
        self._next = {kind: self._draw_wait(rate) * rng.uniform(0, 1) for kind, rate in self._rates.items()}
        self._crossing = {x: bool(rng.random() < traffic.crossing) for x in street.driveways}
        # Also a little beyond the edges: an actor that turns reaches over them.
        near = [thing for thing in street.things if abs(thing.y) - thing.reach[1] < street.width / 2 + 0.5]
        self._obstacles = [Neighbour.of(thing.footprint) for thing in near]
        self._starting = True

    def advance(self, step: float, robot: Pose) -> None:
        """Simulate `step` seconds: actors enter, move and leave."""
        around = self._surroundings(robot)
        if self._starting:
            self._populate(around)
            self._starting = False
        for kind, rate in self._rates.items():
            self._next[kind] -= step
            if self._next[kind] <= 0:
                self._next[kind] = self._draw_wait(rate)
                self._enter(kind, around)
        for x in [x for x, comes in self._crossing.items() if comes and 7.0 < x - robot.x < 12.0]:
            self._crossing[x] = False
            self._enter_crossing(x, around)
        for actor in list(self.actors.values()):
            actor.advance(step, around)
            if actor.gone:
                actor.hide(self._scene)
                del self.actors[actor.body]
            else:
                actor.show(self._scene)

    def footprints(self) -> Floats:
        """(n, 5) footprints of the actors, rows as `Footprint`."""
        return np.array([actor.footprint for actor in self.actors.values()], np.float64).reshape(-1, 5)

    def _surroundings(self, robot: Pose) -> Surroundings:
        """All obstacles near the robot, and the robot itself as the first of the moving ones."""
        vx, vy = robot.speed * math.cos(robot.yaw), robot.speed * math.sin(robot.yaw)
        shape = Footprint(robot.x, robot.y, robot.yaw, ROBOT_LENGTH / 2, ROBOT_WIDTH / 2)
        moving = {"robot": Neighbour.of(shape, vx, vy, _ROBOT_DISTANCE)}
        for body, actor in self.actors.items():
            moving[body] = Neighbour.of(actor.footprint, *actor.velocity)
        standing = [thing for thing in self._obstacles if abs(thing.shape.x - robot.x) < 35.0 + thing.reach_x]
        return Surroundings(robot, self._street.width / 2, self._street.houses, standing, moving)

    def _draw_wait(self, per_minute: float) -> float:
        return float(self._rng.exponential(60.0 / per_minute)) if per_minute > 0 else math.inf

    def _free_body(self, kind: str) -> str | None:
        return next((f"{kind}{n}" for n in range(MAX_ACTORS[kind]) if f"{kind}{n}" not in self.actors), None)

    def _populate(self, around: Surroundings) -> None:
        """Add the pedestrians that are on the street when the drive begins."""
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
        if self._crowded(robot):
            return
        # Actors that come towards the robot start ahead; those that go its way start behind if faster, else ahead.
        direction = int(rng.choice([-1, 1], p=[0.6, 0.4]))
        pace = float(rng.uniform(1.6, 3.8) if kind == "bicycle" else rng.uniform(0.6, 1.7))
        behind = direction > 0 and pace > robot.speed + 0.2
        if kind == "bicycle":
            x = robot.x - _ENTRANCE if direction > 0 else robot.x + _ENTRANCE
        else:
            x = robot.x - 6.0 if behind else robot.x + distance
        others = around.near(x, 4.0, body)
        actor: Actor
        for _ in range(_LANES):
            lane = float(rng.uniform(-edge + 0.4, edge - 0.4))
            if kind == "bicycle":
                actor = Cyclist(body, x, lane, direction, pace, rng)
            elif kind == "pedestrian":
                actor = Walker(body, x, lane, direction, pace, rng)
            else:
                actor = Dog(body, x + 0.8, lane, rng, None, direction, *self._length(body))
            if actor.is_clear_of(others, 0.3):
                break
        else:
            return
        walker = self._free_body("pedestrian")
        if isinstance(actor, Dog) and walker is not None and rng.random() < 0.5:
            owner = Walker(walker, x - 0.5, actor.y, direction, pace, rng)
            if owner.is_clear_of(others, 0.1):
                actor.owner = owner
                self._add(owner, around)
        self._add(actor, around)

    def _crowded(self, robot: Pose) -> bool:
        """Whether there are so many actors near the robot that nobody else should enter."""
        near = [actor for actor in self.actors.values() if abs(actor.x - robot.x) < _CROWD_RADIUS]
        return sum(not isinstance(actor, Car) for actor in near) >= _CROWD_SIZE

    def _add(self, actor: Actor, around: Surroundings) -> None:
        """Add an actor to the street. Its sound fades in, unless the drive begins."""
        self.actors[actor.body] = actor
        if not self._starting:
            actor.presence = 0.0
        around.moving[actor.body] = Neighbour.of(actor.footprint, *actor.velocity)

    def _length(self, body: str) -> tuple[float, float]:
        """Extent of a body forward and backward from its origin (m)."""
        model = self._scene.model
        number = model.body(body).id
        first, count = int(model.body_geomadr[number]), int(model.body_geomnum[number])
        ends = []
        for geom in range(first, first + count):
            turn = np.zeros(9)
            mujoco.mju_quat2Mat(turn, model.geom_quat[geom])
            middle, half = model.geom_aabb[geom, :3], model.geom_aabb[geom, 3:]
            x = float(model.geom_pos[geom, 0] + turn[:3] @ middle)
            reach = float(np.abs(turn[:3]) @ half)
            ends.append((x + reach, reach - x))
        return max(end[0] for end in ends), max(end[1] for end in ends)

    def _enter_road(self, body: str, around: Surroundings) -> None:
        direction = int(self._rng.choice([-1, 1]))
        near_lane = direction == -around.houses  # vehicles keep to the right
        away = around.edge + 2.3 + (1.6 if near_lane else 4.8)
        pace = float(self._rng.uniform(6, 13))
        x = around.robot.x - direction * _ROAD_ENTRANCE
        length = self._scene.cars[body]
        car = Car(body, x, -around.houses * away, direction, pace, length, self._rng)
        if car.is_clear_of(around.near(x, 15.0, body), 5.0):
            self._add(car, around)

    def _enter_crossing(self, x: float, around: Surroundings) -> None:
        body = self._free_body("crossing")
        if body is not None:
            outwards = bool(self._rng.random() < 0.7)
            length = self._scene.cars[body]
            car = CrossingCar(body, x, around.houses, outwards, length, around.edge, self._rng)
            if car.is_clear_of(around.near(x, 15.0, body), 0.5):
                self._add(car, around)
