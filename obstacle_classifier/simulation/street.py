# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A random street: its static objects, and the robot's path past them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from obstacle_classifier.simulation.geometry import Floats, overlaps
from obstacle_classifier.simulation.path import FreeSpace, plan_path
from obstacle_classifier.simulation.scenario import SLOT, Density, Scenario
from obstacle_classifier.simulation.things import Thing

__all__ = ["Patch", "StreetPlan", "empty_street", "plan_street"]

_BEHIND, _AHEAD = 20.0, 30.0  # m; length of street behind the start and beyond the end of the drive
_DRIVEWAY_WIDTH = 3.6  # m
_MIN_SEPARATION = 0.3  # m; smallest distance between two objects
_TRIES = 20  # positions tried for an object before it is left out
_BOLLARD_GAP = 1.4  # m between two bollards of a row


@dataclass(frozen=True)
class Patch:
    """Broken pavement from x = `start` to `end` (m), with ridges up to `height` m high."""

    start: float
    end: float
    height: float


@dataclass(frozen=True)
class StreetPlan:
    """A street along x, the sidewalk around y = 0.

    Attributes:
        start, end: x of its ends (m).
        width: Width of the sidewalk (m).
        houses: Side of the houses: +1 left (y > 0), -1 right. The road is on the other side.
        things: The static objects.
        driveways: x of each driveway (m).
        patches: The patches of broken pavement.
        path_x, path_y: (n,) points of the robot's path (m).
    """

    start: float
    end: float
    width: float
    houses: int
    things: tuple[Thing, ...]
    driveways: tuple[float, ...]
    patches: tuple[Patch, ...]
    path_x: Floats
    path_y: Floats

    def path(self, x: float) -> float:
        """The y of the path at x (m)."""
        return float(np.interp(x, self.path_x, self.path_y))


def empty_street(length: float, width: float = 3.4, things: tuple[Thing, ...] = ()) -> StreetPlan:
    """A level street with these objects only, and a straight path."""
    x = np.array([-_BEHIND, length + _AHEAD])
    return StreetPlan(float(x[0]), float(x[1]), width, 1, things, (), (), x, np.zeros(2))


def plan_street(scenario: Scenario, rng: np.random.Generator) -> StreetPlan:
    """A random street, long enough for the scenario's drive."""
    width, density = scenario.street.width, scenario.street.density
    start, end = -_BEHIND, scenario.robot.speed * scenario.duration + _AHEAD
    side = {"left": 1, "right": -1}.get(scenario.street.houses) or int(rng.choice([-1, 1]))
    driveways = _draw_places(rng, 6.0, end, density.driveway, 10.0)
    space = FreeSpace(start, end, width)
    standing = _place_obstacles(rng, width, (start, end), density, driveways, space)
    cars = _parked_cars(rng, width, (start, end), density, driveways, standing)
    walls = _walls(rng, width, (start, end), driveways)
    patches = tuple(
        Patch(x, x + float(rng.uniform(2, 5)), float(rng.uniform(0.004, 0.012)))
        for x in _draw_places(rng, 4.0, end, density.rough_patch, 7.0)
    )
    things = tuple(_mirror(thing, side) for thing in (*standing, *cars, *walls))
    path_x, path_y = plan_path(rng, space, scenario.robot.weave)
    return StreetPlan(start, end, width, side, things, tuple(driveways), patches, path_x, side * path_y)


def _draw_places(rng: np.random.Generator, start: float, end: float, per_100_m: float, spacing: float) -> list[float]:
    """Random x along the street (m), at least `spacing` m apart."""
    if per_100_m <= 0:
        return []
    places: list[float] = []
    x = start
    while True:
        x += spacing + float(rng.exponential(max(100 / per_100_m - spacing, 0.0)))
        if x > end:
            return places
        places.append(x)


_Maker = Callable[[np.random.Generator, float, float], list[Thing]]
"""Makes the objects for a place at x, given the width of the sidewalk (m)."""


def _mirror(thing: Thing, side: int) -> Thing:
    return thing if side > 0 else replace(thing, y=-thing.y, yaw=-thing.yaw)


def _near(x: float, places: list[float], distance: float) -> bool:
    return any(abs(x - place) < distance for place in places)


