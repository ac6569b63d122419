# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Messages of all sensors to one feature vector per interval."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features.sensors_config import SensorsConfig, SensorSpec
from obstacle_classifier.features.statistics import STATISTICS, window_statistics
from obstacle_classifier.features.window import Window
from obstacle_classifier.sensing import DecodeError, Samples, ScanGeometry

__all__ = ["Assembler", "SensorCounters"]

# Messages of one sensor are kept as bytes until either limit. Decoding them early bounds memory and changes no value.
MAX_PENDING = 256
MAX_PENDING_BYTES = 16 << 20
# Most samples in a window, the newest ones. It bounds memory, also while a simulated clock stands still.
MAX_SAMPLES = 100_000


class SensorCounters(NamedTuple):
    """Counts and times of one sensor's messages since the start.

    Attributes:
        received: Messages pushed, undecodable ones included.
        undecodable: Messages that did not decode.
        error: Why the newest undecodable message did not decode, or None.
        newest: Receive time in ns of the newest decoded message, None before the first or after a clock jump.
        stamp: Header stamp of that message in ns, None without a header.
        finite: Receive time in ns of the newest message that held a finite number, None without one.
    """

    received: int = 0
    undecodable: int = 0
    error: str | None = None
    newest: int | None = None
    stamp: int | None = None
    finite: int | None = None


class Assembler:
    """Buffers raw messages per sensor and turns them into feature vectors.

    Times must not decrease. The end given to `vector` must be later than every message pushed: callers evaluate an
    interval before they push a later message. A vector is then a function of the messages alone, not of how they were
    grouped into decoder calls.
    """

    def __init__(self, sensors: SensorsConfig) -> None:
        self.sensors = sensors
        self._buffers = {spec.name: _SensorBuffer(spec) for spec in sensors.sensors}

    def push(self, sensor: str, time: int, data: bytes) -> None:
        """Buffer one CDR message received at `time` (ns)."""
        self._buffers[sensor].push(time, data)

    def decode_ahead(self, messages: Iterable[tuple[str, int, bytes]]) -> None:
        """Decode messages (sensor, time, data) that will be pushed next, in this order.

        One call of a decoder for many messages is several times faster than a call a message. No value changes.
        """
        data_of_sensor: dict[str, list[bytes]] = {}
        for sensor, _, data in messages:
            data_of_sensor.setdefault(sensor, []).append(data)
        for sensor, buffers in data_of_sensor.items():
            self._buffers[sensor].decode_ahead(buffers)

    def vector(self, end: int) -> NDArray[np.float64]:
        """The (d,) float64 feature vector of the interval that ends at `end` (ns); NaN is unknown."""
        return np.concatenate([buffer.columns(end) for buffer in self._buffers.values()])

    def newest(self, sensor: str) -> int | None:
        """Receive time in ns of the newest message of `sensor` that decoded."""
        buffer = self._buffers[sensor]
        buffer.decode()
        return buffer.newest

    def counters(self, sensor: str) -> SensorCounters:
        """Counts and times of the messages of `sensor`."""
        return self._buffers[sensor].counters()

    def received(self, sensor: str) -> int:
        """How many messages of `sensor` were pushed so far."""
        return self._buffers[sensor].received

    def geometries(self, sensor: str) -> dict[ScanGeometry, int]:
        """Number of decoded messages of `sensor` by their beams; empty for types without beams."""
        return self._buffers[sensor].geometries()

    def clear(self) -> None:
        """Forget all samples; the counts stay."""
        for buffer in self._buffers.values():
            buffer.clear()


class _Ahead:
    """Messages decoded before they were pushed.

    Args:
        data: The messages, in order.
        samples: Their samples.
    """

    def __init__(self, data: Sequence[bytes], samples: Samples) -> None:
        self._data, self._samples = data, samples
        self._taken = 0

    def skip(self, count: int) -> None:
        """Drop the next messages."""
        self._taken += count

    def take(self, pending: Sequence[bytes]) -> Samples | None:
        """The samples of the next messages; None if `pending` are other messages."""
        start, stop = self._taken, self._taken + len(pending)
        if stop > len(self._data) or pending[0] is not self._data[start] or pending[-1] is not self._data[stop - 1]:
            return None
        self._taken = stop
        samples = self._samples
        low, high = start, stop
        errors: tuple[tuple[int, DecodeError], ...] = ()
        if samples.errors:
            low, high = (int(row) for row in np.searchsorted(samples.kept, (start, stop)))
            errors = tuple((place - start, error) for place, error in samples.errors if start <= place < stop)
        stamps = samples.stamps
        return Samples(
            samples.values[low:high],
            None if stamps is None else stamps[low:high],
            samples.kept[low:high] - start,
            errors,
        )


