# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rosbags", reason="rosbags is not installed")

from rosbags.rosbag1 import Writer

from obstacle_classifier.bags import Bag
from obstacle_classifier.errors import BagError
from test.helpers.bags import START, Message, corrupt, drives, string, truncate, write_bag

KINDS = [
    ("mcap", None),
    ("mcap", "chunk"),
    ("mcap", "file"),
    ("mcap", "message"),
    ("sqlite3", None),
    ("sqlite3", "file"),
    ("sqlite3", "message"),
    ("ros1", None),
    ("ros1", "lz4"),
    ("ros1", "bz2"),
]

Read = tuple[str, int, bytes]


def ordered(messages: list[Message]) -> list[Read]:
    return [(topic, time, data) for topic, _, time, data in sorted(messages, key=lambda m: (m[2], m[0]))]


def large(count: int = 900) -> list[Message]:
    """Messages for several chunks."""
    return drives(count, size=5000)


def file_of(path: Path) -> Path:
    return path if path.is_file() else next(file for file in path.iterdir() if file.suffix != ".yaml")


def read(path: Path) -> tuple[list[Read], list[str]]:
    with Bag(path) as bag:
        messages = list(bag.messages())
        return messages, bag.problems


@pytest.fixture(scope="module")
def bags(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str | None], tuple[Path, list[Message]]]:
    """A bag of every kind, small, with messages that overflow a database page."""
    messages = drives(70) + [(t, k, time + 10**9, data) for t, k, time, data in drives(20, size=6000)]
    folder = tmp_path_factory.mktemp("whole")
    made = {}
    for storage, compression in KINDS:
        name = f"{storage}_{compression}" + (".bag" if storage == "ros1" else "")
        made[storage, compression] = (write_bag(folder / name, messages, storage, compression), messages)
    return made


@pytest.fixture(scope="module", autouse=True)
def own_temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Other test processes use the common folder at the same time: what they leave is not ours to judge."""
    before = tempfile.tempdir
    tempfile.tempdir = str(tmp_path_factory.mktemp("temporary"))
    yield
    tempfile.tempdir = before


def attempt(whole: Path, damage: Callable[[bytes], bytes]) -> tuple[list[Read], list[str]] | BagError:
    """Read a damaged copy; any error other than `BagError` and any leftover temporary file fail the test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / whole.name
        (shutil.copytree if whole.is_dir() else shutil.copy)(whole, path)
        file = file_of(path)
        file.write_bytes(damage(file.read_bytes()))
        before = set(Path(tempfile.gettempdir()).glob("obstacle_classifier_*"))
        try:
            return read(path)
        except BagError as error:
            if str(file) not in str(error) or "\n" in str(error):
                raise AssertionError("not one line that names the file") from error
            return error
        finally:
            assert set(Path(tempfile.gettempdir()).glob("obstacle_classifier_*")) <= before


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_cut_anywhere_gives_true_messages_or_bag_error(
    bags: dict[tuple[str, str | None], tuple[Path, list[Message]]], kind: tuple[str, str | None], share: float
) -> None:
    whole, messages = bags[kind]
    result = attempt(whole, lambda content: content[: int(share * len(content))])
    if isinstance(result, BagError):
        return
    got, problems = result
    assert problems
    assert not Counter(got) - Counter(ordered(messages)), "every message read is a true one"
    if kind[0] != "sqlite3":  # whose pages are not in the order of the messages
        assert got == ordered(messages[: len(got)]), "and they are those recorded first"


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(
    edits=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=40)), min_size=1, max_size=5),
    lost=st.sampled_from([0, 0, 1, 7, 4096]),
)
def test_overwritten_anywhere_gives_messages_in_order_or_bag_error(
    bags: dict[tuple[str, str | None], tuple[Path, list[Message]]],
    kind: tuple[str, str | None],
    edits: list[tuple[float, bytes]],
    lost: int,
) -> None:
    def damage(content: bytes) -> bytes:
        for share, junk in edits:
            position = int(share * len(content))
            content = content[:position] + junk + content[position + len(junk) + lost :]
        return content

    result = attempt(bags[kind][0], damage)
    if not isinstance(result, BagError):
        keys = [(time, topic) for topic, time, _ in result[0]]
        assert keys == sorted(keys)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_file(
    bags: dict[tuple[str, str | None], tuple[Path, list[Message]]], kind: tuple[str, str | None]
) -> None:
    result = attempt(bags[kind][0], lambda _: b"")
    assert isinstance(result, BagError)
    assert str(result).endswith(f"{file_of(bags[kind][0]).name}: empty, 0 bytes")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_something_else(
    bags: dict[tuple[str, str | None], tuple[Path, list[Message]]], kind: tuple[str, str | None]
) -> None:
    result = attempt(bags[kind][0], lambda _: b"GIF89a" * 1000)
    assert isinstance(result, BagError)
    reason = str(result).rpartition(f"{file_of(bags[kind][0]).name}: ")[2]
    expected = {"mcap": "not an MCAP file", "sqlite3": "cannot be read (file is not a database)", "ros1": "not a ROS 1"}
    assert reason.startswith("does not decompress" if kind[1] == "file" else expected[kind[0]])


