# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The labels of a recording over time, from `labels.csv` or from a topic."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

from obstacle_classifier.bags.find import SUFFIXES, bag_stem
from obstacle_classifier.bags.label_file import IGNORE, LabelRows, read_label_file, unexpected
from obstacle_classifier.errors import BagError, ConfigError
from obstacle_classifier.sensing import STRING_NAME, DecodeError, parse_string

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from obstacle_classifier.bags.reader import Bag

__all__ = ["LabelTrack", "NoLabelsError", "absolute_rows", "label_file", "load_labels", "new_label_file", "topic_rows"]


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


def load_labels(
    bag: Bag, labels: Sequence[str], label_topic: str | None = None, other_labels: str = "refuse"
) -> LabelTrack:
    """The labels of a recording, from its label file (`label_file`) or else from the label topic.

    In a label file, a row `start,end,label` means that the label is present at t if start <= t < end, in seconds since
    `bag.start`; with the header `start_time,end_time,label`, in seconds since 1970 or as ISO 8601. Digits beyond
    nanoseconds are rounded. A comment `# origin: <ns>` that differs from `bag.start` becomes a problem of the bag.

    On the label topic, a message at time s lists the labels present from s until the next message. A row and a pair of
    messages at the same times agree at every t.

    Time with the label `ignore` is ignored, whatever other labels are present. Time before the first message of the
    label topic is ignored too.

    Args:
        bag: The recording, open.
        labels: The labels of the sensors file.
        label_topic: A topic of `std_msgs/msg/String` with comma-separated labels.
        other_labels: One of `refuse`, `absent` and `ignore`.

    Raises:
        NoLabelsError: There is neither a label file nor a message on the topic.
        ConfigError: The label file is malformed or has an unknown label.
        BagError: A message of the topic is malformed or has an unknown label, or the start of the recording is lost
            and with it the origin of the label file's times.
    """
    file = label_file(bag.path)
    if file is not None:
        return _from_file(file, bag, labels, other_labels)
    recorded = None if label_topic is None else bag.recorded_name(label_topic)
    if recorded is not None:
        steps = list(_topic_steps(bag, labels, recorded, other_labels))
        if steps:
            return LabelTrack(steps, before=None)
    raise _no_labels(bag, label_topic)


def label_file(bag: Path) -> Path | None:
    """The label file of a recording, None if it has none.

    For a folder it is `labels.csv` inside. For a file `x.mcap` it is `x.labels.csv` beside it, or else `labels.csv` if
    the folder holds no other recording.
    """
    return next((path for path in _candidates(bag) if path.is_file()), None)


def new_label_file(bag: Path) -> Path:
    """Where to write the label file of a recording that has none."""
    return _candidates(bag)[0]


def absolute_rows(bag: Bag, label_topic: str | None = None) -> list[tuple[int, int, str]]:
    """Start and end in ns since the epoch, and label, of each row of a recording's label file, or of the label topic.

    Raises:
        NoLabelsError: There is neither a label file nor a message on the topic.
        ConfigError: The label file is malformed.
        BagError: A message of the topic is malformed, or the start of the recording is lost and with it the origin of
            the label file's times.
    """
    file = label_file(bag.path)
    if file is not None:
        return _clock_rows(file, bag, read_label_file(file))
    rows = [] if label_topic is None else topic_rows(bag, label_topic)
    if not rows:
        raise _no_labels(bag, label_topic)
    return rows


def topic_rows(bag: Bag, topic: str) -> list[tuple[int, int, str]]:
    """Start and end in ns since the epoch, and label, of each stretch with a label on a label topic.

    Time before the first message has the label `ignore`. Labels of the last message end with the recording.

    Returns:
        Rows in order of their starts; none if the recording has no message on the topic.

    Raises:
        BagError: A message is malformed.
    """
    since: dict[str, int] = {IGNORE: bag.start}
    rows: list[tuple[int, int, str]] = []
    found = False
    for _, time, data in bag.messages([topic], {topic: STRING_NAME}) if topic in bag.topics else ():
        found = True
        try:
            present = set(label_words(data))
        except DecodeError as error:
            where = f"{bag.path}: topic {topic}, message at {time} ns"
            raise BagError(f"{where}: {error}, expected comma-separated labels") from None
        rows += [(since.pop(label), time, label) for label in sorted(set(since) - present)]
        since |= dict.fromkeys(present - set(since), time)
    if not found:
        return []
    rows += [(start, bag.end + 1, label) for label, start in since.items()]
    return sorted(row for row in rows if row[1] > row[0])


