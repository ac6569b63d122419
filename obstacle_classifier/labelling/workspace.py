# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The recordings on the page: how far each is labelled, what the model says of it, and which comes next."""

from __future__ import annotations

import asyncio
import csv
import os
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from obstacle_classifier.bags.find import bag_names
from obstacle_classifier.bags.reader import Bag
from obstacle_classifier.errors import ConfigError, ObstacleClassifierError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.labelling import tracks
from obstacle_classifier.labelling.document import Document
from obstacle_classifier.labelling.opinion import Opinion
from obstacle_classifier.labelling.store import LabelStore
from obstacle_classifier.labelling.tracks import Track
from obstacle_classifier.model import Model

__all__ = ["Recording", "Workspace", "ask_model", "next_recording"]

_T = TypeVar("_T")


@dataclass
class Recording:
    """A recording on the page.

    Attributes:
        number: Its place in the list.
        path: Its path.
        name: Its name on the page.
        duration: Length in ns; 0 until it was looked at.
        start: Earliest receive time in ns.
        problem: Why it cannot be labelled, or None.
        exists: Whether it has a label file.
        share: Share of its time that is labelled.
        unlabelled: Times that are not.
        seconds: Seconds of each label.
        opinion: What the model says; None without one.
        thinking: Whether the model is at work on it.
    """

    number: int
    path: Path
    name: str
    duration: int = 0
    start: int = 0
    problem: str | None = None
    exists: bool = False
    share: float = 0.0
    unlabelled: Track = ()
    seconds: dict[str, float] = field(default_factory=dict)
    opinion: Opinion | None = None
    thinking: bool = False

    @property
    def doubt(self) -> float | None:
        """Doubtful seconds a minute in the time that is not labelled, or in all of it; None without an opinion."""
        if self.opinion is None:
            return None
        return self.opinion.doubt_per_minute(self.unlabelled or ((0, self.duration),))

    def show(self, document: Document, exists: bool) -> None:
        """Take the state of its labels."""
        self.exists = exists
        self.share = document.labelled_share if exists else 0.0
        self.unlabelled = document.unlabelled if exists else ((0, self.duration),)
        self.seconds = {label: tracks.length(track) / 1e9 for label, track in document.tracks.items()}


