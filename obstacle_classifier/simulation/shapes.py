# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Bodies on the street, as MJCF. x points ahead, and the origin is on the ground unless stated otherwise."""

from __future__ import annotations

__all__ = [
    "HIP_HEIGHT",
    "ROBOT_FRONT",
    "ROBOT_LENGTH",
    "ROBOT_WIDTH",
    "ROLLING_RADIUS",
    "TRACK",
    "WHEEL_RADIUS",
    "bicycle",
    "car",
    "dog",
    "geom",
    "leg",
    "robot",
    "torso",
]

WHEEL_RADIUS, TRACK = 0.12, 0.48  # m
ROLLING_RADIUS = 0.1196  # m; distance that a wheel rolls per radian: the robot's load compresses the tyres
ROBOT_LENGTH, ROBOT_WIDTH = 0.64, 0.56  # m
ROBOT_FRONT = ROBOT_LENGTH / 2
HIP_HEIGHT = 0.85  # m

_TYRE = 'solref="0.04 1" solimp="0.8 0.95 0.004"'  # the softness of rubber
_CASTER_LIFT = 0.000984  # m


def geom(kind: str, pos: tuple[float, ...], size: tuple[float, ...], reflectivity: float, euler: str = "0 0 0") -> str:
    """One geom of a MuJoCo type; `reflectivity` is the share of the light that it reflects."""
    numbers = " ".join(f"{value:.5f}" for value in pos), " ".join(f"{value:.5f}" for value in size)
    return f'<geom type="{kind}" pos="{numbers[0]}" size="{numbers[1]}" euler="{euler}" user="{reflectivity:.4f}"/>'


def torso(height: float, material: float) -> str:
    """Trunk and head of a person `height` m tall."""
    trunk = (height - 0.25 - HIP_HEIGHT) / 2
    head = geom("sphere", (0, 0, height - 0.12), (0.12,), 0.4)
    return geom("ellipsoid", (0, 0, HIP_HEIGHT + trunk), (0.15, 0.24, trunk + 0.05), material) + head


def leg(radius: float, material: float) -> str:
    """A leg with its foot, below the body's origin at the hip."""
    return (
        f'<geom type="capsule" fromto="0 0 0 0 0 {radius - HIP_HEIGHT:.4f}" size="{radius:.4f}" user="{material:.4f}"/>'
        + geom("box", (0.06, 0, 0.04 - HIP_HEIGHT), (0.13, 0.05, 0.04), 0.15)
    )


def bicycle(material: float) -> str:
    """A bicycle along x: wheels, frame, handlebar, saddle and panniers."""
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
    handlebar = geom("box", (0.4, 0, 1.0), (0.03, 0.27, 0.06), material)
    saddle = geom("box", (-0.2, 0, 0.96), (0.13, 0.08, 0.03), 0.15)
    bags = geom("box", (-0.55, 0, 0.5), (0.17, 0.17, 0.25), 0.2)
    return "".join([*wheels, *frame, handlebar, saddle, bags])


def car(length: float, width: float, height: float, material: float) -> str:
    """A car along x: a body on four wheels."""
    wheels = [
        f'<geom type="cylinder" pos="{x:.3f} {y:.3f} 0.32" size="0.32 0.1" euler="1.5707963 0 0" user="0.08"/>'
        for x in (-0.3 * length, 0.3 * length)
        for y in (0.1 - width / 2, width / 2 - 0.1)
    ]
    top = min(height, 0.9)
    parts = [geom("box", (0, 0, (0.2 + top) / 2), (length / 2, width / 2, (top - 0.2) / 2), material)]
    if height > top:
        cabin = length / 2 - 0.1 if height > 1.8 else length / 4
        parts.append(geom("box", (-0.1, 0, (top + height) / 2), (cabin, width / 2 - 0.1, (height - top) / 2), material))
    return "".join([*parts, *wheels])


def dog(size: float, coat: float) -> str:
    """A dog along x: trunk, head and four legs. Size 1 is 0.55 m tall."""

    def limb(start: tuple[float, float, float], end: tuple[float, float, float], radius: float) -> str:
        numbers = " ".join(f"{value * size:.4f}" for value in (*start, *end))
        return f'<geom type="capsule" fromto="{numbers}" size="{radius * size:.4f}" user="{coat:.4f}"/>'

    legs = "".join(limb((x, y, 0.35), (x, y, 0.04), 0.035) for x in (-0.22, 0.22) for y in (-0.08, 0.08))
    head = geom("sphere", (0.4 * size, 0, 0.55 * size), (0.1 * size,), coat)
    return limb((-0.22, 0, 0.42), (0.22, 0, 0.42), 0.12) + head + legs


def robot(x: float, y: float, yaw: float) -> str:
    """The robot at (x, y, yaw): a box on two driven wheels and a caster, with joints `base`, `left` and `right`."""
    wheels = "".join(
        f'<body name="{name}" pos="0 {side * TRACK / 2} 0">'
        f'<joint name="{name}" type="hinge" axis="0 1 0" damping="0.02" armature="0.01"/>'
        # A sphere rolls like a wheel on a plane, and its contacts are exact.
        f'<geom class="robot" type="sphere" size="{WHEEL_RADIUS}" mass="1.2" conaffinity="1" '
        f'friction="0.9 0.005 0.0001" {_TYRE}/></body>'
        for name, side in (("left", 1), ("right", -1))
    )
    # Two wheels and a caster: all three always touch the ground. The caster bears less load than the wheels and sinks
    # less; its lift levels the robot at rest.
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
