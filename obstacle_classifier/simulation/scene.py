# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The street, the robot and all actors as one MuJoCo model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from obstacle_classifier.simulation.geometry import Floats
from obstacle_classifier.simulation.shapes import HIP_HEIGHT, bicycle, car, dog, geom, leg, robot, torso
from obstacle_classifier.simulation.street import StreetPlan
from obstacle_classifier.simulation.things import Thing

__all__ = [
    "KERB",
    "MAX_ACTORS",
    "SOLID",
    "STEP_NS",
    "VISIBLE",
    "Scene",
    "build_scene",
]

STEP_NS = 2_500_000  # ns; one physics step
KERB = 0.12  # m; height of the sidewalk above the road

MAX_ACTORS = {"pedestrian": 8, "bicycle": 3, "dog": 3, "car": 4, "crossing": 2}
"""The largest number of actors on the street at the same time, by kind."""

VISIBLE = np.array([1, 1, 0, 0, 0, 0], np.uint8)
"""Geom groups that a lidar sees: objects and actors (0) and the ground (1). 2 is broken pavement, 3 the robot."""

SOLID = np.array([1, 0, 0, 0, 0, 0], np.uint8)
"""Geom groups of objects and actors: without the ground."""

_MAX_SETTLING_STEPS = 800
_HIDDEN_Z = -50.0  # m; actors that are not on the street are hidden below the ground


@dataclass(frozen=True)
class Scene:
    """A compiled model and its state.

    Attributes:
        model, data: The `MjModel` and `MjData`.
        mocap: Index of each mocap body, by body name such as `pedestrian3_left` or `dog0`.
        reflectivity: (geoms,) share of the light that each geom reflects.
        cars: Length (m) of each moving vehicle, by body name.
    """

    model: Any
    data: Any
    mocap: dict[str, int]
    reflectivity: Floats
    cars: dict[str, float]

    def place(self, name: str, x: float, y: float, z: float, yaw: float, pitch: float = 0.0) -> None:
        """Place an actor's body, z m above the sidewalk. After yaw, pitch turns it about its own left axis."""
        index = self.mocap[name]
        self.data.mocap_pos[index] = x, y, z
        c, s = math.cos(yaw / 2), math.sin(yaw / 2)
        a, b = math.cos(pitch / 2), math.sin(pitch / 2)
        self.data.mocap_quat[index] = c * a, -s * b, c * b, s * a

    def remove(self, name: str) -> None:
        """Hide an actor's body below the ground."""
        self.data.mocap_pos[self.mocap[name]] = 0.0, 0.0, _HIDDEN_Z