def _no_labels(bag: Bag, label_topic: str | None) -> NoLabelsError:
    candidates = " or ".join(path.name for path in _candidates(bag.path))
    topic = "no label topic is configured" if label_topic is None else f"no message on the label topic {label_topic}"
    return NoLabelsError(f"{bag.path}: no labels: no {candidates} beside it, and {topic}")


def _candidates(bag: Path) -> list[Path]:
    if bag.is_dir():
        return [bag / "labels.csv"]
    own = bag.with_name(f"{bag_stem(bag)}.labels.csv")
    others = [
        path for path in bag.absolute().parent.iterdir() if path.name.endswith(SUFFIXES) and path.name != bag.name
    ]
    return [own] if others else [own, bag.with_name("labels.csv")]


def _from_file(path: Path, bag: Bag, labels: Sequence[str], other_labels: str) -> LabelTrack:
    content = read_label_file(path, labels if other_labels == "refuse" else None)
    rows = [(start, end, kept) for start, end, label in content.rows if (kept := _keep(label, labels, other_labels))]
    return _track(_clock_rows(path, bag, replace(content, rows=tuple(rows))))


def _clock_rows(path: Path, bag: Bag, content: LabelRows) -> list[tuple[int, int, str]]:
    """The rows of a label file with their times in ns since the epoch."""
    rows = content.rows
    if content.absolute:
        if rows and not any(start <= bag.end and end > bag.start for start, end, _ in rows) and not bag.problems:
            raise ConfigError(
                f"{path}: found only times outside the recording, expected some from {bag.start / 1e9:.3f} "
                f"to {bag.end / 1e9:.3f} s since 1970"
            )
        return list(rows)
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
    if content.origin is not None and content.origin != bag.start and rows:
        shift = (bag.start - content.origin) / 1e9
        bag.report(
            f"the times in {path.name} count from {content.origin} ns, the recording begins {shift:+.3f} s from there: "
            "its labels are shifted by as much"
        )
    return [(bag.start + start, bag.start + end, label) for start, end, label in rows]


def _keep(label: str, labels: Sequence[str], other_labels: str) -> str | None:
    """The label that a recorded label counts as; None if it is left out."""
    if label == IGNORE or label in labels or other_labels == "refuse":
        return label
    return IGNORE if other_labels == "ignore" else None


def _track(rows: Iterable[tuple[int, int, str]]) -> LabelTrack:
    """The labels of rows of start and end in ns and label."""
    changes: dict[int, list[tuple[str, int]]] = {}
    for start, end, label in rows:
        changes.setdefault(start, []).append((label, 1))
        changes.setdefault(end, []).append((label, -1))
    return LabelTrack(_count(changes), before=frozenset())


def _count(changes: dict[int, list[tuple[str, int]]]) -> Iterator[tuple[int, frozenset[str] | None]]:
    """The labels after each time at which rows start (+1) or end (-1)."""
    present: dict[str, int] = {}
    for time in sorted(changes):
        for label, change in changes[time]:
            present[label] = present.get(label, 0) + change
        state = frozenset(label for label, count in present.items() if count)
        yield time, None if IGNORE in state else state


def label_words(data: bytes) -> list[str]:
    """The comma-separated words of a message of a label topic.

    Raises:
        DecodeError: The bytes are not a String.
    """
    return [word for part in parse_string(data).split(",") if (word := part.strip())]


def _topic_steps(
    bag: Bag, labels: Sequence[str], topic: str, other_labels: str
) -> Iterator[tuple[int, frozenset[str] | None]]:
    """The labels after each message of the label topic."""
    for _, time, data in bag.messages([topic], {topic: STRING_NAME}):
        where = f"{bag.path}: topic {topic}, message at {time} ns"
        try:
            words = label_words(data)
        except DecodeError as error:
            raise BagError(f"{where}: {error}, expected comma-separated labels") from None
        present = frozenset(kept for word in words if (kept := _keep(word, labels, other_labels)))
        for label in sorted(present):
            if label != IGNORE and label not in labels:
                raise BagError(f"{where}: {unexpected(label, labels)}")
        yield time, None if IGNORE in present else present
