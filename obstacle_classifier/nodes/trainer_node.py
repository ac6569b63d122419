# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node that trains: the `train` command as parameters, its progress on the log and `/diagnostics`."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import get_default_context

from obstacle_classifier.errors import ConfigError, ObstacleClassifierError
from obstacle_classifier.nodes.executor import SPIN_PERIOD, StopSignal, leave

__all__ = ["TrainerNode", "main"]

_POLL_PERIOD = 0.1  # s between two looks at the worker
_TERMINATE_TIMEOUT = 5.0  # s that the worker has to go before it is killed

# The `train` command, which ends with the node even if that is killed: prctl(PR_SET_PDEATHSIG, SIGTERM).
_WORKER = """\
import ctypes, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
from obstacle_classifier.cli import main
sys.exit(main(sys.argv[1:]))
"""
_PARAMETERS: tuple[tuple[str, str | bool | list[str], str], ...] = (
    ("sensors", "", "sensors file"),
    ("bags", [""], "labelled bags: rosbag2 folders, .mcap, .db3 or ROS 1 .bag files, globs, or folders of them"),
    ("output", "", "model file to write"),
    ("config", "", "file of training options; empty: none"),
    ("set", [""], "training options as key=value; they win over the file"),
    ("skip_bad_bags", False, "go on without bags that cannot be used; by default they end the training"),
)


class TrainerNode(Node):
    """Trains once, in a process of its own, so that the node answers all the while.

    Attributes:
        status: Exit status of the training; None while it runs.
    """

    def __init__(self, context: Context | None = None, parameter_overrides: Sequence[Parameter] = ()) -> None:
        super().__init__("obstacle_trainer", context=context, parameter_overrides=list(parameter_overrides))
        self.status: int | None = None
        for name, default, description in _PARAMETERS:
            self._declare(name, default, description)
        self._lines: deque[str] = deque()
        self._newest = "starting"
        self._began = time.monotonic()
        self._worker = subprocess.Popen(
            [sys.executable, "-c", _WORKER, "train", *self._arguments()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_POLL_PERIOD, self._poll, clock=steady)
        self.create_timer(1.0, self._publish_diagnostics, clock=steady)

    def stop(self) -> None:
        """End the worker if it still runs; the output holds the old file or the whole new one."""
        if self._worker.poll() is None:
            self._worker.terminate()
            try:
                self._worker.wait(_TERMINATE_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._worker.kill()
                self._worker.wait()

    def _declare(self, name: str, default: str | bool | list[str], description: str) -> None:
        try:
            self.declare_parameter(name, default, ParameterDescriptor(description=description, read_only=True))
        except InvalidParameterTypeException as error:
            raise ConfigError(f"parameter '{name}': {error}") from None

    def _arguments(self) -> list[str]:
        values = {name: self.get_parameter(name).value for name, _, _ in _PARAMETERS}
        bags = [bag for bag in values["bags"] if bag]
        for name, value in (("sensors", values["sensors"]), ("bags", bags), ("output", values["output"])):
            if not value:
                raise ConfigError(f"parameter '{name}': found no value, expected one")
        arguments = ["--sensors", values["sensors"], "--output", values["output"]]
        if values["config"]:
            arguments += ["--config", values["config"]]
        for setting in values["set"]:
            arguments += [f"--set={setting}"] if setting else []
        if values["skip_bad_bags"]:
            arguments.append("--skip-bad-bags")
        return [*arguments, "--bags", *bags]

    def _read(self) -> None:
        assert self._worker.stdout is not None
        for line in self._worker.stdout:
            self._lines.append(line.rstrip())

    def _poll(self) -> None:
        # The worker's last lines are in the queue once its pipe is at its end.
        ended = self._worker.poll() is not None and not self._reader.is_alive()
        while self._lines:
            self._newest = self._lines.popleft()
            # Two lines: rclpy allows one severity for each line of code that logs.
            if self._newest.startswith("warning:"):
                self.get_logger().warning(self._newest)
            else:
                self.get_logger().info(self._newest)
        if ended and self.status is None:
            self.status = self._worker.returncode
            if self.status:
                self.get_logger().error(f"training failed with status {self.status}: {self._newest}")
            self._publish_diagnostics()

    def _publish_diagnostics(self) -> None:
        state = "running" if self.status is None else "failed" if self.status else "finished"
        status = DiagnosticStatus(
            level=DiagnosticStatus.ERROR if self.status else DiagnosticStatus.OK,
            name=f"{self.get_name()}: training",
            message=self._newest,
            values=[
                KeyValue(key="state", value=state),
                KeyValue(key="elapsed [s]", value=f"{time.monotonic() - self._began:.1f}"),
            ],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train once; returns the status of the `train` command, or 0 after SIGINT or SIGTERM."""
    stop = StopSignal()
    context = get_default_context()
    try:
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
        node = TrainerNode()
    except (ObstacleClassifierError, RuntimeError) as error:  # rclpy's are RuntimeErrors
        print(f"trainer_node: {' '.join(str(error).split())}", file=sys.stderr)
        rclpy.try_shutdown()
        return 1
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    while node.status is None and not stop.received and context.ok():
        executor.spin_once(timeout_sec=SPIN_PERIOD)
    node.stop()
    executor.shutdown()
    leave(node)
    # A Ctrl-C on the terminal reaches the worker too, whose status may arrive before this node looks at its own signal.
    return 0 if stop.received or node.status is None else node.status


if __name__ == "__main__":
    sys.exit(main())
