# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Small labelled recordings and data sets to train on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import parse_sensors
from obstacle_classifier.progress import Stage
from obstacle_classifier.training.dataset import Dataset, Shard, directly_follows
from obstacle_classifier.training.split import Split
from test.helpers.bags import write_bag
from test.helpers.messages import make_float32

START = 1_700_000_000 * 10**9
"""When the bags begin, in ns: an interval's end."""

FLOAT32 = "std_msgs/msg/Float32"

DOCUMENT: dict[str, Any] = {
    "interval": 0.1,
    "labels": ["near", "loud"],
    "sensors": {
        "distance": {
            "type": FLOAT32,
            "topic": "/distance",
            "statistics": ["last", "mean"],
            "timeout": 0.3,
            "required": True,
        },
        "noise": {"type": FLOAT32, "topic": "/noise", "statistics": ["last"], "timeout": 0.3},
    },
}
SENSORS = parse_sensors(DOCUMENT, "test")


def write_street(path: Path, seed: int = 0, seconds: float = 10.0, *, labels: str | None = None) -> Path:
    """A bag with both sensors at 20 Hz: something comes near for a second or is loud for half a second, at times.

    Args:
        path: Folder to make.
        seed: Of the events.
        seconds: Length.
        labels: Text of the label file in place of the truth.
    """
    rng = np.random.default_rng(seed)
    near, loud = (np.repeat(rng.random(int(seconds) * 2 // width + 1) < 0.4, 10 * width) for width in (2, 1))
    messages = []
    for step in range(round(seconds * 20)):
        time = START + step * 50_000_000
        distance = (1.0 if near[step] else 3.0) + 0.3 * rng.standard_normal()
        noise = (60.0 if loud[step] else 50.0) + 2.0 * rng.standard_normal()
        messages.append(("/distance", FLOAT32, time, make_float32(distance)))
        messages.append(("/noise", FLOAT32, time, make_float32(noise)))
    # Half an interval late, so that an interval's label is that of the samples before its end.
    rows = ["start,end,label\n"]
    for label, present in (("near", near), ("loud", loud)):
        rows += [
            f"{k / 2 + 0.05:.2f},{(k + 1) / 2 + 0.05:.2f},{label}\n"
            for k in range(round(seconds * 2))
            if present[10 * k]
        ]
    return write_bag(path, messages, labels="".join(rows) if labels is None else labels)


def make_dataset(
    bags: int = 6, rows: int = 40, seed: int = 0, columns: Sequence[str] = SENSORS.columns, c: int = 2
) -> Dataset:
    """Bags of `rows` intervals: every label is a rough function of the features, `missing` columns are 0."""
    rng = np.random.default_rng(seed)
    n = bags * rows
    X = rng.normal(5.0, 3.0, (n, len(columns)))
    X[:, [name.endswith(".missing") for name in columns]] = 0.0
    Y = (X - 5.0) @ rng.normal(size=(len(columns), c)) + rng.normal(size=(n, c)) > 0
    return Dataset(
        tuple(
            make_shard(f"bag_{index}", X[index * rows :][:rows], Y[index * rows :][:rows].astype(np.float32))
            for index in range(bags)
        )
    )


def make_shard(
    name: str, X: NDArray[np.float64], Y: NDArray[np.float32], unknown: NDArray[np.bool_] | None = None
) -> Shard:
    """A bag with an interval every 0.1 s."""
    times = np.arange(len(X), dtype=np.int64) * 10**8
    unknown = np.zeros(len(X), np.bool_) if unknown is None else unknown
    return Shard(name, "0" * 64, X, Y, times, unknown, directly_follows(times, unknown, 10**8))


def make_split(data: Dataset, validation: Collection[int] = (), test: Collection[int] = ()) -> Split:
    """Bags by index in the parts `validation` and `test`, all others in `train`."""
    part = [1 if index in validation else 2 if index in test else 0 for index in range(len(data))]
    parts = tuple(np.full(len(shard), own) for shard, own in zip(data, part, strict=True))
    return Split(data, ("train", "validation", "test"), parts)


class Recorder:
    """Progress that is kept.

    Attributes:
        stages: Name and total of each stage, in order.
        notes: The note of each step.
        lines: The lines reported outside steps.
    """

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.notes: list[str] = []
        self.lines: list[str] = []

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Stage]:
        self.stages.append((name, total))
        yield self

    def advance(self, note: str) -> None:
        self.notes.append(note)

    def say(self, line: str) -> None:
        self.lines.append(line)