@pytest.mark.parametrize(
    ("storage", "compression"), [("mcap", None), ("mcap", "chunk"), ("ros1", None), ("ros1", "bz2")]
)
def test_without_its_index_all_is_read(tmp_path: Path, storage: str, compression: str | None) -> None:
    messages = large(300)
    path = write_bag(tmp_path / "run.bag", messages, storage, compression)
    truncate(file_of(path), file_of(path).stat().st_size - 20)
    got, problems = read(path)
    assert got == ordered(messages)
    assert problems[0].startswith(f"{file_of(path)}: no usable index (")


@pytest.mark.parametrize(("storage", "compression"), [("mcap", "chunk"), ("ros1", "lz4"), ("ros1", "bz2")])
@pytest.mark.parametrize("indexed", [True, False])
def test_one_bad_chunk_costs_only_itself(tmp_path: Path, storage: str, compression: str, indexed: bool) -> None:
    messages = large()
    path = write_bag(tmp_path / "run.bag", messages, storage, compression)
    file = file_of(path)
    magic = {"chunk": b"\x28\xb5\x2f\xfd", "lz4": b"\x04\x22\x4d\x18", "bz2": b"BZh9"}[compression]
    content = file.read_bytes()
    second = content.index(magic, content.index(magic) + 1)
    corrupt(file, second, second + 8)
    if not indexed:
        truncate(file, file.stat().st_size - 20)
    got, problems = read(path)
    assert len(got) < len(messages)
    assert got[0] == ordered(messages)[0]
    assert got[-1] == ordered(messages)[-1]
    assert set(got) < set(ordered(messages))
    assert any(problem.startswith(f"{file}: from offset ") for problem in problems)
    lost = len(messages) - len(got)
    if indexed:
        told = [problem for problem in problems if "of its messages could not be read" in problem]
        assert sum(int(problem.split(": ")[2].split()[0]) for problem in told) == lost


def test_a_broken_part_of_a_database_costs_only_itself(tmp_path: Path) -> None:
    messages = large(300)
    path = write_bag(tmp_path / "run", messages, "sqlite3")
    file = file_of(path)
    with sqlite3.connect(file) as database:
        assert database.execute("PRAGMA page_size").fetchone() == (4096,)
    database.close()
    half = file.stat().st_size // 2 // 4096 * 4096
    corrupt(file, half, half + 3 * 4096)
    got, problems = read(path)
    assert len(messages) * 0.9 < len(got)
    changed = set(got) - set(ordered(messages))
    assert len(changed) <= 3, "text within the overwritten pages is not protected by any checksum"
    assert len(got) == len(messages) or problems


