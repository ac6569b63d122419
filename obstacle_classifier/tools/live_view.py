# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The outputs of classifier_node, live on a terminal of 80 columns, and its probabilities as a table at the end.

    python -m obstacle_classifier.tools.live_view --output live.csv

Ends with the drive: when messages have come and then none for 3 s. Exit status 0; 1 if no interval came or a file
cannot be written; 2 for wrong usage; 130 or 143 after SIGINT or SIGTERM, with the files written.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import struct
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Float32MultiArray, String

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.files import check_output, write_atomically
from obstacle_classifier.names import TOPIC_NAME
from obstacle_classifier.nodes.classifier.outputs import UNKNOWN, array_end, array_names
from obstacle_classifier.nodes.executor import StopSignal, leave
from obstacle_classifier.table import write_table

__all__ = ["LiveState", "LiveView", "Status", "delays", "main", "render", "render_line"]

WIDTH = 80
SILENCE = 3.0  # s without a message until the drive counts as over
_LATE = 1.0  # s without an interval until the newest one is no longer shown
_FRAME = 0.2  # s between two screens on a terminal
_LINE = 5.0  # s between two lines in a file or pipe
_BAR = 34
_CLOCK = struct.Struct("<4xiI")  # header of the encoding, seconds, nanoseconds
_CLOCKS = 1000  # newest messages on /clock that are searched for an interval's end
_LEVELS = {b"\x00": "ok", b"\x01": "WARN", b"\x02": "ERROR", b"\x03": "STALE"}


@dataclass(frozen=True)
class Status:
    """One status of /diagnostics.

    Attributes:
        level: `ok`, `WARN`, `ERROR` or `STALE`.
        message: Its sentence.
        values: Its details by name.
    """

    level: str
    message: str
    values: Mapping[str, str]


@dataclass
class LiveState:
    """Everything on the screen.

    Attributes:
        labels: The labels, in the order of `probabilities`.
        probabilities: The probabilities of the newest interval, NaN where unknown.
        obstacles: The labels that the node reports as present, None while unknown.
        truth: The labels that are really present, None without a message on the truth topic.
        statuses: The newest status by name, such as `sensor scan`.
        seconds: Seconds from the first to the newest interval.
        intervals: Number of intervals received.
        silence: Seconds since the newest interval arrived; after the drive, from then to the drive's last message.
        over: Whether the drive is over.
        delays: For each interval, ns from the first message on /clock past its end to the arrival of its probabilities.
    """

    labels: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    obstacles: frozenset[str] | None = None
    truth: frozenset[str] | None = None
    statuses: dict[str, Status] = field(default_factory=dict)
    seconds: float = 0.0
    intervals: int = 0
    silence: float = 0.0
    over: bool = False
    delays: list[int] = field(default_factory=list)


def render(state: LiveState) -> list[str]:
    """The screen: lines of at most 80 columns."""
    late = state.silence > _LATE
    heading = f"{state.seconds:.1f} s, {state.intervals} intervals"
    if not state.intervals:
        heading = "waiting for the first interval"
    elif late:
        heading += f", no answer for {state.silence:.1f} s"
    if state.over:
        heading += "; the drive is over"
    ill = [
        f"{name}: {status.level} {status.message}"
        for name, status in state.statuses.items()
        if not name.startswith("sensor ") and status.level != "ok"
    ]
    lines = [heading, *ill, "", f"{'label':<14} {'probability':<{_BAR + 2}} {'':>7}  {'truth':<8} decision"]
    for label, p in zip(state.labels, state.probabilities, strict=True):
        known = math.isfinite(p) and not late
        bar = "#" * round(p * _BAR) if known else ""
        number = f"{p:.3f}" if known else UNKNOWN
        truth = "?" if state.truth is None else _mark(label in state.truth)
        decision = UNKNOWN if late or state.obstacles is None else _mark(label in state.obstacles)
        lines.append(f"{_clip(label, 14):<14} [{bar:<{_BAR}}] {number:>7}  {truth:<8} {decision}")
    lines += ["", f"{'sensor':<20} {'Hz':>7} {'age s':>7}  level"]
    for name, status in state.statuses.items():
        if name.startswith("sensor "):
            rate, age = (status.values.get(key, "-") for key in ("rate [Hz]", "age [s]"))
            note = "" if status.level == "ok" else f"{status.message}"
            name = name.removeprefix("sensor ")  # noqa: PLW2901
            lines.append(f"{_clip(name, 20):<20} {rate:>7} {age:>7}  {status.level:<5} {note}")
    latencies = f"latency in ms, p50 p99 max: node {_latency(state) or '-'}"
    if state.delays:
        latencies += f"; DDS {' '.join(map(_milliseconds, delays(state).values()))}"
    lines += ["", latencies]
    return [_clip(line.rstrip(), WIDTH) for line in lines]


