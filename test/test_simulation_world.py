# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulation needs mujoco")

from obstacle_classifier.simulation.actors import Cyclist, Dog, Walker
from obstacle_classifier.simulation.geometry import overlaps
from obstacle_classifier.simulation.scenario import LABELS, Density, Scenario, Street
from obstacle_classifier.simulation.street import plan_street
from obstacle_classifier.simulation.world import World, stream

FASTEST = {"pedestrian": 2.0, "bicycle": 5.0, "dog": 6.0, "vehicle": 14.0}  # m/s


@pytest.mark.parametrize("seed", range(4))
def test_the_robot_gets_along_without_touching_what_stands(seed: int) -> None:
    world = World(Scenario(duration=30.0, seed=seed))
    things = [t for t in world.street.things if abs(t.y) - t.reach[1] < 2.5]
    shapes = np.array([thing.footprint for thing in things])
    while world.now < 30 * 10**9:
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
        for actor in world.cast.actors.values():
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
                shapes = [actor.footprint for actor in world.cast.actors.values() if actor.label == "pedestrian"]
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


def test_every_label_comes_up() -> None:
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
