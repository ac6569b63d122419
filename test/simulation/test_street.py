# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulation needs mujoco")

from obstacle_classifier.simulation.geometry import corners, overlaps
from obstacle_classifier.simulation.path import CLEARANCE, FreeSpace
from obstacle_classifier.simulation.scenario import Scenario, Street, load_scenario
from obstacle_classifier.simulation.shapes import ROBOT_LENGTH, ROBOT_WIDTH
from obstacle_classifier.simulation.street import StreetPlan, plan_street
from obstacle_classifier.simulation.things import Thing
from obstacle_classifier.simulation.world import stream

SHIPPED = Path(__file__).parents[2] / "config" / "scenarios"
CROWDED = load_scenario(SHIPPED / "crowded.yaml")
NARROW = Street(width=2.4, density=CROWDED.street.density)
MARGIN = 0.05  # m around the robot, for what its driving strays from the path

STREETS = {
    **{path.stem: (load_scenario(path), 200 if path.stem != "faulty" else 20) for path in SHIPPED.glob("*.yaml")},
    "narrow": (Scenario(street=Street(width=2.4)), 100),
    "narrow and crowded": (Scenario(street=NARROW), 100),
    "2.8 m": (Scenario(street=Street(width=2.8)), 100),
    "wide": (Scenario(street=Street(width=12.0)), 100),
}


def robot_along(plan: StreetPlan) -> np.ndarray:
    """(n, 5) rectangles that the robot covers at every 0.1 m of its path."""
    x = np.arange(0.0, plan.end - 10.0, 0.1)
    y = np.interp(x, plan.path_x, plan.path_y)
    yaw = np.arctan2(np.gradient(y, x), 1.0)
    half = np.ones_like(x)
    return np.stack([x, y, yaw, half * (ROBOT_LENGTH / 2 + MARGIN), half * (ROBOT_WIDTH / 2 + MARGIN)], axis=1)


def in_the_way(plan: StreetPlan, things: list[Thing]) -> list[Thing]:
    robot = robot_along(plan)
    return [
        thing
        for thing in things
        if overlaps(thing.footprint, robot[np.abs(robot[:, 0] - thing.x) < thing.reach[0] + 1.0]).any()
    ]


def into_each_other(things: list[Thing]) -> list[tuple[Thing, Thing]]:
    shapes = np.array([thing.footprint for thing in things], np.float64).reshape(-1, 5)
    return [
        (thing, things[other])
        for number, thing in enumerate(things)
        for other in np.flatnonzero(overlaps(thing.footprint, shapes)).tolist()
        if other > number
    ]


@pytest.mark.parametrize("name", STREETS)
def test_the_path_is_clear_of_all_objects(name: str) -> None:
    scenario, seeds = STREETS[name]
    for seed in range(seeds):
        plan = plan_street(scenario, stream(seed, 0))
        assert in_the_way(plan, list(plan.things)) == [], seed
        assert into_each_other([thing for thing in plan.things if thing.kind != "wall"]) == [], seed
        assert np.abs(plan.path_y).max() < plan.width / 2 - ROBOT_WIDTH / 2, seed


@pytest.mark.parametrize("name", STREETS)
def test_objects_are_between_kerb_and_houses(name: str) -> None:
    scenario, _ = STREETS[name]
    for seed in range(20):
        plan = plan_street(scenario, stream(seed, 0))
        for thing in plan.things:
            if thing.group >= 0:
                across = corners(thing.footprint)[:, 1] * plan.houses
                assert across.max() < plan.width / 2, thing
                assert thing.kind == "van" or across.min() > -plan.width / 2, thing


@pytest.mark.parametrize(("width", "most"), [(2.4, 2), (2.8, 2), (3.4, 3)])
def test_a_row_of_bollards_is_as_long_as_the_sidewalk_is_wide(width: float, most: int) -> None:
    rows = []
    for seed in range(60):
        plan = plan_street(Scenario(street=Street(width=width)), stream(seed, 0))
        posts = [thing.group for thing in plan.things if thing.kind == "bollard"]
        rows += [posts.count(group) for group in set(posts)]
    assert set(rows) == set(range(1, most + 1))


def post(x: float, y: float, thick: float = 0.2) -> Thing:
    return Thing("bollard", x, y, 0.0, thick, thick, 0.8, 0.5, "bollard")


def test_objects_that_leave_no_path_are_refused() -> None:
    space = FreeSpace(0.0, 20.0, 2.4)
    assert not space.add([post(10.0, 0.0, 0.3)])  # 2.4 / 2 - 0.15 = 1.05 m on each side
    assert space.free.all()
    assert space.add([post(10.0, 0.1, 0.2)])  # 1.2 m on its right
    assert not space.add([post(11.0, -0.1, 0.2)])  # 1.2 m on its left, too soon after the other
    assert space.add([post(16.0, -0.1, 0.2)])


def test_the_clearance_holds_for_turned_objects() -> None:
    space = FreeSpace(0.0, 10.0, 6.0)
    assert space.add([replace(post(5.0, 0.0, 2.0), yaw=math.pi / 4)])
    column = space.free[np.searchsorted(space.x, 5.0)]
    # Above a corner, sqrt(2) m from the middle.
    nearest = space.y[column & (space.y > 0)].min()
    assert math.sqrt(2) + CLEARANCE <= nearest < math.sqrt(2) + CLEARANCE + 0.06


def test_the_path_bends_gently() -> None:
    for seed in range(20):
        plan = plan_street(CROWDED, stream(seed, 0))
        yaw = np.arctan2(np.gradient(plan.path_y, plan.path_x), 1.0)
        assert np.abs(yaw).max() < 0.8
        assert np.abs(np.gradient(yaw, plan.path_x)).max() < 2.0  # 1/m
