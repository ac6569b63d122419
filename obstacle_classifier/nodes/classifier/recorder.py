# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Asks rosbag2's recorder in snapshot mode to write its buffer, and says so on `~/capture_events`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode
from rclpy.task import Future
from std_srvs.srv import Trigger as TriggerService

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.model import Model
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.nodes.classifier.capture import REASONS, Capture, CaptureOptions, CapturePolicy, Trigger
from obstacle_classifier.nodes.classifier.diagnostics import DISCOVERY, OK, WARN, Report
from obstacle_classifier.nodes.classifier.outputs import create_output
from obstacle_classifier.nodes.classifier.subscriptions import security_hint
from obstacle_classifier.pipeline import Prediction

__all__ = ["CaptureSwitch", "snapshot_type"]

ANSWER_DEADLINE = 10 * 10**9  # ns of a steady clock, from a request to the recorder until it counts as lost
MISSING = "off: rosbag2_interfaces is not installed, which capture needs to call the recorder"


def snapshot_type() -> type | None:
    """The class of `rosbag2_interfaces/srv/Snapshot`, None if the package is not installed."""
    try:
        from rosbag2_interfaces.srv import Snapshot
    except ModuleNotFoundError:
        return None
    snapshot: type = Snapshot
    return snapshot


class CaptureSwitch:
    """Switches capture on and off; while it is off, there is no topic, service or client of it."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._recorder: _Recorder | None = None
        self._missing = False

    def apply(
        self, enabled: bool, recorder: str, model: Model, rules: Sequence[DecisionRule], options: CaptureOptions
    ) -> None:
        """Serve a model with these rules and options from the next interval on, if `enabled`.

        Args:
            enabled: Whether capture is wanted.
            recorder: Name of the recorder's node.
            model: The served model.
            rules: Its decision rules as the parameters have them.
            options: What counts as worth keeping.

        Raises:
            ConfigError: A topic cannot be published on.
        """
        if not enabled:
            self.close()
        elif self._recorder is not None:
            self._recorder.serve(model, rules, options)
        elif (service := snapshot_type()) is not None:
            self._recorder = _Recorder(self._node, service, recorder, CapturePolicy(model, rules, options), model)
        else:
            self._missing = True
            self._node.get_logger().warning(f"capture is {MISSING}", once=True)

    def update(self, interval: Prediction, jumps_back: int, *, active: bool) -> None:
        """Judge one interval; `jumps_back` counts how often the clock was set back."""
        if self._recorder is not None:
            self._recorder.update(interval, jumps_back, active)

    def reports(self, steady: int) -> list[Report]:
        """The diagnostics while capture is wanted, at `steady` (ns of a steady clock)."""
        if self._recorder is not None:
            return [self._recorder.report(steady)]
        return [Report("capture", OK, "ok", MISSING, {})] if self._missing else []

    def close(self) -> None:
        """Take everything off the graph."""
        recorder, self._recorder, self._missing = self._recorder, None, False
        if recorder is not None:
            recorder.close()


@dataclass(frozen=True)
class _Call:
    """A request to the recorder, with the time in ns on a steady clock at which it was sent."""

    capture: Capture
    sent: int
    future: Future


class _Recorder:
    """The client of the recorder with its policy, event topic and service."""

    def __init__(self, node: LifecycleNode, service: type, recorder: str, policy: CapturePolicy, model: Model) -> None:
        self._node, self._service, self._policy = node, service, policy
        self._digest = model.digest[:12]
        self._calls: list[_Call] = []
        self._failures = 0
        self._problem: str | None = None  # of the newest request
        self._active = False
        self._closed = False
        self._began = time.monotonic_ns()
        self._resources = ExitStack()
        try:
            self._events = create_output(node, DiagnosticArray, "~/capture_events", lifecycle=False)
            self._resources.callback(node.destroy_publisher, self._events)
            self._client = node.create_client(service, f"{recorder}/snapshot")
            self._resources.callback(node.destroy_client, self._client)
            own = node.create_service(TriggerService, "~/capture", self._on_request)
            self._resources.callback(node.destroy_service, own)
        except rclpy_implementation.RCLError as error:
            self.close()
            raise ConfigError(f"capture: {' '.join(str(error).split())}{security_hint()}") from None
        except ConfigError:
            self.close()
            raise
        self._name = str(self._client.service_name)

    def close(self) -> None:
        """Take everything off the graph; recordings in preparation are not asked for."""
        self._closed = True
        self._resources.close()

    def serve(self, model: Model, rules: Sequence[DecisionRule], options: CaptureOptions) -> None:
        """Judge intervals of this model from now on."""
        self._digest = model.digest[:12]
        self._policy.serve(model, rules, options)

    def update(self, interval: Prediction, jumps_back: int, active: bool) -> None:
        """Judge one interval, ask for the recording that is due, and give up on answers that are overdue."""
        if not active:
            if self._active:
                self._active = False
                self._drop(self._policy.reset(), "the node was deactivated")
            return
        self._active = True
        step = self._policy.update(interval, jumps_back)
        self._drop(step.dropped, "the clock was set back")
        for trigger in step.capped:
            self._publish(WARN, "not recorded, because of a cap", (trigger,))
        for call in [call for call in self._calls if time.monotonic_ns() - call.sent > ANSWER_DEADLINE]:
            self._calls.remove(call)
            self._client.remove_pending_request(call.future)
            self._fail(call.capture, f"{self._name} has not answered for {ANSWER_DEADLINE // 10**9} s")
        if step.due is not None:
            self._ask(step.due)

    def report(self, steady: int) -> Report:
        """The status of the diagnostics."""
        ready = self._client.service_is_ready()
        pending = self._policy.pending
        values: dict[str, object] = {
            "recorder": self._name,
            "pending": "none" if pending is None else len(pending.triggers),
        }
        for reason in REASONS:
            values[f"{reason} asked"] = self._policy.asked[reason]
            values[f"{reason} capped"] = self._policy.capped[reason]
        values["failed"] = self._failures
        if self._policy.unavailable:
            values["not with this model"] = ", ".join(self._policy.unavailable)
        if not ready and steady - self._began > DISCOVERY:
            return Report("capture", WARN, "recorder", f"no recorder: {self._absent()}", values)
        if self._problem is not None:
            return Report("capture", WARN, "failed", f"the newest recording failed: {self._problem}", values)
        return Report("capture", OK, "ok", "watching" if ready else f"waiting for {self._name}", values)

    def _on_request(self, request: Any, response: Any) -> Any:
        del request
        refusal: str | None = "no interval is evaluated: the node is inactive, or no sensor has sent anything yet"
        if self._active and not self._closed:
            refusal = self._policy.request()
        wait = self._policy.wait
        response.success = refusal is None and wait is not None
        if wait is not None and refusal is None:
            response.message = f"{self._name} is called in {wait / 1e9:.1f} s"
        else:
            response.message = str(refusal)
        return response

    def _ask(self, capture: Capture) -> None:
        if not self._client.service_is_ready():
            self._fail(capture, self._absent())
            return
        future = self._client.call_async(self._service.Request())  # type: ignore[attr-defined]
        self._calls.append(_Call(capture, time.monotonic_ns(), future))
        future.add_done_callback(self._on_answer)

    def _on_answer(self, future: Future) -> None:
        call = next((call for call in self._calls if call.future is future), None)
        if call is None or self._closed:
            return
        self._calls.remove(call)
        if not future.result().success:
            self._fail(call.capture, f"{self._name} has refused")
            return
        self._problem = None
        self._publish(OK, "recorded", call.capture.triggers, call.capture)

    def _absent(self) -> str:
        return f"no node offers {self._name}, expected `ros2 bag record --snapshot-mode`"

    def _fail(self, capture: Capture, problem: str) -> None:
        self._policy.failed(capture)
        self._failures += 1
        self._problem = problem
        self._publish(WARN, f"not recorded, {problem}", capture.triggers, capture)

    def _drop(self, capture: Capture | None, cause: str) -> None:
        if capture is not None:
            self._publish(WARN, f"not recorded, because {cause}", capture.triggers)

    def _publish(self, level: bytes, outcome: str, triggers: Sequence[Trigger], capture: Capture | None = None) -> None:
        details = "; ".join(f"{trigger.reason} ({trigger.detail})" for trigger in triggers)
        values: dict[str, object] = {
            "reasons": ", ".join(dict.fromkeys(trigger.reason for trigger in triggers)),
            "triggered [ns]": triggers[0].time,
        }
        if capture is not None:
            values["asked [ns]"] = capture.due
            values["recorder"] = self._name
        report = Report("capture", level, outcome, f"{outcome}: {details}", values)
        message = DiagnosticArray(
            status=[report.status(self._node.get_fully_qualified_name().lstrip("/"), self._digest)]
        )
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._events.publish(message)