def test_a_database_cut_in_half(tmp_path: Path) -> None:
    messages = large(300)
    path = write_bag(tmp_path / "run", messages, "sqlite3")
    file = file_of(path)
    truncate(file, file.stat().st_size // 2)
    got, problems = read(path)
    assert set(got) < set(ordered(messages))
    assert len(messages) * 0.4 < len(got)
    assert f"{file}: SQLite does not reach all rows, so all pages were searched" in problems
    assert f"{file}: messages cannot be read: parts of their data are beyond the end of the file" in problems
    assert any("it promises 300 messages" in problem for problem in problems)


def test_a_ros1_bag_with_a_broken_message_index_is_whole(tmp_path: Path) -> None:
    messages = large(300)
    path = write_bag(tmp_path / "run.bag", messages, "ros1")
    content = path.read_bytes()
    broken = content.replace(
        b"\x0a\0\0\0count=", b"\x0a\0\0\0c0unt=", 3
    )  # within the first chunk's message index; rosbags asserts here
    path.write_bytes(broken)
    assert read(path) == (ordered(messages), [])


def test_a_recorder_killed_before_it_wrote_the_chunk_size(tmp_path: Path) -> None:
    messages = drives(50)
    path = write_bag(tmp_path / "run.bag", messages, "ros1")
    content = bytearray(path.read_bytes())
    chunk = len("#ROSBAG V2.0\n") + 4096
    size = chunk + 4 + int.from_bytes(content[chunk : chunk + 4], "little")
    content[size : size + 4] = bytes(4)
    index = content.index(b"op=\x04", size)
    killed = tmp_path / "run.bag.active"
    killed.write_bytes(content[: index - 8 - 30])
    got, problems = read(killed)
    assert got == ordered(messages[: len(got)])
    assert len(got) >= 49
    assert problems[0].startswith(f"{killed}: no usable index (")


def test_metadata_that_promises_more(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", drives(20))
    text = (path / "metadata.yaml").read_text()
    (path / "metadata.yaml").write_text(text.replace("message_count: 20", "message_count: 25"))
    got, problems = read(path)
    assert got == ordered(drives(20))
    assert problems == [f"{path}/metadata.yaml: it promises 25 messages, the files hold 20"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not in the form that rosbag2 writes ('NoneType' object is not subscriptable)"),
        ("{", "not YAML ("),
        ("rosbag2_bagfile_information: {}", "it lacks 'relative_file_paths'"),
        ("[" * 5000, "not "),
        ("rosbag2_bagfile_information: {relative_file_paths: [3]}", "not in the form that rosbag2 writes ("),
    ],
)
def test_metadata_that_is_none(tmp_path: Path, text: str, reason: str) -> None:
    path = write_bag(tmp_path / "run", drives(20))
    (path / "metadata.yaml").write_text(text)
    got, problems = read(path)
    assert got == ordered(drives(20))
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}/metadata.yaml: {reason}")


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_part_is_missing(tmp_path: Path, storage: str, gone: int) -> None:
    messages = drives(90)
    path = write_bag(tmp_path / "run", messages, storage, split=3)
    (file,) = path.glob(f"run_{gone}.*")
    file.unlink()
    with Bag(path) as bag:
        assert list(bag.messages()) == ordered(messages[: 30 * gone] + messages[30 * gone + 30 :])
        assert bag.start == START, "the metadata still tells when it began"
        assert bag.start_problem is None
        assert bag.problems == [
            f"{file}: missing, though metadata.yaml names it",
            f"{path}/metadata.yaml: it promises 90 messages, the files hold 60",
        ]


