# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The reports of the diagnostics, once a second, from the state of the pipeline, the graph and the clock."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.nodes.classifier.diagnostics import (
    GrowthMeter,
    Report,
    clock_report,
    is_awaited,
    output_report,
    sensor_report,
)
from obstacle_classifier.nodes.classifier.subscriptions import TopicState
from obstacle_classifier.pipeline import Pipeline, Prediction

__all__ = ["ClockMonitor", "HealthMonitor", "until_quiet"]

_QUIET = 10**7  # ns before the end of an interval in which nothing slow may begin

_LATENCIES = 1000  # newest intervals whose latencies are summed up
_SPREADS = 1000  # newest intervals whose spreads are summed up, if nobody asks for a report before


def until_quiet(now: int, next_end: int | None, interval: int) -> int:
    """How long to wait before something slow begins, such as a diagnostics message, so that no output is late.

    Args:
        now: Time in ns.
        next_end: End of the next interval in ns, None if there is none.
        interval: Length of an interval in ns.

    Returns:
        ns until an interval that is about to end has been published; 0 if none is about to end.
    """
    near = min(_QUIET, interval // 2)
    if next_end is None or not 0 <= next_end - now < near:
        return 0
    return next_end - now + near // 2


class HealthMonitor:
    """Reports on sensors and output, with the state carried from one diagnostics message to the next."""

    def __init__(self) -> None:
        self._received, self._undecodable, self._missed = GrowthMeter(), GrowthMeter(), GrowthMeter()
        self._latencies: deque[int] = deque(maxlen=_LATENCIES)
        self._spreads: deque[NDArray[np.float32]] = deque(maxlen=_SPREADS)
        self._unknown: tuple[str, ...] | None = None
        self._read: int | None = None
        self._jumps_back = 0
        self.settle(time.monotonic_ns())

    def settle(self, steady: int) -> None:
        """Grant the sensors the time for a first message, from `steady` (ns) on."""
        self._began = steady

    def evaluated(self, interval: Prediction) -> None:
        """Take note of an evaluated interval."""
        self._unknown = interval.stale if interval.unknown else None
        if interval.spread is not None:
            self._spreads.append(interval.spread)

    def serve(self) -> None:
        """Forget the spreads of the previous model, which may have had other labels."""
        self._spreads.clear()

    def published(self, latency: int) -> None:
        """Take note of a published interval: ns from its end to its publication."""
        self._latencies.append(latency)

    def reports(
        self, pipeline: Pipeline, topics: Mapping[str, TopicState], *, now: int, steady: int, active: bool
    ) -> list[Report]:
        """Sensors and output at `now` on the node's clock and `steady` on a steady one, in ns."""
        if pipeline.jumps_back > self._jumps_back:
            self._jumps_back = pipeline.jumps_back
            self.settle(steady)
        waited = steady - self._began
        health = pipeline.health(now)
        elapsed = 0.0 if self._read is None else (steady - self._read) * 1e-9
        self._read = steady
        received = self._received.read({name: sensor.counters.received for name, sensor in health.items()})
        undecodable = self._undecodable.read({name: sensor.counters.undecodable for name, sensor in health.items()})
        missed = self._missed.read({"missed": pipeline.missed})["missed"]
        reports = [
            sensor_report(
                name,
                sensor,
                waited,
                received[name] / elapsed if elapsed else 0.0,
                undecodable[name],
                topics[name],
            )
            for name, sensor in health.items()
        ]
        started = pipeline.next_end is not None
        unknown = self._unknown and ([name for name in self._unknown if health[name].required] or self._unknown)
        awaited = [name for name, sensor in health.items() if is_awaited(sensor, waited)]
        spreads = tuple(self._spreads)
        self._spreads.clear()
        reports.append(
            output_report(active, started, unknown, pipeline.missed, missed, self._latencies, awaited, spreads)
        )
        return reports


class ClockMonitor:
    """Reports on the node's clock, with the state carried from one diagnostics message to the next."""

    def __init__(self) -> None:
        self._jumps = GrowthMeter()
        self._now: int | None = None
        self._waiting_since: int | None = None

    def report(self, now: int, steady: int, *, sim_time: bool, jumps_back: int) -> Report:
        """The clock at `now` (its own ns, 0 before the first message on /clock) and `steady` (ns of a steady clock)."""
        if now:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = steady
        waited = 0 if self._waiting_since is None else steady - self._waiting_since
        stopped = sim_time and now == self._now
        self._now = now
        return clock_report(
            now, sim_time, waited, stopped, jumps_back, self._jumps.read({"jumps": jumps_back})["jumps"]
        )
