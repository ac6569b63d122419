# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Messages of all sensors to one feature vector per interval."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features.replay import newest_finite, tables
from obstacle_classifier.features.sensors_config import SensorsConfig, SensorSpec
from obstacle_classifier.features.statistics import STATISTICS, window_statistics
from obstacle_classifier.features.window import Times, Window
from obstacle_classifier.sensing import Samples, ScanGeometry

__all__ = ["Assembler", "Messages", "SensorCounters"]

Messages: TypeAlias = Mapping[str, tuple[Sequence[int], Sequence[bytes]]]
"""Receive times in ns and CDR bytes of messages, by sensor."""

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

    def replay(self, messages: Messages, ends: Times) -> tuple[NDArray[np.float64], dict[str, list[int | None]]]:
        """Buffer many messages and give the vectors of the intervals that end among them.

        The result is that of `vector` and `newest` at each end, called before the messages at or after it are pushed,
        bit for bit.

        Args:
            messages: Times (ns) in ascending order and CDR bytes of messages, by sensor.
            ends: (e,) ends of intervals in ns, in ascending order, later than every message pushed before.

        Returns:
            (e, d) float64 feature vectors, and for each sensor the receive time in ns of its newest message that
            decoded, at each end.
        """
        vectors = np.empty((len(ends), len(self.sensors.columns)))
        newest = {}
        for name, place in self.sensors.layout.slices.items():
            times, data = messages.get(name, ((), ()))
            vectors[:, place], newest[name] = self._buffers[name].replay(times, data, ends)
        return vectors, newest

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
        self._pending: list[bytes] = []
        self.clear()

    def clear(self) -> None:
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

    def replay(
        self, times: Sequence[int], data: Sequence[bytes], ends: Times
    ) -> tuple[NDArray[np.float64], list[int | None]]:
        """Take many messages; the columns and the newest time at each end, see `Assembler.replay`."""
        self.decode()
        old, last, newest = len(self._times), self._last, self.newest
        self.received += len(data)
        self._append(times, self._decoder.decode(data))
        known = np.array(self._times, np.int64)
        stops = known.searchsorted(ends)
        found = np.flatnonzero(stops > old)
        newest_at_end = [newest] * len(ends)
        newest_at_end[len(ends) - len(found) :] = known[stops[found] - 1].tolist()

        table = np.tile(self._stale, (len(ends), 1))
        spec = self._spec
        oldest = (ends - spec.timeout).tolist()
        pairs = zip(newest_at_end, oldest, strict=True)
        rows = np.flatnonzero([newest is not None and newest >= least for newest, least in pairs])
        if len(rows):
            stops = stops[rows]
            starts = np.maximum(known.searchsorted(ends[rows] - spec.window), stops - MAX_SAMPLES)
            chosen = np.arange(len(rows))
            if not self._depends_on_end:  # the windows with other samples than the one before
                moved = np.flatnonzero((np.diff(starts) != 0) | (np.diff(stops) != 0)) + 1
                chosen = np.concatenate(([0], moved))
            lasts = newest_finite(self._values[old:], last, np.maximum(stops - old, 0))
            made = tables(
                self._statistics,
                known,
                self._values,
                starts[chosen],
                stops[chosen],
                lasts[chosen],
                ends[rows[chosen]],
            )
            table[rows, :-1] = made[np.searchsorted(chosen, np.arange(len(rows)), side="right") - 1]
            table[rows, -1] = 0.0
        self._forget()
        return table, newest_at_end

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
        times, data = self._pending_times, self._pending
        self._pending, self._pending_times, self._pending_bytes = [], [], 0
        self._append(times, self._decoder.decode(data))
        self._forget()

    def _append(self, times: Sequence[int], samples: Samples) -> None:
        """Add the samples of messages received at these times."""
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

    def _forget(self) -> None:
        """Drop the samples that no interval to come can see: each ends later than all messages."""
        if self.newest is not None:
            self._drop(bisect_left(self._times, self.newest - self._spec.window))
        self._drop(len(self._times) - MAX_SAMPLES)

    def _drop(self, count: int) -> None:
        """Drop that many of the oldest samples."""
        if count > 0:
            del self._times[:count]
            self._values = self._values[count:]
            self._table = None

    def _keep_last(self, values: NDArray[np.float64], times: Sequence[int]) -> None:
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
