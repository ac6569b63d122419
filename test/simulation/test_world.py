# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from test.helpers.simulation import exact, quiet, thing

pytest.importorskip("mujoco", reason="the simulation needs mujoco")

import mujoco

from obstacle_classifier.simulation.dogs import Dog
from obstacle_classifier.simulation.geometry import overlaps
from obstacle_classifier.simulation.motion_sensors import Imu, WheelOdometry
from obstacle_classifier.simulation.scenario import LABELS, Density, RobotOptions, Scenario, Street, load_scenario
from obstacle_classifier.simulation.scene import KERB, Scene
from obstacle_classifier.simulation.sidewalk_users import Cyclist, Walker
from obstacle_classifier.simulation.street import empty_street, plan_street
from obstacle_classifier.simulation.world import World, stream

FASTEST = {"pedestrian": 2.0, "bicycle": 5.0, "dog": 6.0, "vehicle": 14.0}  # m/s


CROWDED = load_scenario(Path(__file__).parents[2] / "config" / "scenarios" / "crowded.yaml")


@pytest.mark.parametrize(
    "scenario",
    [
        *(Scenario(duration=30.0, seed=seed) for seed in range(3)),
        Scenario(duration=40.0, seed=56),
        Scenario(duration=20.0, seed=235, robot=RobotOptions(speed=2.5, weave=1.0)),
        CROWDED.override(duration=40.0, seed=9),
        Scenario(duration=30.0, seed=1, street=Street(width=2.4)),
    ],
)
def test_the_robot_touches_no_static_object(scenario: Scenario) -> None:
    world = World(scenario)
    things = [t for t in world.street.things if abs(t.y) - t.reach[1] < 2.5]
    shapes = np.array([thing.footprint for thing in things])
    while world.now < scenario.duration * 1e9:
        world.step()
        if world.steps % 40 == 0:
            touched = overlaps(world.robot.footprint, shapes)
            assert not touched.any(), [thing for thing, hit in zip(things, touched, strict=True) if hit]
    assert world.robot.pose.x > 10.0


@pytest.mark.parametrize("seed", [3, 4])
def test_everybody_moves_at_a_pace_of_their_kind_and_stays_on_the_sidewalk(seed: int) -> None:
    scenario = Scenario(duration=40.0, seed=seed)
    world = World(scenario)
    before: dict[int, tuple[float, float]] = {}
    met: Counter[str] = Counter()
    while world.now < 40 * 10**9:
        world.step()
        if world.steps % 40:
            continue
        now = {}
        for actor in world.traffic.actors.values():
            now[id(actor)] = (actor.x, actor.y)
            if id(actor) in before:
                moved = math.dist(before[id(actor)], now[id(actor)])
                assert moved < FASTEST[actor.label] * 0.1 + 0.01, actor
            else:
                met[actor.label] += 1
            if isinstance(actor, Walker | Cyclist | Dog):
                assert abs(actor.y) <= scenario.street.width / 2
        before = now
    assert met["pedestrian"] >= 2
    assert met["vehicle"] >= 2


def test_nobody_walks_into_the_robot() -> None:
    touched = total = 0
    for seed in range(3):
        world = World(Scenario(duration=40.0, seed=seed))
        while world.now < 40 * 10**9:
            world.step()
            if world.steps % 40 == 0:
                shapes = [actor.footprint for actor in world.traffic.actors.values() if actor.label == "pedestrian"]
                touched += int(overlaps(world.robot.footprint, np.array(shapes).reshape(-1, 5)).any())
                total += 1
    assert touched / total < 0.01


def test_streets_of_other_seeds_differ_and_of_one_seed_are_the_same() -> None:
    plans = [plan_street(Scenario(), stream(seed, 0)) for seed in (1, 1, 2)]
    assert plans[0].things == plans[1].things
    assert plans[0].things != plans[2].things


def test_densities_are_kept_on_average() -> None:
    density = Density(trash_can=6.0, bollard=0.0, parked_bicycle=0.0, standing_pedestrian=0.0, blocking_vehicle=0.0)
    density = Density(**{**vars(density), "driveway": 0.0})
    scenario = Scenario(duration=1000.0, street=Street(density=density))
    plan = plan_street(scenario, stream(0, 0))
    groups = {thing.group for thing in plan.things if thing.kind == "trash_can"}
    expected = 6.0 * (plan.end - 5.0) / 100
    assert len(groups) == pytest.approx(expected, abs=4 * math.sqrt(expected))
    assert {thing.label for thing in plan.things if thing.label} == {"trash_can"}