def test_without_metadata_the_beginning_is_lost_with_the_first_part(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", drives(90), split=3)
    (path / "metadata.yaml").unlink()
    (path / "run_0.mcap").unlink()
    with Bag(path) as bag:
        assert bag.start > START
        assert bag.start_problem == "its part 0 seems to be missing"
        assert bag.problems[1] == f"{path}: part 0 of the recording seems to be missing"


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_one_part_is_unreadable(tmp_path: Path, storage: str) -> None:
    messages = drives(90)
    path = write_bag(tmp_path / "run", messages, storage, split=3)
    (file,) = path.glob("run_0.*")
    truncate(file, 0)
    with Bag(path) as bag:
        assert list(bag.messages()) == ordered(messages[30:])
        assert bag.start == START
        assert f"{file}: empty, 0 bytes" in bag.problems


def test_a_renamed_file_is_read_all_the_same(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", drives(20))
    (path / "run.mcap").rename(path / "other.mcap")
    assert read(path) == (ordered(drives(20)), [f"{path}/run.mcap: missing, though metadata.yaml names it"])


def test_a_file_that_metadata_does_not_name_is_left_out(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", drives(20))
    shutil.copy(path / "run.mcap", path / "copy.mcap")
    assert read(path) == (ordered(drives(20)), [f"{path}/copy.mcap: not read, since metadata.yaml does not name it"])


@pytest.mark.parametrize("broken", [0, 1])
def test_one_of_two_publishers_without_definition(tmp_path: Path, broken: int) -> None:
    path = tmp_path / "run.bag"
    with Writer(path) as writer:
        for number in range(2):
            connection = writer.add_connection(
                "/talk",
                "std_msgs/msg/String",
                msgdef="Nowhere data" if number == broken else "string data",
                md5sum="992ce8a1687cec8c8bd883ec73ca41d1",
                callerid=f"/node_{number}",
            )
            writer.write(connection, START + number, b"\1\0\0\0x")
    got, problems = read(path)
    assert got == [("/talk", START + 1 - broken, string("x"))]
    assert problems[0] == f"{path}: topic /talk: 1 of its messages could not be read"
    assert problems[1].startswith(f"{path}: topic /talk, one of its publishers: its message definition cannot be parse")


def test_parts_numbered_by_date_are_not_missing(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", drives(20), split=2)
    (path / "metadata.yaml").unlink()
    for number, date in enumerate((20240101, 20240102)):
        (path / f"run_{number}.mcap").rename(path / f"run_{date}.mcap")
    assert read(path) == (ordered(drives(20)), [f"{path}/metadata.yaml: missing"])


def test_metadata_that_names_a_file_twice(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", drives(20))
    text = (path / "metadata.yaml").read_text()
    (path / "metadata.yaml").write_text(text.replace("  - run.mcap\n", "  - run.mcap\n  - run.mcap\n"))
    assert read(path) == (ordered(drives(20)), [])


def test_nothing_is_left(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", drives(20), split=2)
    for file in path.glob("*.mcap"):
        file.unlink()
    with pytest.raises(BagError) as caught:
        Bag(path)
    assert str(caught.value) == f"{path}/run_0.mcap: missing, and the folder holds no other storage file"


def test_an_index_that_lies_about_time(tmp_path: Path) -> None:
    messages = large()
    path = write_bag(tmp_path / "run.bag", messages, "ros1")
    content = path.read_bytes()
    position = content.rindex(b"start_time=") + len("start_time=")
    path.write_bytes(content[:position] + bytes.fromhex("ffffff7f") + content[position + 4 :])
    got, problems = read(path)
    keys = [(time, topic) for topic, time, _ in got]
    assert keys == sorted(keys)
    assert set(got) <= set(ordered(messages))
    assert len(got) == len(messages) or problems


def test_metadata_of_the_helper_has_the_form_of_rosbag2(tmp_path: Path) -> None:
    one = yaml.safe_load((write_bag(tmp_path / "one", drives(9)) / "metadata.yaml").read_text())
    three = yaml.safe_load((write_bag(tmp_path / "three", drives(9), split=3) / "metadata.yaml").read_text())
    one, three = one["rosbag2_bagfile_information"], three["rosbag2_bagfile_information"]
    assert one.keys() == three.keys()
    for key in ("duration", "message_count", "starting_time", "topics_with_message_count", "version"):
        assert one[key] == three[key]
