# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from test.helpers.simulation import quiet, thing

pytest.importorskip("mujoco", reason="the simulation needs mujoco")

from mujoco import mj_kinematics

from obstacle_classifier.simulation.actors import Actor
from obstacle_classifier.simulation.ambient_sensors import sound_level
from obstacle_classifier.simulation.detour import find_detour
from obstacle_classifier.simulation.dogs import Dog
from obstacle_classifier.simulation.geometry import Footprint, overlaps, separation
from obstacle_classifier.simulation.range_sensors import cast_rays
from obstacle_classifier.simulation.scenario import RobotOptions, Scenario, Traffic
from obstacle_classifier.simulation.scene import KERB, SOLID
from obstacle_classifier.simulation.sidewalk_users import Cyclist, Walker
from obstacle_classifier.simulation.street import empty_street
from obstacle_classifier.simulation.vehicles import Car, CrossingCar
from obstacle_classifier.simulation.world import World

CONTROL = 8  # physics steps between two moves of the actors
TOLERANCE = 0.1  # m of overlap that do not count


def drive(world: World, seconds: float) -> Iterator[float]:
    """Drive on, with a stop (s since the start) after each move of the actors."""
    end = world.now + round(seconds * 1e9)
    while world.now < end:
        for _ in range(CONTROL):
            world.step()
        yield world.now * 1e-9


def still(*actors: Actor, things: tuple[tuple[float, float, tuple[float, float, float]], ...] = ()) -> World:
    """A robot at rest, an empty street but for the things, and these actors."""
    standing = tuple(thing("trash_can", x, y, size, label="trash_can") for x, y, size in things)
    world = World(quiet(), empty_street(60.0, things=standing))
    world.traffic.actors = {actor.body: actor for actor in actors}
    return world


def touches(shape: Footprint, others: list[Footprint], tolerance: float) -> bool:
    """Whether a shape is about `tolerance` m or more inside another one."""
    smaller = shape._replace(
        half_length=shape.half_length - tolerance, half_width=max(0.01, shape.half_width - tolerance)
    )
    return bool(overlaps(smaller, np.array(others, np.float64).reshape(-1, 5)).any())


@pytest.mark.parametrize("seed", [0, 1, 3, 5, 6, 8])
def test_actors_do_not_go_through_robot_objects_or_each_other(seed: int) -> None:
    world = World(Scenario(duration=50.0, seed=seed))
    standing = [t.footprint for t in world.street.things if abs(t.y) - t.reach[1] < world.street.width / 2]
    met: set[frozenset[Actor]] = set()
    for number, _ in enumerate(drive(world, 50.0)):
        if number % 5:
            continue
        actors = list(world.traffic.actors.values())
        for actor in actors:
            assert separation(actor.footprint, world.robot.footprint) > 0.1, (actor.body, world.now)
            near = [shape for shape in standing if abs(shape.x - actor.x) < 8]
            assert not touches(actor.footprint, near, TOLERANCE), (actor.body, world.now)
        for one, two in itertools.combinations(actors, 2):
            if touches(one.footprint, [two.footprint], TOLERANCE):
                met.add(frozenset((one, two)))
    assert len(met) <= 2


@pytest.mark.parametrize("pace", [2.6, 3.0])
def test_a_cyclist_stops_before_a_robot_that_it_cannot_pass(pace: float) -> None:
    rng = np.random.default_rng(0)
    bins = ((0.0, 1.1, (0.6, 1.0, 1.0)), (0.0, -1.1, (0.6, 1.0, 1.0)))
    cyclist = Cyclist("bicycle0", 15.0, 0.0, -1, pace, rng)
    world = still(cyclist, things=bins)
    nearest = math.inf
    for _ in drive(world, 20.0):
        nearest = min(nearest, math.hypot(cyclist.x, cyclist.y))
        assert not touches(cyclist.footprint, [world.robot.footprint], 0.0)
    assert nearest < 6.0


@pytest.mark.parametrize("kind", [Walker, Cyclist])
def test_turning_back_is_not_instant(kind: type[Walker] | type[Cyclist]) -> None:
    body = "pedestrian0" if kind is Walker else "bicycle0"
    actor = kind(body, 9.0, 0.0, -1, 1.5, np.random.default_rng(0))
    world = still(actor, things=((4.0, 0.0, (0.5, 3.4, 1.0)),))
    yaw, direction = actor.yaw, actor.direction
    for _ in drive(world, 20.0):
        assert abs(math.remainder(actor.yaw - yaw, 2 * math.pi)) < 0.13  # 6.5 rad/s
        yaw = actor.yaw
    assert actor.direction == -direction
    assert abs(yaw) < 0.5


