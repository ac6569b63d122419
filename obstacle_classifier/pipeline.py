# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Messages to feature vectors and predictions: the node drives it live, recordings drive it offline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import Assembler, SensorCounters, SensorsConfig
from obstacle_classifier.model.decision import Decision, DecisionRule
from obstacle_classifier.sensing import ScanGeometry

if TYPE_CHECKING:
    from obstacle_classifier.model import Model

__all__ = ["BasePipeline", "Batch", "FeaturePipeline", "FeatureVector", "Pipeline", "Prediction", "SensorHealth"]

MAX_BACKLOG = 10**9  # ns of due intervals that are still evaluated one by one
MAX_BATCH = 4096  # recorded messages that are read ahead and decoded together, in all sensors
MAX_BATCH_BYTES = 1 << 20
MAX_INTERVALS = 4096  # about the most intervals that are evaluated together
MAX_SILENCE = 600 * 10**9  # ns without any message that count as a set clock in a recording


class Batch(NamedTuple):
    """Recorded messages in order, a list of each of their parts.

    Attributes:
        sensors: Name of each message's sensor.
        times: Receive times in ns.
        data: CDR bytes.
    """

    sensors: list[str]
    times: list[int]
    data: list[bytes]


@dataclass(frozen=True, slots=True, eq=False)
class FeatureVector:
    """The features of one interval.

    Attributes:
        end: End of the interval in ns on the driving clock.
        x: (d,) float64 features, NaN where unknown.
        unknown: Whether a required sensor, or every sensor, was stale.
        stale: Names of the stale sensors.
    """

    end: int
    x: NDArray[np.float64]
    unknown: bool
    stale: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction(FeatureVector):
    """The features of one interval and the model's answer.

    Attributes:
        p: (c,) float32 probabilities, NaN if the interval is unknown.
        obstacles: Labels present, in model order; None exactly if the interval is unknown.
        spread: (c,) float32 spread of the network's members; None if the interval is unknown or the network has no
            members.
    """

    p: NDArray[np.float32]
    obstacles: tuple[str, ...] | None
    spread: NDArray[np.float32] | None = None


Output = TypeVar("Output", bound=FeatureVector)


@dataclass(frozen=True, slots=True)
class SensorHealth:
    """The state of one sensor.

    Attributes:
        counters: Counts and times of its messages.
        age: ns since its newest decoded message, None if there is none.
        stale: Whether the age is more than the timeout.
        required: Whether intervals are unknown while the sensor is stale.
        timeout: In ns.
    """

    counters: SensorCounters
    age: int | None
    stale: bool
    required: bool
    timeout: int


