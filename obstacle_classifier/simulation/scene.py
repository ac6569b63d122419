# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The street, the robot and all that may move there, as one MuJoCo model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np

from obstacle_classifier.simulation.geometry import Floats
from obstacle_classifier.simulation.street import StreetPlan
from obstacle_classifier.simulation.things import Thing

__all__ = [
    "CAST",
    "HIP_HEIGHT",
    "KERB",
    "ROBOT_FRONT",
    "ROBOT_LENGTH",
    "ROBOT_WIDTH",
    "ROLLING_RADIUS",
    "SOLID",
    "STEP_NS",
    "TRACK",
    "VISIBLE",
    "WHEEL_RADIUS",
    "Scene",
    "build_scene",
]

STEP_NS = 2_500_000  # one step of the physics
WHEEL_RADIUS, TRACK = 0.12, 0.48  # m
ROLLING_RADIUS = 0.1196  # m that a wheel covers in a radian under the load of the robot: tyres give way
ROBOT_LENGTH, ROBOT_WIDTH = 0.64, 0.56  # m
ROBOT_FRONT = ROBOT_LENGTH / 2
HIP_HEIGHT = 0.85  # m
KERB = 0.12  # m from the road up to the sidewalk

CAST = {"pedestrian": 8, "bicycle": 3, "dog": 3, "car": 4, "crossing": 2}
"""How many of each may be on the street at once."""

VISIBLE = np.array([1, 1, 0, 0, 0, 0], np.uint8)
"""Geom groups that light meets: what stands or moves (0), and the ground (1). 2 is broken pavement, 3 the robot."""

SOLID = np.array([1, 0, 0, 0, 0, 0], np.uint8)
"""Geom groups without the ground."""

_TYRE = 'solref="0.04 1" solimp="0.8 0.95 0.004"'  # how rubber gives way
_CASTER_LIFT = 0.000984  # m
_SETTLING = 800  # steps, at most
_AWAY = -50.0  # m; who is off stage waits far below the ground


@dataclass(frozen=True)
class Scene:
    """A compiled model and its state.

    Attributes:
        model, data: MuJoCo's.
        mocap: Index among the mocap bodies by body name, such as `pedestrian3_left` or `dog0`.
        reflectivity: (geoms,) share of the light that each throws back.
        cars: Length (m) of each vehicle that moves, by body name.
    """

    model: Any
    data: Any
    mocap: dict[str, int]
    reflectivity: Floats
    cars: dict[str, float]

    def place(self, name: str, x: float, y: float, z: float, yaw: float, pitch: float = 0.0) -> None:
        """Put a moving body somewhere, z m above the sidewalk; pitch turns it about its own left axis, after yaw."""
        index = self.mocap[name]
        self.data.mocap_pos[index] = x, y, z
        c, s = math.cos(yaw / 2), math.sin(yaw / 2)
        a, b = math.cos(pitch / 2), math.sin(pitch / 2)
        self.data.mocap_quat[index] = c * a, -s * b, c * b, s * a

    def remove(self, name: str) -> None:
        """Put a moving body off stage."""
        self.data.mocap_pos[self.mocap[name]] = 0.0, 0.0, _AWAY