def render_line(state: LiveState) -> str:
    """The state in one line of at most 80 columns, for a file or a pipe."""
    if not state.intervals:
        return "waiting for the first interval"
    if state.over:
        return f"{state.seconds:6.1f} s  the drive is over after {state.intervals} intervals"
    truth = "?" if state.truth is None else _names(state, state.truth)
    decision = UNKNOWN if state.obstacles is None or state.silence > _LATE else _names(state, state.obstacles)
    ill = [name.removeprefix("sensor ") for name, status in state.statuses.items() if status.level != "ok"]
    health = f"; not ok: {', '.join(ill)}" if ill else ""
    return _clip(f"{state.seconds:6.1f} s  says {decision}; truth {truth}{health}", WIDTH)


def delays(state: LiveState) -> dict[str, str]:
    """Percentiles of the delays in ms, as text; empty without delays."""
    ordered = sorted(state.delays)
    if not ordered:
        return {}
    places = {"p50": len(ordered) // 2, "p99": len(ordered) * 99 // 100, "max": -1}
    return {name: f"{ordered[place] * 1e-6:.2f}" for name, place in places.items()}


def _mark(present: bool) -> str:
    return "present" if present else "-"


def _names(state: LiveState, present: frozenset[str]) -> str:
    return ", ".join([label for label in state.labels if label in present]) or "nothing"


def _latency(state: LiveState) -> str:
    values = state.statuses["output"].values if "output" in state.statuses else {}
    keys = [f"latency {name} [ms]" for name in ("p50", "p99", "max")]
    return " ".join(_milliseconds(values[key]) for key in keys if key in values)


def _milliseconds(text: str) -> str:
    """A number of ms in at most 5 characters up to 99999: two decimals below 100, else none."""
    value = float(text)
    return f"{value:.2f}" if value < 99.995 else f"{value:.0f}"


def _clip(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}~"


class LiveView(Node):
    """A node that listens to a classifier node.

    Attributes:
        state: The state of the screen.
        answers: (interval end in ns, probabilities) in order of arrival.
    """

    def __init__(self, name: str, truth_topic: str, context: Context | None = None) -> None:
        super().__init__("live_view", context=context)
        self.state = LiveState()
        self.answers: list[tuple[int, list[float]]] = []
        self._name = name.strip("/")
        self._answered = self._heard = time.monotonic()
        self._began = False
        self._last_statuses: dict[str, Status] = {}  # as of the newest answer
        self._clock: deque[tuple[int, int]] = deque(maxlen=_CLOCKS)  # times on /clock, and when they came
        reliable = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
        self.create_subscription(Float32MultiArray, f"/{self._name}/probabilities", self._on_probabilities, reliable)
        self.create_subscription(String, f"/{self._name}/obstacles", self._on_obstacles, reliable)
        self.create_subscription(String, truth_topic, self._on_truth, reliable)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, reliable)
        self.create_subscription(Clock, "/clock", self._on_clock, reliable, raw=True)

    @property
    def over(self) -> bool:
        """Whether the drive has begun and ended."""
        return self._began and time.monotonic() - self._heard > SILENCE

    def look(self) -> LiveState:
        """The state now; after the drive, the state at its end."""
        self.state.over = self.over
        self.state.silence = (self._heard if self.over else time.monotonic()) - self._answered
        if self.over and self.state.silence <= _LATE:  # later ones only report that /clock has stopped
            self.state.statuses = self._last_statuses
        return self.state

    def _hear(self) -> None:
        self._began, self._heard = True, time.monotonic()

    def _on_clock(self, data: bytes) -> None:
        self._hear()
        if len(data) >= _CLOCK.size:
            seconds, nanoseconds = _CLOCK.unpack_from(data)
            now = seconds * 10**9 + nanoseconds
            if self._clock and now < self._clock[-1][0]:  # set back
                self._clock.clear()
            self._clock.append((now, time.monotonic_ns()))

    def _on_probabilities(self, message: Float32MultiArray) -> None:
        self._hear()
        self._answered = self._heard
        labels, end = tuple(array_names(message)), array_end(message)
        # The table holds the labels of one model and the intervals of one drive. A clock set back starts another.
        if labels != self.state.labels or (self.answers and end <= self.answers[-1][0]):
            self.answers.clear()
            self.state.delays.clear()
            self.state.labels = labels
        self.answers.append((end, list(message.data)))
        if self._clock and self._clock[0][0] < end:
            now = time.monotonic_ns()
            # Without such a message yet, the answer has overtaken it: the delay is 0.
            self.state.delays.append(now - next((arrival for clock, arrival in self._clock if clock >= end), now))
        self._last_statuses = dict(self.state.statuses)
        self.state.probabilities = tuple(message.data)
        self.state.intervals = len(self.answers)
        self.state.seconds = (end - self.answers[0][0]) * 1e-9

    def _on_obstacles(self, message: String) -> None:
        self.state.obstacles = None if message.data == UNKNOWN else _split(message.data)

    def _on_truth(self, message: String) -> None:
        self.state.truth = _split(message.data)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            node, _, name = status.name.partition(": ")
            if node == self._name:
                values = {item.key: item.value for item in status.values}
                self.state.statuses[name] = Status(_LEVELS.get(bytes(status.level), "?"), status.message, values)


