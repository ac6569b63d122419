# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node's health as `diagnostic_msgs`, from plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from obstacle_classifier.nodes.classifier.subscriptions import TopicState
from obstacle_classifier.pipeline import SensorHealth

__all__ = [
    "ChangeLog",
    "Growth",
    "Report",
    "clock_report",
    "model_report",
    "output_report",
    "sensor_report",
    "unconfigured_report",
]

OK, WARN, ERROR, STALE = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR, DiagnosticStatus.STALE
_SEVERITY = (OK, WARN, STALE, ERROR)
MAX_STAMP_LAG = 10**9  # ns between header stamp and receive time, either way, that passes without a word
LOG_PERIOD = 5 * 10**9  # ns between two lines about the same thing
REMINDER = 60 * 10**9  # ns after which a lasting fault is logged again


@dataclass(frozen=True)
class Report:
    """One status before it becomes a message.

    Attributes:
        name: What it is about.
        level: OK, WARN, ERROR or STALE.
        cause: A word for the kind of fault, the same while the fault lasts; `ok` if there is nothing to log.
        message: A sentence.
        values: Details in order.
    """

    name: str
    level: bytes
    cause: str
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


class Growth:
    """How much counts have grown since they were read before."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def read(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Growth of each count; one that fell was begun anew."""
        before, self._counts = self._counts, dict(counts)
        return {
            key: count - before.get(key, 0) if count >= before.get(key, 0) else count for key, count in counts.items()
        }


class ChangeLog:
    """What of the reports is worth a line in the log: faults that begin, change, end or last."""

    def __init__(self) -> None:
        self._causes: dict[str, str] = {}
        self._times: dict[tuple[str, str], int] = {}

    def lines(self, reports: Iterable[Report], now: int) -> list[tuple[Report, str]]:
        """The reports to log and the line for each; `now` in ns of a steady clock.

        The same fault is not logged twice within 5 s: one that comes and goes is logged then, if it is there. A fault
        that lasts is logged once a minute.
        """
        lines = []
        for report in reports:
            key = report.name, report.cause
            same = report.cause == self._causes.get(report.name, "ok")
            if same and report.cause == "ok":
                continue
            if key in self._times and now - self._times[key] < (REMINDER if same else LOG_PERIOD):
                continue
            self._causes[report.name], self._times[key] = report.cause, now
            lines.append((report, f"{report.name}: {report.message}"))
        return lines


def sensor_report(
    name: str, health: SensorHealth, waited: int, rate: float, undecodable: int, state: TopicState
) -> Report:
    """One sensor.

    Args:
        name: Name in the sensors file.
        health: What the pipeline knows.
        waited: ns since it was first listened to, or since the clock was set back.
        rate: Messages per second lately.
        undecodable: Messages that did not decode lately.
        state: Its topic and who publishes there.
    """
    counters = health.counters
    lag = None if counters.newest is None or counters.stamp is None else counters.newest - counters.stamp
    faults: list[tuple[bytes, str, str]] = []
    if counters.newest is None:
        decodable = "decodable " if counters.undecodable else ""
        since = "since the clock was set" if counters.received > counters.undecodable else "yet"
        # Its timeout is what a sensor has for its first message: until then there is nothing to log.
        cause = "never" if waited > health.timeout else "ok"
        level = ERROR if health.required else WARN
        faults.append((level, cause, f"no {decodable}message on {state.topic} {since}"))
    elif health.stale:
        decodable = "decodable " if undecodable else ""
        assert health.age is not None
        faults.append((STALE, "stale", f"stale: newest {decodable}message is {health.age * 1e-9:.2f} s old"))
    if state.mismatches:
        level = ERROR if health.stale else WARN
        faults.append((level, "mismatch", "; ".join(state.mismatches)))
    if undecodable:
        faults.append((WARN, "undecodable", f"{undecodable} undecodable messages: {counters.error}"))
    if not health.stale and counters.newest is not None:
        if counters.finite is None or counters.newest - counters.finite > health.timeout:
            faults.append((WARN, "blind", "messages arrive, but hold no finite value"))
        if counters.stamp == 0:
            faults.append((WARN, "unstamped", "header stamps are zero"))
        elif lag is not None and abs(lag) > MAX_STAMP_LAG:
            side = "behind" if lag > 0 else "ahead of"
            faults.append((WARN, "lag", f"header stamps are {abs(lag) * 1e-9:.1f} s {side} the node's clock"))
    values: dict[str, object] = {
        "topic": state.topic,
        "required": health.required,
        "rate [Hz]": f"{rate:.1f}",
        "age [s]": "never" if health.age is None else f"{health.age * 1e-9:.3f}",
        "timeout [s]": f"{health.timeout * 1e-9:g}",
        "stale": health.stale,
        "received": counters.received,
        "undecodable": counters.undecodable,
        "stamp lag [s]": "none" if lag is None else f"{lag * 1e-9:.3f}",
        "publishers": state.publishers,
    }
    fine = "ok" if state.publishers < 2 else f"ok, {state.publishers} publishers"
    return _report(f"sensor {name}", faults, fine, values)


