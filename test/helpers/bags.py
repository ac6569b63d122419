# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Write small recordings of every kind, and damage them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

__all__ = ["DATA", "cdr", "corrupt", "drives", "flip", "string", "truncate", "write_bag"]

DATA = (Path(__file__).parents[3] / "shared" / "data").resolve()
"""Folder of the real recordings; not present on every machine."""

START = 1_700_000_000_000_000_000
"""First receive time of the bags of `drives`, in ns."""

FOREIGN = "foreign_msgs/msg/Thing"
"""A message type without a known definition."""

Message = tuple[str, str, int, bytes]
"""Topic, type, receive time in ns, CDR bytes."""


@cache
def _store(version: int) -> Typestore:
    return get_typestore(Stores.ROS2_JAZZY if version == 2 else Stores.ROS1_NOETIC)


@cache
def _ros1_to_ros2() -> Typestore:
    """ROS 1 types with a Header without `seq`, as rosbags' conversion requires."""
    store = get_typestore(Stores.EMPTY)
    header = "std_msgs/msg/Header"
    store.register({**_store(1).fielddefs, header: _store(2).fielddefs[header]})
    return store


def cdr(type_name: str, **fields: Any) -> bytes:
    """A message as little-endian CDR. All fields are given by name, nested messages as dicts."""
    store = _store(2)

    def build(name: str, values: dict[str, Any]) -> Any:
        definitions = dict(store.get_msgdef(name).fields)
        made = {}
        for key, value in values.items():
            nested = definitions[key][1]
            made[key] = build(str(nested), value) if isinstance(value, dict) else value
        return store.types[name](**made)

    return bytes(store.serialize_cdr(build(type_name, fields), type_name))


def string(text: str) -> bytes:
    """A `std_msgs/msg/String` as CDR."""
    return cdr("std_msgs/msg/String", data=text)


def drives(count: int = 100, *, size: int = 20, step: int = 10_000_000) -> list[Message]:
    """Messages of two Strings and a Float32, some at equal times, in recorded order.

    Args:
        count: Number of messages.
        size: Characters of each String.
        step: Time between messages in ns; every fifth has the time of the message before it.
    """
    messages: list[Message] = []
    for i in range(count):
        time = START + step * (i - (i % 5 == 4))
        if i % 3 == 2:
            messages.append(("/noise", "std_msgs/msg/Float32", time, cdr("std_msgs/msg/Float32", data=i / 8)))
        else:
            topic = "/talk" if i % 3 else "/chat"
            messages.append((topic, "std_msgs/msg/String", time, string(f"{i:0{size}d}")))
    return messages


def write_bag(
    path: Path,
    messages: Iterable[Message],
    storage: str = "mcap",
    compression: str | None = None,
    labels: str | None = None,
    split: int = 1,
) -> Path:
    """Write a recording.

    Args:
        path: The folder of a rosbag2 bag or, for `ros1`, the file.
        messages: In recorded order.
        storage: `mcap`, `sqlite3` or `ros1` (ROS 1 definitions, such as a Range without `variance`).
        compression: `file`, `message`, `chunk` (MCAP), `lz4` or `bz2` (ROS 1).
        labels: Text of a label file to put beside it: `labels.csv` in the folder, `<stem>.labels.csv` for `ros1`.
        split: Number of files (1 for `ros1`).

    Returns:
        `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    messages = list(messages)
    if storage == "ros1":
        _write_ros1(path, messages, compression)
    elif split == 1:
        _write_ros2(path, messages, storage, compression)
    else:
        _write_split(path, messages, storage, compression, split)
    if labels is not None:
        (path.with_suffix(".labels.csv") if storage == "ros1" else path / "labels.csv").write_text(labels)
    return path


def _write_ros2(path: Path, messages: Sequence[Message], storage: str, compression: str | None) -> None:
    plugin = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}[storage]
    writer = Writer(path, version=9, storage_plugin=plugin)
    modes = {"file": CompressionMode.FILE, "message": CompressionMode.MESSAGE, "chunk": CompressionMode.STORAGE}
    if compression is not None:
        writer.set_compression(modes[compression], CompressionFormat.ZSTD)
    with writer:
        connections = {}
        for topic, kind, time, data in messages:
            if (topic, kind) not in connections:
                known = kind in _store(2).fielddefs
                described: Any = {"typestore": _store(2)} if known else {"msgdef": "uint8 x", "rihs01": "RIHS01_0"}
                connections[topic, kind] = writer.add_connection(topic, kind, **described)
            writer.write(connections[topic, kind], time, data)


def _write_ros1(path: Path, messages: Sequence[Message], compression: str | None) -> None:
    writer = Writer1(path)
    if compression is not None:
        writer.set_compression(Writer1.CompressionFormat[compression.upper()])
    with writer:
        connections = {}
        for topic, kind, time, data in messages:
            known = kind in _store(1).fielddefs
            if (topic, kind) not in connections:
                described: Any = {"typestore": _store(1)} if known else {"msgdef": "Nowhere x", "md5sum": "0" * 32}
                connections[topic, kind] = writer.add_connection(topic, kind, **described)
            raw = bytes(_ros1_to_ros2().cdr_to_ros1(data, kind)) if known else data
            writer.write(connections[topic, kind], time, raw)


def _write_split(path: Path, messages: Sequence[Message], storage: str, compression: str | None, split: int) -> None:
    path.mkdir()
    parts = []
    for number in range(split):
        low, high = len(messages) * number // split, len(messages) * (number + 1) // split
        part = path / f"{path.name}_{number}"
        _write_ros2(part, messages[low:high], storage, compression)
        parts.append(yaml.safe_load((part / "metadata.yaml").read_text())["rosbag2_bagfile_information"])
        for file in part.iterdir():
            if file.name != "metadata.yaml":
                file.rename(path / file.name)
        shutil.rmtree(part)
    whole = dict(parts[0])
    times = [time for _, _, time, _ in messages]
    whole["message_count"] = len(messages)
    whole["relative_file_paths"] = [name for part in parts for name in part["relative_file_paths"]]
    whole["files"] = [file for part in parts for file in part["files"]]
    whole["starting_time"] = {"nanoseconds_since_epoch": min(times)}
    whole["duration"] = {"nanoseconds": max(times) - min(times)}
    topics: dict[str, Any] = {}
    for part in parts:
        for entry in part["topics_with_message_count"]:
            known = topics.setdefault(entry["topic_metadata"]["name"], entry | {"message_count": 0})
            known["message_count"] += entry["message_count"]
    whole["topics_with_message_count"] = list(topics.values())
    (path / "metadata.yaml").write_text(yaml.safe_dump({"rosbag2_bagfile_information": whole}))


def truncate(path: Path, size: int) -> None:
    """Cut a file to its first `size` bytes."""
    with path.open("r+b") as file:
        file.truncate(size)


def corrupt(path: Path, start: int, end: int) -> None:
    """Overwrite bytes of a file with 0xAA."""
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xaa" * (end - start))


def flip(path: Path, position: int, bits: int = 0x10) -> None:
    """Flip bits of one byte of a file."""
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ bits]))
