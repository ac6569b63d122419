# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Faults of sensors and publishers, over DDS to node processes with either executor.

Each row of the table is one fault: its start, the diagnostics that must follow, and whether the output stays known.
Then the fault ends, and the nodes must be healthy again.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

from std_msgs.msg import String

from test.helpers.messages import make_float32, make_imu
from test.helpers.rig import (
    ENTER,
    ERROR,
    EXECUTORS,
    OK,
    PARAMETERS,
    SENSORS,
    STALE,
    WARN,
    Rig,
    Subject,
    imu,
    noise,
    save_model,
    scan,
)
from test.helpers.ros import BEST_EFFORT, RELIABLE

SCAN, NOISE = "sensor_msgs/msg/LaserScan", "std_msgs/msg/Float32"
HOUR = 3600 * 10**9
MEGABYTE = 2**20
LEAST = 15  # intervals that a fault is watched for

Undo = Callable[[], object]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One node of each executor, with healthy sensors."""
    path = tmp_path_factory.mktemp("faults") / "model.npz"
    save_model(path)
    with Rig() as rig:
        rig.feed_sensors()
        for executor in EXECUTORS:
            rig.start(f"classifier_{executor}", f"model_path:={path}", f"executor:={executor}", *PARAMETERS)
        rig.run_all(lambda subject: subject.healthy, "healthy nodes")
        yield rig


@dataclass(frozen=True)
class Fault:
    """The start of a fault, the sensor and sentence of the diagnostics, and whether the output stays known."""

    name: str
    begin: Callable[[Rig], Undo]
    sensor: str
    level: bytes
    says: str
    known: bool = True


def stop(key: str) -> Callable[[Rig], Undo]:
    def begin(rig: Rig) -> Undo:
        rig.feeds[key].on = False
        return lambda: setattr(rig.feeds[key], "on", True)

    return begin


def send(key: str, make: Callable[[], bytes]) -> Callable[[Rig], Undo]:
    def begin(rig: Rig) -> Undo:
        right, rig.feeds[key].make = rig.feeds[key].make, make
        return lambda: setattr(rig.feeds[key], "make", right)

    return begin


def in_turn(*makes: Callable[[], bytes]) -> Callable[[], bytes]:
    turns = itertools.cycle(makes)

    def make() -> bytes:
        return next(turns)()

    return make


def scans(*beams: int) -> Callable[[], bytes]:
    turns = itertools.cycle(beams)
    return lambda: scan([2.0] * next(turns))


def offer_best_effort(rig: Rig) -> Undo:
    rig.drop("noise")
    rig.feed("noise", NOISE, "/noise_level", noise, BEST_EFFORT)

    def undo() -> None:
        rig.drop("noise")
        rig.feed("noise", NOISE, "/noise_level", noise, RELIABLE)

    return undo


def publish_another_type(rig: Rig) -> Undo:
    """From another participant: a participant has only one type for a topic."""
    rig.drop("noise")
    stranger = rig.new_node("stranger")
    publisher = stranger.create_publisher(String, "/noise_level", RELIABLE)
    rig.each_step = lambda: publisher.publish(String(data="loud"))

    def undo() -> None:
        rig.each_step = lambda: None
        rig.remove_node(stranger)
        rig.feed("noise", NOISE, "/noise_level", noise, RELIABLE)

    return undo


def publish_twice(rig: Rig) -> Undo:
    rig.feed("second scan", SCAN, "/scan", lambda: scan([3.0] * 45), RELIABLE)
    return lambda: rig.drop("second scan")


FAULTS = (
    Fault("a required sensor dies", stop("scan"), "scan", STALE, r"stale: newest message is \d", known=False),
    Fault("another sensor dies", stop("imu"), "imu", STALE, r"stale: newest message is \d"),
    Fault("a third sensor dies", stop("noise"), "noise", STALE, r"stale: newest message is \d"),
    Fault(
        "reliability mismatch",
        offer_best_effort,
        "noise",
        ERROR,
        r"/noise_level: publisher /rig offers best_effort reliability, requested is reliable",
    ),
    Fault(
        "wrong type on the topic",
        publish_another_type,
        "noise",
        ERROR,
        r"/noise_level: publisher /stranger has type std_msgs/msg/String, expected std_msgs/msg/Float32",
    ),
    Fault(
        "nothing but malformed messages",
        send("scan", lambda: scan()[:50]),
        "scan",
        STALE,
        r"stale: newest decodable message is .*; \d+ undecodable messages: \w+.* bytes needed",
        known=False,
    ),
    Fault(
        "every other message malformed",
        send("scan", in_turn(scan, lambda: scan()[:50])),
        "scan",
        WARN,
        r"^\d+ undecodable messages: ",
    ),
    Fault(
        "bytes of another message",
        send("scan", lambda: make_float32(1.0)),
        "scan",
        STALE,
        r"undecodable messages: ",
        known=False,
    ),
    Fault("no bytes", send("scan", in_turn(scan, lambda: b"\0\1\0\0")), "scan", WARN, r"undecodable messages: "),
    Fault("NaN ranges", send("scan", lambda: scan([math.nan] * 90)), "scan", WARN, "hold no finite value"),
    Fault("infinite ranges", send("scan", lambda: scan([math.inf, -math.inf] * 45)), "scan", OK, "^ok$"),
    Fault("no ranges", send("scan", lambda: scan([])), "scan", WARN, "hold no finite value"),
    Fault(
        "beam count changes",
        send("scan", scans(90, 1, 180, 1080, 4, 2, 3, 5, 6, 7, 8)),  # more layouts than a decoder remembers
        "scan",
        OK,
        "^ok$",
    ),
    Fault("two publishers", publish_twice, "scan", OK, "^ok, 2 publishers$"),
    Fault("stamps of zero", send("imu", make_imu), "imu", WARN, "header stamps are zero"),
    Fault("stamps in the past", send("imu", lambda: imu(-HOUR)), "imu", WARN, r"3600\.\d s behind the node's clock"),
    Fault("stamps in the future", send("imu", lambda: imu(HOUR)), "imu", WARN, r"\d s ahead of the node's clock"),
)


@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.name.replace(" ", "-")) for fault in FAULTS])
def test_fault_of_a_sensor(rig: Rig, fault: Fault) -> None:
    rig.run_all(lambda subject: subject.healthy, "healthy nodes")
    for subject in rig.subjects:
        subject.forget()
    others = [f"sensor {spec.name}" for spec in SENSORS.sensors if spec.name != fault.sensor]

    def shows(subject: Subject) -> bool:
        """Whether diagnostics and the newest intervals say it; a busy machine may make other sensors late for once."""
        newest = subject.intervals[-LEAST:], subject.obstacles[-LEAST:]
        return (
            len(newest[0]) == len(newest[1]) == LEAST
            and {math.isnan(p[0]) for _, p in newest[0]} == {not fault.known}
            and set(newest[1]) == {"always" if fault.known else "unknown"}
            and subject.level(f"sensor {fault.sensor}") == fault.level
            and re.search(fault.says, subject.message(f"sensor {fault.sensor}")) is not None
            and subject.level("output") == (OK if fault.known else ERROR)
            and subject.message("output") == ("publishing" if fault.known else f"unknown: stale: {fault.sensor}")
            and {subject.level(other) for other in others} == {OK}
        )

    undo = fault.begin(rig)
    try:
        rig.run_all(shows, fault.name)
    finally:
        undo()
    rig.run_all(lambda subject: subject.healthy, "healthy nodes")
    for subject in rig.subjects:
        check_decisions(subject.obstacles)


def check_decisions(obstacles: list[str]) -> None:
    """After unknown the decision begins anew; the label that is always seen is absent only while it does."""
    runs = [(text, len(list(run))) for text, run in itertools.groupby(obstacles)]
    for (before, _), (text, length), (after, _) in zip(runs, runs[1:], runs[2:], strict=False):
        if text == "":
            assert before == "unknown"
            assert after == "unknown" or length == ENTER - 1
    assert ("unknown", "always") not in {(before, text) for (before, _), (text, _) in itertools.pairwise(runs)}


def test_all_sensors_die(rig: Rig) -> None:
    rig.run_all(lambda subject: subject.healthy, "healthy nodes")
    undo = [stop(key)(rig) for key in list(rig.feeds)]
    names = [f"sensor {spec.name}" for spec in SENSORS.sensors]
    try:
        rig.run_all(
            lambda subject: subject.unknown and {subject.level(name) for name in names} == {STALE}, "diagnostics"
        )
        rig.run_all(lambda subject: subject.message("output") == "unknown: stale: scan", "the required one")
    finally:
        for each in undo:
            each()
    rig.settle()


def test_logs_of_lasting_faults_are_throttled(rig: Rig) -> None:
    for subject in rig.subjects:
        times: dict[str, float] = {}
        for line in subject.process.log.splitlines():
            found = re.match(r"\[(\w+)\] \[([\d.]+)\] \[\w+\]: (.*)", line)
            assert found is not None, f"not a log line: {line}"
            text, now = re.sub(r"[\d.]+", "#", found[3]), float(found[2])
            # The node writes 5 s after the previous line at the earliest; a busy machine may print that one late.
            assert now - times.get(text, -math.inf) > 2.5, f"not throttled: {line}"
            times[text] = now
        for about in ("sensor scan", "sensor imu", "sensor noise", "output"):
            assert any(text.startswith(f"{about}: ") for text in times), "and said they are"


def test_memory_is_flat(rig: Rig) -> None:
    for subject in rig.subjects:
        before = subject.process.resident()
        for fault in (FAULTS[0], FAULTS[5], FAULTS[12]):
            undo = fault.begin(rig)
            count = len(subject.intervals) + LEAST
            rig.run(lambda subject=subject, count=count: len(subject.intervals) >= count, fault.name)  # type: ignore[misc]
            undo()
        assert subject.process.resident() - before < MEGABYTE
