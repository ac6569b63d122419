# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Classifier nodes as processes, publishers for their sensors, and a record of their outputs and diagnostics."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter, parameter_value_to_python
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from std_msgs.msg import Float32MultiArray, String
from std_srvs.srv import Trigger

from obstacle_classifier.features import parse_sensors
from obstacle_classifier.model.decision import DecisionRule
from obstacle_classifier.nodes.classifier.installed_types import message_class
from obstacle_classifier.nodes.classifier.outputs import UNKNOWN, array_end
from test.helpers.messages import make_float32, make_imu, make_scan
from test.helpers.models import make_model
from test.helpers.ros import BEST_EFFORT, DEADLINE, RELIABLE, REPEAT, Diagnosed, NodeProcess, destroy

OK, WARN, ERROR, STALE = (
    bytes(level)
    for level in (DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR, DiagnosticStatus.STALE)
)
EXECUTORS = ("events", "single")
RATE = 50.0  # messages per second of every feed
SENSORS = parse_sensors(
    {
        "interval": 0.05,
        "labels": ["always", "never"],
        "sensors": {
            "scan": {
                "type": "sensor_msgs/msg/LaserScan",
                "topic": "/scan",
                "sectors": 4,
                "max_range": 8.0,
                "statistics": ["last", "min"],
                "timeout": 0.4,
                "required": True,
            },
            "imu": {"type": "sensor_msgs/msg/Imu", "topic": "/imu/data", "statistics": ["mean"], "timeout": 0.4},
            "noise": {"type": "std_msgs/msg/Float32", "topic": "/noise_level", "timeout": 0.4},
        },
    },
    "test",
)
ENTER = 5  # intervals: after each reset of the decision, the label "always" is absent for one less
RULES = (DecisionRule(0.0, ENTER, 1), DecisionRule(1.0, 1, 1))
PARAMETERS = ("sensors.noise.reliability:=reliable",)

Make = Callable[[], bytes]


def save_model(path: Path, seed: int = 0) -> str:
    """Write a model of `SENSORS`; returns the first 12 digits of its digest."""
    model = make_model(SENSORS, seed, rules=RULES)
    model.save(path)
    return model.digest[:12]


def scan(ranges: Sequence[float] = (2.0,) * 90, shift: int = 0) -> bytes:
    """A LaserScan stamped now and a shift in ns."""
    return make_scan(ranges, stamp_ns=time.time_ns() + shift)


def imu(shift: int = 0) -> bytes:
    """An Imu stamped now and a shift in ns."""
    return make_imu(linear_acceleration=(0.1, 0.2, 9.81), stamp_ns=time.time_ns() + shift)


def noise() -> bytes:
    """A Float32."""
    return make_float32(50.0)


@dataclass
class Feed:
    """A topic that is published on while it is `on`."""

    publisher: Publisher
    make: Make
    on: bool = True