def test_a_stuck_cyclist_finds_a_way_out_between_objects() -> None:
    bicycle, tree, van = (3.95, 0.19, (1.8, 0.76, 1.0)), (4.98, -1.45, (0.4, 0.4, 3.0)), (9.53, -1.31, (5.2, 2.0, 2.2))
    cyclist = Cyclist("bicycle0", 5.61, -0.73, 1, 2.5, np.random.default_rng(0))
    world = still(cyclist, things=(bicycle, tree, van))
    standing = [thing.footprint for thing in world.street.things]
    for _ in drive(world, 20.0):
        assert not touches(cyclist.footprint, standing, 0.0)
    assert cyclist.x > 12.0


def test_a_cyclist_turns_along_the_sidewalk_to_get_past_a_bin() -> None:
    van, fence, bin_ = (4.48, 1.42, (5.2, 2.0, 2.2)), (4.0, -0.65, (0.3, 2.1, 1.0)), (8.25, -0.15, (0.7, 0.7, 1.0))
    cyclist = Cyclist("bicycle0", 6.6, -0.57, 1, 2.0, np.random.default_rng(0))
    cyclist.yaw, cyclist.speed = 2.52, 0.0
    world = still(cyclist, things=(van, fence, bin_, (7.36, -1.55, (0.4, 0.3, 1.0))))
    for _ in drive(world, 30.0):
        pass
    assert cyclist.x > 12.0


def test_a_crossing_vehicle_goes_on_past_a_robot_that_waits_for_it() -> None:
    car = CrossingCar("crossing0", 1.46, 1, True, 3.84, 1.7, np.random.default_rng(0))
    car.y, car.speed, car.wait_time = 2.23, 0.0, 0.0
    world = still(car)
    for _ in drive(world, 10.0):
        assert not touches(car.footprint, [world.robot.footprint], 0.0)
    assert car.y < -6.0


def test_nobody_enters_a_crowd() -> None:
    world = World(replace(quiet(), traffic=Traffic(60.0, 20.0, 0.0, 0.0, 0.0)), empty_street(60.0))
    crowd = [Walker(f"pedestrian{n}", 3.0 + n, 1.0, 1, 0.0, np.random.default_rng(n)) for n in range(6)]
    world.traffic.actors = {walker.body: walker for walker in crowd}
    for _ in drive(world, 10.0):
        assert len(world.traffic.actors) == 6
    world.traffic.actors = {walker.body: walker for walker in crowd[:2]}
    for _ in drive(world, 10.0):
        pass
    assert len(world.traffic.actors) > 2


@pytest.mark.parametrize("direction", [1, -1])
def test_a_detour_goes_around_corners_and_the_other_way_where_there_is_none(direction: int) -> None:
    def wall(x: float, y: float, gap: float) -> bool:
        return abs(y) <= 1.5 and not (1.0 < x * direction < 1.3 and y * gap < 1.0)

    way = find_detour(0.0, 0.0, direction, lambda x, y: wall(x, y, 1.0))
    assert way[-1][0] == pytest.approx(3.0 * direction)
    assert max(y for _, y in way) >= 1.0
    assert all(wall(x, y, 1.0) for x, y in way)
    assert all(abs(a - c) + abs(b - d) < 0.16 for (a, b), (c, d) in itertools.pairwise([(0.0, 0.0), *way]))
    back = find_detour(0.0, 0.0, direction, lambda x, y: wall(x, y, 0.0))
    assert back[-1] == pytest.approx((-3.0 * direction, 0.0))
    assert find_detour(0.0, 0.0, direction, lambda x, y: max(abs(x), abs(y)) < 1) == []


@pytest.mark.parametrize("direction", [1, -1])
def test_a_dog_finds_its_way_around_a_bin(direction: int) -> None:
    for seed in range(6):
        dog = Dog("dog0", -direction * 4.0 + 15.0, 0.0, np.random.default_rng(seed), None, direction)
        world = still(dog, things=((15.0, 0.0, (0.6, 0.6, 1.0)),))
        bin_ = world.street.things[0].footprint
        passed = False
        for _ in drive(world, 30.0):
            assert not touches(dog.footprint, [bin_], 0.02)
            passed |= (dog.x - 15.0) * direction > 1.0
        assert passed


def test_a_crossing_vehicle_waits_for_a_pedestrian_in_its_way() -> None:
    rng = np.random.default_rng(0)
    car = CrossingCar("crossing0", 10.0, 1, True, 4.2, 1.7, rng)
    man = Walker("pedestrian0", 10.0, 0.5, 1, 0.0, rng)
    world = still(car, man)
    for _ in drive(world, 15.0):
        man.waiting_time = 0.0
        assert not touches(car.footprint, [man.footprint], 0.0)
    assert car.y - car.half_length < 3.0