class _SensorBuffer:
    """The samples of one sensor that can still be in a window."""

    def __init__(self, spec: SensorSpec) -> None:
        self._spec = spec
        self._decoder = spec.decoder()
        self._stale = np.full(len(spec.columns), np.nan)
        self._stale[-1] = 1.0
        self._statistics = [STATISTICS[name] for name in spec.statistics]
        self._depends_on_end = any(statistic.depends_on_end for statistic in self._statistics)
        self.received = self._undecodable = 0
        self._error: str | None = None
        self._ahead: _Ahead | None = None
        self._pending: list[bytes] = []
        self.clear()

    def clear(self) -> None:
        if self._ahead is not None:
            self._ahead.skip(len(self._pending))
        channels = len(self._spec.channels)
        self._pending = []
        self._pending_times: list[int] = []
        self._pending_bytes = 0
        self._times: list[int] = []
        self._values = np.empty((0, channels))
        self._last = np.full(channels, np.nan)
        self._table: NDArray[np.float64] | None = None  # the columns, valid while the samples are the same
        self._gap: int | None = None  # time of the newest sample with a number that is not finite
        self.newest: int | None = None
        self._stamp: int | None = None
        self._finite: int | None = None

    def push(self, time: int, data: bytes) -> None:
        self.received += 1
        self._pending.append(data)
        self._pending_times.append(time)
        self._pending_bytes += len(data)
        if self._pending_bytes >= MAX_PENDING_BYTES or len(self._pending) >= MAX_PENDING:
            self.decode()

    def decode_ahead(self, data: list[bytes]) -> None:
        self.decode()
        self._ahead = _Ahead(data, self._decoder.decode(data))

    def columns(self, end: int) -> NDArray[np.float64]:
        """The columns of this sensor, `missing` last."""
        self.decode()
        spec = self._spec
        self._drop(bisect_left(self._times, end - spec.window))
        if self.newest is None or self.newest < end - spec.timeout:
            return self._stale
        if self._table is None or self._depends_on_end:
            whole = self._gap is None or not self._times or self._gap < self._times[0]
            window = Window(self._times, self._values, self._last, end, whole)
            self._table = np.zeros_like(self._stale)
            self._table[:-1] = window_statistics(self._statistics, window).ravel()
        return self._table

    def counters(self) -> SensorCounters:
        """Counts and times, messages still pending included."""
        self.decode()
        return SensorCounters(self.received, self._undecodable, self._error, self.newest, self._stamp, self._finite)

    def geometries(self) -> dict[ScanGeometry, int]:
        """Number of decoded messages by their beams, messages still pending included."""
        self.decode()
        return self._decoder.geometries

    def decode(self) -> None:
        """Decode the pending messages."""
        if not self._pending:
            return
        samples = None if self._ahead is None else self._ahead.take(self._pending)
        if samples is None:
            self._ahead = None
            samples = self._decoder.decode(self._pending)
        times = self._pending_times
        self._pending, self._pending_times, self._pending_bytes = [], [], 0
        if samples.errors:
            self._undecodable += len(samples.errors)
            self._error = str(samples.errors[-1][1])
            times = [times[position] for position in samples.kept.tolist()]
        if not times:
            return
        self.newest = times[-1]
        self._stamp = None if samples.stamps is None else int(samples.stamps[-1])
        self._keep_last(samples.values, times)
        self._times += times
        self._values = np.concatenate([self._values, samples.values])
        self._table = None
        # Every interval to come ends later than these messages.
        self._drop(bisect_left(self._times, self.newest - self._spec.window))
        self._drop(len(self._times) - MAX_SAMPLES)

    def _drop(self, count: int) -> None:
        """Drop that many of the oldest samples."""
        if count > 0:
            del self._times[:count]
            self._values = self._values[count:]
            self._table = None

    def _keep_last(self, values: NDArray[np.float64], times: list[int]) -> None:
        finite = np.isfinite(values)
        if finite.all():
            self._last, self._finite = values[-1], times[-1]
            return
        rows = len(values) - 1 - np.argmax(finite[::-1], axis=0)
        known = finite.any(axis=0)
        self._last = np.where(known, values[rows, np.arange(values.shape[1])], self._last)
        self._gap = times[int(np.flatnonzero(~finite.all(axis=1))[-1])]
        if known.any():
            self._finite = times[int(rows[known].max())]
