# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
import tracemalloc
from itertools import count
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from rosbags.typesys import Stores, get_typestore

from obstacle_classifier.bags import Bag, Topic
from obstacle_classifier.bags.conversion import make_converter
from obstacle_classifier.errors import BagError
from test.helpers.bags import FOREIGN, START, Message, cdr, drives, string, truncate, write_bag

STRING = "std_msgs/msg/String"
KINDS = [
    ("mcap", None, 1),
    ("mcap", "file", 1),
    ("mcap", "message", 1),
    ("mcap", "chunk", 1),
    ("mcap", None, 3),
    ("mcap", "file", 12),
    ("sqlite3", None, 1),
    ("sqlite3", "file", 1),
    ("sqlite3", "message", 1),
    ("sqlite3", "message", 3),
    ("ros1", None, 1),
    ("ros1", "lz4", 1),
    ("ros1", "bz2", 1),
]


def ordered(messages: list[Message]) -> list[tuple[str, int, bytes]]:
    """In the order of a bag: by time, then by topic, then as recorded."""
    return [(topic, time, data) for topic, _, time, data in sorted(messages, key=lambda m: (m[2], m[0]))]


def bag_path(folder: Path, storage: str) -> Path:
    return folder / ("run.bag" if storage == "ros1" else "run")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize(("storage", "compression", "split"), KINDS)
def test_every_kind_gives_the_messages_in_order(
    tmp_path: Path, temporary: Path, storage: str, compression: str | None, split: int
) -> None:
    messages = drives(100)
    path = write_bag(bag_path(tmp_path, storage), messages, storage, compression, split=split)
    with Bag(path) as bag:
        assert bag.name == "run"
        assert bag.path == path
        assert bag.topics == {
            "/chat": Topic(STRING, 34),
            "/noise": Topic("std_msgs/msg/Float32", 33),
            "/talk": Topic(STRING, 33),
        }
        assert (bag.start, bag.end) == (START, START + 980_000_000)
        assert list(bag.messages()) == ordered(messages)
        assert list(bag.messages()) == ordered(messages), "a second pass gives the same"
        some = [message for message in ordered(messages) if message[0] in ("/talk", "/noise")]
        assert list(bag.messages(["/noise", "/absent", "/talk"])) == some
        assert list(bag.messages(["/absent"])) == []
        assert bag.problems == []
        assert bag.start_problem is None
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("storage", "compression", "split"), [kind for kind in KINDS if kind[0] != "ros1"])
def test_missing_metadata_changes_nothing_else(
    tmp_path: Path, storage: str, compression: str | None, split: int
) -> None:
    messages = drives(100)
    path = write_bag(tmp_path / "run", messages, storage, compression, split=split)
    (path / "metadata.yaml").unlink()
    with Bag(path) as bag:
        assert list(bag.messages()) == ordered(messages)
        assert bag.problems == [f"{path}/metadata.yaml: missing"]


@pytest.mark.parametrize(("storage", "compression"), [kind[:2] for kind in KINDS if kind[0] != "ros1" and kind[2] == 1])
def test_a_bare_file_is_a_bag(tmp_path: Path, storage: str, compression: str | None) -> None:
    messages = drives(50)
    folder = write_bag(tmp_path / "run", messages, storage, compression)
    (file,) = folder.glob("run.*")
    bare = file.rename(tmp_path / f"kept#1 %41?{''.join(file.suffixes)}")
    with Bag(str(bare)) as bag:
        assert bag.name == "kept#1 %41?"
        assert list(bag.messages()) == ordered(messages)
        assert bag.problems == []


@pytest.mark.parametrize("storage", ["mcap", "sqlite3", "ros1"])
def test_equal_times_and_unsorted_recording(tmp_path: Path, storage: str) -> None:
    times = [5, 3, 3, 9, 3, 5, 3, 1]
    topics = ["/b", "/a", "/b", "/a", "/a", "/b", "/b", "/c"]
    messages = [
        (topic, STRING, START + t, string(str(i))) for i, (t, topic) in enumerate(zip(times, topics, strict=True))
    ]
    with Bag(write_bag(bag_path(tmp_path, storage), messages, storage)) as bag:
        assert list(bag.messages()) == ordered(messages)
        assert (bag.start, bag.end) == (START + 1, START + 9)


