"""The node's health as `diagnostic_msgs`, from plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from obstacle_classifier.pipeline import SensorHealth

__all__ = ["RateMeter", "Report", "clock_status", "model_status", "output_status", "sensor_status"]

OK, WARN, ERROR, STALE = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR, DiagnosticStatus.STALE
MAX_STAMP_LAG = 10**9  # ns between header stamp and receive time, either way, that passes without a word


@dataclass(frozen=True)
class Report:
    """One status before it becomes a message: name, level, sentence and details in order."""

    name: str
    level: bytes
    message: str
    values: Mapping[str, object]

    def status(self, node_name: str, hardware_id: str) -> DiagnosticStatus:
        """The `diagnostic_msgs/msg/DiagnosticStatus`."""
        return DiagnosticStatus(
            level=self.level,
            name=f"{node_name}: {self.name}",
            message=self.message,
            hardware_id=hardware_id,
            values=[KeyValue(key=key, value=str(value)) for key, value in self.values.items()],
        )


class RateMeter:
    """Messages per second between two readings of a growing count."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._time: int | None = None

    def read(self, counts: Mapping[str, int], now: int) -> dict[str, float]:
        """Rate of each count in Hz since the reading before; `now` in ns of a steady clock."""
        elapsed = 0.0 if self._time is None else (now - self._time) * 1e-9
        rates = {
            key: (count - self._counts.get(key, 0)) / elapsed if elapsed > 0 else 0.0 for key, count in counts.items()
        }
        self._counts, self._time = dict(counts), now
        return rates


def sensor_status(
    name: str, topic: str, health: SensorHealth, rate: float, undecodable: int, mismatches: Sequence[str]
) -> Report:
    """One sensor.

    Args:
        name: Name in the sensors file.
        topic: Its topic.
        health: What the pipeline knows.
        rate: Messages per second lately.
        undecodable: Messages that did not decode lately.
        mismatches: A line per publisher whose messages cannot arrive.
    """
    counters = health.counters
    level, message = OK, "ok"
    lag = counters.stamp_lag
    if lag is not None and abs(lag) > MAX_STAMP_LAG:
        side = "behind" if lag > 0 else "ahead of"
        level, message = WARN, f"header stamps are {abs(lag) * 1e-9:.1f} s {side} the node's clock"
    if undecodable:
        level, message = WARN, f"{undecodable} undecodable messages: {counters.error}"
    if counters.newest is None:
        level = ERROR if health.required else WARN
        message = f"no message on {topic} yet"
        if undecodable or counters.undecodable:
            message = f"no decodable message on {topic} yet: {counters.error}"
    elif health.stale:
        assert health.age is not None
        level, message = STALE, f"stale: newest message is {health.age * 1e-9:.2f} s old"
    if mismatches:
        level, message = ERROR, "; ".join(mismatches)
    values: dict[str, object] = {
        "topic": topic,
        "required": health.required,
        "rate [Hz]": f"{rate:.1f}",
        "age [s]": "never" if health.age is None else f"{health.age * 1e-9:.3f}",
        "stale": health.stale,
        "received": counters.received,
        "undecodable": counters.undecodable,
        "stamp lag [s]": "none" if lag is None else f"{lag * 1e-9:.3f}",
    }
    return Report(f"sensor {name}", level, message, values)


def model_status(model_id: str, path: str, failure: str | None) -> Report:
    """The model: digest, file, and why the newest reload failed, if it did."""
    values: dict[str, object] = {"model": model_id, "path": path}
    if failure is None:
        return Report("model", OK, "serving", values)
    return Report("model", WARN, f"reload failed, the model before keeps serving: {failure}", values)


def output_status(active: bool, unknown: str | None, missed: int, latencies: Sequence[int]) -> Report:
    """What comes out.

    Args:
        active: Whether the node publishes.
        unknown: Why the newest interval was unknown, if it was.
        missed: Intervals never evaluated, since the start.
        latencies: ns from interval end to publication, of the newest intervals.
    """
    ordered = sorted(latencies)
    values: dict[str, object] = {"missed intervals": missed}
    if ordered:
        values["latency p50 [ms]"] = f"{ordered[len(ordered) // 2] * 1e-6:.2f}"
        values["latency p99 [ms]"] = f"{ordered[len(ordered) * 99 // 100] * 1e-6:.2f}"
        values["latency max [ms]"] = f"{ordered[-1] * 1e-6:.2f}"
    if unknown is not None:
        return Report("output", ERROR, f"unknown: {unknown}", values)
    return Report("output", OK, "publishing" if active else "inactive: nothing is published", values)


def clock_status(now: int, sim_time: bool, jumps_back: int) -> Report:
    """The node's clock: whether it runs, and how often it was set back."""
    values: dict[str, object] = {"now [ns]": now, "use_sim_time": sim_time, "jumps back": jumps_back}
    if now == 0:
        return Report(
            "clock", WARN, "use_sim_time is set and no message on /clock has arrived: nothing is evaluated", values
        )
    return Report("clock", OK, "ok", values)
