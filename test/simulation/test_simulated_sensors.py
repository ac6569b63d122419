# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from test.helpers.simulation import LIDAR_X, exact, fields, quiet, thing

pytest.importorskip("mujoco", reason="the simulation needs mujoco")

from obstacle_classifier.simulation.ambient_sensors import in_sun, sound_level
from obstacle_classifier.simulation.range_sensors import cone
from obstacle_classifier.simulation.robot import Robot
from obstacle_classifier.simulation.scenario import Scenario, SensorOptions
from obstacle_classifier.simulation.simulation import Simulation
from obstacle_classifier.simulation.street import Patch, StreetPlan, empty_street
from obstacle_classifier.simulation.things import Thing
from obstacle_classifier.simulation.vehicles import Car
from obstacle_classifier.simulation.world import World

WALL_FACE = 3.0  # m ahead of the robot's origin


def wall(face: float = WALL_FACE, reflectivity: float = 0.8) -> Thing:
    return thing("wall", face + 0.2, 0.0, (0.4, 40.0, 3.0), reflectivity=reflectivity)


def readings(sensor: SensorOptions, *things: Thing, duration: float = 0.05, seed: int = 0) -> list[Any]:
    scenario = quiet(sensor, duration=duration, seed=seed)
    simulation = Simulation(scenario, street=empty_street(30.0, things=things))
    return [fields(message) for message in simulation.messages() if message.topic == sensor.topic]


def beams(scan: Any) -> np.ndarray:
    angles: np.ndarray = scan["angle_min"] + np.arange(len(scan["ranges"])) * scan["angle_increment"]
    return angles


class Steady(Robot):
    """Drives with a constant forward speed and yaw rate, whatever comes, after a second of speeding up."""

    wanted = (0.0, 0.0)

    def drive(self, step: float, gap: float) -> None:
        share = min(1.0, self.scene.data.time)
        self.command(share * self.wanted[0], share * self.wanted[1])


def steady(speed: float, yaw_rate: float, street: StreetPlan, scenario: Scenario) -> Simulation:
    simulation = Simulation(scenario, street=street)
    robot = Steady(simulation.world.scene, street, speed)
    robot.wanted = speed, yaw_rate
    simulation.world.robot = robot
    return simulation


# --- Lidar ------------------------------------------------------------------------------------------------------------


def test_a_wall_ahead_is_as_far_as_the_cosine_says() -> None:
    scan = readings(exact("scan", "lidar"), wall())[0]
    expected = (WALL_FACE - LIDAR_X) / np.cos(beams(scan))
    np.testing.assert_allclose(scan["ranges"], expected, atol=1e-5)


def test_a_round_post_is_seen_as_a_circle() -> None:
    radius, distance = 0.3, 2.0
    post = thing("bollard", LIDAR_X + distance, 0.0, (2 * radius, 2 * radius, 1.0))
    scan = readings(exact("scan", "lidar", field_of_view=[-0.5, 0.5]), post)[0]
    angles = beams(scan)
    on_it = np.abs(np.sin(angles)) * distance < radius - 1e-3
    # The nearer root of |d - r u| = radius.
    along, across = distance * np.cos(angles[on_it]), distance * np.sin(angles[on_it])
    np.testing.assert_allclose(scan["ranges"][on_it], along - np.sqrt(radius**2 - across**2), atol=1e-4)
    off_it = np.abs(np.sin(angles)) * distance > radius + 1e-3
    assert np.isposinf(scan["ranges"][off_it]).all()


@pytest.mark.parametrize("bearing", [0.4, -0.7])
@pytest.mark.parametrize("side", [0.0, 0.2])
def test_angles_count_counterclockwise_from_straight_ahead(bearing: float, side: float) -> None:
    """To the left they are positive, as REP-103 has it; the mounting point is to the left as well."""
    post = thing("bollard", LIDAR_X + 2.0 * math.cos(bearing), side + 2.0 * math.sin(bearing), (0.2, 0.2, 1.0))
    scan = readings(exact("scan", "lidar", position=[LIDAR_X, side, 0.3], beams=1001), post)[0]
    hit = np.isfinite(scan["ranges"])
    assert beams(scan)[hit].mean() == pytest.approx(bearing, abs=0.003)
    assert scan["ranges"][hit].min() == pytest.approx(1.9, abs=1e-3)


