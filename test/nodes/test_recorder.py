# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""classifier_node asks a recorder in snapshot mode over DDS, and tells what became of it.

A node of the test offers the service of `ros2 bag record --snapshot-mode`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from std_srvs.srv import Trigger

from obstacle_classifier.nodes.classifier.recorder import MISSING
from test.helpers.rig import EXECUTORS, OK, PARAMETERS, WARN, Rig, Subject, save_model
from test.helpers.ros import RELIABLE
from test.helpers.snapshot_type import snapshot_type

QUICK = ("capture.enabled:=true", "capture.delay:=0.3", "capture.hold:=0.1", "capture.band:=0.0", "capture.spread:=0.0")


class Recorder:
    """The service of a recorder in snapshot mode, and how often it was called."""

    def __init__(self, rig: Rig, name: str) -> None:
        from rosbag2_interfaces.srv import Snapshot

        self.calls = 0
        self.success = True
        self._node = rig.node
        self._service = rig.node.create_service(Snapshot, f"/{name}/snapshot", self._on_call)

    def leave(self) -> None:
        self._node.destroy_service(self._service)

    def _on_call(self, request: Any, response: Any) -> Any:
        del request
        self.calls += 1
        response.success = self.success
        return response


@pytest.fixture(scope="module", autouse=True)
def interfaces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with snapshot_type(tmp_path_factory.mktemp("interfaces")):
        yield


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        rig.feed_sensors()
        yield rig


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    save_model(tmp_path / "model.npz")
    return tmp_path / "model.npz"


def events_of(rig: Rig, subject: Subject) -> list[DiagnosticStatus]:
    """The statuses on ~/capture_events from now on."""
    found: list[DiagnosticStatus] = []
    rig.node.create_subscription(
        DiagnosticArray, f"/{subject.name}/capture_events", lambda message: found.extend(message.status), RELIABLE
    )
    rig.run(lambda: rig.node.count_publishers(f"/{subject.name}/capture_events"), "capture events")
    return found


def values(status: DiagnosticStatus) -> dict[str, str]:
    return {item.key: item.value for item in status.values}


def start(rig: Rig, name: str, model_path: Path, *parameters: str) -> Subject:
    return rig.start(name, f"model_path:={model_path}", f"capture.recorder:=/{name}_recorder", *parameters, *PARAMETERS)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_triggers_reach_the_recorder(rig: Rig, model_path: Path, executor: str) -> None:
    name = f"captures_{executor}"
    recorder = Recorder(rig, f"{name}_recorder")
    subject = start(rig, name, model_path, f"executor:={executor}", *QUICK)
    events = events_of(rig, subject)
    rig.run(lambda: subject.known and subject.message("capture") == "watching", "a node that watches")

    answer = rig.call(Trigger, f"/{name}/capture", Trigger.Request())
    assert answer.success, answer.message
    assert answer.message == f"/{name}_recorder/snapshot is called in 0.3 s"
    rig.run(lambda: events, "an event for the request")
    assert recorder.calls == 1
    (event,) = events
    assert (event.name, event.level) == (f"{name}: capture", OK)
    assert event.message == "recorded: request (asked for)"
    assert values(event)["recorder"] == f"/{name}_recorder/snapshot"
    assert int(values(event)["asked [ns]"]) - int(values(event)["triggered [ns]"]) == 300_000_000
    assert event.hardware_id == subject.diagnostics["model"].hardware_id
    rig.run(lambda: subject.values("capture").get("request asked") == "1", "the count in the diagnostics")

    # The label "always" is present: it ends when its threshold is out of reach.
    assert rig.set_parameters(subject, labels__always__threshold=1.0) == [None]
    rig.run(lambda: len(events) > 1, "an event for the label's end")
    assert recorder.calls == 2
    assert events[1].message == "recorded: event (always ended)"

    recorder.success = False
    assert rig.call(Trigger, f"/{name}/capture", Trigger.Request()).success
    rig.run(lambda: len(events) > 2, "an event for the refusal")
    assert events[2].level == WARN
    assert events[2].message == f"not recorded, /{name}_recorder/snapshot has refused: request (asked for)"
    rig.run(lambda: subject.level("capture") == WARN, "a warning in the diagnostics")
    assert subject.message("capture") == f"the newest recording failed: /{name}_recorder/snapshot has refused"
    assert subject.values("capture")["request asked"] == "1", "what failed does not count"
    assert subject.values("capture")["not with this model"] == "unlike"

    recorder.success = True
    assert rig.call(Trigger, f"/{name}/capture", Trigger.Request()).success
    rig.run(lambda: len(events) > 3 and subject.level("capture") == OK, "a recorder that works again")
    assert rig.set_parameters(subject, capture__enabled=False) == [None]
    rig.run(lambda: not rig.node.count_publishers(f"/{name}/capture_events"), "capture off")
    subject.diagnostics.clear()
    rig.run(lambda: "output" in subject.diagnostics, "diagnostics")
    assert "capture" not in subject.diagnostics
    assert rig.set_parameters(subject, capture__enabled=True) == [None]
    rig.run(lambda: subject.message("capture") == "watching", "capture on again")


def test_a_node_without_a_recorder_says_so(rig: Rig, model_path: Path) -> None:
    subject = start(rig, "alone", model_path, *QUICK)
    events = events_of(rig, subject)
    rig.run(lambda: subject.known, "outputs")
    absent = "no node offers /alone_recorder/snapshot, expected `ros2 bag record --snapshot-mode`"
    assert rig.call(Trigger, "/alone/capture", Trigger.Request()).success
    rig.run(lambda: events, "an event")
    assert (events[0].level, events[0].message) == (WARN, f"not recorded, {absent}: request (asked for)")
    rig.run(lambda: subject.level("capture") == WARN, "a warning")
    rig.run(lambda: subject.message("capture") == f"no recorder: {absent}", "the reason")
    assert subject.values("capture")["failed"] == "1"
    recorder = Recorder(rig, "alone_recorder")
    rig.run(lambda: "no recorder" not in subject.message("capture"), "the recorder found")
    assert rig.call(Trigger, "/alone/capture", Trigger.Request()).success
    rig.run(lambda: len(events) > 1, "the second event")
    assert events[1].level == OK
    assert recorder.calls == 1


def test_caps_are_told(rig: Rig, model_path: Path) -> None:
    Recorder(rig, "capped_recorder")
    subject = start(rig, "capped", model_path, *QUICK, "capture.per_reason:=1")
    events = events_of(rig, subject)
    rig.run(lambda: subject.known and subject.message("capture") == "watching", "a node that watches")
    assert rig.call(Trigger, "/capped/capture", Trigger.Request()).success
    rig.run(lambda: len(events) == 1, "the first recording")
    answer = rig.call(Trigger, "/capped/capture", Trigger.Request())
    assert (answer.success, answer.message) == (
        False,
        "1 recordings for 'request' in the last hour, at most 1 are allowed",
    )
    rig.run(lambda: subject.values("capture").get("request capped") == "1", "the count")


@pytest.mark.skipif(find_spec("rosbag2_interfaces") is not None, reason="rosbag2_interfaces is installed")
def test_without_rosbag2_interfaces_capture_is_off_and_the_node_says_so_once(
    rig: Rig, model_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    subject = start(rig, "lacking", model_path, *QUICK)
    rig.run(lambda: subject.known and subject.message("capture") == MISSING, "a node that serves without capture")
    assert subject.level("capture") == OK
    assert rig.set_parameters(subject, capture__delay=1.0) == [None]
    assert subject.process.log.count("rosbag2_interfaces") == 1
    assert not rig.node.count_publishers("/lacking/capture_events")
