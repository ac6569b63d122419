# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Lost messages, missed intervals and memory growth of classifier_node in minutes under a robot's full load.

    python -m benchmarks.soak                    10 minutes
    python -m benchmarks.soak --seconds 60

The load is `benchmarks.traffic`, reliable, from a separate process, with intervals of 50 ms. An interval is missed if
it is not published before the next one ends. The machine may be shared: on each processor a probe sleeps 2 ms at a time
and notes how much longer the sleep took. A miss is the node's own fault only if no probe stalled for more than 25 ms at
that time.

The exit status is 0 if no message was lost, no miss was the node's own, and resident memory grew less than 2 MB after
the first minute (or the first third of a shorter run).
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.traffic import DEPTH, SENSORS, Traffic, private_domain
from test.helpers.models import make_model

STALL = 25 * 10**6  # ns; a probe that sleeps this much too long has stalled
MAX_GROWTH = 2 * 2**20  # bytes
SETTLE = 2.0  # s of traffic before the run, and of silence between them
_NAP = 0.002  # s
_NOTED = 10 * 10**6  # ns: shortest delay that probes write down
NAME = "obstacle_classifier"

Stall = tuple[int, int]


def probe(cpu: int) -> None:
    """Sleep on one processor until killed; write start and end (ns) of every nap that took 10 ms too long."""
    os.sched_setaffinity(0, {cpu})
    before = time.time_ns()
    while True:
        time.sleep(_NAP)
        now = time.time_ns()
        if now - before > _NAP * 1e9 + _NOTED:
            print(before, now, flush=True)
        before = now


