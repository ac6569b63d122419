# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Lidar and sonar, by ray casting in MuJoCo."""

from __future__ import annotations

import math

import mujoco
import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.simulation.geometry import Floats
from obstacle_classifier.simulation.messages import Fields
from obstacle_classifier.simulation.scenario import SensorOptions
from obstacle_classifier.simulation.scene import SOLID, VISIBLE
from obstacle_classifier.simulation.shapes import WHEEL_RADIUS
from obstacle_classifier.simulation.world import World

__all__ = ["Lidar", "Sonar", "cast_rays", "cone"]

_ROWS = 7  # rows of rays in a sonar's cone
_GAP = 0.05  # m; largest distance between two rays of a row
_WHITE = 0.8  # reflectivity that a lidar detects at its full range


class _Rays:
    """Rays of a sensor that is fixed to the robot."""

    def __init__(self, options: SensorOptions, directions: Floats, groups: NDArray[np.uint8]) -> None:
        yaw = options["yaw"]
        c, s = math.cos(yaw), math.sin(yaw)
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        self._directions = directions @ turn.T
        self._position = np.array(options["position"]) - [0.0, 0.0, WHEEL_RADIUS]
        self._groups, self._reach = groups, float(options["max_range"])

    def cast(self, world: World) -> tuple[Floats, NDArray[np.int32], Floats, Floats]:
        """Distances (n,) and geom ids (n,) as of `cast_rays`; origin (3,) and directions (n, 3) in the world frame."""
        data = world.scene.data
        rotation = data.body("robot").xmat.reshape(3, 3)
        origin = data.body("robot").xpos + rotation @ self._position
        directions = self._directions @ rotation.T
        distances, geoms = cast_rays(world, origin, directions, self._groups, self._reach)
        return distances, geoms, origin, directions


def cast_rays(
    world: World, origin: Floats, directions: Floats, groups: NDArray[np.uint8], reach: float
) -> tuple[Floats, NDArray[np.int32]]:
    """Distance (m) and id of the first geom of the groups along each of n unit vectors; inf and -1 without a hit."""
    n = len(directions)
    distances, geoms = np.zeros(n), np.zeros(n, np.int32)
    vectors = np.ascontiguousarray(directions).ravel()
    # Longer than the sensor's range: noise may shorten a distance to within the range.
    mujoco.mj_multiRay(
        world.scene.model, world.scene.data, origin, vectors, groups, 1, -1, geoms, distances, None, n, reach + 1.0
    )
    distances[geoms < 0] = math.inf
    return distances, geoms


class Lidar:
    """A planar lidar.

    A beam returns if its hit is nearer than `max_range` times the square root of the hit's reflectivity relative to
    white: received light decreases with the square of the distance.

    Attributes:
        points: (n, 2) hits of the newest scan (m), world frame.
    """

    type_name = "sensor_msgs/msg/LaserScan"

    def __init__(self, options: SensorOptions, rng: np.random.Generator) -> None:
        self._options, self._rng = options, rng
        first, last = options["field_of_view"]
        angles = np.linspace(first, last, options["beams"])
        self._limits = first, last, (last - first) / (options["beams"] - 1)
        self._rays = _Rays(options, np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1), VISIBLE)
        self.points: Floats = np.empty((0, 2))

    def measure(self, world: World, noise_factor: float) -> Fields:
        """The fields of a LaserScan; +inf: no return, -inf: too near, NaN: a lost beam."""
        options, rng = self._options, self._rng
        true, geoms, origin, directions = self._rays.cast(world)
        material = np.where(geoms >= 0, world.scene.reflectivity[geoms], 0.0)
        returned = true <= options["max_range"] * np.minimum(1.0, np.sqrt(material / _WHITE))
        ranges = true + options["noise"] * noise_factor * rng.standard_normal(len(true))
        ranges[~returned | (ranges > options["max_range"])] = np.inf
        ranges[ranges < options["min_range"]] = -np.inf
        ranges[rng.random(len(true)) < options["dropout"]] = np.nan
        seen = np.isfinite(ranges)
        self.points = (origin + directions[seen] * ranges[seen, np.newaxis])[:, :2]
        first, last, step = self._limits
        return {
            "angle_min": first,
            "angle_max": last,
            "angle_increment": step,
            "time_increment": 0.0,
            "scan_time": 1.0 / options["rate"],
            "range_min": options["min_range"],
            "range_max": options["max_range"],
            "ranges": ranges.astype(np.float32),
            "intensities": np.where(seen, 255 * material, 0.0).astype(np.float32),
        }


class Sonar:
    """An ultrasonic range sensor: the nearest echo within a cone."""

    type_name = "sensor_msgs/msg/Range"

    def __init__(self, options: SensorOptions, rng: np.random.Generator) -> None:
        self._options, self._rng = options, rng
        self._rays = _Rays(options, cone(options["field_of_view"], options["max_range"]), SOLID)

    def measure(self, world: World, noise_factor: float) -> Fields:
        """The fields of a Range; +inf: no echo, -inf: too near."""
        options = self._options
        nearest = float(self._rays.cast(world)[0].min())
        distance = nearest + options["noise"] * noise_factor * float(self._rng.standard_normal())
        if distance > options["max_range"]:
            distance = math.inf
        elif distance < options["min_range"]:
            distance = -math.inf
        return {
            "radiation_type": 0,  # ULTRASOUND
            "field_of_view": options["field_of_view"],
            "min_range": options["min_range"],
            "max_range": options["max_range"],
            "range": distance,
            "variance": options["noise"] ** 2,
        }


def cone(angle: float, reach: float) -> Floats:
    """(n, 3) unit vectors within a cone around x of a full angle (rad).

    They form horizontal rows, because objects on a sidewalk are upright. Neighbours in a row are at most 5 cm apart at
    the distance `reach` (m): no leg or post fits between them.
    """
    half = angle / 2
    rays = []
    for up in np.linspace(-half, half, _ROWS).tolist():
        widest = math.sqrt(max(0.0, half**2 - up**2))
        for aside in np.linspace(-widest, widest, 2 * math.ceil(widest * reach / _GAP) + 1).tolist():
            away, around = math.hypot(aside, up), math.atan2(up, aside)
            rays.append((math.cos(away), math.sin(away) * math.cos(around), math.sin(away) * math.sin(around)))
    return np.array(rays)