def _place_obstacles(
    rng: np.random.Generator,
    width: float,
    reach: tuple[float, float],
    density: Density,
    driveways: list[float],
    space: FreeSpace,
) -> list[Thing]:
    """Random objects on the sidewalk, one kind per slot, and at the kerb. They leave a path; houses are on the left."""
    makers: dict[str, _Maker] = {
        "trash_can": _trash_cans,
        "bollard": _bollards,
        "parked_bicycle": _parked_bicycle,
        "standing_pedestrian": _standing_people,
        "blocking_vehicle": _blocking_van,
    }
    places: list[tuple[float, _Maker, int]] = []
    chances = np.cumsum([getattr(density, name) * SLOT / 100 for name in makers])
    for group, middle in enumerate(np.arange(5.0, reach[1], SLOT).tolist()):
        chosen = int(np.searchsorted(chances, rng.random(), side="right"))
        if chosen < len(chances):
            places.append((middle, list(makers.values())[chosen], group))
    furniture: tuple[tuple[float, _Maker], ...] = ((density.tree, _tree), (density.lamp_post, _lamp_post))
    for per_100_m, maker in furniture:
        places += [(x, maker, -1) for x in _draw_places(rng, *reach, per_100_m, 4.0)]
    things: list[Thing] = []
    for x, maker, group in sorted(places, key=lambda place: place[0]):
        near = [thing for thing in things[-20:] if x - thing.x < 12.0]
        for _ in range(_TRIES):
            at = x + float(rng.uniform(-0.6, 0.6))
            made = [replace(thing, group=group) for thing in maker(rng, at, width)]
            if _fits(made, near, driveways) and space.add(made):
                things += made
                break
    return things


def _fits(made: list[Thing], near: list[Thing], driveways: list[float]) -> bool:
    """Whether new objects are clear of the objects near them and of the driveways."""
    shapes = np.array([thing.footprint for thing in near], np.float64).reshape(-1, 5)
    for thing in made:
        if _near(thing.x, driveways, _DRIVEWAY_WIDTH / 2 + 0.2 + thing.reach[0]):
            return False
        shape = thing.footprint
        wide = shape._replace(
            half_length=shape.half_length + _MIN_SEPARATION, half_width=shape.half_width + _MIN_SEPARATION
        )
        if overlaps(wide, shapes).any():
            return False
    return True


def _across(rng: np.random.Generator, width: float, thing: Thing) -> float:
    """A random y (m) for an object, between kerb and houses."""
    most = width / 2 - thing.reach[1] - 0.1
    return float(rng.uniform(-most, most))


def _trash_cans(rng: np.random.Generator, x: float, width: float) -> list[Thing]:
    size, yaw = float(rng.uniform(0.42, 0.62)), float(rng.uniform(-0.5, 0.5))
    height, material = float(rng.uniform(1.03, 1.15)), float(rng.uniform(0.1, 0.5))
    can = Thing("trash_can", x, 0.0, yaw, size, size, height, material, "trash_can")
    can = replace(can, y=_across(rng, width, can))
    if rng.random() < 0.3:  # two side by side
        return [can, replace(can, x=x + 0.95, yaw=yaw * float(rng.uniform(0.0, 1.0)))]
    return [can]


def _bollards(rng: np.random.Generator, x: float, width: float) -> list[Thing]:
    thick, height = float(rng.uniform(0.1, 0.2)), float(rng.uniform(0.7, 0.9))
    post = Thing("bollard", x, 0.0, 0.0, thick, thick, height, float(rng.uniform(0.2, 0.8)), "bollard")
    most = 1 + int((width - 0.4) / _BOLLARD_GAP)  # room for a row across the sidewalk
    count = min(int(rng.integers(1, 4)), most)
    if count == 1:
        return [replace(post, y=_across(rng, width, post))]
    first = float(rng.uniform(-width / 2 + 0.2, width / 2 - 0.2 - _BOLLARD_GAP * (count - 1)))
    return [replace(post, y=first + _BOLLARD_GAP * number) for number in range(count)]


