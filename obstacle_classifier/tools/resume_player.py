# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Resume a `ros2 bag play --start-paused` once every topic has a subscriber.

    python -m obstacle_classifier.tools.resume_player --listened /scan /obstacle_classifier/probabilities

A fixed wait would lose the first messages on a slow machine and time on a fast one. Launch files run this program: like
a node it ends with 0 after SIGINT and SIGTERM.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable, Sequence

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import get_default_context

from obstacle_classifier.nodes.executor import SPIN_PERIOD, StopSignal, leave

__all__ = ["main"]

_SETTLE = 1.0  # s: the graph shows a subscription before its publishers have matched it


def main(arguments: Sequence[str] | None = None) -> int:
    """Wait and resume; returns the exit status: 1, with a line on stderr, if the deadline passes first."""
    parser = argparse.ArgumentParser(description="Resume a paused player once the topics have subscribers.")
    parser.add_argument("--listened", nargs="+", default=[], metavar="TOPIC", help="topics that must have a subscriber")
    parser.add_argument("--player", default="/rosbag2_player", help="name of the player's node")
    parser.add_argument("--deadline", type=float, default=60.0, help="longest wait in s")
    options = parser.parse_args(arguments)
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    stop = StopSignal()
    node = Node("resume_player")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        return _resume(node, executor, stop, options)
    finally:
        executor.shutdown()
        leave(node)


def _resume(node: Node, executor: SingleThreadedExecutor, stop: StopSignal, options: argparse.Namespace) -> int:
    try:  # rosbag2 is not installed everywhere
        service_class = importlib.import_module("rosbag2_interfaces.srv").Resume
    except ModuleNotFoundError as error:
        print(f"resume_player: {error.name} is not installed", file=sys.stderr)
        return 1
    client = node.create_client(service_class, f"{options.player}/resume")
    context: Context = get_default_context()
    end = time.monotonic() + options.deadline

    def until(condition: Callable[[], bool], deadline: float) -> bool:
        while not condition():
            if stop.received or not context.ok() or time.monotonic() > deadline:
                return False
            executor.spin_once(timeout_sec=SPIN_PERIOD)
        return True

    def missing_names() -> list[str]:
        topics = [topic for topic in options.listened if not node.count_subscribers(topic)]
        return topics if client.service_is_ready() else [client.srv_name, *topics]

    if until(lambda: not missing_names(), end):
        until(lambda: False, time.monotonic() + _SETTLE)
        if until(client.call_async(service_class.Request()).done, end):
            return 0
    if stop.received:
        return 0
    missing = ", ".join(missing_names()) or client.srv_name
    print(f"resume_player: no subscriber or service at {missing} within {options.deadline:g} s", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