def _split(text: str) -> frozenset[str]:
    return frozenset(text.split(",")) - {""}


class _Screen:
    """Redraws the screen on a terminal; writes a line every 5 s to a file or pipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self.period = _FRAME if self._terminal else _LINE
        if self._terminal:
            stream.write("\x1b[2J")

    def show(self, state: LiveState) -> bool:
        """Draw the state; False if the stream takes no more."""
        try:
            self._draw(state)
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())  # Python flushes again at exit
            return False
        return True

    def _draw(self, state: LiveState) -> None:
        if self._terminal:
            size = os.get_terminal_size(self._stream.fileno())
            # A console over a serial line or in a container may report a size of 0.
            lines = [line[: size.columns or WIDTH] for line in render(state)][: (size.lines or 24) - 1]
            self._stream.write("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
        else:
            self._stream.write(f"{render_line(state)}\n")
        self._stream.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Show one drive; returns the exit status."""
    parser = argparse.ArgumentParser(description="Show the outputs of classifier_node live; write its probabilities.")
    parser.add_argument("--output", type=Path, required=True, help="CSV: time_ns, one column a label")
    parser.add_argument("--diagnostics", type=Path, help="JSON: the newest diagnostics of the node, and the delays")
    parser.add_argument("--seconds", type=float, default=math.inf, help="end after this time")
    parser.add_argument("--name", default="/obstacle_classifier", help="the classifier's full name")
    parser.add_argument("--truth", default="/ground_truth", help="topic with the labels that are really present")
    options = parser.parse_args(arguments)
    for flag, topic in (("--name", f"/{options.name.strip('/')}"), ("--truth", options.truth)):
        if not re.fullmatch(TOPIC_NAME["pattern"], topic):
            parser.error(f"{flag}: found {topic!r}, expected {TOPIC_NAME['description']}")
    try:
        for path in filter(None, (options.output, options.diagnostics)):
            check_output(path)
    except ConfigError as error:
        print(f"live_view: {error}", file=sys.stderr)
        return 1
    stop = StopSignal()
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = LiveView(options.name, options.truth)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    screen = _Screen(sys.stdout)
    began = time.monotonic()
    due = began + screen.period
    while not stop.received and not node.over and time.monotonic() - began < options.seconds:
        executor.spin_once(timeout_sec=max(0.0, min(0.1, due - time.monotonic())))
        if time.monotonic() >= due:
            due = time.monotonic() + screen.period
            if not screen.show(node.look()):
                break
    executor.shutdown()
    answers, state = node.answers, node.look()
    if state.over:
        screen.show(state)
    status = 0 if stop.number is None else 128 + stop.number
    try:
        write_table(options.output, state.labels, answers)
        if options.diagnostics is not None:
            document: dict[str, object] = {name: vars(each) for name, each in state.statuses.items()}
            document["delay [ms]"] = delays(state)
            write_atomically(options.diagnostics, (json.dumps(document, indent=2) + "\n").encode())
        if not answers and stop.number is None:
            print(f"live_view: no message came on /{options.name.strip('/')}/probabilities", file=sys.stderr)
            status = 1
    except OSError as error:
        print(f"live_view: {error.filename}: {error.strerror}", file=sys.stderr)
        status = 1
    leave(node)
    return status


if __name__ == "__main__":
    sys.exit(main())