def test_a_scan_turns_with_the_robot() -> None:
    lidar = exact("scan", "lidar", field_of_view=[-0.5, 0.5])
    simulation = steady(0.3, 0.4, empty_street(30.0, things=(wall(6.0),)), quiet(lidar, duration=2.0))
    turned = []
    for message in simulation.messages():
        if message.topic == "/scan":
            scan, pose = fields(message), simulation.world.robot.pose
            expected = (6.0 - pose.x - LIDAR_X * math.cos(pose.yaw)) / np.cos(beams(scan) + pose.yaw)
            np.testing.assert_allclose(scan["ranges"], expected, atol=0.02)
            turned.append(pose.yaw)
    assert turned[-1] > 0.4


def test_a_yawed_lidar_looks_elsewhere() -> None:
    scan = readings(exact("scan", "lidar", yaw=0.4, field_of_view=[-0.6, 0.2]), wall())[0]
    np.testing.assert_allclose(scan["ranges"], (WALL_FACE - LIDAR_X) / np.cos(beams(scan) + 0.4), atol=1e-5)


@pytest.mark.parametrize(("reflectivity", "seen_from"), [(0.8, 12.0), (0.2, 6.0), (0.05, 3.0)])
def test_dark_things_are_seen_from_nearer_only(reflectivity: float, seen_from: float) -> None:
    lidar = exact("scan", "lidar", beams=2, field_of_view=[-1e-3, 1e-3])
    near = readings(lidar, wall(LIDAR_X + seen_from - 0.05, reflectivity))[0]["ranges"]
    far = readings(lidar, wall(LIDAR_X + seen_from + 0.05, reflectivity))[0]["ranges"]
    assert near == pytest.approx(seen_from - 0.05, abs=1e-4)
    assert np.isposinf(far).all()


def test_too_near_is_minus_infinity() -> None:
    scan = readings(exact("scan", "lidar", min_range=3.0), wall())[0]
    assert np.isneginf(scan["ranges"][len(scan["ranges"]) // 2])


def test_noise_and_losses_are_as_declared() -> None:
    lidar = exact("scan", "lidar", noise=0.02, dropout=0.05, field_of_view=[-0.5, 0.5], rate=50.0)
    scans = readings(lidar, wall(), duration=1.0)
    ranges = np.array([scan["ranges"] for scan in scans], np.float64)
    lost = np.isnan(ranges)
    count = ranges.size
    assert abs(lost.mean() - 0.05) < 4 * math.sqrt(0.05 * 0.95 / count)
    errors = (ranges - (WALL_FACE - LIDAR_X) / np.cos(beams(scans[0])))[~lost]
    # The robot settles on its tyres by about a millimetre.
    assert abs(errors.mean()) < 2e-3
    assert errors.std() == pytest.approx(0.02, rel=4 / math.sqrt(2 * count) + 0.01)


def test_a_pedestrian_has_two_legs_at_the_lidars_height() -> None:
    # Seen from the side of the body, feet apart: two runs of near beams with the wall between them.
    person = thing("person", 2.0, 0.0, (0.3, 0.5, 1.8), label="pedestrian")
    scan = readings(exact("scan", "lidar", field_of_view=[-0.3, 0.3]), person, wall())[0]
    near = (scan["ranges"] < 2.2).astype(int)
    assert np.sum(np.diff(near) == 1) == 2
    assert np.sum(np.diff(near) == -1) == 2


def test_a_bollard_is_lower_than_the_upper_lidar() -> None:
    post = thing("bollard", 2.0, 0.0, (0.2, 0.2, 0.9))
    low = readings(exact("scan", "lidar"), post)[0]["ranges"]
    high = readings(exact("scan", "lidar", position=[0.0, 0.0, 0.95]), post)[0]["ranges"]
    assert np.isfinite(low).any()
    assert not np.isfinite(high).any()


# --- Sonar ------------------------------------------------------------------------------------------------------------


def test_a_cone_stays_within_half_its_angle_and_reaches_it() -> None:
    rays = cone(0.5, 4.0)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=1), 1.0)
    away = np.arccos(rays[:, 0])
    assert away.max() == pytest.approx(0.25)
    # To all sides: left, right, up and down.
    for axis in (1, 2):
        assert np.arcsin(rays[:, axis]).min() == pytest.approx(-0.25)
        assert np.arcsin(rays[:, axis]).max() == pytest.approx(0.25)