class Workspace:
    """The recordings of one run of the page.

    Args:
        paths: The recordings; nothing else is read or written, but for the label files beside them and the model.
        sensors: The sensors file.
        model_path: The model file, which need not exist yet; None if there is to be none.

    Attributes:
        recordings: In the order of the page.
        model: The model whose opinion is shown; None without a model file.
    """

    def __init__(self, paths: list[Path], sensors: SensorsConfig, model_path: Path | None) -> None:
        self.sensors = sensors
        self.model_path = model_path
        self.recordings = [
            Recording(n, path, name) for n, (path, name) in enumerate(zip(paths, bag_names(paths), strict=True))
        ]
        self.model: Model | None = None
        self._executor = ThreadPoolExecutor(1, "glance")
        if model_path is not None and model_path.exists():
            self.use(model_path)

    def use(self, path: Path) -> None:
        """Ask another model from now on.

        Raises:
            ModelError: The file is not a usable model.
            ConfigError: The model has none of the labels of the sensors file.
        """
        model = Model.load(path)
        if not set(model.labels) & set(self.sensors.labels):
            raise ConfigError(
                f"{path}: found labels {', '.join(model.labels)}, expected some of {', '.join(self.sensors.labels)}"
            )
        self.model = model
        for recording in self.recordings:
            recording.opinion = None

    async def glance(self, recording: Recording) -> None:
        """Look at the index and the labels of a recording; a problem is told in `problem`."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._glance, recording)

    def _glance(self, recording: Recording) -> None:
        try:
            with Bag(recording.path) as bag:
                recording.start, recording.duration = bag.start, bag.end - bag.start + 1
                store = LabelStore(bag, self.sensors.labels, self.sensors.interval, self.sensors.label_topic)
                recording.show(store.load(), store.exists)
                recording.problem = None
        except ObstacleClassifierError as error:
            recording.problem = str(error)

    async def think(self, recording: Recording, path: Path) -> None:
        """Ask the model in a file about a recording, in a process of its own; a failure is told in `problem`."""
        model = self.model
        if model is None or recording.problem:
            return
        recording.thinking = True
        try:
            opinion = await ask_model(model, path, recording.path, recording.start)
            if self.model is model:
                recording.opinion = opinion
        except ObstacleClassifierError as error:
            recording.problem = str(error)
        finally:
            recording.thinking = False

    def least_covered(self) -> str:
        """The label with the fewest labelled seconds in all recordings."""
        return min(self.sensors.labels, key=lambda label: sum(each.seconds.get(label, 0.0) for each in self.recordings))

    def suggestion(self) -> tuple[Recording, str] | None:
        """The recording to label next, and why; None if all are labelled."""
        return next_recording(self.recordings, self.least_covered())


def next_recording(recordings: Iterable[Recording], label: str) -> tuple[Recording, str] | None:
    """The recording to label next: with the most doubt, and the most of a label, in the time that is not labelled.

    Doubt counts as the share of that time that is doubtful; the label counts by its mean probability. Without a model,
    the one that is labelled least comes next.

    Args:
        recordings: To choose from; those without time that is not labelled are done.
        label: The label of which there is least so far.
    """
    left = [each for each in recordings if each.unlabelled and not each.problem]
    if not left:
        return None
    judged = [each for each in left if each.opinion is not None]
    if not judged:
        chosen = min(left, key=lambda each: each.share)
        return chosen, "labelled least"

    def worth(each: Recording) -> float:
        assert each.opinion is not None
        return (each.doubt or 0.0) / 60.0 + each.opinion.expected(label, each.unlabelled)

    chosen = max(judged, key=worth)
    return chosen, f"{chosen.doubt:.0f} doubtful s a minute; {label}, the least labelled, may be in it"


async def ask_model(model: Model, model_path: Path, bag: Path, start: int) -> Opinion:
    """The opinion of a model about a recording.

    The command `predict` gives it, as a process: the page stays quick, and the numbers are the node's.

    Args:
        model: The model, loaded.
        model_path: Its file.
        bag: The recording.
        start: Its earliest receive time in ns.

    Raises:
        ConfigError: The command failed; the message is its last line.
    """
    with tempfile.TemporaryDirectory(prefix="obstacle_classifier_") as folder:
        table = Path(folder, "p.csv")
        spread = ["--spread"] if model.predictor().spread() is not None else []
        await run("predict", "--model", model_path, "--bag", bag, "--output", table, *spread)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, _read_opinion, model, table, start)


def _read_opinion(model: Model, table: Path, start: int) -> Opinion:
    """The opinion in a table of `predict`."""
    with table.open(newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    count = len(model.labels)
    ends = np.array([int(row[0]) for row in rows], np.int64) - start
    values = np.array([[float(value) for value in row[1:]] for row in rows], np.float32)
    spread = values[:, count:] if values.shape[1] > count else None
    return Opinion(ends, values[:, :count], spread, model.labels, model.rules, model.sensors.interval)


async def run(command: str, *arguments: object) -> str:
    """Run a command of the package as a process with low priority; returns what it printed.

    Raises:
        ConfigError: It failed; the message is its last line.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "obstacle_classifier.cli",
        command,
        *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=_be_nice,
    )
    try:
        printed, problems = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
    if process.returncode:
        lines = problems.decode(errors="replace").strip().splitlines() or [f"{command} ended with {process.returncode}"]
        raise ConfigError(lines[-1].removeprefix("obstacle_classifier: "))
    return printed.decode(errors="replace")


def _be_nice() -> None:
    os.nice(10)