def test_parts_that_overlap_in_time_are_merged(tmp_path: Path) -> None:
    late, early = drives(50), drives(60, step=7_000_000)
    path = write_bag(tmp_path / "run", late + early, split=2)
    with Bag(path) as bag:
        assert list(bag.messages()) == ordered(late + early)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3", "ros1"])
def test_a_bag_without_messages(tmp_path: Path, storage: str) -> None:
    with Bag(write_bag(bag_path(tmp_path, storage), [], storage)) as bag:
        assert list(bag.messages()) == []
        assert (bag.start, bag.end, bag.topics, bag.problems) == (0, 0, {}, [])


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_foreign_types_are_handed_over_as_cdr(tmp_path: Path, storage: str) -> None:
    messages = [*drives(3), ("/thing", FOREIGN, START, b"\0\1\0\0\7")]
    with Bag(write_bag(tmp_path / "run", messages, storage)) as bag:
        assert bag.topics["/thing"] == Topic(FOREIGN, 1)
        assert list(bag.messages(["/thing"])) == [("/thing", START, b"\0\1\0\0\7")]


def test_a_topic_that_cannot_be_read_matters_only_if_asked_for(tmp_path: Path) -> None:
    messages = drives(30)
    path = write_bag(tmp_path / "run.bag", [*messages, ("/thing", FOREIGN, START, b"\7")], "ros1")
    with Bag(path) as bag:
        assert bag.topics["/thing"] == Topic(FOREIGN, 1)
        assert list(bag.messages()) == ordered(messages)
        assert bag.problems == []
        with pytest.raises(BagError) as caught:
            bag.messages(["/chat", "/thing"])
    assert str(caught.value).startswith(
        f"{path}: topic /thing of type '{FOREIGN}' cannot be read: its message definition cannot be parsed"
    )