def _hits(world: World, actor: Actor) -> np.ndarray:
    """(n, 2) places where horizontal rays from all around meet somebody's body, up to 0.8 m high."""
    model = world.scene.model
    points = []
    for height, angle in itertools.product((0.05, 0.15, 0.3, 0.45, 0.8), np.linspace(0, 2 * math.pi, 24, False)):
        c, s = math.cos(angle), math.sin(angle)
        for side in np.linspace(-1.2, 1.2, 49):
            origin = np.array([actor.x - 1.5 * c - side * s, actor.y - 1.5 * s + side * c, height])
            distance, geom = cast_rays(world, origin, np.array([[c, s, 0.0]]), SOLID, 3.0)
            if geom[0] >= 0 and model.body(int(model.geom_bodyid[geom[0]])).name.startswith(actor.body):
                points.append(origin[:2] + distance[0] * np.array([c, s]))
    return np.array(points)


def _outside(shape: Footprint, points: np.ndarray) -> float:
    """How far (m) the farthest point lies outside a rectangle."""
    dx, dy = points[:, 0] - shape.x, points[:, 1] - shape.y
    c, s = math.cos(shape.yaw), math.sin(shape.yaw)
    along, across = np.abs(dx * c + dy * s) - shape.half_length, np.abs(dy * c - dx * s) - shape.half_width
    return float(np.hypot(np.maximum(along, 0), np.maximum(across, 0)).max())


@pytest.mark.parametrize("phase", [1.0, math.pi / 2, 3 * math.pi / 2])
@pytest.mark.parametrize("pace", [0.6, 1.6])
def test_a_walkers_footprint_covers_the_swinging_legs(phase: float, pace: float) -> None:
    walker = Walker("pedestrian0", 20.0, 0.0, 1, pace, np.random.default_rng(0))
    walker.yaw, walker.phase = 0.4, phase
    world = still(walker)
    walker.show(world.scene)
    mj_kinematics(world.scene.model, world.scene.data)
    points = _hits(world, walker)
    assert len(points) > 100
    assert _outside(walker.footprint, points) < 0.02
    assert walker.footprint.half_length < 0.5


@pytest.mark.parametrize("seed", [0, 1])
def test_footprints_of_dogs_and_cyclists_cover_their_bodies(seed: int) -> None:
    traffic = Traffic(pedestrian=0.0, bicycle=12.0, dog=20.0, vehicle=0.0, crossing=0.0)
    world = World(Scenario(duration=30.0, seed=seed, traffic=traffic), empty_street(60.0))
    seen: set[str] = set()
    for _ in drive(world, 30.0):
        for actor in world.traffic.actors.values():
            if actor.body not in seen and isinstance(actor, Dog | Cyclist):
                seen.add(actor.body)
                points = _hits(world, actor)
                # Not larger than the body either.
                assert _outside(actor.footprint, points) < 0.02
                shorter = actor.footprint._replace(half_length=actor.half_length - 0.06)
                assert _outside(shorter, points) > 0.02
    assert len(seen) >= 4


def test_vehicles_come_and_go_without_a_step_of_sound() -> None:
    traffic = Traffic(pedestrian=0.0, bicycle=0.0, dog=0.0, vehicle=30.0, crossing=1.0)
    world = World(Scenario(duration=60.0, seed=2, traffic=traffic, robot=RobotOptions(1.0, 0.0)))
    before, bodies, changes = sound_level(world, 45.0), 0, 0
    for _ in drive(world, 60.0):
        level = sound_level(world, 45.0)
        assert abs(level - before) < 0.7
        before = level
        changes += len(world.traffic.actors) != bodies
        bodies = len(world.traffic.actors)
    assert changes > 20


def test_vehicles_stand_on_the_ground_they_drive_on() -> None:
    rng = np.random.default_rng(0)
    world = still()
    height = world.scene.data.mocap_pos[:, 2]
    Car("car0", 5.0, -6.0, 1, 8.0, 4.0, rng).show(world.scene)
    assert height[world.scene.mocap["car0"]] == -KERB
    car = CrossingCar("crossing0", 10.0, 1, True, 4.0, 1.7, rng)
    heights = []
    for y in np.arange(8.0, -12.0, -0.1):
        car.y = float(y)
        car.show(world.scene)
        heights.append(float(height[world.scene.mocap["crossing0"]]))
    assert heights[0] == 0.0
    assert heights[-1] == -KERB
    steps = -np.diff(heights)
    assert steps.min() >= 0.0
    assert steps.max() < 0.025
