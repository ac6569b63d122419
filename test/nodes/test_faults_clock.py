# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Faults of /clock, over DDS to node processes with either executor."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

from rosgraph_msgs.msg import Clock

from test.helpers.messages import make_imu, make_scan
from test.helpers.rig import ENTER, EXECUTORS, OK, PARAMETERS, SENSORS, WARN, Rig, Subject, save_model

START = 1_000_000 * 10**9  # ns: simulated time is not the time of day
SECOND = 10**9
LEAST = 20  # intervals


class Simulation:
    """Simulated time, as fast as real time, that can be set; published at every step of the rig while it `runs`."""

    def __init__(self, rig: Rig) -> None:
        self.runs = False
        self._offset = START - time.monotonic_ns()
        self._publisher = rig.node.create_publisher(Clock, "/clock", 10)
        rig.each_step = self._step
        rig.feed_sensors()
        rig.feeds["scan"].make = lambda: make_scan([2.0] * 90, stamp_ns=self.now)
        rig.feeds["imu"].make = lambda: make_imu(stamp_ns=self.now)

    @property
    def now(self) -> int:
        return time.monotonic_ns() + self._offset

    def jump(self, nanoseconds: int) -> None:
        self._offset += nanoseconds

    def _step(self) -> None:
        if self.runs:
            message = Clock()
            message.clock.sec, message.clock.nanosec = divmod(self.now, SECOND)
            self._publisher.publish(message)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One node of each executor under simulated time, which does not run yet."""
    path = tmp_path_factory.mktemp("clock") / "model.npz"
    save_model(path)
    with Rig() as rig:
        for executor in EXECUTORS:
            parameters = (f"model_path:={path}", f"executor:={executor}", "use_sim_time:=true", *PARAMETERS)
            rig.start(f"sim_{executor}", *parameters)
        yield rig


@pytest.fixture(scope="module")
def simulation(rig: Rig) -> Simulation:
    return Simulation(rig)


def test_start_before_clock_waits_and_says_so(rig: Rig, simulation: Simulation) -> None:
    rig.run_all(lambda subject: "waiting for /clock" in subject.message("clock"), "a word about /clock")
    for subject in rig.subjects:
        assert subject.level("clock") == WARN
        assert subject.intervals == []
        assert "clock: waiting for /clock: use_sim_time is set" in subject.process.log
    simulation.runs = True
    rig.run_all(lambda subject: subject.healthy, "healthy nodes")
    for subject in rig.subjects:
        assert START < subject.intervals[0][0] < simulation.now


@pytest.mark.parametrize(
    ("jump", "status", "says"),
    [
        (-100 * SECOND, "clock", "set back"),
        (-SECOND, "clock", "set back"),
        (3600 * SECOND, "output", "intervals missed: the clock was set ahead"),
    ],
    ids=["100-s-back", "1-s-back", "1-h-ahead"],
)
def test_clock_is_set(rig: Rig, simulation: Simulation, jump: int, status: str, says: str) -> None:
    rig.run_all(lambda subject: subject.healthy, "healthy nodes")
    for subject in rig.subjects:
        subject.forget()
    before = time.monotonic_ns()
    simulation.jump(jump)
    began = simulation.now
    rig.run_all(lambda subject: subject.level(status) == WARN and says in subject.message(status), says)
    rig.run_all(lambda subject: subject.healthy and len(subject.intervals) >= LEAST, "healthy nodes")
    for subject in rig.subjects:
        ends = [end for end, _ in subject.intervals]
        assert all(end % SENSORS.interval == 0 for end in ends), "on the grid"
        after = [end for end in ends if end > began - SENSORS.interval]
        assert ends[ends.index(after[0]) :] == after, "nothing of before comes after it"
        assert len(ends) <= (time.monotonic_ns() - before) // SENSORS.interval + 3, "no thousands of them"
        assert min(after) < began + 6 * SENSORS.interval, "they go on at once; the machine may stall"
        reset = subject.obstacles.index("")
        assert subject.obstacles[reset : reset + ENTER] == [""] * (ENTER - 1) + ["always"], "the decision began anew"
        last_unknown = max((index for index, (_, p) in enumerate(subject.intervals) if math.isnan(p[0])), default=0)
        assert last_unknown <= ends.index(after[0]) + 1


def test_clock_stands_still(rig: Rig, simulation: Simulation) -> None:
    """A paused bag with live sensors: nothing happens, no message is kept, and the diagnostics say why."""
    rig.run_all(lambda subject: subject.healthy, "healthy nodes")
    simulation.runs = False
    rig.run_all(lambda subject: "/clock stands still" in subject.message("clock"), "a word about /clock")
    for subject in rig.subjects:
        subject.forget()
    data = make_scan([2.0] * 90)

    def received(subject: Subject) -> int:
        return int(subject.values("sensor scan").get("received", 0))

    def flood(messages: int) -> list[int]:
        """Resident bytes of each subject after so many more messages."""
        before = [received(subject) for subject in rig.subjects]

        def publish() -> bool:
            for _ in range(50):
                rig.feeds["scan"].publisher.publish(data)
            return all(
                received(subject) > count + messages for subject, count in zip(rig.subjects, before, strict=True)
            )

        rig.run(publish, "a flood of messages")
        return [subject.process.resident() for subject in rig.subjects]

    first, second = flood(8000), flood(24000)  # buffers reach their sizes in the first
    assert all(after - before < 24000 * len(data) for before, after in zip(first, second, strict=True))
    assert all(subject.intervals == [] for subject in rig.subjects)
    simulation.runs = True
    rig.run_all(lambda subject: subject.healthy, "healthy nodes")
    assert all(subject.level("clock") == OK for subject in rig.subjects)


def test_logs_say_what_the_clock_did(rig: Rig) -> None:
    for subject in rig.subjects:
        for line in ("clock: set back", "clock: /clock stands still", "output: 7", "clock: ok"):
            assert line in subject.process.log
        assert subject.process.log.count("\n") < 40