def test_another_type_than_asked_for(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", drives(10))
    with Bag(path) as bag, pytest.raises(BagError) as caught:
        bag.messages(["/chat"], {"/chat": "sensor_msgs/msg/Imu"})
    assert str(caught.value) == f"{path}: topic /chat: found type {STRING}, expected sensor_msgs/msg/Imu"


@pytest.mark.parametrize("storage", ["mcap", "sqlite3", "ros1"])
def test_a_topic_with_two_types(tmp_path: Path, storage: str) -> None:
    number = cdr("std_msgs/msg/Float32", data=1.0)
    messages = [("/x", STRING, START + i, string(str(i))) for i in range(3)]
    messages += [("/x", "std_msgs/msg/Float32", START + 5, number)]
    path = write_bag(bag_path(tmp_path, storage), messages, storage)
    with Bag(path) as bag:
        assert bag.topics == {"/x": Topic(STRING, 3)}
        assert list(bag.messages()) == ordered(messages[:3])
        assert list(bag.messages(["/x"], {"/x": "std_msgs/msg/Float32"})) == [("/x", START + 5, number)]
        assert bag.problems == [
            f"{path}: topic /x was recorded with several types: 'std_msgs/msg/Float32' (1), '{STRING}' (3)"
        ]


def test_the_digest_is_that_of_the_files(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", drives(50), split=11, labels="start,end,label\n")
    digest = hashlib.sha256()
    for number in range(11):
        digest.update((path / f"run_{number}.mcap").read_bytes())
    with Bag(path) as bag:
        assert bag.sha256() == digest.hexdigest()


def test_a_journal_left_by_the_recorder_is_read(tmp_path: Path, temporary: Path) -> None:
    messages = drives(40)
    folder = write_bag(tmp_path / "run", messages[:30], "sqlite3")
    live = sqlite3.connect(folder / "run.db3")
    live.execute("PRAGMA journal_mode = WAL")
    names = dict(live.execute("SELECT name, id FROM topics"))
    rows = [(names[topic], time, data) for topic, _, time, data in messages[30:]]
    live.executemany("INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)", rows)
    live.commit()
    for name in ("run.db3", "run.db3-wal"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    live.close()
    before = (tmp_path / "run.db3-wal").read_bytes()
    with Bag(tmp_path / "run.db3") as bag:
        assert list(bag.messages()) == ordered(messages)
        assert bag.problems == []
    assert (tmp_path / "run.db3-wal").read_bytes() == before
    assert list(temporary.iterdir()) == []


def test_no_such_bag(tmp_path: Path) -> None:
    with pytest.raises(BagError) as caught:
        Bag(tmp_path / "gone.mcap")
    assert str(caught.value) == (
        f"{tmp_path}/gone.mcap: no such file or folder, expected a rosbag2 folder, "
        "a .mcap or .db3 file (or .zstd of one), or a ROS 1 .bag"
    )
    for name in ("notes.txt", "empty"):
        (tmp_path / "notes.txt").write_text("hello")
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(BagError, match="recording"):
            Bag(tmp_path / name)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3", "ros1"])
def test_a_closed_bag_says_so(tmp_path: Path, storage: str) -> None:
    bag = Bag(write_bag(bag_path(tmp_path, storage), drives(50), storage))
    stream = bag.messages()
    next(stream)
    bag.close()
    with pytest.raises(BagError, match="closed while being read"):
        next(stream)
    with pytest.raises(BagError, match="closed"):
        bag.messages()


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize(
    ("storage", "compression"), [("mcap", None), ("mcap", "chunk"), ("sqlite3", None), ("ros1", None)]
)
def test_memory_does_not_grow_with_the_bag(
    tmp_path: Path, storage: str, compression: str | None, damaged: bool
) -> None:
    def peak(messages: int, name: str) -> int:
        path = write_bag(
            bag_path(tmp_path / name, storage), drives(messages, size=10_000), storage, compression or None
        )
        if damaged:
            file = path if storage == "ros1" else next(path.glob("run.*"))
            truncate(file, file.stat().st_size - 100)
        tracemalloc.start()
        try:
            with Bag(path) as bag:
                read = sum(1 for _ in bag.messages())
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert read > 0.97 * messages

    small, large = peak(900, "small"), peak(9000, "large")  # 6 MB and 60 MB
    assert large < small + 1_000_000


def test_a_bag_opened_twice_at_once(tmp_path: Path) -> None:
    messages = drives(200)
    with Bag(write_bag(tmp_path / "run", messages)) as bag:
        first, second = bag.messages(), bag.messages(["/chat"])
        interleaved = [(next(first), next(second, None)) for _ in zip(range(200), count(), strict=False)]
    assert [a for a, _ in interleaved] == ordered(messages)
    assert [b for _, b in interleaved if b] == [m for m in ordered(messages) if m[0] == "/chat"]


def test_the_header_of_a_ros1_message_loses_its_seq() -> None:
    store = get_typestore(Stores.ROS1_NOETIC)
    header = store.types["std_msgs/msg/Header"](
        seq=7, stamp=store.types["builtin_interfaces/msg/Time"](sec=5, nanosec=6), frame_id="base"
    )
    kind = "sensor_msgs/msg/Temperature"
    raw = bytes(store.serialize_ros1(store.types[kind](header=header, temperature=21.5, variance=0.25), kind))
    assert raw.startswith(b"\7\0\0\0\5\0\0\0\6\0\0\0\4\0\0\0base")
    stamped = {"stamp": {"sec": 5, "nanosec": 6}, "frame_id": "base"}
    expected = cdr(kind, header=stamped, temperature=21.5, variance=0.25)
    assert make_converter(kind, "ros1", store.generate_msgdef(kind)[0])(raw) == expected
