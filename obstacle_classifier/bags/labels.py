# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The labels of a recording over time, from `labels.csv` or from a topic."""

from __future__ import annotations

import csv
import io
import re
from bisect import bisect_right
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from obstacle_classifier.bags.find import SUFFIXES, bag_stem
from obstacle_classifier.errors import BagError, ConfigError
from obstacle_classifier.sensing import DecodeError, parse_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from obstacle_classifier.bags.reader import Bag

__all__ = ["LabelTrack", "NoLabelsError", "label_file", "label_names", "load_labels"]

IGNORE, UNKNOWN = "ignore", "unknown"
HEADER = ["start", "end", "label"]
STRING = "std_msgs/msg/String"
MAX_SECONDS = 10**9
"""Largest time in a label file, in s (32 years)."""

_SECONDS = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


class NoLabelsError(BagError):
    """A recording with neither a label file nor messages on the label topic."""


class LabelTrack:
    """The labels present at each time, a step function of time.

    Args:
        steps: (time in ns, labels present from then on or None for ignored time), in order of time.
        before: The labels before the first step.
    """

    def __init__(self, steps: Iterable[tuple[int, frozenset[str] | None]], before: frozenset[str] | None) -> None:
        self._times: list[int] = []
        self._states: list[frozenset[str] | None] = [before]
        for time, state in steps:
            if state != self._states[-1]:
                self._times.append(time)
                self._states.append(state)

    def at(self, time: int) -> frozenset[str] | None:
        """The labels present at a time in ns; None where training and scores ignore the time."""
        return self._states[bisect_right(self._times, time)]


def load_labels(bag: Bag, labels: Sequence[str], label_topic: str | None = None) -> LabelTrack:
    """The labels of a recording, from its label file (`label_file`) or else from the label topic.

    In a label file, a row `start,end,label` means that the label is present at t if start <= t < end, in seconds since
    `bag.start`. Digits beyond nanoseconds are rounded. On the label topic, a message at time s lists the labels present
    from s until the next message. A row and a pair of messages at the same times agree at every t.

    Time with the label `ignore` is ignored, whatever other labels are present. Time before the first message of the
    label topic is ignored too.

    Args:
        bag: The recording, open.
        labels: The labels of the sensors file.
        label_topic: A topic of `std_msgs/msg/String` with comma-separated labels.

    Raises:
        NoLabelsError: There is neither a label file nor a message on the topic.
        ConfigError: The label file is malformed or has an unknown label.
        BagError: A message of the topic is malformed or has an unknown label, or the start of the recording is lost
            and with it the origin of the label file's times.
    """
    file = label_file(bag.path)
    if file is not None:
        return _from_file(file, bag, labels)
    if label_topic is not None and label_topic in bag.topics:
        steps = list(_topic_steps(bag, labels, label_topic))
        if steps:
            return LabelTrack(steps, before=None)
    candidates = " or ".join(path.name for path in _candidates(bag.path))
    topic = "no label topic is configured" if label_topic is None else f"no message on the label topic {label_topic}"
    raise NoLabelsError(f"{bag.path}: no labels: no {candidates} beside it, and {topic}")


def label_file(bag: Path) -> Path | None:
    """The label file of a recording, None if it has none.

    For a folder it is `labels.csv` inside. For a file `x.mcap` it is `x.labels.csv` beside it, or else `labels.csv` if
    the folder holds no other recording.
    """
    return next((path for path in _candidates(bag) if path.is_file()), None)


def label_names(path: Path) -> tuple[str, ...]:
    """The labels in a label file in the order of their first rows, without `ignore`.

    Raises:
        ConfigError: The file is malformed.
    """
    return tuple(dict.fromkeys(label for _, _, label in _parse(path, None) if label != IGNORE))


def _candidates(bag: Path) -> list[Path]:
    if bag.is_dir():
        return [bag / "labels.csv"]
    own = bag.with_name(f"{bag_stem(bag)}.labels.csv")
    others = [
        path for path in bag.absolute().parent.iterdir() if path.name.endswith(SUFFIXES) and path.name != bag.name
    ]
    return [own] if others else [own, bag.with_name("labels.csv")]