@pytest.mark.parametrize("houses", ["left", "right"])
def test_houses_stand_where_the_scenario_says(houses: str) -> None:
    plan = plan_street(Scenario(street=Street(houses=houses)), stream(5, 0))
    side = 1 if houses == "left" else -1
    assert plan.houses == side
    assert all(thing.y * side > 0 for thing in plan.things if thing.kind == "wall")
    assert all(thing.y * side < 0 for thing in plan.things if thing.kind == "parked_car")


def test_every_label_occurs() -> None:
    seen: set[str] = set()
    for seed in range(6):
        world = World(Scenario(duration=40.0, seed=seed))
        while world.now < 40 * 10**9:
            world.step()
            if world.steps % 100 == 0:
                seen |= set(world.truth())
        if seen == set(LABELS):
            break
    assert seen == set(LABELS)


# --- The start of a drive ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_drive_begins_at_rest_on_its_tyres(seed: int) -> None:
    world = World(Scenario(seed=seed, robot=RobotOptions(speed=0.0)))
    imu = Imu(exact("imu", "imu"), np.random.default_rng(0))
    odometry = WheelOdometry(exact("odometry", "odometry"), np.random.default_rng(0))
    assert world.scene.data.time == 0.0
    assert world.robot.wheel_angles == (0.0, 0.0)
    assert not world.motion.any()
    pose = world.robot.pose
    assert pose.x == 0.0
    assert pose.y == pytest.approx(world.street.path(0.0))
    upwards = []
    for _ in range(80):
        upwards.append(imu.measure(world, 0.0)["linear_acceleration"]["z"])
        world.step()
    assert upwards == pytest.approx([9.81] * 80, abs=0.01)
    position = odometry.measure(world, 0.0)["pose"]["pose"]["position"]
    assert (position["x"], position["y"]) == (0.0, 0.0)


def test_the_robot_stands_level() -> None:
    data = World(quiet(), empty_street(30.0)).scene.data
    assert data.qpos[2] == pytest.approx(0.119, abs=2e-4)  # the tyres give way by a millimetre
    assert data.qpos[4:6] == pytest.approx([0.0, 0.0], abs=1e-5)
    assert data.sensordata[:3] == pytest.approx([0.0, 0.0, 9.81], abs=1e-3)


# --- The scene --------------------------------------------------------------------------------------------------------


def test_the_longest_and_fastest_drive_fits_into_memory() -> None:
    world = World(Scenario(duration=3600.0, robot=RobotOptions(speed=2.5)))
    for _ in range(20):
        world.step()
    assert world.now == 50_000_000


def test_only_the_robot_touches_the_ground() -> None:
    model = World(Scenario(duration=60.0)).scene.model
    touched, touching = model.geom_contype.astype(bool), model.geom_conaffinity.astype(bool)
    assert not (touched & touching).any()
    assert touching.sum() == 3  # two wheels and a caster
    assert not model.geom_bodyid[touched].any()


def wheel_bottoms(scene: Scene, x: float) -> list[float]:
    """Lowest point (m) of each upright cylinder within 3 m of x along the street, from the right to the left."""
    model, data = scene.model, scene.data
    mujoco.mj_forward(model, data)
    wheels = [
        geom
        for geom in range(model.ngeom)
        if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_CYLINDER and abs(data.geom_xpos[geom][0] - x) < 3.0
    ]
    wheels.sort(key=lambda geom: float(data.geom_xpos[geom][1]))
    return [float(data.geom_xpos[geom][2] - model.geom_size[geom][0]) for geom in wheels]


@pytest.mark.parametrize("houses", [1, -1])
def test_wheels_stand_on_the_road_or_on_the_sidewalk(houses: int) -> None:
    parked = thing("parked_car", 10.0, -houses * 3.0, (4.2, 1.8, 1.45))
    van = thing("van", 20.0, -houses * 1.7, (5.2, 2.0, 2.2), label="vehicle")
    street = replace(empty_street(40.0, things=(parked, van)), houses=houses)
    scene = World(quiet(), street).scene
    assert wheel_bottoms(scene, 10.0) == pytest.approx([-KERB] * 4, abs=1e-4)
    assert wheel_bottoms(scene, 20.0)[::houses] == pytest.approx([-KERB, -KERB, 0.0, 0.0], abs=0.01)