def build_scene(
    street: StreetPlan, rng: np.random.Generator, at: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Scene:
    """Compile a street with the robot at (x, y, yaw) and all actors hidden; `rng` draws sizes and reflectivities."""
    ground = [_ROAD, _ground(street), *_ridges(street, rng)]
    cast, cars = _actor_bodies(rng)
    parts = [*ground, *(_thing(thing, street) for thing in street.things), robot(*at), *cast]
    text = _HEAD.format(step=STEP_NS * 1e-9) + "\n".join(parts) + _TAIL
    model = mujoco.MjModel.from_xml_string(text)
    data = mujoco.MjData(model)
    _settle(model, data, at)
    names = [model.body(index).name for index in range(model.nbody)]
    mocap = {name: int(model.body_mocapid[index]) for index, name in enumerate(names) if model.body_mocapid[index] >= 0}
    return Scene(model, data, mocap, np.array(model.geom_user[:, 0]), cars)


def _settle(model: Any, data: Any, at: tuple[float, float, float]) -> None:
    """Let the robot settle on its tyres until it rests, then set time and position to those of the start."""
    for _ in range(_MAX_SETTLING_STEPS):
        mujoco.mj_step(model, data)
        if data.time > 0.1 and np.abs(data.qvel).max() < 1e-5 and np.abs(data.qacc).max() < 1e-3:
            break
    data.time = 0.0
    data.qpos[:2] = at[:2]
    data.qpos[7:9] = 0.0
    data.qvel[:] = 0.0
    mujoco.mj_forward(model, data)


_HEAD = """<mujoco>
<compiler angle="radian"/>
<option timestep="{step}" integrator="implicitfast" iterations="30" tolerance="1e-8"/>
<size nuser_geom="1"/>
<default>
  <geom contype="0" conaffinity="0" group="0" user="0.5"/>
  <default class="ground"><geom contype="1" friction="0.02 0.001 0.0001"/></default>
  <default class="robot"><geom group="3"/></default>
</default>
<worldbody>
"""
_ROAD = f'<geom name="road" class="ground" group="1" type="plane" size="0 0 1" pos="0 0 {-KERB}" user="0.2"/>'
_TAIL = """
</worldbody>
<actuator>
  <velocity joint="left" kv="8" forcerange="-15 15"/>
  <velocity joint="right" kv="8" forcerange="-15 15"/>
</actuator>
<sensor>
  <accelerometer site="imu"/>
  <gyro site="imu"/>
</sensor>
</mujoco>
"""


def _ground(street: StreetPlan) -> str:
    """The sidewalk: a slab that extends from the kerb to behind the house fronts."""
    deep = 12.0
    middle = (street.start + street.end) / 2
    half = (street.end - street.start) / 2 + 30
    y = street.houses * (deep - street.width) / 2
    return (
        f'<geom name="sidewalk" class="ground" group="1" type="box" pos="{middle} {y} {-KERB / 2}" '
        f'size="{half} {deep / 2} {KERB / 2}" user="0.35"/>'
    )


def _ridges(street: StreetPlan, rng: np.random.Generator) -> list[str]:
    """Broken pavement: ridges across the sidewalk, of random height and direction."""
    ridges = []
    for patch in street.patches:
        x = patch.start
        while x < patch.end:
            height, yaw = float(rng.uniform(0.2, 1.0)) * patch.height, float(rng.uniform(-0.5, 0.5))
            y = float(rng.uniform(-0.5, 0.5))
            ridges.append(
                f'<geom class="ground" group="2" type="capsule" pos="{x:.4f} {y:.4f} {height - 0.02:.5f}" '
                f'size="0.02 {street.width / 2 - 0.2:.4f}" euler="1.5707963 0 {yaw:.4f}"/>'
            )
            x += float(rng.uniform(0.1, 0.3))
    return ridges


def _thing(thing: Thing, street: StreetPlan) -> str:
    # All geoms belong to the world's body: MuJoCo reserves memory for every pair of bodies.
    z = roll = 0.0
    if thing.kind == "parked_car" and thing.y * street.houses < -street.width / 2:
        z = -KERB
    elif thing.kind == "van":  # two wheels on the sidewalk, two on the road
        z, roll = -KERB / 2, street.houses * math.atan2(KERB, thing.width - 0.2)
    material = thing.reflectivity
    half = thing.length / 2, thing.width / 2, thing.height / 2
    if thing.kind in ("wall", "trash_can"):
        inner = geom("box", (0, 0, half[2]), half, material)
    elif thing.kind in ("parked_car", "van"):
        inner = car(thing.length, thing.width, thing.height, material)
    elif thing.kind == "bicycle":
        inner = bicycle(material)
    elif thing.kind == "person":
        legs = (f'<frame pos="0 {y} {HIP_HEIGHT}">{leg(0.065, material)}</frame>' for y in (-0.12, 0.12))
        inner = torso(thing.height, material) + "".join(legs)
    else:
        inner = geom("cylinder", (0, 0, half[2]), (half[0], half[2]), material)
        if thing.kind == "tree":
            inner += geom("ellipsoid", (0, 0, thing.height + 0.5), (1.8, 1.8, 1.5), 0.4)
    pose = f'pos="{thing.x:.5f} {thing.y:.5f} {z:.5f}" euler="{roll:.5f} 0 {thing.yaw:.5f}"'
    return f"<frame {pose}>{inner}</frame>"


def _actor_bodies(rng: np.random.Generator) -> tuple[list[str], dict[str, float]]:
    """The bodies of all actors, as hidden mocap bodies, and the lengths (m) of the vehicles by body name."""
    bodies: dict[str, str] = {}
    cars: dict[str, float] = {}
    for number in range(MAX_ACTORS["pedestrian"]):
        height, radius = float(rng.uniform(1.45, 1.95)), float(rng.uniform(0.055, 0.085))
        cloth = float(rng.uniform(0.08, 0.7))
        bodies[f"pedestrian{number}_torso"] = torso(height, cloth)
        bodies[f"pedestrian{number}_left"] = leg(radius, cloth)
        bodies[f"pedestrian{number}_right"] = leg(radius, cloth)
    for number in range(MAX_ACTORS["bicycle"]):
        legs = "".join(
            f'<geom type="capsule" fromto="-0.15 {y} 0.95 0.1 {y} {foot}" size="0.07" user="0.3"/>'
            for y, foot in ((0.12, 0.2), (-0.12, 0.45))
        )
        rider = torso(1.8, float(rng.uniform(0.1, 0.7)))
        bodies[f"bicycle{number}"] = bicycle(float(rng.uniform(0.2, 0.6))) + legs + rider
    for number in range(MAX_ACTORS["dog"]):
        bodies[f"dog{number}"] = dog(float(rng.uniform(0.75, 1.15)), float(rng.uniform(0.08, 0.6)))
    for kind in ("car", "crossing"):
        for number in range(MAX_ACTORS[kind]):
            length, name = float(rng.uniform(3.8, 4.8)), f"{kind}{number}"
            bodies[name] = car(length, 1.8, 1.45, float(rng.uniform(0.1, 0.8)))
            cars[name] = length
    away = f'mocap="true" pos="0 0 {_HIDDEN_Z}"'
    return [f'<body name="{name}" {away}>{inner}</body>' for name, inner in bodies.items()], cars