def unconfigured_report(failure: str | None) -> Report:
    """The model while none is loaded, and why the newest transition failed, if it did."""
    if failure is None:
        return Report("model", OK, "ok", "unconfigured: no model is loaded", {})
    return Report("model", ERROR, "failed", f"unconfigured: {failure}", {})


def model_report(model_id: str, path: str, failure: str | None) -> Report:
    """The model: digest, file, and why the newest reload failed, if it did."""
    values: dict[str, object] = {"model": model_id, "path": path}
    if failure is None:
        return Report("model", OK, "ok", "serving", values)
    return Report("model", WARN, "reload", f"reload failed, the model before keeps serving: {failure}", values)


def output_report(
    active: bool, started: bool, unknown: Sequence[str] | None, missed: int, newly_missed: int, latencies: Sequence[int]
) -> Report:
    """What comes out.

    Args:
        active: Whether the node publishes.
        started: Whether intervals are evaluated: from the first message on.
        unknown: The stale sensors that make the newest interval unknown, None if it is known.
        missed: Intervals never evaluated, since the start.
        newly_missed: Those since the report before.
        latencies: ns from interval end to publication, of the newest intervals.
    """
    ordered = sorted(latencies)
    values: dict[str, object] = {"missed intervals": missed}
    if ordered:
        values["latency p50 [ms]"] = f"{ordered[len(ordered) // 2] * 1e-6:.2f}"
        values["latency p99 [ms]"] = f"{ordered[len(ordered) * 99 // 100] * 1e-6:.2f}"
        values["latency max [ms]"] = f"{ordered[-1] * 1e-6:.2f}"
    if not active:
        return Report("output", OK, "ok", "inactive: nothing is published", values)
    faults = []
    if not started:
        faults.append((WARN, "waiting", "no message of any sensor yet: there is nothing to classify"))
    elif unknown is not None:
        faults.append((ERROR, "unknown", f"unknown: stale: {', '.join(unknown)}"))
    if newly_missed:
        sentence = f"{newly_missed} intervals missed: the clock was set ahead, or the node stalled"
        faults.append((WARN, "missed", sentence))
    return _report("output", faults, "publishing", values)


def clock_report(now: int, sim_time: bool, stands: bool, jumps_back: int, newly_jumped: int) -> Report:
    """The node's clock: whether it runs, and how often it was set back, in all and since the report before."""
    values: dict[str, object] = {"now [ns]": now, "use_sim_time": sim_time, "jumps back": jumps_back}
    faults = []
    if now == 0:
        sentence = "waiting for /clock: use_sim_time is set and no message on it has arrived, so nothing is evaluated"
        faults.append((WARN, "waiting", sentence))
    elif stands:
        faults.append((WARN, "stands", "/clock stands still: nothing is evaluated"))
    if newly_jumped:
        sentence = f"set back {newly_jumped} times" if newly_jumped > 1 else "set back"
        faults.append((WARN, "jump", f"{sentence}: samples and decisions before were dropped"))
    return _report("clock", faults, "ok", values)


def _report(name: str, faults: Sequence[tuple[bytes, str, str]], fine: str, values: Mapping[str, object]) -> Report:
    """The worst level of the faults, all of their causes and sentences."""
    if not faults:
        return Report(name, OK, "ok", fine, values)
    worst = max((level for level, _, _ in faults), key=_SEVERITY.index)
    cause = " ".join(cause for _, cause, _ in faults)
    return Report(name, worst, cause, "; ".join(sentence for _, _, sentence in faults), values)
