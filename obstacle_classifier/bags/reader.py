# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A recording as one stream of messages, for every kind of file, whole or damaged."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from obstacle_classifier.bags.conversion import make_converter
from obstacle_classifier.bags.damage import DamageError
from obstacle_classifier.bags.find import EXPECTED, SUFFIXES, bag_name, bag_stem, natural_order, storage_files
from obstacle_classifier.bags.metadata import Metadata, load_metadata
from obstacle_classifier.bags.opener import Opener
from obstacle_classifier.bags.storage import Messages, Span, Storage, merge
from obstacle_classifier.errors import BagError
from obstacle_classifier.names import absolute_topic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from types import TracebackType

__all__ = ["Bag", "Topic"]


@dataclass(frozen=True)
class Topic:
    """A topic of a recording."""

    type: str
    """In ROS 2 form, `sensor_msgs/msg/Imu`; of several types, the one with the most messages."""
    count: int
    """Messages of that type, from the recording's index."""


class Bag:
    """A recording, open for reading: a rosbag2 folder, one of its files by itself, or a ROS 1 bag.

    Messages are streamed: memory does not depend on the length of the recording. Files that were compressed as a whole
    are first unpacked into a temporary folder, which `close` removes. Of a damaged recording all readable messages are
    read, and `problems` lists the rest. This class raises no error other than `BagError`.

    Args:
        path: The recording.

    Raises:
        BagError: There is no recording, or nothing in it can be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = bag_name(self.path)
        self._stack = ExitStack()
        self._closed = False
        self._problems: dict[str, None] = {}
        self._lost_beginning: str | None = None
        try:
            self._open()
        except OSError as error:
            self.close()
            raise BagError(f"{self.path}: {error.strerror or error}") from None
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Bag:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the files and remove the temporary folder."""
        self._closed = True
        self._stack.close()

    @property
    def problems(self) -> list[str]:
        """Parts that cannot be read or used, one line each with the reason; complete after all messages are read."""
        ours = [*self._problems, *self._opener.problems]
        return ours + [problem for storage in self._storages for problem in storage.problems]

    def report(self, problem: str) -> None:
        """Add a line to `problems`, once, that begins with the path of this recording."""
        self._problems[f"{self.path}: {problem}"] = None

    @property
    def start_problem(self) -> str | None:
        """The reason why the recording may have begun before `start`; None if its beginning is present."""
        return self._lost_beginning

    def unreadable(self, topic: str) -> str | None:
        """The reason why the messages of a topic's type in `topics` cannot be read; None if they can."""
        return self._types[topic][self.topics[topic].type]

    def definitions(self, topic: str) -> list[tuple[str, str]]:
        """Text and form of each definition that the files carry for a topic's type in `topics`.

        The form is `ros1msg`, `ros2msg` or `ros2idl`.
        """
        kind = self.topics[topic].type
        channels = [channel for storage in self._storages for channel in storage.channels.values()]
        found = {(c.definition, c.form): None for c in channels if (c.topic, c.type) == (topic, kind) and c.definition}
        return list(found)

    def recorded_name(self, topic: str) -> str | None:
        """The name under which a topic was recorded, None if it was not: ROS 1 recordings may lack the first slash.

        Args:
            topic: A name; a relative one such as `scan` counts as `/scan`.
        """
        absolute = absolute_topic(topic)
        return next((name for name in (absolute, absolute[1:]) if name in self.topics), None)

    def publishers(self, topic: str) -> int:
        """How many publishers of a topic the files tell apart, at least 1; rosbag2 merges them."""
        return max(sum(c.topic == topic for c in storage.channels.values()) for storage in self._storages)

    def messages(
        self,
        topics: Collection[str] | None = None,
        types: Mapping[str, str] | None = None,
        span: Span | None = None,
    ) -> Iterator[tuple[str, int, bytes]]:
        """The messages of some topics as (topic, receive time in ns, CDR bytes), by (time, topic, sequence).

        See `batches` for arguments and errors.
        """
        return self._each(self.batches(topics, types, span))

    def _each(self, batches: Iterator[Messages[bytes]]) -> Iterator[tuple[str, int, bytes]]:
        for messages in batches:
            for message in zip(messages.topics, messages.times, messages.data, strict=True):
                yield message
                self._check_open(" while being read")

    def batches(
        self,
        topics: Collection[str] | None = None,
        types: Mapping[str, str] | None = None,
        span: Span | None = None,
    ) -> Iterator[Messages[bytes]]:
        """The messages of some topics by (time, topic, sequence), about a MiB at a time.

        With `span`, only the parts of the files that overlap it are read, as far as the index tells, and messages that
        are missing are not reported as problems.

        Args:
            topics: Names of topics; None means all readable topics. Names that the recording lacks are skipped.
            types: Required type of a topic, by name; by default its type in `Bag.topics`.
            span: First receive time and the one after the last, in ns; None means the whole recording.

        Raises:
            BagError: A topic's type cannot be read or is not the required one, or the bag is closed.
        """
        self._check_open()
        wanted: set[tuple[str, str]] = set()
        for topic in self.topics if topics is None else topics:
            if topic not in self.topics:
                continue
            recorded = self._types[topic]
            expected = (types or {}).get(topic, self.topics[topic].type)
            if expected not in recorded:
                raise BagError(f"{self.path}: topic {topic}: found type {' and '.join(recorded)}, expected {expected}")
            if recorded[expected] is None:
                wanted.add((topic, expected))
            elif topics is not None:
                raise BagError(f"{self.path}: topic {topic} of type {expected!r} cannot be read: {recorded[expected]}")
        return self._stream(wanted, span)

    def sha256(self) -> str:
        """SHA-256 (hexadecimal) of the recording's content, for provenance.

        It covers the bytes of the storage files on disk, concatenated in the order of their names, and equals
        `cat FILES | sha256sum`. `metadata.yaml` and labels are not included.
        """
        digest = hashlib.sha256()
        try:
            for path in sorted(self._files, key=natural_order):
                with path.open("rb") as file:
                    while piece := file.read(2**20):
                        digest.update(piece)
        except OSError as error:
            raise BagError(f"{self.path}: {error.strerror or error}") from None
        return digest.hexdigest()

    # Opening

    def _open(self) -> None:
        metadata: Metadata | None = None
        self._storages: list[Storage] = []
        if self.path.is_dir():
            self._files, metadata = self._list_folder()
        elif not self.path.exists():
            raise BagError(f"{self.path}: no such file or folder, expected {EXPECTED}")
        elif self.path.name.endswith(SUFFIXES):
            self._files = [self.path]
        else:
            raise BagError(f"{self.path}: not a recording, expected {EXPECTED}")

        self._opener = self._stack.enter_context(Opener())
        unreadable: list[str] = []
        for index, path in enumerate(self._files):
            try:
                storage = self._opener.open(path)
            except (DamageError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) and error.strerror else error
                unreadable.append(f"{path}: {' '.join(str(reason).split())}")
                lost = True
            else:
                self._stack.callback(storage.close)
                self._storages.append(storage)
                lost = storage.headless
            if lost and index == 0:
                self._lost_beginning = f"the beginning of {path.name} cannot be read"

        spans = [storage.span for storage in self._storages if storage.span]
        if not spans:
            unreadable += [problem for storage in self._storages for problem in storage.problems]
            if unreadable or not self._storages:
                raise BagError("; ".join(unreadable))
        self._problems.update(dict.fromkeys(unreadable))
        self.start = min((first for first, _ in spans), default=0)
        """Earliest receive time in ns over all topics; 0 without any message."""
        self.end = max((last for _, last in spans), default=0)
        """Latest receive time in ns over all topics; 0 without any message."""
        self._read_topics()
        if metadata is not None:
            self._compare(metadata)

    def _list_folder(self) -> tuple[list[Path], Metadata | None]:
        """The storage files to read, in order, and the folder's metadata if it is readable.

        Files that the metadata does not name are read only if a named file is missing, as after renaming.
        """
        present = storage_files(self.path)
        path = self.path / "metadata.yaml"
        metadata: Metadata | None = None
        if not path.exists():
            self._problems[f"{path}: missing"] = None
        else:
            try:
                metadata = load_metadata(path)
            except (DamageError, OSError) as error:
                self._problems[f"{path}: {error}"] = None
        if metadata is None:
            if not present:
                raise BagError(f"{self.path}: no recording there, expected {EXPECTED}")
            self._check_numbering(present)
            return present, None
        named = [self.path / name for name in dict.fromkeys(metadata.files)]
        missing = [path for path in named if not path.is_file()]
        for gone in missing:
            self._problems[f"{gone}: missing, though metadata.yaml names it"] = None
        others = [path for path in present if path not in named]
        if not missing:
            for path in others:
                self._problems[f"{path}: not read, since metadata.yaml does not name it"] = None
            others = []
        files = [path for path in named if path not in missing] + others
        if not files:
            raise BagError(f"{named[0] if named else self.path}: missing, and the folder holds no other storage file")
        if missing and named[0] == missing[0] and not others:
            self._lost_beginning = f"{named[0].name} is missing"
        return files, metadata

    def _check_numbering(self, files: list[Path]) -> None:
        """Report parts of a split recording that are missing from the numbering of its files."""
        parts = [bag_stem(path).rpartition("_") for path in files]
        if len(files) < 2 or len({name for name, _, _ in parts}) > 1 or not all(n.isdecimal() for _, _, n in parts):
            return
        numbers = {int(number) for _, _, number in parts}
        if max(numbers) >= 10 * len(files):  # a date or the like
            return
        for number in sorted(set(range(max(numbers))) - numbers):
            self._problems[f"{self.path}: part {number} of the recording seems to be missing"] = None
            if number == 0:
                self._lost_beginning = "its part 0 seems to be missing"

    def _read_topics(self) -> None:
        """Fill `topics`, and for each topic and type the reason why it cannot be read (None if it can)."""
        counts: dict[str, dict[str, int]] = {}
        self._types: dict[str, dict[str, str | None]] = {}
        for storage in self._storages:
            for key, channel in storage.channels.items():
                types = counts.setdefault(channel.topic, {})
                types[channel.type] = types.get(channel.type, 0) + storage.counts.get(key, 0)
                try:
                    make_converter(channel.type, channel.encoding, channel.definition)
                    reason = None
                except DamageError as error:
                    reason = str(error)
                reasons = self._types.setdefault(channel.topic, {})
                reasons[channel.type] = reason and reasons.get(channel.type, reason)
        self.topics: dict[str, Topic] = {}
        for topic, types in sorted(counts.items()):
            kind = min(types, key=lambda name: (-types[name], name))
            self.topics[topic] = Topic(kind, types[kind])
            if len(types) > 1:
                listed = ", ".join(f"{name!r} ({count})" for name, count in sorted(types.items()))
                self._problems[f"{self.path}: topic {topic} was recorded with several types: {listed}"] = None

    def _compare(self, metadata: Metadata) -> None:
        """Compare the metadata with the files, and take the start from it if the first file is lost."""
        count = sum(sum(storage.counts.values()) for storage in self._storages)
        if metadata.count != count:
            self._problems[
                f"{self.path / 'metadata.yaml'}: it promises {metadata.count} messages, the files hold {count}"
            ] = None
        if self._lost_beginning and metadata.start <= self.start <= metadata.start + metadata.duration:
            self.start = metadata.start
            self._lost_beginning = None

    # Reading

    def _check_open(self, when: str = "") -> None:
        if self._closed:
            raise BagError(f"{self.path}: closed{when}")

    def _stream(self, wanted: Collection[tuple[str, str]], span: Span | None) -> Iterator[Messages[bytes]]:
        sources = [
            (storage.span[0], partial(storage.batches, wanted, span))
            for storage in self._storages
            if storage.span and (span is None or (storage.span[0] < span[1] and span[0] <= storage.span[1]))
        ]
        latest: tuple[int, str] = (-(2**63), "")
        late = 0
        left = Counter(dict.fromkeys((topic for topic, _ in wanted), 0))
        for storage in self._storages:
            for key, channel in storage.channels.items():
                if channel[:2] in wanted:
                    left[channel.topic] += storage.counts.get(key, 0)
        for found in merge(sources):
            messages = _later(found, latest)
            late += len(found.times) - len(messages.times)
            if messages.times:
                latest = (messages.times[-1], messages.topics[-1])
                left.subtract(messages.topics)
                yield messages
                self._check_open(" while being read")
        self._check_open(" while being read")
        if span is not None:
            return
        for topic, count in left.items():
            if count > 0:
                self._problems[f"{self.path}: topic {topic}: {count} of its messages could not be read"] = None
        if late:
            self._problems[f"{self.path}: {late} messages left out, since the index gives wrong times for them"] = None


def _later(messages: Messages[bytes], latest: tuple[int, str]) -> Messages[bytes]:
    """The messages without those before their predecessors, as a file gives them whose index has wrong times."""
    if (messages.times[0], messages.topics[0]) >= latest and messages.times == sorted(messages.times):
        return messages
    kept = []
    for place, key in enumerate(zip(messages.times, messages.topics, strict=True)):
        if key >= latest:
            latest = key
            kept.append(place)
    topics, times, data = messages.topics, messages.times, messages.data
    return Messages([topics[i] for i in kept], [times[i] for i in kept], [data[i] for i in kept])
