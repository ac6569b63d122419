# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Play a recording to a running node over DDS and write the node's probabilities as a table.

    python -m obstacle_classifier.tools.play_bag --bag BAG --model MODEL.npz --output live.csv [--rate 10]

For machines without `ros2 bag play`. The node must run with use_sim_time: the recording's receive times are published
on /clock, which waits at the end of each interval for the node's answer. A machine that cannot keep up plays slower. A
pause of the sensors longer than 10 min is skipped, as `obstacle_classifier predict` does.

Exit status 0; 1 for a problem with bag, model, node or output; 2 for wrong usage; 130 or 143 after SIGINT or SIGTERM:
nothing is written then.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import rclpy
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Float32MultiArray

from obstacle_classifier.bags import Bag
from obstacle_classifier.bags.intervals import find_topics
from obstacle_classifier.command import run_command
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.files import check_output
from obstacle_classifier.model import Model
from obstacle_classifier.nodes.classifier.installed_types import message_class
from obstacle_classifier.nodes.classifier.outputs import array_end
from obstacle_classifier.pipeline import MAX_SILENCE
from obstacle_classifier.table import write_table

__all__ = ["clock_times", "main", "play_bag"]

_CLOCK_STEP = 20_000_000  # ns: longest step of /clock
_DEADLINE = 20.0  # s until the node must be active, and longest time without an answer
_PATIENCE = 5.0  # s for one answer; there is none to the first interval if its message comes after its end
_ASK_AGAIN = 1.0  # s until a request is repeated: one sent before its service is discovered is lost
_POLL = 0.1  # s between two requests for the state of a node that is not active yet


def play_bag(
    bag: Bag, sensors: SensorsConfig, rate: float, node_name: str = "/obstacle_classifier"
) -> list[tuple[int, list[float]]]:
    """Play the sensors' topics of an open bag and collect the node's probabilities.

    Args:
        bag: The recording.
        sensors: The sensors whose topics are played; a relative topic is published in the node's namespace.
        rate: Recorded seconds per second.
        node_name: The classifier's fully qualified name.

    Returns:
        (interval end in ns, probabilities) in order of arrival.

    Raises:
        BagError: The bag does not have the sensors' topics; the node is not active and subscribed in time, or stops
            answering.
    """
    recorded = find_topics(bag, sensors)
    node = Node("bag_player", namespace=node_name.rpartition("/")[0])
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    answers: list[tuple[int, list[float]]] = []
    reliable = QoSProfile(depth=1000, reliability=ReliabilityPolicy.RELIABLE)
    answer_topic = f"{node_name}/probabilities"
    node.create_subscription(
        Float32MultiArray,
        answer_topic,
        lambda message: answers.append((array_end(message), list(message.data))),
        reliable,
    )
    clock = node.create_publisher(Clock, "/clock", reliable)
    publishers = {
        recorded[spec.name]: node.create_publisher(message_class(spec.type), spec.topic, reliable)
        for spec in sensors.sensors
        if spec.name in recorded
    }
    try:
        _await_active(node, executor, bag, node_name)
        heard = (clock, *publishers.values())
        if not _until(executor, lambda: all(publisher.get_subscription_count() for publisher in heard), _DEADLINE):
            topics = ", ".join(publisher.topic_name for publisher in publishers.values())
            raise BagError(f"{bag.path}: no node subscribed to /clock and {topics} within {_DEADLINE:.0f} s")

        def show(time_ns: int) -> None:
            message = Clock()
            message.clock.sec, message.clock.nanosec = divmod(time_ns, 10**9)
            clock.publish(message)

        began, first, now = time.monotonic(), None, 0
        heard_at, end = began, 0
        for topic, stamp, data in bag.messages(publishers):
            if first is None:
                first = now = stamp
                end = (first // sensors.interval + 1) * sensors.interval
            if stamp >= end + MAX_SILENCE:
                began -= (stamp - now) * 1e-9 / rate
            for step in clock_times(now, stamp, end):
                due = began + (step - first) * 1e-9 / rate
                while (wait := due - time.monotonic()) > 0:
                    executor.spin_once(timeout_sec=wait)
                show(step)
                if step < end:
                    continue
                newest = step // sensors.interval * sensors.interval
                end = newest + sensors.interval
                if _until(executor, lambda: bool(answers) and answers[-1][0] >= newest, _PATIENCE):  # noqa: B023
                    heard_at = time.monotonic()
                elif time.monotonic() - heard_at > _DEADLINE:
                    raise BagError(f"{bag.path}: no answer from {node_name} for {_DEADLINE:.0f} s, at {newest} ns")
                began += max(0.0, time.monotonic() - due - sensors.interval * 1e-9 / rate)  # no rush to catch up
            now = stamp
            publishers[topic].publish(data)
    finally:
        executor.shutdown()
        node.destroy_node()
    return answers


def clock_times(now: int, stamp: int, end: int) -> Sequence[int]:
    """The times to publish on /clock after `now`, up to the message at `stamp`; all in ns.

    /clock goes on in a pause of the sensors, as a robot's clock does. A pause that `Pipeline.run` skips is one step.

    Args:
        now: The newest time on /clock.
        stamp: Receive time of the next message.
        end: End of the interval that is due next.
    """
    if stamp >= end + MAX_SILENCE:
        return (stamp,)
    return (*range(now + _CLOCK_STEP, stamp, _CLOCK_STEP), stamp)


def _await_active(node: Node, executor: SingleThreadedExecutor, bag: Bag, node_name: str) -> None:
    """Wait until the node answers that it is active.

    The answer proves more than the graph does: the node has matched this node's client, hence also the subscription
    that was made earlier, which will receive everything that the node publishes.
    """
    client = node.create_client(GetState, f"{node_name}/get_state")
    state = "no answer to get_state"
    end = time.monotonic() + _DEADLINE
    while time.monotonic() < end:
        future = client.call_async(GetState.Request())
        if _until(executor, future.done, _ASK_AGAIN):
            response = future.result()
            if response is not None and response.current_state.id == State.PRIMARY_STATE_ACTIVE:
                return
            state = "no state" if response is None else response.current_state.label
            _until(executor, lambda: False, _POLL)
    raise BagError(f"{bag.path}: {node_name} is not active within {_DEADLINE:.0f} s: {state}")


def _until(executor: SingleThreadedExecutor, condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        executor.spin_once(timeout_sec=0.05)
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Play one bag; returns the exit status."""
    return run_command("play_bag", lambda: _play(arguments))


def _play(arguments: Sequence[str] | None) -> None:
    parser = argparse.ArgumentParser(description="Play a bag to a running classifier_node and write its probabilities.")
    parser.add_argument("--bag", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="its sensors are the topics to play")
    parser.add_argument("--output", type=Path, required=True, help="CSV: time_ns, one column a label")
    parser.add_argument("--rate", type=float, default=1.0, help="recorded seconds per second")
    options = parser.parse_args(arguments)
    if not 0 < options.rate < math.inf:
        parser.error(f"--rate: found {options.rate:g}, expected more than 0")
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        check_output(options.output)
        model = Model.load(options.model)
        with Bag(options.bag) as bag:
            answers = play_bag(bag, model.sensors, options.rate)
        write_table(options.output, model.labels, answers)
    finally:
        rclpy.try_shutdown()


if __name__ == "__main__":
    sys.exit(main())
