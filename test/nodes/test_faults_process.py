# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Start, end and return of node processes, in every lifecycle state and with either executor."""

from __future__ import annotations

import itertools
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState

from test.helpers.rig import ERROR, EXECUTORS, OK, PARAMETERS, Rig, Subject, save_model

WAY = {
    "unconfigured": (),
    "inactive": (Transition.TRANSITION_CONFIGURE,),
    "active": (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE),
    "finalized": (Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,),
}
"""Transitions that lead to each state."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
ENDS = [
    *itertools.product(WAY, SIGNALS, ["events"]),
    ("active", signal.SIGINT, "single"),
    ("finalized", signal.SIGTERM, "single"),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("process") / "model.npz"
    save_model(path)
    return path


@pytest.fixture(scope="module")
def rig(path: Path) -> Iterator[Rig]:
    """A node for every way to end, all started at once."""
    with Rig() as rig:
        rig.feed_sensors()
        for state, number, executor in ENDS:
            parameters = (f"model_path:={path}", f"executor:={executor}", "autostart:=false")
            rig.start(name(state, number, executor), *parameters)
        yield rig


def name(state: str, number: signal.Signals, executor: str) -> str:
    return f"{state}_{number.name}_{executor}".lower()


def change(rig: Rig, subject: Subject, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return bool(rig.call(ChangeState, f"/{subject.name}/change_state", request).success)


def state_of(rig: Rig, subject: Subject) -> str:
    return str(rig.call(GetState, f"/{subject.name}/get_state", GetState.Request()).current_state.label)


@pytest.mark.parametrize(("state", "number", "executor"), ENDS, ids=[name(*end) for end in ENDS])
def test_signal_ends_the_node_in_every_state(rig: Rig, state: str, number: signal.Signals, executor: str) -> None:
    (subject,) = (subject for subject in rig.subjects if subject.name == name(state, number, executor))
    for transition in WAY[state]:
        assert change(rig, subject, transition)
    assert state_of(rig, subject) == state
    assert not change(rig, subject, Transition.TRANSITION_CLEANUP) or state == "inactive", "refused, and it lives"
    if state == "inactive":
        assert change(rig, subject, Transition.TRANSITION_CONFIGURE), "and once more"
    if state == "active":
        rig.run(lambda: subject.known, "outputs")
    rig.subjects.remove(subject)
    subject.process.signal(number)
    subject.process.signal(number)  # as `ros2 launch` may
    assert subject.process.wait() == 0
    assert "Traceback" not in subject.process.log
    assert not re.search(r"\[(ERROR|FATAL)\] (?!.*(transition .* refused|: no message on ))", subject.process.log)


def test_kill_and_respawn(path: Path) -> None:
    with Rig() as rig:
        rig.feed_sensors()
        for _ in range(3):
            subject = rig.start("respawned", f"model_path:={path}", *PARAMETERS)
            rig.run(lambda: subject.healthy, "a healthy node")  # noqa: B023
            subject.process.signal(signal.SIGKILL)
            assert subject.process.wait() == -signal.SIGKILL
            rig.subjects.remove(subject)  # the graph keeps the dead node for 20 s


def test_sensor_that_never_starts(path: Path) -> None:
    with Rig() as rig:
        rig.feed_sensors()
        for key, executor in itertools.product(("scan", "imu"), EXECUTORS):
            topic = {"scan": "/scan", "imu": "/imu/data"}[key]
            parameters = (f"model_path:={path}", f"executor:={executor}", *PARAMETERS)
            rig.start(f"{key}_{executor}", *parameters, arguments=["-r", f"{topic}:=/silent"])
        rig.run_all(lambda subject: len(subject.intervals) >= 20 and len(subject.diagnostics) == 6, "outputs")
        rig.run_all(lambda subject: float(subject.values("sensor noise")["rate [Hz]"]) > 0, "diagnostics")
        missing = {subject.name: subject.name.split("_")[0] for subject in rig.subjects}
        rig.run_all(
            lambda subject: subject.message(f"sensor {missing[subject.name]}") == "no message on /silent yet",
            "complaints",
        )
        for subject in rig.subjects:
            if missing[subject.name] == "scan":
                assert set(subject.obstacles) == {"unknown"}
                assert subject.level("sensor scan") == ERROR
                assert subject.message("output") == "unknown: stale: scan"
                assert "output: unknown: stale: scan" in subject.process.log
            else:
                assert set(subject.obstacles[-5:]) == {"always"}, "not required"
                assert subject.level("output") == OK


def test_start_with_healthy_sensors_logs_no_complaint(path: Path) -> None:
    """DDS finds a publisher up to 3 s after the node has subscribed."""
    with Rig() as rig:
        for executor in EXECUTORS:
            rig.start(f"starting_{executor}", f"model_path:={path}", f"executor:={executor}", *PARAMETERS)
        rig.run_all(
            lambda subject: subject.message("sensor scan") == "waiting for the first message on /scan", "patience"
        )
        for subject in rig.subjects:
            assert {subject.level(name) for name in subject.diagnostics} == {OK}
            assert subject.message("output") == "waiting for the first message of a sensor"
        rig.feed_sensors()
        rig.settle()
        for subject in rig.subjects:
            assert not re.search(r"\[(WARN|ERROR|FATAL)\]", subject.process.log)


def test_nothing_arrives_at_all(path: Path) -> None:
    with Rig() as rig:
        subject = rig.start("deaf", f"model_path:={path}")
        rig.run(
            lambda: subject.message("output") == "no message of any sensor yet: there is nothing to classify", "a word"
        )
        assert subject.intervals == []


def test_simulated_time_is_switched_on_and_off(path: Path) -> None:
    with Rig() as rig:
        rig.feed_sensors()
        subject = rig.start("switched", f"model_path:={path}", *PARAMETERS)
        for _ in range(2):
            rig.settle()
            assert rig.set_parameters(subject, use_sim_time=True) == [None]
            rig.run(lambda: "waiting for /clock" in subject.message("clock"), "a word about /clock")
            subject.forget()
            rig.run(lambda: subject.level("sensor scan") == ERROR, "diagnostics of the sensors")
            assert subject.intervals == []
            assert rig.set_parameters(subject, use_sim_time=False) == [None]


def test_diagnostics_bear_the_namespace(path: Path) -> None:
    """Several robots may share /diagnostics."""
    with Rig() as rig:
        rig.start("spaced", f"model_path:={path}", arguments=["-r", "__ns:=/robot"])
        names: set[str] = set()

        def listen(message: DiagnosticArray) -> None:
            names.update(status.name for status in message.status)

        rig.node.create_subscription(DiagnosticArray, "/diagnostics", listen, 10)
        rig.run(lambda: "robot/spaced: sensor scan" in names, "diagnostics")


def test_diagnostics_of_a_node_that_has_no_model(tmp_path: Path) -> None:
    with Rig() as rig:
        subject = rig.start("empty", f"model_path:={tmp_path}/absent.npz", "autostart:=false")
        rig.run(lambda: subject.message("model") == "unconfigured: no model is loaded", "diagnostics")
        assert not change(rig, subject, Transition.TRANSITION_CONFIGURE)
        rig.run(lambda: subject.level("model") == ERROR, "diagnostics of the failure")
        assert subject.message("model").startswith(f"unconfigured: {tmp_path}/absent.npz: cannot be read")
        assert state_of(rig, subject) == "unconfigured"
        save_model(tmp_path / "absent.npz")
        for _ in range(3):
            assert change(rig, subject, Transition.TRANSITION_CONFIGURE)
            assert change(rig, subject, Transition.TRANSITION_CLEANUP)
        request = GetState.Request()
        assert rig.call(GetState, "/empty/get_state", request).current_state.id == State.PRIMARY_STATE_UNCONFIGURED
