# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node's health as `diagnostic_msgs`, from plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from numpy.typing import NDArray

from obstacle_classifier.nodes.classifier.subscriptions import TopicState
from obstacle_classifier.pipeline import SensorHealth

__all__ = [
    "DISCOVERY",
    "ChangeLog",
    "GrowthMeter",
    "Report",
    "clock_report",
    "is_awaited",
    "model_report",
    "output_report",
    "sensor_report",
    "unconfigured_report",
]

OK, WARN, ERROR, STALE = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR, DiagnosticStatus.STALE
_SEVERITY = (OK, WARN, STALE, ERROR)
DISCOVERY = 5 * 10**9  # ns that a first message may take: DDS finds publishers up to 3 s after subscribing
MAX_STAMP_LAG = 10**9  # ns between header stamp and receive time, either way, that is not a fault
LOG_PERIOD = 5 * 10**9  # ns between two log lines with the same name and cause
REMINDER = 60 * 10**9  # ns after which a lasting fault is logged again


@dataclass(frozen=True)
class Report:
    """One status of the diagnostics.

    Attributes:
        name: Name of the status, such as `sensor scan`.
        level: OK, WARN, ERROR or STALE.
        cause: Kinds of fault, the same text while the faults last; `ok`: nothing to log.
        message: A sentence for people.
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


class GrowthMeter:
    """Growth of counts between two readings."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def read(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Growth of each count since the previous reading; a count that fell has started again at 0."""
        before, self._counts = self._counts, dict(counts)
        return {
            key: count - before.get(key, 0) if count >= before.get(key, 0) else count for key, count in counts.items()
        }


