# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The one path from messages to probabilities, driven by the node live and by bags offline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import Assembler, SensorCounters, SensorsConfig
from obstacle_classifier.model.decision import Decision, DecisionRule

if TYPE_CHECKING:
    from obstacle_classifier.model import Model

__all__ = ["Interval", "Pipeline", "SensorHealth"]

MAX_BACKLOG = 10**9  # ns of due intervals that are still evaluated one by one
MAX_SILENCE = 600 * 10**9  # ns without any message after which a recording's clock is taken to have been set


@dataclass(frozen=True, slots=True)
class Interval:
    """What was known at the end of one interval.

    Attributes:
        end: End of the interval in ns on the driving clock.
        x: (d,) float64 feature vector, NaN where unknown.
        p: (c,) float32 probabilities, NaN if the interval is unknown; None without a model.
        unknown: Whether a required sensor, or every sensor, was stale.
        obstacles: Labels present; None if unknown or without a model.
        stale: Names of the stale sensors.
    """

    end: int
    x: NDArray[np.float64]
    p: NDArray[np.float32] | None
    unknown: bool
    obstacles: tuple[str, ...] | None
    stale: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SensorHealth:
    """One sensor as of now.

    Attributes:
        counters: What it has delivered.
        age: ns since its newest decoded message, None if there is none.
        stale: Whether that is more than its timeout.
        required: Whether intervals are unknown while it is stale.
        timeout: Its timeout in ns.
    """

    counters: SensorCounters
    age: int | None
    stale: bool
    required: bool
    timeout: int


class Pipeline:
    """Messages in, intervals out.

    Interval k ends at t = k * interval of the clock that gives the times, and sees [t - window, t). It is evaluated by
    the first `push` or `advance` whose time is at or past t, before that push's message is buffered. The first
    interval is the first to end after the first message. Up to 1 s of due intervals are evaluated in order; of more
    only the newest is, the others count as missed and the decision starts afresh. A time earlier than the one before
    means that the clock was set
    back: all samples and the decision are dropped, and the next message starts anew.
    """

    def __init__(self, sensors: SensorsConfig, model: Model | None = None) -> None:
        self.sensors = sensors
        self.missed = 0
        self.jumps_back = 0
        self.next_end: int | None = None
        self._assembler = Assembler(sensors)
        self._now = 0
        self._timeouts = {spec.name: spec.timeout for spec in sensors.sensors}
        self._required = {spec.name for spec in sensors.sensors if spec.required}
        self._predictor = None if model is None else model.predictor()
        self._decision = None if model is None else Decision(model.labels, model.rules)

    def push(self, sensor: str, time: int, data: bytes) -> list[Interval]:
        """Take one CDR message received at `time` (ns); returns the intervals that were due by then."""
        next_end = self.next_end
        if next_end is not None and self._now <= time < next_end:  # as nearly every message: nothing is due
            self._now = time
            self._assembler.push(sensor, time, data)
            return []
        intervals = self.advance(time)
        if self.next_end is None:
            self.next_end = (time // self.sensors.interval + 1) * self.sensors.interval
        self._assembler.push(sensor, time, data)
        return intervals

    def advance(self, now: int) -> list[Interval]:
        """Evaluate the intervals that are due at `now` (ns)."""
        if now < self._now:
            self.jumps_back += 1
            self.restart()
        self._now = now
        if self.next_end is None or now < self.next_end:
            return []
        interval = self.sensors.interval
        due = (now - self.next_end) // interval + 1
        if due > max(1, MAX_BACKLOG // interval):
            self.missed += due - 1
            self.next_end += (due - 1) * interval
            due = 1
            if self._decision is not None:
                self._decision.reset()
        first = self.next_end
        self.next_end += due * interval
        return [self._evaluate(first + k * interval) for k in range(due)]

    def run(self, messages: Iterable[tuple[str, int, bytes]]) -> Iterator[Interval]:
        """The intervals of recorded (sensor, receive time in ns, CDR bytes), as a punctual clock would give them.

        Each interval is evaluated at its end, so a pause of the sensors gives the intervals that a running node gives.
        Only a pause longer than 10 min is taken for a clock that was set, and skipped like a backlog.
        """
        for sensor, time, data in messages:
            while self.next_end is not None and self.next_end <= time < self.next_end + MAX_SILENCE:
                yield from self.advance(self.next_end)
            yield from self.push(sensor, time, data)

    def restart(self) -> None:
        """Drop all samples and the decision's memory; the next message starts anew."""
        self.next_end = None
        self._assembler.clear()
        if self._decision is not None:
            self._decision.reset()

    def with_model(self, model: Model) -> Pipeline:
        """A pipeline that serves `model` from the next interval on.

        If the model reads the same sensors, windows and grid go on without a gap; else they start anew.
        """
        successor = Pipeline(model.sensors, model)
        successor.missed, successor.jumps_back, successor._now = self.missed, self.jumps_back, self._now
        if (model.sensors.interval, model.sensors.sensors) == (self.sensors.interval, self.sensors.sensors):
            successor._assembler, successor.next_end = self._assembler, self.next_end
        return successor

    def received(self, sensor: str) -> int:
        """How many messages of `sensor` were pushed so far."""
        return self._assembler.received(sensor)

    def health(self, now: int) -> dict[str, SensorHealth]:
        """Each sensor's health at `now` (ns), by name."""
        health = {}
        for spec in self.sensors.sensors:
            counters = self._assembler.counters(spec.name)
            age = None if counters.newest is None else now - counters.newest
            timeout = self._timeouts[spec.name]
            health[spec.name] = SensorHealth(counters, age, age is None or age > timeout, spec.required, timeout)
        return health

    def set_rules(self, rules: Iterable[DecisionRule]) -> None:
        """Decide by other thresholds and hysteresis from the next interval on; what is present stays so until then."""
        if self._decision is not None:
            self._decision.rules = tuple(rules)

    def set_timeouts(self, timeouts: Mapping[str, int]) -> None:
        """Judge sensors stale, and intervals unknown, by other timeouts (ns, by name); features keep theirs."""
        self._timeouts.update(timeouts)

    def _evaluate(self, end: int) -> Interval:
        x = self._assembler.vector(end)
        stale = tuple(name for name in self._timeouts if self._stale(name, end))
        unknown = len(stale) == len(self._timeouts) or not self._required.isdisjoint(stale)
        if self._predictor is None or self._decision is None:
            return Interval(end, x, None, unknown, None, stale)
        if unknown:
            self._decision.reset()
            return Interval(end, x, np.full(len(self.sensors.labels), np.nan, np.float32), True, None, stale)
        p = self._predictor.probabilities(x)
        return Interval(end, x, p, False, self._decision.update(p), stale)

    def _stale(self, sensor: str, end: int) -> bool:
        newest = self._assembler.newest(sensor)
        return newest is None or newest < end - self._timeouts[sensor]
