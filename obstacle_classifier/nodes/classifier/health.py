# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What the diagnostics say, once a second, from the state of the pipeline and of the graph."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping

from obstacle_classifier.nodes.classifier.diagnostics import Growth, Report, clock_report, output_report, sensor_report
from obstacle_classifier.nodes.classifier.subscriptions import TopicState
from obstacle_classifier.pipeline import FeatureVector, Pipeline

__all__ = ["HealthMonitor"]

_LATENCIES = 1000  # newest intervals whose latencies are summed up


class HealthMonitor:
    """Keeps what has to be kept from one diagnostics message to the next."""

    def __init__(self) -> None:
        self._received, self._undecodable, self._missed, self._jumps = Growth(), Growth(), Growth(), Growth()
        self._latencies: deque[int] = deque(maxlen=_LATENCIES)
        self._unknown: tuple[str, ...] | None = None
        self._read: int | None = None
        self._clock: int | None = None
        self._jumped = 0
        self.settle(time.monotonic_ns())

    def settle(self, steady: int) -> None:
        """Give the sensors their timeouts for a first message, from `steady` (ns) on."""
        self._began = steady

    def evaluated(self, interval: FeatureVector) -> None:
        """Take note of an interval."""
        self._unknown = interval.stale if interval.unknown else None

    def published(self, latency: int) -> None:
        """Take note of an interval's time from its end to its publication in ns."""
        self._latencies.append(latency)

    def reports(
        self, pipeline: Pipeline, topics: Mapping[str, TopicState], *, now: int, steady: int, active: bool
    ) -> list[Report]:
        """Sensors and output as of `now` on the node's clock and `steady` on a steady one, in ns."""
        if pipeline.jumps_back > self._jumped:
            self._jumped = pipeline.jumps_back
            self.settle(steady)
        health = pipeline.health(now)
        elapsed = 0.0 if self._read is None else (steady - self._read) * 1e-9
        self._read = steady
        received = self._received.read({name: sensor.counters.received for name, sensor in health.items()})
        undecodable = self._undecodable.read({name: sensor.counters.undecodable for name, sensor in health.items()})
        missed = self._missed.read({"missed": pipeline.missed})["missed"]
        reports = [
            sensor_report(
                spec.name,
                health[spec.name],
                steady - self._began,
                received[spec.name] / elapsed if elapsed else 0.0,
                undecodable[spec.name],
                topics[spec.name],
            )
            for spec in pipeline.sensors.sensors
        ]
        started = pipeline.next_end is not None
        unknown = self._unknown and ([name for name in self._unknown if health[name].required] or self._unknown)
        reports.append(output_report(active, started, unknown, pipeline.missed, missed, self._latencies))
        return reports

    def clock(self, now: int, *, sim_time: bool, jumps_back: int) -> Report:
        """The node's clock."""
        stands = sim_time and now == self._clock
        self._clock = now
        return clock_report(now, sim_time, stands, jumps_back, self._jumps.read({"jumps": jumps_back})["jumps"])
