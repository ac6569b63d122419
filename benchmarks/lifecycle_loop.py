# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Take classifier_node through configure, activate, deactivate and cleanup, a thousand times, at short intervals.

    python -m benchmarks.lifecycle_loop                    1, 5 and 10 ms on both executors
    python -m benchmarks.lifecycle_loop --cycles 100 --executor single --interval 0.001

The transitions use the node's service `~/change_state` while a sensor publishes. Timers, messages and requests are
therefore queued when the node is cleaned up. The exit status is 0 if every node survives all cycles and ends with 0.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.traffic import private_domain
from obstacle_classifier.features import parse_sensors
from test.helpers.models import make_model

INTERVALS = (0.001, 0.005, 0.01)  # s
EXECUTORS = ("events", "single")


def loop(interval: float, executor: str, cycles: int) -> str:
    """Run one node through the cycles.

    Args:
        interval: Interval of the model in s.
        executor: `events` or `single`.
        cycles: Number of cycles.

    Returns:
        The fault found, empty if there is none.
    """
    from lifecycle_msgs.msg import Transition
    from lifecycle_msgs.srv import ChangeState
    from std_srvs.srv import Trigger

    from test.helpers.messages import make_float32
    from test.helpers.ros import NAME, RELIABLE, NodeProcess, Watcher

    document = {
        "interval": interval,
        "labels": ["a"],
        "sensors": {"noise": {"type": "std_msgs/msg/Float32", "topic": "/noise_level"}},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.npz"
        make_model(parse_sensors(document, __file__)).save(path)
        parameters = (f"model_path:={path}", f"executor:={executor}", "autostart:=false")
        with NodeProcess("classifier_node", *parameters) as node, Watcher() as watcher:
            publisher = watcher.publisher("std_msgs/msg/Float32", "/noise_level", RELIABLE)
            watcher.node.create_timer(interval, lambda: publisher.publish(make_float32(1.0)))
            reload_client = watcher.node.create_client(Trigger, f"{NAME}/reload_model")
            for cycle in range(cycles):
                for transition in (
                    Transition.TRANSITION_CONFIGURE,
                    Transition.TRANSITION_ACTIVATE,
                    Transition.TRANSITION_DEACTIVATE,
                    Transition.TRANSITION_CLEANUP,
                ):
                    if transition == Transition.TRANSITION_CLEANUP and reload_client.service_is_ready():
                        reload_client.call_async(Trigger.Request())  # served before the cleanup, after it, or never
                    request = ChangeState.Request(transition=Transition(id=transition))
                    try:
                        response = watcher.call(ChangeState, f"{NAME}/change_state", request)
                    except AssertionError as error:
                        return f"cycle {cycle}: {error}\n{node.log[-2000:]}"
                    if not response.success:
                        return f"cycle {cycle}: transition {transition} failed\n{node.log[-2000:]}"
            node.signal(signal.SIGINT)
            status = node.wait()
            return "" if status == 0 else f"the node ended with status {status}\n{node.log[-2000:]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the loops and print a line for each; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=1000, help="cycles of each loop (default 1000)")
    parser.add_argument("--interval", type=float, nargs="+", default=INTERVALS, metavar="S", help="intervals in s")
    parser.add_argument("--executor", nargs="+", choices=EXECUTORS, default=EXECUTORS)
    options = parser.parse_args(arguments)
    failed = False
    with private_domain():
        for executor in options.executor:
            for interval in options.interval:
                began = time.monotonic()
                fault = loop(interval, executor, options.cycles)
                failed |= bool(fault)
                verdict = fault or f"{options.cycles} cycles in {time.monotonic() - began:.0f} s"
                print(f"{executor:6} {interval * 1e3:g} ms: {verdict}", flush=True)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