def build_scene(
    street: StreetPlan, rng: np.random.Generator, at: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Scene:
    """Compile a street with the robot at (x, y, yaw) and everybody else off stage; `rng` dresses the moving cast."""
    cars: dict[str, float] = {}
    standing = [_thing(thing, street) for thing in street.things]
    parts = [_GROUND_AND_SKY, _ground(street), *_ridges(street, rng), *standing]
    parts += [_robot(*at), *_cast(rng, cars)]
    text = _HEAD.format(step=STEP_NS * 1e-9) + "\n".join(parts) + _TAIL
    model = mujoco.MjModel.from_xml_string(text)
    data = mujoco.MjData(model)
    _settle(model, data, at)
    names = [model.body(index).name for index in range(model.nbody)]
    mocap = {name: int(model.body_mocapid[index]) for index, name in enumerate(names) if model.body_mocapid[index] >= 0}
    return Scene(model, data, mocap, np.array(model.geom_user[:, 0]), cars)


def _settle(model: Any, data: Any, at: tuple[float, float, float]) -> None:
    """Let the robot sink into its tyres until it rests, then begin at time 0 where it is meant to."""
    for _ in range(_SETTLING):
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
_GROUND_AND_SKY = f'<geom name="road" class="ground" group="1" type="plane" size="0 0 1" pos="0 0 {-KERB}" user="0.2"/>'
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


def _geom(kind: str, pos: tuple[float, ...], size: tuple[float, ...], reflectivity: float, euler: str = "0 0 0") -> str:
    numbers = " ".join(f"{value:.5f}" for value in pos), " ".join(f"{value:.5f}" for value in size)
    return f'<geom type="{kind}" pos="{numbers[0]}" size="{numbers[1]}" euler="{euler}" user="{reflectivity:.4f}"/>'


def _ground(street: StreetPlan) -> str:
    """The sidewalk: a slab from the kerb to behind the house fronts."""
    deep = 12.0
    middle = (street.start + street.end) / 2
    half = (street.end - street.start) / 2 + 30
    y = street.houses * (deep - street.width) / 2
    return (
        f'<geom name="sidewalk" class="ground" group="1" type="box" pos="{middle} {y} {-KERB / 2}" '
        f'size="{half} {deep / 2} {KERB / 2}" user="0.35"/>'
    )


def _ridges(street: StreetPlan, rng: np.random.Generator) -> list[str]:
    """Broken pavement: ridges across the way, each its own height and direction."""
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
    # Geoms of the world's own body, not of one each: MuJoCo sets memory aside for every pair of bodies.
    z = roll = 0.0
    if thing.kind == "parked_car" and thing.y * street.houses < -street.width / 2:
        z = -KERB
    elif thing.kind == "van":  # two wheels on the sidewalk, two on the road
        z, roll = -KERB / 2, street.houses * math.atan2(KERB, thing.width - 0.2)
    material = thing.reflectivity
    half = thing.length / 2, thing.width / 2, thing.height / 2
    if thing.kind in ("wall", "trash_can"):
        inner = _geom("box", (0, 0, half[2]), half, material)
    elif thing.kind in ("parked_car", "van"):
        inner = "".join(_car(thing.length, thing.width, thing.height, material))
    elif thing.kind == "bicycle":
        inner = "".join(_bicycle(material))
    elif thing.kind == "person":
        torso, leg = _torso(thing.height, 0.0, material), _leg(0.065, material)
        legs = "".join(f'<frame pos="0 {y} {HIP_HEIGHT}">{leg}</frame>' for y in (-0.12, 0.12))
        inner = "".join(torso) + legs
    else:
        inner = _geom("cylinder", (0, 0, half[2]), (half[0], half[2]), material)
        if thing.kind == "tree":
            inner += _geom("ellipsoid", (0, 0, thing.height + 0.5), (1.8, 1.8, 1.5), 0.4)
    pose = f'pos="{thing.x:.5f} {thing.y:.5f} {z:.5f}" euler="{roll:.5f} 0 {thing.yaw:.5f}"'
    return f"<frame {pose}>{inner}</frame>"


def _torso(height: float, below: float, material: float) -> list[str]:
    """A trunk and head above the hips, the body's origin `below` m above the ground."""
    trunk = (height - 0.25 - HIP_HEIGHT) / 2
    middle = HIP_HEIGHT + trunk - below
    return [
        _geom("ellipsoid", (0, 0, middle), (0.15, 0.24, trunk + 0.05), material),
        _geom("sphere", (0, 0, height - 0.12 - below), (0.12,), 0.4),
    ]


def _leg(radius: float, material: float) -> str:
    """A leg that hangs from the body's origin, with its foot."""
    return (
        f'<geom type="capsule" fromto="0 0 0 0 0 {radius - HIP_HEIGHT:.4f}" size="{radius:.4f}" user="{material:.4f}"/>'
        + _geom("box", (0.06, 0, 0.04 - HIP_HEIGHT), (0.13, 0.05, 0.04), 0.15)
    )


def _bicycle(material: float) -> list[str]:
    """Two wheels, frame, handlebar, saddle and panniers along x."""
    wheels = [
        f'<geom type="cylinder" pos="{x} 0 0.34" size="0.34 0.02" euler="1.5707963 0 0" user="0.15"/>'
        for x in (-0.52, 0.52)
    ]
    tubes = [
        "-0.52 0 0.34 -0.15 0 0.8",
        "-0.15 0 0.3 0.45 0 0.85",
        "-0.15 0 0.3 -0.2 0 0.95",
        "0.45 0 0.95 0.52 0 0.34",
    ]
    frame = [f'<geom type="capsule" fromto="{tube}" size="0.02" user="{material:.4f}"/>' for tube in tubes]
    handlebar = _geom("box", (0.4, 0, 1.0), (0.03, 0.27, 0.06), material)
    saddle = _geom("box", (-0.2, 0, 0.96), (0.13, 0.08, 0.03), 0.15)
    bags = _geom("box", (-0.55, 0, 0.5), (0.17, 0.17, 0.25), 0.2)
    return [*wheels, *frame, handlebar, saddle, bags]


def _car(length: float, width: float, height: float, material: float) -> list[str]:
    """A body above four wheels."""
    wheels = [
        f'<geom type="cylinder" pos="{x:.3f} {y:.3f} 0.32" size="0.32 0.1" euler="1.5707963 0 0" user="0.08"/>'
        for x in (-0.3 * length, 0.3 * length)
        for y in (0.1 - width / 2, width / 2 - 0.1)
    ]
    top = min(height, 0.9)
    parts = [_geom("box", (0, 0, (0.2 + top) / 2), (length / 2, width / 2, (top - 0.2) / 2), material)]
    if height > top:
        cabin = length / 2 - 0.1 if height > 1.8 else length / 4
        parts.append(
            _geom("box", (-0.1, 0, (top + height) / 2), (cabin, width / 2 - 0.1, (height - top) / 2), material)
        )
    return [*parts, *wheels]


def _robot(x: float, y: float, yaw: float) -> str:
    wheels = "".join(
        f'<body name="{name}" pos="0 {side * TRACK / 2} 0">'
        f'<joint name="{name}" type="hinge" axis="0 1 0" damping="0.02" armature="0.01"/>'
        # A sphere rolls like a wheel here, and its contacts are exact.
        f'<geom class="robot" type="sphere" size="{WHEEL_RADIUS}" mass="1.2" conaffinity="1" '
        f'friction="0.9 0.005 0.0001" {_TYRE}/></body>'
        for name, side in (("left", 1), ("right", -1))
    )
    # Two wheels and one caster behind them: three points always touch the ground.
    # The caster's height levels the robot at rest: it sinks less than the wheels, which bear more.
    caster = (
        f'<geom class="robot" type="sphere" size="0.06" mass="0.4" pos="-0.26 0 {0.06 - WHEEL_RADIUS + _CASTER_LIFT}" '
        f'conaffinity="1" friction="0.02 0.001 0.0001" {_TYRE}/>'
    )
    return (
        f'<body name="robot" pos="{x} {y} {WHEEL_RADIUS}" euler="0 0 {yaw}"><freejoint name="base"/>'
        f'<geom class="robot" type="box" pos="0 0 0.1" size="{ROBOT_LENGTH / 2} {ROBOT_WIDTH / 2} 0.14" mass="2"/>'
        f'<geom class="robot" type="box" pos="-0.1 0 0.03" size="0.15 0.15 0.06" mass="20"/>'
        f'<site name="imu" pos="0 0 0.05"/>{caster}{wheels}</body>'
    )


def _cast(rng: np.random.Generator, cars: dict[str, float]) -> list[str]:
    """Everybody who moves, as mocap bodies off stage."""
    bodies: dict[str, str] = {}
    for number in range(CAST["pedestrian"]):
        height, radius = float(rng.uniform(1.45, 1.95)), float(rng.uniform(0.055, 0.085))
        cloth = float(rng.uniform(0.08, 0.7))
        bodies[f"pedestrian{number}_torso"] = "".join(_torso(height, 0.0, cloth))
        bodies[f"pedestrian{number}_left"] = _leg(radius, cloth)
        bodies[f"pedestrian{number}_right"] = _leg(radius, cloth)
    for number in range(CAST["bicycle"]):
        legs = "".join(
            f'<geom type="capsule" fromto="-0.15 {y} 0.95 0.1 {y} {foot}" size="0.07" user="0.3"/>'
            for y, foot in ((0.12, 0.2), (-0.12, 0.45))
        )
        rider = "".join(_torso(1.8, 0.0, float(rng.uniform(0.1, 0.7))))
        bodies[f"bicycle{number}"] = "".join(_bicycle(float(rng.uniform(0.2, 0.6)))) + legs + rider
    for number in range(CAST["dog"]):
        bodies[f"dog{number}"] = _dog(float(rng.uniform(0.75, 1.15)), float(rng.uniform(0.08, 0.6)))
    for kind in ("car", "crossing"):
        for number in range(CAST[kind]):
            length, name = float(rng.uniform(3.8, 4.8)), f"{kind}{number}"
            bodies[name] = "".join(_car(length, 1.8, 1.45, float(rng.uniform(0.1, 0.8))))
            cars[name] = length
    return [f'<body name="{name}" mocap="true" pos="0 0 {_AWAY}">{inner}</body>' for name, inner in bodies.items()]


def _dog(size: float, coat: float) -> str:
    """Trunk, head and four legs along x; 1 is a dog of 0.55 m at the shoulder."""

    def limb(start: tuple[float, float, float], end: tuple[float, float, float], radius: float) -> str:
        numbers = " ".join(f"{value * size:.4f}" for value in (*start, *end))
        return f'<geom type="capsule" fromto="{numbers}" size="{radius * size:.4f}" user="{coat:.4f}"/>'

    legs = "".join(limb((x, y, 0.35), (x, y, 0.04), 0.035) for x in (-0.22, 0.22) for y in (-0.08, 0.08))
    head = _geom("sphere", (0.4 * size, 0, 0.55 * size), (0.1 * size,), coat)
    return limb((-0.22, 0, 0.42), (0.22, 0, 0.42), 0.12) + head + legs