@dataclass
class Subject(Diagnosed):
    """A classifier node under test and its messages."""

    name: str
    process: NodeProcess
    intervals: list[tuple[int, list[float]]] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)
    diagnostics: dict[str, DiagnosticStatus] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether the newest interval has probabilities and obstacles."""
        return self._nan() is False and self.obstacles[-1] != UNKNOWN

    @property
    def unknown(self) -> bool:
        """Whether the newest interval is unknown."""
        return self._nan() is True and self.obstacles[-1] == UNKNOWN

    def _nan(self) -> bool | None:
        """Whether the newest probability is NaN, None before there are probabilities and obstacles."""
        return math.isnan(self.intervals[-1][1][0]) if self.intervals and self.obstacles else None

    @property
    def healthy(self) -> bool:
        """Whether the output is known and decided, and all diagnostics are OK."""
        levels = {
            self.level(name) for name in ("sensor scan", "sensor imu", "sensor noise", "model", "output", "clock")
        }
        return self.known and self.obstacles[-1] == "always" and levels == {OK}

    def forget(self) -> None:
        """Discard all messages so far."""
        self.intervals.clear()
        self.obstacles.clear()
        self.diagnostics.clear()


class Rig:
    """Feeds topics and watches any number of classifier nodes."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._nodes: list[Node] = []
        self.node = self.new_node("rig")
        self._executor = SingleThreadedExecutor(context=self.node.context)
        self._executor.add_node(self.node)
        self._clients: dict[str, Client] = {}
        self.feeds: dict[str, Feed] = {}
        self.subjects: list[Subject] = []
        self.each_step: Callable[[], object] = lambda: None
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, RELIABLE)

    def __enter__(self) -> Rig:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()
        self._executor.shutdown()
        destroy(*self._nodes)

    def new_node(self, name: str) -> Node:
        """A node in a DDS participant of its own."""
        context = Context()
        rclpy.init(context=context)
        node = Node(name, context=context)
        self._nodes.append(node)
        return node

    def remove_node(self, node: Node) -> None:
        """Take a node and its participant off the graph."""
        self._nodes.remove(node)
        destroy(node)

    def start(self, name: str, *parameters: str, arguments: Sequence[str] = ()) -> Subject:
        """Start a classifier node under a name of its own."""
        process = NodeProcess("classifier_node", *parameters, arguments=["-r", f"__node:={name}", *arguments])
        self._stack.enter_context(process)
        subject = Subject(name, process)
        self.subjects.append(subject)
        self.node.create_subscription(
            Float32MultiArray,
            f"/{name}/probabilities",
            lambda message: subject.intervals.append((array_end(message), list(message.data))),
            RELIABLE,
        )
        self.node.create_subscription(
            String, f"/{name}/obstacles", lambda message: subject.obstacles.append(message.data), RELIABLE
        )
        return subject

    def feed(
        self, key: str, type_name: str, topic: str, make: Make, qos: QoSProfile = RELIABLE, node: Node | None = None
    ) -> None:
        """Publish on a topic from now on, from the rig's node or another."""
        node = self.node if node is None else node
        self.feeds[key] = Feed(node.create_publisher(message_class(type_name), topic, qos), make)

    def feed_sensors(self) -> None:
        """Publish for all of `SENSORS`, with either reliability."""
        types = {spec.name: (spec.type, spec.topic) for spec in SENSORS.sensors}
        self.feed("scan", *types["scan"], scan, RELIABLE)
        self.feed("imu", *types["imu"], imu, BEST_EFFORT)
        self.feed("noise", *types["noise"], noise, RELIABLE)

    def drop(self, key: str) -> None:
        """Take a feed's publisher off the graph."""
        self.node.destroy_publisher(self.feeds.pop(key).publisher)

    def run(self, condition: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
        """Feed until a condition holds; returns its value."""
        next_time = time.monotonic()
        end = next_time + deadline
        while not (value := condition()):
            assert time.monotonic() < end, f"waited {deadline} s for {what}; diagnostics: {self.summary()}"
            for subject in self.subjects:
                assert subject.process.alive, f"{subject.name} died: {subject.process.log[-2000:]}"
            for feed in self.feeds.values():
                if feed.on:
                    feed.publisher.publish(feed.make())
            self.each_step()
            next_time = max(next_time + 1 / RATE, time.monotonic() - 1.0)
            while True:
                left = next_time - time.monotonic()
                self._executor.spin_once(timeout_sec=max(left, 0.0))
                if left <= 0:
                    break
        return value

    def run_all(self, condition: Callable[[Subject], Any], what: str, deadline: float = DEADLINE) -> None:
        """Feed until a condition holds for every node at once."""
        self.run(lambda: all(condition(subject) for subject in self.subjects), what, deadline)

    def settle(self) -> None:
        """Feed until all nodes have been healthy for some intervals."""
        for subject in self.subjects:
            subject.forget()
        self.run_all(lambda subject: subject.healthy and len(subject.obstacles) > 2 * ENTER, "healthy nodes")

    def client(self, service_class: Any, name: str) -> Client:
        """The client of a service, one for all calls: after its first answer the discovery is complete."""
        if name not in self._clients:
            self._clients[name] = self.node.create_client(service_class, name)
        return self._clients[name]

    def call(self, service_class: Any, name: str, request: Any) -> Any:
        """Response of a service, fed meanwhile; repeated, as an answer sent before discovery is complete is lost."""
        client = self.client(service_class, name)
        self.run(client.service_is_ready, f"service {name}")
        end = time.monotonic() + DEADLINE
        while True:
            future = client.call_async(request)
            again = time.monotonic() + REPEAT
            self.run(lambda: future.done() or time.monotonic() > again, name)  # noqa: B023
            if future.done():
                return future.result()
            assert time.monotonic() < end, f"waited {DEADLINE} s for an answer of {name}"

    def set_parameters(self, subject: Subject, **values: Any) -> list[str | None]:
        """Set parameters, with `__` for a dot in their names; returns the reason of each refusal, None if accepted."""
        parameters = [
            Parameter(key.replace("__", "."), value=value).to_parameter_msg() for key, value in values.items()
        ]
        request = SetParameters.Request(parameters=parameters)
        results = self.call(SetParameters, f"/{subject.name}/set_parameters", request).results
        return [None if result.successful else str(result.reason) for result in results]

    def get_parameters(self, subject: Subject, *names: str) -> list[Any]:
        """Values of parameters, all read by one request; empty if one of them has none."""
        request = GetParameters.Request(names=names)
        response = self.call(GetParameters, f"/{subject.name}/get_parameters", request)
        return [parameter_value_to_python(value) for value in response.values]

    def reload(self, subject: Subject) -> Any:
        """Response of the node's ~/reload_model."""
        return self.call(Trigger, f"/{subject.name}/reload_model", Trigger.Request())

    def summary(self) -> dict[str, dict[str, str]]:
        """The newest diagnostics of every node."""
        return {
            subject.name: {name: f"{status.level!r} {status.message}" for name, status in subject.diagnostics.items()}
            | {"obstacles": str(subject.obstacles[-3:]), "intervals": str(subject.intervals[-1:])}
            for subject in self.subjects
        }

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            node, name = status.name.split(": ", 1)
            for subject in self.subjects:
                if subject.name == node:
                    subject.diagnostics[name] = status