class ChangeLog:
    """Selects the reports for the log: faults that begin, change, end or last."""

    def __init__(self) -> None:
        self._causes: dict[str, str] = {}
        self._times: dict[tuple[str, str], int] = {}

    def lines(self, reports: Iterable[Report], now: int) -> list[tuple[Report, str]]:
        """The reports to log with their lines; `now` in ns of a steady clock.

        The same fault is logged at most once in 5 s, and once a minute while it lasts.
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


def is_awaited(health: SensorHealth, waited: int) -> bool:
    """Whether a sensor may still be silent `waited` ns after subscribing, because DDS is discovering its publisher."""
    return health.counters.received == 0 and waited <= max(health.timeout, DISCOVERY)


def sensor_report(
    name: str, health: SensorHealth, waited: int, rate: float, undecodable: int, state: TopicState
) -> Report:
    """The report of one sensor.

    Args:
        name: Name in the sensors file.
        health: Its health in the pipeline.
        waited: ns since its topic was subscribed to, or since the clock was set back.
        rate: Messages per second since the previous report.
        undecodable: Undecodable messages since the previous report.
        state: Its topic and the publishers there.
    """
    counters = health.counters
    lag = None if counters.newest is None or counters.stamp is None else counters.newest - counters.stamp
    fine = "ok" if state.publishers < 2 else f"ok, {state.publishers} publishers"
    faults: list[tuple[bytes, str, str]] = []
    if is_awaited(health, waited):
        fine = f"waiting for the first message on {state.topic}"
    elif counters.newest is None:
        decodable = "decodable " if counters.undecodable else ""
        since = "since the clock was set" if counters.received > counters.undecodable else "yet"
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
    return _report(f"sensor {name}", faults, fine, values)


def unconfigured_report(failure: str | None) -> Report:
    """The report of the model while none is loaded, with the failure of the newest transition."""
    if failure is None:
        return Report("model", OK, "ok", "unconfigured: no model is loaded", {})
    return Report("model", ERROR, "failed", f"unconfigured: {failure}", {})


def model_report(model_id: str, path: str, failure: str | None) -> Report:
    """The report of the model: digest, file, and the failure of the newest reload."""
    values: dict[str, object] = {"model": model_id, "path": path}
    if failure is None:
        return Report("model", OK, "ok", "serving", values)
    return Report("model", WARN, "reload", f"reload failed, still serving the previous model: {failure}", values)


def output_report(
    active: bool,
    started: bool,
    unknown: Sequence[str] | None,
    missed: int,
    newly_missed: int,
    latencies: Sequence[int],
    awaited: Sequence[str] = (),
    spreads: Sequence[NDArray[np.float32]] = (),
) -> Report:
    """The report of the output.

    Args:
        active: Whether the node publishes.
        started: Whether intervals are evaluated, as they are from the first message on.
        unknown: The stale sensors that make the newest interval unknown; None: it is known.
        missed: Intervals never evaluated, since the start.
        newly_missed: Intervals never evaluated, since the previous report.
        latencies: ns from interval end to publication, of the newest intervals.
        awaited: The sensors whose first message may still come.
        spreads: Spread (c,) of the model's members in each known interval since the previous report; none if the model
            has no members.
    """
    ordered = sorted(latencies)
    values: dict[str, object] = {"missed intervals": missed}
    if ordered:
        values["latency p50 [ms]"] = f"{ordered[len(ordered) // 2] * 1e-6:.2f}"
        values["latency p99 [ms]"] = f"{ordered[len(ordered) * 99 // 100] * 1e-6:.2f}"
        values["latency max [ms]"] = f"{ordered[-1] * 1e-6:.2f}"
    if spreads:
        values["spread mean"] = f"{np.mean(spreads):.3f}"
        values["spread max"] = f"{np.max(spreads):.3f}"
    if not active:
        return Report("output", OK, "ok", "inactive: nothing is published", values)
    fine = "publishing"
    faults = []
    if not started and awaited:
        fine = "waiting for the first message of a sensor"
    elif not started:
        faults.append((WARN, "waiting", "no message of any sensor yet: there is nothing to classify"))
    elif unknown is not None and set(unknown) <= set(awaited):
        fine = f"unknown: waiting for {', '.join(unknown)}"
    elif unknown is not None:
        faults.append((ERROR, "unknown", f"unknown: stale: {', '.join(unknown)}"))
    if newly_missed:
        sentence = f"{newly_missed} intervals missed: the clock was set ahead, or the node stalled"
        faults.append((WARN, "missed", sentence))
    return _report("output", faults, fine, values)


def clock_report(now: int, sim_time: bool, waited: int, stopped: bool, jumps_back: int, newly_jumped: int) -> Report:
    """The report of the node's clock.

    Args:
        now: Its time in ns, 0 before the first message on /clock.
        sim_time: Whether /clock gives the time.
        waited: ns without a first message on /clock so far.
        stopped: Whether the time is the same as in the previous report.
        jumps_back: How often the clock was set back, since the start.
        newly_jumped: How often, since the previous report.
    """
    values: dict[str, object] = {"now [ns]": now, "use_sim_time": sim_time, "jumps back": jumps_back}
    fine = "ok"
    faults = []
    if now == 0 and waited <= DISCOVERY:
        fine = "waiting for the first message on /clock"
    elif now == 0:
        sentence = "waiting for /clock: use_sim_time is set and no message on it has arrived, so nothing is evaluated"
        faults.append((WARN, "waiting", sentence))
    elif stopped:
        faults.append((WARN, "stopped", "/clock stands still: nothing is evaluated"))
    if newly_jumped:
        sentence = f"set back {newly_jumped} times" if newly_jumped > 1 else "set back"
        faults.append((WARN, "jump", f"{sentence}: earlier samples and decisions were dropped"))
    return _report("clock", faults, fine, values)


def _report(name: str, faults: Sequence[tuple[bytes, str, str]], fine: str, values: Mapping[str, object]) -> Report:
    """A report with the worst level of the faults and with all their causes and sentences."""
    if not faults:
        return Report(name, OK, "ok", fine, values)
    worst = max((level for level, _, _ in faults), key=_SEVERITY.index)
    cause = " ".join(cause for _, cause, _ in faults)
    return Report(name, worst, cause, "; ".join(sentence for _, _, sentence in faults), values)
