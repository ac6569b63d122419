# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Drives recorded as labelled rosbag2 bags."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rosbags.rosbag2 import StoragePlugin, Writer

from obstacle_classifier.errors import BagError
from obstacle_classifier.progress import Progress
from obstacle_classifier.sensing import parse_message
from obstacle_classifier.simulation.messages import Message, typestore
from obstacle_classifier.simulation.scenario import LABELS, Scenario
from obstacle_classifier.simulation.simulation import Simulation, Snapshot

__all__ = ["simulate", "snapshots"]

_STORAGE = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}


def simulate(
    scenario: Scenario,
    path: Path,
    duration: float | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Record a drive as the bag `path`, a folder with `labels.csv` in it. The bag appears complete or not at all.

    Args:
        scenario: The drive.
        path: Folder to create; missing folders above it are created too.
        duration: Seconds; overrides the scenario.
        seed: Overrides the scenario.
        progress: Gets one step per simulated second.

    Returns:
        `path`.

    Raises:
        ConfigError: `duration` or `seed` is out of range.
        BagError: `path` exists already, or the folders above it cannot be created.
    """
    scenario = scenario.override(duration, seed)
    if path.exists():
        raise BagError(f"{path}: exists already, expected the name of a new bag")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BagError(f"{path}: folder {path.parent} cannot be created: {error.strerror}") from None
    temp_dir = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    try:
        bag = temp_dir / path.name
        _write(scenario, bag, progress)
        bag.rename(path)
    finally:
        shutil.rmtree(temp_dir, ignore_errors=True)
    return path


def snapshots(scenario: Scenario, period: float = 0.2) -> Iterator[Snapshot]:
    """Views from above, every `period` seconds, of the drive that `simulate` would record."""
    simulation = Simulation(scenario)
    due = simulation.start
    for message in simulation.messages():
        if message.time >= due and message.topic == scenario.label_topic:
            due += round(period * 1e9)
            yield simulation.snapshot()


def _write(scenario: Scenario, path: Path, progress: Progress | None) -> None:
    simulation = Simulation(scenario)
    labels = _Labels(simulation.start, round(1e9 / scenario.corridor.rate))
    with Writer(path, version=9, storage_plugin=_STORAGE[scenario.storage]) as writer:
        connections = {
            topic: writer.add_connection(topic, kind, typestore=typestore())
            for topic, kind in simulation.topics.items()
        }
        for message in _with_progress(simulation, progress):
            writer.write(connections[message.topic], message.time, message.data)
            if message.topic == scenario.label_topic:
                labels.add(message)
    (path / "labels.csv").write_text(labels.text(), encoding="utf-8")


def _with_progress(simulation: Simulation, progress: Progress | None) -> Iterator[Message]:
    if progress is None:
        yield from simulation.messages()
        return
    seconds = max(1, int(simulation.scenario.duration))
    done = 0
    with progress.stage("seconds", seconds) as stage:
        for message in simulation.messages():
            yield message
            while done < seconds and message.time - simulation.start >= (done + 1) * 10**9:
                done += 1
                stage.advance(", ".join(simulation.truth) or "no obstacle")
        while done < seconds:
            done += 1
            stage.advance("done")


class _Labels:
    """The messages on the label topic, converted to the rows of a label file."""

    def __init__(self, start: int, period: int) -> None:
        self._start, self._period, self._end = start, period, start
        self._since: dict[str, int] = {}
        self._rows: list[tuple[int, int, str]] = []

    def add(self, message: Message) -> None:
        """Add a message of the label topic."""
        text = str(parse_message(message.type, message.data)["data"])
        present = set(text.split(",")) if text else set()
        for label in LABELS:
            if label in present:
                self._since.setdefault(label, message.time)
            elif label in self._since:
                self._rows.append((self._since.pop(label), message.time, label))
        self._end = message.time

    def text(self) -> str:
        """The label file. Labels present in the last message end one message period later."""
        last = [(since, self._end + self._period, label) for label, since in self._since.items()]
        rows = sorted([*self._rows, *last])
        lines = [f"{self._seconds(start)},{self._seconds(end)},{label}\n" for start, end, label in rows]
        return f"start,end,label\n# origin: {self._start}\n" + "".join(lines)

    def _seconds(self, time: int) -> str:
        whole, part = divmod(time - self._start, 10**9)
        return f"{whole}.{part:09d}"