class BasePipeline(ABC, Generic[Output]):
    """Messages in, one output per interval out.

    Interval k ends at t = k * interval of the driving clock and sees [t - window, t). The first `push` or `advance`
    at or after t evaluates it, before that push buffers its message. The first interval is the first one to end after
    the first message.

    Up to 1 s of due intervals are evaluated in order. Of a longer backlog only the newest interval is evaluated; the
    others count as missed. A time before the previous one means that the clock was set back: all samples are dropped
    and the next message starts anew.

    Attributes:
        sensors: The sensors file.
        missed: Intervals skipped so far.
        jumps_back: How often the clock was set back so far.
        next_end: End of the next interval in ns, None before the first message.
    """

    def __init__(self, sensors: SensorsConfig) -> None:
        self.sensors = sensors
        self.missed = 0
        self.jumps_back = 0
        self.next_end: int | None = None
        self._assembler = Assembler(sensors)
        self._now = 0
        self._timeouts = {spec.name: spec.timeout for spec in sensors.sensors}
        self._required = {spec.name for spec in sensors.sensors if spec.required}

    def push(self, sensor: str, time: int, data: bytes) -> list[Output]:
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

    def advance(self, now: int) -> list[Output]:
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
            self._reset_memory()
        first = self.next_end
        self.next_end += due * interval
        return [self._evaluate(first + k * interval) for k in range(due)]

    def run(self, messages: Iterable[tuple[str, int, bytes]]) -> Iterator[Output]:
        """The outputs for recorded messages (sensor, receive time in ns, CDR bytes), see `replay`."""
        return self.replay(_batches(messages))

    def replay(self, batches: Iterable[Batch]) -> Iterator[Output]:
        """The outputs for recorded messages.

        Each interval is evaluated at its end, as on a node with a punctual clock: a pause of the sensors gives the
        same intervals. A pause longer than 10 min counts as a clock that was set and is skipped like a backlog.

        Args:
            batches: The messages in order. A batch is decoded at once, and counters of sensors then count all of it.
        """
        for batch in (piece for whole in batches for piece in _pieces(whole, MAX_INTERVALS * self.sensors.interval)):
            if self._is_steady(batch.times):
                yield from self._replay(batch)
                continue
            for sensor, time, data in zip(*batch, strict=True):
                while self.next_end is not None and self.next_end <= time < self.next_end + MAX_SILENCE:
                    yield from self.advance(self.next_end)
                yield from self.push(sensor, time, data)

    def _is_steady(self, times: Sequence[int]) -> bool:
        """Whether no time is before the previous one, or so late that it counts as a set clock.

        A message that ends very many intervals is not steady either: all their vectors would be in memory together.
        """
        before = times[0] if self.next_end is None else self._now
        steps = np.diff(np.array([before, *times], np.int64))
        longest = min(MAX_SILENCE, MAX_INTERVALS * self.sensors.interval) - self.sensors.interval
        return times[0] >= self._now and int(steps.min()) >= 0 and int(steps.max()) < longest

    def _replay(self, batch: Batch) -> Iterator[Output]:
        """The outputs of the intervals that end at or before the last message of a steady batch."""
        interval = self.sensors.interval
        if self.next_end is None:
            self.next_end = (batch.times[0] // interval + 1) * interval
        messages: dict[str, tuple[list[int], list[bytes]]] = {}
        for sensor, time, data in zip(*batch, strict=True):
            times, stack = messages.setdefault(sensor, ([], []))
            times.append(time)
            stack.append(data)
        first = self.next_end
        count = max(0, (batch.times[-1] - first) // interval + 1)
        self._now = batch.times[-1]
        self.next_end += count * interval
        vectors, newest = self._assembler.replay(messages, first + interval * np.arange(count, dtype=np.int64))
        for row, x in enumerate(vectors):
            yield self._judge(first + row * interval, x, {sensor: times[row] for sensor, times in newest.items()})

    def restart(self) -> None:
        """Drop all samples and every memory of past intervals; the next message starts anew."""
        self.next_end = None
        self._assembler.clear()
        self._reset_memory()

    def received(self, sensor: str) -> int:
        """How many messages of `sensor` were pushed so far."""
        return self._assembler.received(sensor)

    def counters(self, sensor: str) -> SensorCounters:
        """Counts and times of the messages of `sensor`."""
        return self._assembler.counters(sensor)

    def geometries(self, sensor: str) -> dict[ScanGeometry, int]:
        """Number of decoded messages of `sensor` by their beams; empty for types without beams."""
        return self._assembler.geometries(sensor)

    def health(self, now: int) -> dict[str, SensorHealth]:
        """Each sensor's health at `now` (ns), by name."""
        health = {}
        for spec in self.sensors.sensors:
            counters = self._assembler.counters(spec.name)
            age = None if counters.newest is None else now - counters.newest
            timeout = self._timeouts[spec.name]
            health[spec.name] = SensorHealth(counters, age, age is None or age > timeout, spec.required, timeout)
        return health

    def set_timeouts(self, timeouts: Mapping[str, int]) -> None:
        """Judge sensors stale, and intervals unknown, by other timeouts (ns, by name); features keep theirs."""
        self._timeouts.update(timeouts)

    def _reset_memory(self) -> None:
        """Forget past intervals: the next one does not follow them."""

    @abstractmethod
    def _output(self, end: int, x: NDArray[np.float64], unknown: bool, stale: tuple[str, ...]) -> Output:
        """The output of the interval with these features."""

    def _evaluate(self, end: int) -> Output:
        x = self._assembler.vector(end)
        return self._judge(end, x, {sensor: self._assembler.newest(sensor) for sensor in self._timeouts})

    def _judge(self, end: int, x: NDArray[np.float64], newest: Mapping[str, int | None]) -> Output:
        """The output of an interval from its features and the newest message of each sensor."""
        stale = tuple(
            sensor
            for sensor, timeout in self._timeouts.items()
            if (time := newest[sensor]) is None or time < end - timeout
        )
        unknown = len(stale) == len(self._timeouts) or not self._required.isdisjoint(stale)
        return self._output(end, x, unknown, stale)


def _batches(messages: Iterable[tuple[str, int, bytes]]) -> Iterator[Batch]:
    """The messages in batches of bounded number and size."""
    batch = Batch([], [], [])
    size = 0
    for sensor, time, data in messages:
        batch.sensors.append(sensor)
        batch.times.append(time)
        batch.data.append(data)
        size += len(data)
        if size >= MAX_BATCH_BYTES or len(batch.data) >= MAX_BATCH:
            yield batch
            batch, size = Batch([], [], []), 0
    if batch.data:
        yield batch


def _pieces(batch: Batch, span: int) -> Iterator[Batch]:
    """The batch in parts whose messages are received within `span` ns."""
    start = 0
    while start < len(batch.times):
        stop = max(start + 1, bisect_left(batch.times, batch.times[start] + span, start))
        if (start, stop) == (0, len(batch.times)):
            yield batch
        else:
            yield Batch(batch.sensors[start:stop], batch.times[start:stop], batch.data[start:stop])
        start = stop


class FeaturePipeline(BasePipeline[FeatureVector]):
    """Messages of the sensors in, feature vectors out."""

    def _output(self, end: int, x: NDArray[np.float64], unknown: bool, stale: tuple[str, ...]) -> FeatureVector:
        return FeatureVector(end, x, unknown, stale)


class Pipeline(BasePipeline[Prediction]):
    """Messages of a model's sensors in, predictions out.

    Predictor and decision forget past intervals after an interval that is unknown, a skipped backlog, a clock that was
    set back, and a restart.
    """

    def __init__(self, model: Model) -> None:
        super().__init__(model.sensors)
        self._predictor = model.predictor()
        self._decision = Decision(model.labels, model.rules)

    def with_model(self, model: Model) -> Pipeline:
        """A pipeline that serves `model` from the next interval on.

        If the model reads the same sensors, windows and grid go on without a gap; else they start anew.
        """
        successor = Pipeline(model)
        successor.missed, successor.jumps_back, successor._now = self.missed, self.jumps_back, self._now
        if (model.sensors.interval, model.sensors.sensors) == (self.sensors.interval, self.sensors.sensors):
            successor._assembler, successor.next_end = self._assembler, self.next_end
        return successor

    def set_rules(self, rules: Iterable[DecisionRule]) -> None:
        """Decide by other thresholds and hysteresis from the next interval on; labels that are present stay present."""
        self._decision.rules = tuple(rules)

    def _reset_memory(self) -> None:
        self._predictor.reset()
        self._decision.reset()

    def _output(self, end: int, x: NDArray[np.float64], unknown: bool, stale: tuple[str, ...]) -> Prediction:
        if unknown:
            self._reset_memory()
            return Prediction(end, x, True, stale, np.full(len(self.sensors.labels), np.nan, np.float32), None)
        p = self._predictor.probabilities(x)
        return Prediction(end, x, False, stale, p, self._decision.update(p), self._predictor.spread())