class Observer:
    """A node that keeps the publication time of each interval and the newest diagnostics."""

    def __init__(self) -> None:
        import rclpy
        from diagnostic_msgs.msg import DiagnosticArray
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.node import Node
        from rclpy.qos import QoSProfile, ReliabilityPolicy
        from std_msgs.msg import Float32MultiArray

        rclpy.init()
        self._node = Node("soak")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self.published: dict[int, int] = {}
        self.unknown: set[int] = set()
        self.values: dict[str, dict[str, str]] = {}
        self._asked = 0
        qos = QoSProfile(depth=DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        self._node.create_subscription(Float32MultiArray, f"/{NAME}/probabilities", self._on_interval, qos)
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, qos)

    def spin(self, seconds: float) -> None:
        """Receive messages for `seconds`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def received(self) -> dict[str, int]:
        """Messages that the node has received so far, by topic."""
        self.values.clear()
        self._asked = time.time_ns()  # diagnostics made before may still be queued
        while not self.values:
            self.spin(0.1)
        sensors = (values for name, values in self.values.items() if name.startswith("sensor "))
        return {values["topic"]: int(values["received"]) for values in sensors}

    def close(self) -> None:
        """Leave the graph."""
        import rclpy

        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown()

    def _on_interval(self, message: Any, info: dict[str, int]) -> None:
        end = int(message.layout.dim[0].label)
        self.published[end] = info["source_timestamp"]
        if np.isnan(message.data).any():
            self.unknown.add(end)

    def _on_diagnostics(self, message: Any) -> None:
        stamp = message.header.stamp
        if stamp.sec * 10**9 + stamp.nanosec < self._asked:
            return
        for status in message.status:
            name = status.name.split(": ", 1)[1]
            self.values[name] = {item.key: item.value for item in status.values}


@dataclass(frozen=True)
class Result:
    """The figures of a run.

    Attributes:
        sent: Messages published by topic.
        lost: Messages that the node did not receive, by topic; topics without loss are left out.
        intervals: Intervals that were due.
        missed: Intervals not published before the next one's end: end and time of publication in ns, None for never.
        own: Missed intervals during which no probe stalled.
        unknown: Intervals published as unknown.
        stalls: Stalls of over 25 ms that the probes reported, start and end in ns.
        latencies: (n,) times in ms from the end of an interval to its publication.
        resident: (seconds, bytes) of the node's resident memory, about once per second.
        cpu: CPU time of the node as a share of one processor.
    """

    sent: dict[str, int]
    lost: dict[str, int]
    intervals: int
    missed: list[tuple[int, int | None]]
    own: list[int]
    unknown: int
    stalls: list[Stall]
    latencies: np.ndarray[Any, np.dtype[np.float64]]
    resident: list[tuple[float, int]]
    cpu: float

    @property
    def growth(self) -> int:
        """Bytes by which resident memory grew after the first minute, or third of a shorter run."""
        settled = min(60.0, self.resident[-1][0] / 3)
        later = [size for seconds, size in self.resident if seconds >= settled]
        return max(later) - later[0]

    def report(self) -> str:
        """The figures as text."""
        p50, p99 = np.percentile(self.latencies, (50, 99))
        missed = len(self.missed) / self.intervals
        sent, lost = sum(self.sent.values()), sum(self.lost.values())
        longest = max((end - start for start, end in self.stalls), default=0)
        return "\n".join(
            (
                f"messages      {sent} sent, {lost} lost {self.lost or ''}".rstrip(),
                f"intervals     {self.intervals} due, {len(self.missed)} missed ({missed:.2%}), {self.unknown} unknown",
                f"stalls        {len(self.stalls)} of over {STALL * 1e-6:g} ms seen by the probes, "
                f"the longest {longest * 1e-6:.0f} ms",
                f"own misses    {len(self.own)}, while no probe stalled",
                f"latency       p50 {p50:.2f} ms, p99 {p99:.2f} ms, max {self.latencies.max():.2f} ms",
                f"memory        {self.resident[-1][1] / 2**20:.1f} MB resident, grew {self.growth / 2**20:.2f} MB",
                f"processor     {self.cpu:.1%} of one",
            )
        )

    def passes(self, allowed: float) -> bool:
        """Whether the run has no fault. The node may miss the share `allowed` of the intervals."""
        own = len(self.own) <= allowed * self.intervals
        return not self.lost and own and self.growth < MAX_GROWTH and not self.unknown


def resident(pid: int) -> int:
    """Resident memory of a process in bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def cpu_seconds(pid: int) -> float:
    """CPU time of a process in s, user and system, of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def soak(seconds: float, executor: str) -> Result:
    """Run the node under load for `seconds`, and judge the run."""
    here = [sys.executable, "-m", "benchmarks.soak"]
    root = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder, private_domain():
        model = Path(folder) / "model.npz"
        make_model(SENSORS, h=64).save(model)
        command = [sys.executable, "-m", "obstacle_classifier.nodes.classifier_node", "--ros-args"]
        for spec in SENSORS.sensors:
            command += ["-p", f"sensors.{spec.name}.reliability:=reliable", "-p", f"sensors.{spec.name}.depth:={DEPTH}"]
        command += ["-p", f"model_path:={model}", "-p", f"executor:={executor}"]
        node = subprocess.Popen(command, cwd=root, stderr=subprocess.DEVNULL)
        logs = [Path(folder) / f"probe{cpu}" for cpu in sorted(os.sched_getaffinity(0))]
        probes = []
        for cpu, log in zip(sorted(os.sched_getaffinity(0)), logs, strict=True):
            with log.open("w") as stream:
                probes.append(subprocess.Popen([*here, "--probe", str(cpu)], cwd=root, stdout=stream))
        observer = Observer()
        try:
            with Traffic(subscribers=1) as traffic:
                traffic.start(SETTLE)
                observer.spin(2 * SETTLE)
                traffic.finish()
                before = observer.received()
                memory: list[tuple[float, int]] = []
                cpu_before = cpu_seconds(node.pid)
                began = time.monotonic()
                traffic.start(seconds)
                while time.monotonic() < began + seconds + 1.0:
                    observer.spin(1.0)
                    if time.monotonic() < began + seconds:
                        memory.append((time.monotonic() - began, resident(node.pid)))
                share = (cpu_seconds(node.pid) - cpu_before) / seconds
                done = traffic.finish()
                observer.spin(1.0)
                after = observer.received()
        finally:
            observer.close()
            for process in (node, *probes):
                process.terminate()
            for process in (node, *probes):
                process.wait()
        stalls = sorted(
            (int(start), int(end))
            for log in logs
            for start, end in (line.split() for line in log.read_text().splitlines())
        )
    return _judge(done, before, after, observer, stalls, memory, share)


def _judge(
    done: dict[str, Any],
    before: dict[str, int],
    after: dict[str, int],
    observer: Observer,
    stalls: list[Stall],
    memory: list[tuple[float, int]],
    cpu: float,
) -> Result:
    interval = SENSORS.interval
    first = done["first"] // interval * interval + 2 * SENSORS.sensors[0].timeout  # every sensor has published by then
    ends = range(first // interval * interval, done["last"] - interval, interval)
    missed, own = [], []
    for end in ends:
        when = observer.published.get(end)
        if when is not None and when < end + interval:
            continue
        missed.append((end, when))
        until = end + 10**9 if when is None else when
        if not any(stop - start > STALL and start < until and stop > end - interval for start, stop in stalls):
            own.append(end)
    latencies = [observer.published[end] - end for end in ends if end in observer.published]
    return Result(
        sent=done["sent"],
        lost={
            topic: sent - (after[topic] - before[topic])
            for topic, sent in done["sent"].items()
            if sent != after[topic] - before[topic]
        },
        intervals=len(ends),
        missed=missed,
        own=own,
        unknown=len(observer.unknown.intersection(ends)),
        stalls=[
            (start, stop) for start, stop in stalls if stop - start > STALL and done["first"] < start < done["last"]
        ],
        latencies=np.array(latencies) * 1e-6,
        resident=memory,
        cpu=cpu,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0, help="length of the run (default 600)")
    parser.add_argument("--executor", choices=("events", "single"), default="events")
    parser.add_argument(
        "--allow-missed", type=float, default=0.0, metavar="SHARE", help="share of the intervals that may be missed"
    )
    parser.add_argument("--probe", type=int, metavar="CPU", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.probe is not None:
        probe(options.probe)
    result = soak(options.seconds, options.executor)
    print(result.report())
    return int(not result.passes(options.allow_missed))


if __name__ == "__main__":
    raise SystemExit(main())
