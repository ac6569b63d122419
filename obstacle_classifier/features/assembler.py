"""Messages of all sensors in, one feature vector per interval out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features.sensors_file import SensorsFile, SensorSpec
from obstacle_classifier.features.statistics import window_statistics
from obstacle_classifier.sensing import Samples

__all__ = ["Assembler", "SensorCounters"]

_MAX_PENDING = 256  # messages kept as bytes before they are decoded early: bounds memory, changes no value


class SensorCounters(NamedTuple):
    """What one sensor has delivered since the start.

    Attributes:
        received: Messages pushed, undecodable ones included.
        undecodable: Messages that did not decode.
        error: Why the newest undecodable message did not decode, or None.
        newest: Receive time in ns of the newest decoded message, None before the first or after a clock jump.
        stamp_lag: Receive time less header stamp of that message in ns, None without a header.
    """

    received: int = 0
    undecodable: int = 0
    error: str | None = None
    newest: int | None = None
    stamp_lag: int | None = None


class Assembler:
    """Buffers raw messages per sensor and turns them into feature vectors.

    Times must not decrease, and `vector` may only be asked for an end later than every message pushed: who drives the
    assembler evaluates an interval before it pushes what comes after. A vector is then a function of the messages
    alone, however they were grouped.
    """

    def __init__(self, sensors: SensorsFile) -> None:
        self.sensors = sensors
        self._buffers = {spec.name: _SensorBuffer(spec) for spec in sensors.sensors}

    def push(self, sensor: str, time: int, data: bytes) -> None:
        """Buffer one CDR message received at `time` (ns)."""
        self._buffers[sensor].push(time, data)

    def vector(self, end: int) -> NDArray[np.float64]:
        """The (d,) float64 feature vector of the interval that ends at `end` (ns); NaN is unknown."""
        return np.concatenate([buffer.columns(end) for buffer in self._buffers.values()])

    def counters(self, sensor: str) -> SensorCounters:
        """What `sensor` has delivered."""
        return self._buffers[sensor].counters()

    def received(self, sensor: str) -> int:
        """How many messages of `sensor` were pushed so far."""
        return self._buffers[sensor].received

    def clear(self) -> None:
        """Forget all samples; the counts stay."""
        for buffer in self._buffers.values():
            buffer.clear()


class _SensorBuffer:
    """The samples of one sensor that its window can still reach."""

    def __init__(self, spec: SensorSpec) -> None:
        self._spec = spec
        self._decoder = spec.decoder()
        self.received = 0
        self._counters = SensorCounters()
        self.clear()

    def clear(self) -> None:
        channels = len(self._spec.channels)
        self._pending: list[bytes] = []
        self._pending_times: list[int] = []
        self._times = np.empty(0, np.int64)
        self._values = np.empty((0, channels))
        self._last = np.full(channels, np.nan)
        self._counters = self._counters._replace(newest=None, stamp_lag=None)

    def push(self, time: int, data: bytes) -> None:
        self.received += 1
        self._pending.append(data)
        self._pending_times.append(time)
        if len(self._pending) >= _MAX_PENDING:
            self._decode()

    def columns(self, end: int) -> NDArray[np.float64]:
        """The columns of this sensor, `missing` last."""
        newest = self.counters().newest
        first = int(np.searchsorted(self._times, end - self._spec.window))
        if first:
            self._times = self._times[first:]
            self._values = self._values[first:]
        if newest is None or newest < end - self._spec.timeout:
            columns = np.full(len(self._spec.columns), np.nan)
            columns[-1] = 1.0
            return columns
        table = window_statistics(self._spec.statistics, self._times, self._values, self._last, end)
        return np.append(table.ravel(), 0.0)

    def counters(self) -> SensorCounters:
        """What was delivered, messages still pending included."""
        if self._pending:
            self._decode()
        return self._counters

    def _decode(self) -> None:
        samples = self._decoder.decode(self._pending)
        times = np.array(self._pending_times, np.int64)[samples.kept]
        self._pending, self._pending_times = [], []
        if len(times):
            self._times = np.concatenate([self._times, times])
            self._values = np.concatenate([self._values, samples.values])
            self._keep_last(samples.values)
        self._count(samples, times)

    def _keep_last(self, values: NDArray[np.float64]) -> None:
        finite = np.isfinite(values)
        if finite[-1].all():
            self._last = values[-1].copy()
            return
        rows = len(values) - 1 - np.argmax(finite[::-1], axis=0)
        self._last = np.where(finite.any(axis=0), values[rows, np.arange(values.shape[1])], self._last)

    def _count(self, samples: Samples, times: NDArray[np.int64]) -> None:
        counters = self._counters._replace(received=self.received)
        if samples.errors:
            undecodable = counters.undecodable + len(samples.errors)
            counters = counters._replace(undecodable=undecodable, error=str(samples.errors[-1][1]))
        if len(times):
            newest = int(times[-1])
            lag = None if samples.stamps is None else newest - int(samples.stamps[-1])
            counters = counters._replace(newest=newest, stamp_lag=lag)
        self._counters = counters