@pytest.mark.parametrize(("angle", "distance", "width"), [(0.5, 3.8, 0.1), (1.0, 3.0, 0.1), (1.5, 2.0, 0.06)])
def test_nothing_upright_hides_between_the_rays_of_a_cone(angle: float, distance: float, width: float) -> None:
    sonar = exact("sonar", "sonar", position=[0.3, 0.0, 0.2], field_of_view=angle)
    for bearing in np.linspace(-0.45 * angle, 0.45 * angle, 9).tolist():
        x, y = 0.3 + distance * math.cos(bearing), distance * math.sin(bearing)
        measured = readings(sonar, thing("bollard", x, y, (width, width, 1.0)), duration=0.01)[0]["range"]
        assert measured == pytest.approx(distance - width / 2, abs=width / 2), bearing


def test_left_is_left_to_sonars() -> None:
    left = thing("bollard", 1.6, 0.9, (0.2, 0.2, 1.0))
    for yaw, side, seen in ((0.5, 0.15, True), (-0.5, -0.15, False)):
        measured = readings(exact("sonar", "sonar", position=[0.28, side, 0.2], yaw=yaw), left)[0]["range"]
        expected = math.hypot(1.6 - 0.28, 0.9 - side) - 0.1
        assert measured == pytest.approx(expected, abs=0.02) if seen else measured == math.inf


def test_an_echo_comes_from_the_nearest_thing_in_the_cone() -> None:
    sonar = exact("sonar", "sonar", position=[0.3, 0.0, 0.2], field_of_view=0.5)
    ahead = readings(sonar, wall())[0]
    assert ahead["range"] == pytest.approx(WALL_FACE - 0.3, abs=1e-4)
    # A post 12 degrees off the axis is inside the half angle of 14.3 degrees, one at 25 degrees outside.
    for bearing, seen in ((12.0, True), (25.0, False)):
        angle = math.radians(bearing)
        post = thing("bollard", 0.3 + 1.5 * math.cos(angle), 1.5 * math.sin(angle), (0.2, 0.2, 1.0))
        measured = readings(sonar, post, wall())[0]["range"]
        assert measured == pytest.approx(1.4, abs=0.03) if seen else measured == pytest.approx(2.7, abs=1e-3)


def test_no_echo_is_infinite_and_a_touching_one_minus_infinite() -> None:
    assert readings(exact("sonar", "sonar"))[0]["range"] == math.inf
    assert readings(exact("sonar", "sonar"), wall(0.33))[0]["range"] == -math.inf


# --- Imu --------------------------------------------------------------------------------------------------------------


def motion(messages: Sequence[Any], quantity: str, axis: str) -> np.ndarray:
    return np.array([message[quantity][axis] for message in messages])


def test_at_rest_the_imu_reads_gravity_upwards() -> None:
    samples = readings(exact("imu", "imu"), duration=2.0)[100:]
    for axis, expected, tolerance in (("x", 0.0, 0.05), ("y", 0.0, 0.05), ("z", 9.81, 0.01)):
        assert motion(samples, "linear_acceleration", axis) == pytest.approx(expected, abs=tolerance)
        assert motion(samples, "angular_velocity", axis) == pytest.approx(0.0, abs=1e-3)
    assert samples[0]["orientation_covariance"][0] == -1


