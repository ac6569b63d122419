# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Node processes, and a node in the test's process that watches them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rcl_interfaces.msg import ParameterValue
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import Float32MultiArray, String

from obstacle_classifier.nodes.classifier.installed_types import message_class
from obstacle_classifier.nodes.classifier.outputs import array_end
from obstacle_classifier.nodes.executor import leave, run_on

DEADLINE = 30.0  # s: far longer than any step takes, for busy machines
REPEAT = 5.0  # s without an answer after which a request is repeated
NAME = "/obstacle_classifier"
RELIABLE = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)

T = TypeVar("T")


def destroy(*nodes: Node) -> None:
    """Take nodes and their participants off the graph."""
    cpus = os.sched_getaffinity(0)
    for node in nodes:
        leave(node)
    run_on(cpus)


class Diagnosed:
    """Diagnostics of a node by the status's name, without the node's."""

    diagnostics: dict[str, DiagnosticStatus]

    def level(self, name: str) -> bytes | None:
        """Level of the newest diagnostics status of this name."""
        status = self.diagnostics.get(name)
        return None if status is None else bytes(status.level)

    def message(self, name: str) -> str:
        """Sentence of the newest diagnostics status of this name."""
        status = self.diagnostics.get(name)
        return "" if status is None else str(status.message)

    def values(self, name: str) -> dict[str, str]:
        """Details of the newest diagnostics status of this name."""
        status = self.diagnostics.get(name)
        return {} if status is None else {item.key: item.value for item in status.values}


class NodeProcess:
    """A node as a process, its stderr kept."""

    def __init__(self, module: str, *parameters: str, arguments: Sequence[str] = ()) -> None:
        """Start `python -m obstacle_classifier.nodes.<module>` with `-p name:=value` for each parameter."""
        flags = [part for parameter in parameters for part in ("-p", parameter)]
        ros = ["--ros-args", *flags, *arguments] if flags or arguments else []
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"obstacle_classifier.nodes.{module}", *ros], stderr=self._log, text=True
        )

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if error is not None:
            print(self.log)
        self._log.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """The text that the node has written to stderr so far."""
        self._log.flush()
        position = os.lseek(self._log.fileno(), 0, os.SEEK_CUR)
        text = os.pread(self._log.fileno(), 10**8, 0).decode(errors="replace")
        os.lseek(self._log.fileno(), position, os.SEEK_SET)
        return text

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, timeout: float = DEADLINE) -> int:
        """Exit status."""
        return self._process.wait(timeout)

    def resident(self) -> int:
        """Resident memory in bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


class Watcher(Diagnosed):
    """A node that feeds a classifier node and keeps its messages."""

    def __init__(self) -> None:
        self._context = Context()
        rclpy.init(context=self._context)
        self.node = Node("watcher", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self.probabilities: list[tuple[int, list[float]]] = []
        self.obstacles: list[str] = []
        self._clients: dict[str, Client] = {}
        self.diagnostics: dict[str, DiagnosticStatus] = {}
        self.node.create_subscription(Float32MultiArray, f"{NAME}/probabilities", self._on_probabilities, RELIABLE)
        self.node.create_subscription(String, f"{NAME}/obstacles", lambda m: self.obstacles.append(m.data), RELIABLE)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, RELIABLE)

    def __enter__(self) -> Watcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._executor.shutdown()
        destroy(self.node)

    def publisher(self, type_name: str, topic: str, qos: QoSProfile = RELIABLE) -> Publisher:
        return self.node.create_publisher(message_class(type_name), topic, qos)

    def spin(self, seconds: float = 0.01) -> None:
        self._executor.spin_once(timeout_sec=seconds)

    def wait(self, what: str, condition: Callable[[], T], deadline: float = DEADLINE) -> T:
        """Spin until `condition` is true; returns its value."""
        end = time.monotonic() + deadline
        while not (value := condition()):
            assert time.monotonic() < end, f"waited {deadline} s for {what}; diagnostics: {self.summary()}"
            self.spin()
        return value

    def feed(
        self, publishers: dict[Publisher, Callable[[], bytes]], until: Callable[[], Any], what: str, rate: float = 50.0
    ) -> None:
        """Publish a message on every publisher `rate` times a second until a condition holds."""
        next_time = time.monotonic()
        end = next_time + DEADLINE
        while not until():
            assert time.monotonic() < end, f"fed {DEADLINE} s for {what}; diagnostics: {self.summary()}"
            for publisher, make in publishers.items():
                publisher.publish(make())
            next_time += 1 / rate
            while (left := next_time - time.monotonic()) > 0:
                self.spin(left)

    def call(self, service_class: Any, name: str, request: Any) -> Any:
        """Response of a service.

        An answer that the server sends before it has discovered the client is lost: the request is repeated.
        """
        if name not in self._clients:
            self._clients[name] = self.node.create_client(service_class, name)
        client = self._clients[name]
        end = time.monotonic() + DEADLINE
        self.wait(f"service {name}", client.service_is_ready)
        while True:
            future = client.call_async(request)
            again = time.monotonic() + REPEAT
            while time.monotonic() < again:
                if future.done():
                    return future.result()
                self.spin()
            assert time.monotonic() < end, f"waited {DEADLINE} s for an answer of {name}"

    def set_parameter(self, name: str, value: Any) -> str | None:
        """Set a parameter of the classifier; returns the reason if it is refused."""
        request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
        (result,) = self.call(SetParameters, f"{NAME}/set_parameters", request).results
        return None if result.successful else str(result.reason)

    def get_parameter(self, name: str) -> ParameterValue:
        """Value message of a parameter of the classifier."""
        return self.call(GetParameters, f"{NAME}/get_parameters", GetParameters.Request(names=[name])).values[0]

    def summary(self) -> dict[str, str]:
        return {name: f"{status.level!r} {status.message}" for name, status in self.diagnostics.items()}

    def _on_probabilities(self, message: Float32MultiArray) -> None:
        self.probabilities.append((array_end(message), list(message.data)))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self.diagnostics[status.name.split(": ", 1)[1]] = status