def _from_file(path: Path, bag: Bag, labels: Sequence[str]) -> LabelTrack:
    rows = list(_parse(path, labels))
    if rows and bag.start_problem:
        raise BagError(
            f"{bag.path}: {bag.start_problem}; the times in {path.name} count from an unknown start, "
            "expected the whole recording or its metadata.yaml"
        )
    length = bag.end - bag.start
    if rows and not bag.problems and min(start for start, _, _ in rows) > length:
        raise ConfigError(
            f"{path}: found only times after the recording's end ({length / 1e9:g} s), "
            "expected seconds since the recording's earliest message"
        )
    changes: dict[int, list[tuple[str, int]]] = {}
    for start, end, label in rows:
        changes.setdefault(bag.start + start, []).append((label, 1))
        changes.setdefault(bag.start + end, []).append((label, -1))
    return LabelTrack(_count(changes), before=frozenset())


def _count(changes: dict[int, list[tuple[str, int]]]) -> Iterator[tuple[int, frozenset[str] | None]]:
    """The labels after each time at which rows start (+1) or end (-1)."""
    present: dict[str, int] = {}
    for time in sorted(changes):
        for label, change in changes[time]:
            present[label] = present.get(label, 0) + change
        state = frozenset(label for label, count in present.items() if count)
        yield time, None if IGNORE in state else state


def _parse(path: Path, labels: Sequence[str] | None) -> Iterator[tuple[int, int, str]]:
    """The rows of a label file: start and end in ns, label; of any label if `labels` is None."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: found bytes that are not UTF-8, expected UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = False
    try:
        for fields in reader:
            row = [field.strip() for field in fields]
            if not any(row) and len(row) < 2:
                continue
            where = f"{path}:{reader.line_num}"
            if not header:
                if row != HEADER:
                    raise ConfigError(f"{where}: found {','.join(row)!r}, expected the header 'start,end,label'")
                header = True
                continue
            if len(row) != len(HEADER):
                raise ConfigError(f"{where}: found {len(row)} columns, expected 3: start,end,label")
            start, end = _nanoseconds(row[0], f"{where}: start"), _nanoseconds(row[1], f"{where}: end")
            if end <= start:
                raise ConfigError(f"{where}: found end {row[1]}, expected more than the start {row[0]}")
            if labels is not None and row[2] != IGNORE and row[2] not in labels:
                raise ConfigError(f"{where}: {_unexpected(row[2], labels)}")
            yield start, end, row[2]
    except csv.Error as error:
        raise ConfigError(f"{path}:{reader.line_num}: found {error}, expected comma-separated values") from None
    if not header:
        raise ConfigError(f"{path}:1: found an empty file, expected the header 'start,end,label'")


def _nanoseconds(text: str, where: str) -> int:
    """Decimal seconds as whole nanoseconds; exact, since no binary fraction is involved."""
    if not _SECONDS.fullmatch(text):
        raise ConfigError(f"{where}: found {text!r}, expected a number of seconds")
    seconds = Decimal(text)
    if not 0 <= seconds <= MAX_SECONDS:
        raise ConfigError(f"{where}: found {text}, expected 0 to {MAX_SECONDS} seconds since the recording's start")
    return int((seconds * 10**9).to_integral_value(ROUND_HALF_EVEN))


def _topic_steps(bag: Bag, labels: Sequence[str], topic: str) -> Iterator[tuple[int, frozenset[str] | None]]:
    """The labels after each message of the label topic."""
    for _, time, data in bag.messages([topic], {topic: STRING}):
        where = f"{bag.path}: topic {topic}, message at {time} ns"
        try:
            text = str(parse_message(STRING, data)["data"])
        except DecodeError as error:
            raise BagError(f"{where}: {error}, expected comma-separated labels") from None
        present = frozenset(label for part in text.split(",") if (label := part.strip()))
        for label in sorted(present):
            if label != IGNORE and label not in labels:
                raise BagError(f"{where}: {_unexpected(label, labels)}")
        yield time, None if IGNORE in present else present


def _unexpected(label: str, labels: Sequence[str]) -> str:
    reserved = " (reserved)" if label == UNKNOWN else ""
    return f"found label {label!r}{reserved}, expected one of {', '.join(labels)} or {IGNORE}"