def test_speeding_up_is_felt_forwards() -> None:
    scenario = quiet(exact("imu", "imu"), speed=1.2, duration=1.0)
    simulation = Simulation(scenario, street=empty_street(30.0))
    samples = [fields(message) for message in simulation.messages() if message.topic == "/imu"]
    # The driver speeds up by 1 m/s^2.
    assert motion(samples[20:95], "linear_acceleration", "x").mean() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("yaw_rate", [0.5, -0.3])
def test_the_gyro_tells_the_commanded_and_the_true_yaw_rate(yaw_rate: float) -> None:
    simulation = steady(0.6, yaw_rate, empty_street(60.0), quiet(exact("imu", "imu"), duration=3.0))
    samples, yaws = [], []
    for message in simulation.messages():
        if message.topic == "/imu":
            samples.append(fields(message))
            yaws.append(simulation.world.robot.pose.yaw)
    rates = motion(samples, "angular_velocity", "z")
    true = np.diff(np.unwrap(yaws)) / 0.01
    assert rates[100:].mean() == pytest.approx(yaw_rate, rel=0.03)
    assert rates[100:].mean() == pytest.approx(true[100:].mean(), rel=0.005)


@pytest.mark.parametrize("yaw_rate", [0.5, -0.5])
def test_a_bend_to_the_left_is_felt_to_the_left(yaw_rate: float) -> None:
    simulation = steady(0.8, yaw_rate, empty_street(60.0), quiet(exact("imu", "imu"), duration=3.0))
    samples = [fields(message) for message in simulation.messages() if message.topic == "/imu"]
    # The acceleration towards the middle of the circle is v times omega.
    assert motion(samples[150:], "linear_acceleration", "y").mean() == pytest.approx(0.8 * yaw_rate, rel=0.1)


def test_the_gyro_tells_how_the_body_turns_about_each_of_its_axes() -> None:
    rough = StreetPlan(**{**vars(empty_street(30.0)), "patches": (Patch(1.0, 9.0, 0.02),)})
    simulation = steady(1.0, 0.1, rough, quiet(exact("imu", "imu", rate=400.0), duration=5.0))
    rates, attitudes = [], []
    for message in simulation.messages():
        if message.topic == "/imu":
            rates.append([fields(message)["angular_velocity"][axis] for axis in "xyz"])
            attitudes.append(simulation.world.scene.data.body("robot").xmat.reshape(3, 3).copy())
    # From one attitude R to the next the body turns by the vector of R' R_next, about its own axes x, y and z.
    steps = np.array([before.T @ after for before, after in pairwise(attitudes)])
    true = np.stack([steps[:, 2, 1] - steps[:, 1, 2], steps[:, 0, 2] - steps[:, 2, 0], steps[:, 1, 0] - steps[:, 0, 1]])
    true *= 400.0 / 2
    middle = (np.array(rates)[1:] + np.array(rates)[:-1]).T / 2
    for axis in range(3):
        assert true[axis].std() > 0.02
        assert np.corrcoef(true[axis], middle[axis])[0, 1] > 0.95


def test_imu_noise_and_bias_are_as_declared() -> None:
    imu = exact("imu", "imu", gyroscope_noise=0.02, gyroscope_bias=0.05, rate=400.0)
    runs = [motion(readings(imu, duration=2.0, seed=seed)[200:], "angular_velocity", "x") for seed in range(12)]
    assert np.mean([run.std() for run in runs]) == pytest.approx(0.02, rel=0.05)
    biases = np.array([run.mean() for run in runs])
    # 12 draws of a standard deviation of 0.05: its estimate is within 0.02 to 0.085 except once in 1000.
    assert 0.02 < biases.std(ddof=1) < 0.085


def test_broken_pavement_shakes_the_imu() -> None:
    street = empty_street(30.0)
    rough = StreetPlan(**{**vars(street), "patches": (Patch(4.0, 9.0, 0.008),)})
    shaken = {}
    for name, plan in (("level", street), ("rough", rough)):
        simulation = steady(1.2, 0.0, plan, quiet(exact("imu", "imu"), duration=7.0))
        samples = [fields(message) for message in simulation.messages() if message.topic == "/imu"]
        shaken[name] = motion(samples[400:600], "linear_acceleration", "z").std()
    assert shaken["level"] < 0.1
    assert shaken["rough"] > 1.0


