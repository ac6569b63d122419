# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The label file of one recording: read once, written at every change, never over somebody else's change."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Sequence
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from obstacle_classifier.bags.label_file import IGNORE, LabelRows, label_text, read_label_file
from obstacle_classifier.bags.labels import label_file, new_label_file, topic_rows
from obstacle_classifier.bags.reader import Bag
from obstacle_classifier.errors import ObstacleClassifierError
from obstacle_classifier.files import write_atomically
from obstacle_classifier.labelling import tracks
from obstacle_classifier.labelling.document import Document, Grid, tracks_of
from obstacle_classifier.labelling.tracks import Track

__all__ = ["ChangedElsewhereError", "LabelStore"]

_NO_LOCKS = {errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}
_UNLABELLED = re.compile(r"#\s*unlabelled:\s*([0-9.]+)\s+([0-9.]+)\s*")
_REJECTED = re.compile(r"#\s*not (\w+):\s*([0-9.]+)\s+([0-9.]+)\s*")
_ORIGIN = re.compile(r"#\s*origin:.*")


class ChangedElsewhereError(ObstacleClassifierError):
    """Another program changed the label file after it was read here."""


class LabelStore:
    """The label file of a recording.

    A stretch that nobody has labelled yet is a row of `ignore`, so that training leaves it out, and a comment
    `# unlabelled: START END`, by which the page tells it from a stretch that a person ignores. `# not LABEL: START END`
    is a proposal that a person rejected. Other comments are kept.

    Args:
        bag: The recording, open.
        labels: The labels of the sensors file.
        interval: Step of the sensors file in ns.
        label_topic: Topic of recorded labels. They are the first labels if there is no label file.
    """

    def __init__(self, bag: Bag, labels: Sequence[str], interval: int, label_topic: str | None = None) -> None:
        self._bag, self._labels, self._topic = bag, (*labels, IGNORE), label_topic
        self._grid = Grid(interval, bag.start)
        self.path = label_file(bag.path) or new_label_file(bag.path)
        self._origin: int | None = bag.start
        self._absolute = False
        self._comments: tuple[str, ...] = ()
        self._seen: tuple[tuple[int, int, int] | None, str] = (None, "")
        self._lock: int | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a label file."""
        return self.path.is_file()

    @property
    def shift(self) -> float:
        """By how many seconds the recording begins later than the one that the label file was written for."""
        return 0.0 if self._origin is None else (self._bag.start - self._origin) / 1e9

    def load(self) -> Document:
        """Read the labels.

        Without a label file they come from the label topic, if it has messages; else the whole recording is not
        labelled yet.

        Raises:
            ConfigError: The label file is malformed.
            BagError: A message of the label topic is malformed.
        """
        duration = self._bag.end - self._bag.start + 1  # the last message is part of it
        document = Document(duration, self._grid, tracks_of((), self._labels))
        self._origin, self._absolute, self._comments = self._bag.start, False, ()
        self._seen = self._look()
        if not self.exists:
            rows = topic_rows(self._bag, self._topic) if self._topic else []
            if rows:
                start = self._bag.start
                document.tracks = tracks_of([(a - start, b - start, label) for a, b, label in rows], self._labels)
            else:
                document.unlabelled = ((0, duration),)
            return document
        content = read_label_file(self.path)
        offset = self._bag.start if content.absolute else 0
        document.tracks = tracks_of([(a - offset, b - offset, label) for a, b, label in content.rows], self._labels)
        self._origin, self._absolute = content.origin, content.absolute
        self._read_comments(document)
        for each in document.unlabelled:
            document.tracks[IGNORE] = tracks.erase(document.tracks[IGNORE], each)
        return document

    def save(self, document: Document) -> None:
        """Write the labels, completely or not at all.

        Raises:
            ChangedElsewhereError: The file is not the one that was read or written here last.
            OSError: It cannot be written.
        """
        if self.changed_elsewhere():
            raise ChangedElsewhereError(f"{self.path}: changed by another program since it was read")
        self.overwrite(document)

    def overwrite(self, document: Document) -> None:
        """Write the labels over whatever is there.

        Raises:
            OSError: It cannot be written.
        """
        write_atomically(self.path, self.text(document).encode())
        self._seen = self._look()

    def changed_elsewhere(self) -> bool:
        """Whether the file is another one than was read or written here last."""
        stamp = _stamp(self.path)
        return stamp != self._seen[0] and self._look()[1] != self._seen[1]

    def text(self, document: Document) -> str:
        """The label file of a document."""
        offset = self._bag.start if self._absolute else 0
        ignored = [(start, end, IGNORE) for start, end in document.unlabelled]
        rows = tuple(
            (start + offset, end + offset, label) for start, end, label in sorted([*document.rows(), *ignored])
        )
        comments = [
            *self._comments,
            *(f"# unlabelled: {_seconds(start)} {_seconds(end)}" for start, end in document.unlabelled),
            *(
                f"# not {label}: {_seconds(start)} {_seconds(end)}"
                for label, track in document.rejected.items()
                for start, end in track
            ),
        ]
        return label_text(LabelRows(rows, self._absolute, self._origin), comments)

    # Lock

    def lock(self) -> bool:
        """Take the right to write; False if another page or program has it. It ends with `unlock` or this process.

        The recording itself is locked, so no file is left behind. Where the file system has no locks, it is taken.
        """
        if self._lock is not None:
            return True
        descriptor = os.open(self._bag.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                os.close(descriptor)
                return False
        self._lock = descriptor
        return True

    def unlock(self) -> None:
        """Give the right to write back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _look(self) -> tuple[tuple[int, int, int] | None, str]:
        """Stamp and digest of the file as it is now."""
        stamp = _stamp(self.path)
        return stamp, sha256(self.path.read_bytes()).hexdigest() if stamp else ""

    def _read_comments(self, document: Document) -> None:
        kept = []
        unlabelled: list[tuple[int, int]] = []
        rejected: dict[str, Track] = {}
        for line in self.path.read_text(encoding="utf-8-sig").splitlines():
            if not line.startswith("#") or _ORIGIN.fullmatch(line):
                continue
            if found := _UNLABELLED.fullmatch(line):
                unlabelled.append(_interval(found[1], found[2]))
            elif found := _REJECTED.fullmatch(line):
                rejected[found[1]] = tracks.add(rejected.get(found[1], ()), _interval(found[2], found[3]))
            else:
                kept.append(line)
        self._comments, document.rejected = tuple(kept), rejected
        document.unlabelled = tracks.union(unlabelled)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Inode, size and time of change of a file; None without one."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _seconds(time: int) -> str:
    """Nanoseconds as decimal seconds."""
    return f"{time // 10**9}.{time % 10**9:09d}"


def _interval(start: str, end: str) -> tuple[int, int]:
    """Start and end in ns from decimal seconds."""
    return round(Decimal(start) * 10**9), round(Decimal(end) * 10**9)