def _parked_bicycle(rng: np.random.Generator, x: float, width: float) -> list[Thing]:
    yaw = float(rng.choice([0.0, math.pi]) + rng.uniform(-0.6, 0.6))
    bicycle = Thing("bicycle", x, 0.0, yaw, 1.75, 0.5, 1.05, float(rng.uniform(0.2, 0.6)), "bicycle")
    return [replace(bicycle, y=_across(rng, width, bicycle))]


def _standing_people(rng: np.random.Generator, x: float, width: float) -> list[Thing]:
    yaw, height = float(rng.uniform(-math.pi, math.pi)), float(rng.uniform(1.5, 1.9))
    one = Thing("person", x, 0.0, yaw, 0.3, 0.5, height, float(rng.uniform(0.08, 0.7)), "pedestrian")
    one = replace(one, y=_across(rng, width, one))
    if rng.random() < 0.4:  # two people who talk
        return [one, replace(one, x=x + 0.8, yaw=yaw + 2.5, reflectivity=float(rng.uniform(0.08, 0.7)))]
    return [one]


def _blocking_van(rng: np.random.Generator, x: float, width: float) -> list[Thing]:
    y = -width / 2 + float(rng.uniform(0.9, 1.4)) - 1.0
    yaw = float(rng.uniform(-0.05, 0.05))
    return [Thing("van", x + 1.0, y, yaw, 5.2, 2.0, 2.2, float(rng.uniform(0.1, 0.8)), "vehicle")]


def _tree(rng: np.random.Generator, x: float, width: float) -> list[Thing]:
    return [_post(rng, "tree", x, width, float(rng.uniform(0.2, 0.45)))]


def _lamp_post(rng: np.random.Generator, x: float, width: float) -> list[Thing]:
    return [_post(rng, "lamp_post", x, width, float(rng.uniform(0.08, 0.18)))]


def _post(rng: np.random.Generator, kind: str, x: float, width: float, thick: float) -> Thing:
    """A post at the kerb: it looks like a bollard to a lidar, but has no label."""
    y, height = -width / 2 + float(rng.uniform(0.25, 0.5)), float(rng.uniform(3, 6))
    return Thing(kind, x, y, 0.0, thick, thick, height, float(rng.uniform(0.2, 0.6)))


def _parked_cars(
    rng: np.random.Generator,
    width: float,
    reach: tuple[float, float],
    density: Density,
    driveways: list[float],
    standing: list[Thing],
) -> list[Thing]:
    vans = [thing.x for thing in standing if thing.kind == "van"]
    things = []
    for x in np.arange(reach[0], reach[1], 5.5):
        if rng.random() >= density.parked_car * 5.5 / 100:
            continue
        if _near(float(x), driveways, _DRIVEWAY_WIDTH / 2 + 2.5) or _near(float(x), vans, 5.5):
            continue
        y = -width / 2 - 0.3 - 0.9 - float(rng.uniform(0, 0.3))
        length = float(rng.uniform(3.8, 4.7))
        yaw = float(rng.uniform(-0.03, 0.03))
        things.append(Thing("parked_car", float(x), y, yaw, length, 1.8, 1.45, float(rng.uniform(0.1, 0.8))))
    return things


def _walls(rng: np.random.Generator, width: float, reach: tuple[float, float], driveways: list[float]) -> list[Thing]:
    """House fronts with random setbacks, and openings at the driveways."""
    things = []
    x = reach[0]
    while x < reach[1]:
        end = x + float(rng.uniform(4, 14))
        opening = next((at for at in driveways if x < at and end > at - _DRIVEWAY_WIDTH / 2), None)
        if opening is not None:
            end = opening - _DRIVEWAY_WIDTH / 2
        setback = float(rng.choice([0.0, 0.05, 0.4, 1.2, 3.0], p=[0.3, 0.2, 0.2, 0.2, 0.1]))
        reflectivity = float(rng.uniform(0.3, 0.8))
        if end - x > 0.3:
            y = width / 2 + setback + 0.2
            height = float(rng.uniform(3, 9))
            things.append(Thing("wall", (x + end) / 2, y, 0.0, end - x, 0.4, height, reflectivity))
        x = end if opening is None else opening + _DRIVEWAY_WIDTH / 2
        if opening is None and rng.random() < 0.15:  # a gap between two houses
            x += float(rng.uniform(0.5, 2.5))
    return things