# --- Odometry ---------------------------------------------------------------------------------------------------------


def drive_with_odometry(seed: int, **options: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Final odometry and final true pose relative to the start, (x, y, yaw) each, and the length of the way."""
    simulation = steady(
        1.0, 0.15, empty_street(60.0), quiet(exact("odometry", "odometry", **options), duration=10.0, seed=seed)
    )
    last: Any = None
    for message in simulation.messages():
        if message.topic == "/odometry":
            last = fields(message)
            pose = simulation.world.robot.pose
    position, orientation = last["pose"]["pose"]["position"], last["pose"]["pose"]["orientation"]
    yaw = 2 * math.atan2(orientation["z"], orientation["w"])
    return np.array([position["x"], position["y"], yaw]), np.array([pose.x, pose.y, pose.yaw]), 10.0


def test_odometry_without_errors_follows_the_true_pose() -> None:
    estimate, true, way = drive_with_odometry(0)
    # What remains is what the wheels truly slip as they speed up and turn.
    assert np.hypot(*(estimate - true)[:2]) < 0.01 * way
    assert abs(estimate[2] - true[2]) < 0.05


def test_odometry_drifts_as_its_slip_declares() -> None:
    slip, track = 0.02, 0.48
    errors = np.array([np.subtract(*drive_with_odometry(seed, slip=slip)[:2]) for seed in range(12)])
    # Over 10 m, wheels that are each off by a factor of 1 +- slip turn the estimate by 10 m * slip * sqrt(2) / track.
    spread = 10.0 * slip * math.sqrt(2) / track
    assert 0.4 * spread < errors[:, 2].std(ddof=1) < 1.8 * spread
    assert abs(errors[:, 2].mean()) < 4 * spread / math.sqrt(len(errors))


def test_odometry_twist_is_the_speed_driven() -> None:
    simulation = steady(0.8, 0.3, empty_street(30.0), quiet(exact("odometry", "odometry"), duration=3.0))
    twists = [fields(message)["twist"]["twist"] for message in simulation.messages() if message.topic == "/odometry"]
    assert np.mean([twist["linear"]["x"] for twist in twists[30:]]) == pytest.approx(0.8, rel=0.03)
    assert np.mean([twist["angular"]["z"] for twist in twists[30:]]) == pytest.approx(0.3, rel=0.03)


# --- Sound, light, warmth ---------------------------------------------------------------------------------------------


def test_sources_add_up_and_fade_with_the_distance() -> None:
    world = World(quiet(), empty_street(30.0))
    silence = sound_level(world, 40.0)
    # Ambient 40 dB and motors of 42 dB at rest.
    assert silence == pytest.approx(10 * math.log10(10**4.0 + 10**4.2), abs=0.05)
    rng = np.random.default_rng(0)
    for distance, fading in ((1.0, 0.0), (10.0, 20.0)):
        car = Car("car0", distance, 0.0, 1, 10.0, 4.5, rng)
        world.traffic.actors = {"car0": car}
        # 66 + 1.6 * 10 = 82 dB at 1 m.
        assert sound_level(world, 0.0) == pytest.approx(82.0 - fading, abs=0.05)


def test_a_wall_towards_the_sun_gives_shade() -> None:
    assert in_sun(World(quiet(), empty_street(30.0)))
    # The sun stands to the right.
    assert not in_sun(World(quiet(), empty_street(30.0, things=(thing("wall", 0.0, -1.0, (20.0, 0.4, 9.0)),))))
    assert in_sun(World(quiet(), empty_street(30.0, things=(thing("wall", 0.0, 1.5, (20.0, 0.4, 9.0)),))))


def test_light_and_warmth_tell_sun_from_shade() -> None:
    shade = thing("wall", 0.0, -1.0, (20.0, 0.4, 9.0))
    for kind, key, factor in (("light", "illuminance", 3.0), ("thermometer", "temperature", 1.3)):
        sunny = readings(exact("s", kind))[0][key]
        assert sunny > factor * readings(exact("s", kind), shade)[0][key]
