# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import numpy as np
import pytest

from test.helpers.simulation import quiet, thing

pytest.importorskip("mujoco", reason="the simulation needs mujoco")

from obstacle_classifier.simulation.geometry import Footprint
from obstacle_classifier.simulation.scenario import Scenario
from obstacle_classifier.simulation.shapes import ROBOT_FRONT
from obstacle_classifier.simulation.simulation import Simulation
from obstacle_classifier.simulation.street import empty_street
from obstacle_classifier.simulation.world import World

LENGTH, WIDTH = 4.0, 1.4  # m, the default corridor


def truth(x: float, y: float, yaw: float = 0.0) -> tuple[str, ...]:
    bin_ = thing("trash_can", x, y, (0.6, 0.4, 1.0), label="trash_can", yaw=yaw)
    return World(quiet(), empty_street(30.0, things=(bin_,))).truth()


@pytest.mark.parametrize(
    ("x", "y", "yaw", "present"),
    [
        (2.0, 0.0, 0.0, True),
        (ROBOT_FRONT + LENGTH + 0.29, 0.0, 0.0, True),
        (ROBOT_FRONT + LENGTH + 0.31, 0.0, 0.0, False),
        (ROBOT_FRONT - 0.29, 0.0, 0.0, True),
        (ROBOT_FRONT - 0.31, 0.0, 0.0, False),
        (2.0, WIDTH / 2 + 0.19, 0.0, True),
        (2.0, WIDTH / 2 + 0.21, 0.0, False),
        (2.0, -WIDTH / 2 - 0.21, 0.0, False),
        (2.0, WIDTH / 2 + 0.29, np.pi / 2, True),
        (2.0, WIDTH / 2 + 0.31, np.pi / 2, False),
        (-2.0, 0.0, 0.0, False),
    ],
)
def test_a_footprint_in_the_corridor_is_present(x: float, y: float, yaw: float, present: bool) -> None:
    assert truth(x, y, yaw) == (("trash_can",) if present else ())


def test_an_object_without_label_is_never_present() -> None:
    things = (thing("lamp_post", 2.0, 0.0, (0.2, 0.2, 4.0)), thing("wall", 3.0, 0.0, (0.4, 9.0, 3.0)))
    assert World(quiet(), empty_street(30.0, things=things)).truth() == ()


def test_labels_come_in_order_and_once() -> None:
    things = (
        thing("van", 3.5, 0.3, (5.0, 2.0, 2.0), label="vehicle"),
        thing("bollard", 2.0, 0.2, (0.1, 0.1, 0.9), label="bollard"),
        thing("bollard", 2.0, -0.2, (0.1, 0.1, 0.9), label="bollard"),
        thing("person", 1.5, 0.0, (0.3, 0.5, 1.8), label="pedestrian"),
    )
    assert World(quiet(), empty_street(30.0, things=things)).truth() == ("pedestrian", "bollard", "vehicle")


def _covers(rectangle: Footprint, points: np.ndarray, margin: float) -> bool:
    dx, dy = points[:, 0] - rectangle.x, points[:, 1] - rectangle.y
    c, s = np.cos(rectangle.yaw), np.sin(rectangle.yaw)
    along, across = np.abs(dx * c + dy * s), np.abs(dy * c - dx * s)
    return bool(((along < rectangle.half_length + margin) & (across < rectangle.half_width + margin)).any())


@pytest.mark.parametrize("seed", [11, 12])
def test_truth_along_a_drive_agrees_with_a_grid_of_points(seed: int) -> None:
    scenario = Scenario(duration=25.0, seed=seed, sensors=())
    simulation = Simulation(scenario)
    grid = np.stack(np.meshgrid(np.arange(0.025, LENGTH, 0.05), np.arange(0.025 - WIDTH / 2, WIDTH / 2, 0.05)), -1)
    grid = grid.reshape(-1, 2)
    seen: set[str] = set()
    for message in simulation.messages():
        if message.time % (10**9 // 2) or message.topic != scenario.label_topic:
            continue
        view = simulation.snapshot()
        assert view.time == message.time
        pose = view.robot
        c, s = np.cos(pose.yaw), np.sin(pose.yaw)
        ahead = grid[:, 0] + ROBOT_FRONT
        points = np.stack([pose.x + ahead * c - grid[:, 1] * s, pose.y + ahead * s + grid[:, 1] * c], axis=1)
        shapes = [*view.actors, *((str(t.label), t.footprint) for t in view.things if t.label)]
        sure = {label for label, shape in shapes if _covers(shape, points, -0.02)}
        possible = {label for label, shape in shapes if _covers(shape, points, 0.06)}
        assert sure <= set(view.truth) <= possible
        seen |= sure
    assert len(seen) >= 3
