# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compressed content that unpacks to far more than its size: memory and disk stay bounded, other messages are read."""

from __future__ import annotations

import bz2
import json
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from struct import pack
from typing import Any

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

import lz4.frame  # type: ignore[import-untyped]

from obstacle_classifier.bags import Bag
from obstacle_classifier.bags.conversion import MAX_ITEMS, make_converter
from obstacle_classifier.bags.damage import DamageError
from obstacle_classifier.bags.decompression import MAX_UNPACKED, decompress_chunk, decompress_message, unpack
from obstacle_classifier.errors import BagError
from test.helpers.bags import START, Message, drives, string, truncate, write_bag
from test.helpers.mcap import joined, plain_records, save, text

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STRING = "std_msgs/msg/String"
GIB = 2**30
HEADROOM = 2**26
"""Bytes that reading may allocate beyond the unpacked messages."""

MEASURE = """
import json, sys, tracemalloc
from obstacle_classifier.bags import Bag
tracemalloc.start()
with Bag(sys.argv[1]) as bag:
    read = [(topic, time, len(data)) for topic, time, data in bag.messages()]
    print(json.dumps({"peak": tracemalloc.get_traced_memory()[1], "read": read, "problems": bag.problems}))
"""


@cache
def zeros(size: int, declared: bool) -> bytes:
    """Zeros compressed with zstd, their number in the frame's header or not."""
    compressor = zstd.ZstdCompressor()
    if declared:
        compressor.set_pledged_input_size(size)
    piece = bytes(2**20)
    frame = b"".join(compressor.compress(piece) for _ in range(size // len(piece)))
    return frame + compressor.flush()


def measure(path: Path) -> dict[str, Any]:
    """Read a bag in another process: its peak of memory in bytes, the sizes of its messages, its problems."""
    child = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(child.stdout)
    return result


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("declared", [True, False], ids=["size declared", "size not declared"])
def test_a_message_that_unpacks_to_1_gib_is_left_out(tmp_path: Path, storage: str, declared: bool) -> None:
    bomb = zeros(GIB, declared)
    assert len(bomb) < 100_000
    messages: list[Message] = [
        ("/talk", STRING, START, string("before")),
        ("/talk", STRING, START + 1, bomb),
        ("/talk", STRING, START + 2, string("after")),
    ]
    path = write_bag(tmp_path / "run", messages, storage)
    file = next(path.glob("run.*"))
    result = measure(path)
    assert result["peak"] < (0 if declared else MAX_UNPACKED) + HEADROOM
    assert [time for _, time, _ in result["read"]] == [START, START + 2]
    found = f"unpacks to {GIB} bytes" if declared else "unpacks to more bytes than"
    assert any(
        problem.startswith(f"{file}: topic /talk, message at {START + 1} ns: {found}") and str(MAX_UNPACKED) in problem
        for problem in result["problems"]
    )


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("damaged", [False, True], ids=["equal times", "damaged file"])
def test_messages_are_unpacked_one_at_a_time(tmp_path: Path, storage: str, damaged: bool) -> None:
    size = MAX_UNPACKED // 4
    large = zeros(size, declared=True)
    path = write_bag(tmp_path / "run", [("/talk", STRING, START + damaged * i, large) for i in range(16)], storage)
    if damaged:
        file = next(path.glob("run.*"))
        truncate(file, file.stat().st_size - 1)
    result = measure(path)
    assert [length for _, _, length in result["read"]][:14] == 14 * [size]
    assert result["peak"] < MAX_UNPACKED + 2 * size + HEADROOM, "one time, and the next message in pieces and whole"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="sqlite3 has no limits before Python 3.11")
@pytest.mark.parametrize("damaged", [False, True], ids=["whole", "damaged"])
def test_a_computed_column_of_a_database_is_bounded(tmp_path: Path, damaged: bool) -> None:
    path = write_bag(tmp_path / "run", drives(20), "sqlite3")
    with closing(sqlite3.connect(path / "run.db3")) as database:
        database.executescript("""
            ALTER TABLE messages RENAME TO rows;
            CREATE TABLE messages (
                id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL,
                data BLOB GENERATED ALWAYS AS (zeroblob(900000000)) VIRTUAL
            );
            INSERT INTO messages (id, topic_id, timestamp) SELECT id, topic_id, timestamp FROM rows;
            DROP TABLE rows;
            VACUUM;
        """)
    if damaged:
        with (path / "run.db3").open("ab") as file:
            file.write(bytes(4096))
    result = measure(path)
    assert result["peak"] < HEADROOM
    assert result["read"] == []
    assert any(problem.startswith(f"{path}/run.db3: ") and "too big" in problem for problem in result["problems"])


def test_a_view_in_a_database_is_refused(tmp_path: Path) -> None:
    """A view can have rows without end."""
    path = write_bag(tmp_path / "run", drives(20), "sqlite3")
    with closing(sqlite3.connect(path / "run.db3")) as database:
        database.executescript("""
            DROP TABLE messages;
            CREATE VIEW messages (rowid, topic_id, timestamp, data) AS
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 1, i, zeroblob(9) FROM n;
        """)
    with pytest.raises(BagError) as caught:
        Bag(path)
    assert str(caught.value) == f"{path}/run.db3: found 1 views, expected tables only"


@pytest.mark.parametrize("kind", ["zstd", "lz4"])
@pytest.mark.parametrize("honest", [True, False], ids=["size declared", "size understated"])
def test_a_chunk_that_unpacks_to_1_gib_is_left_out(tmp_path: Path, kind: str, honest: bool) -> None:
    parts = plain_records(write_bag(tmp_path / "source", drives(20)))
    whole = joined(parts)
    tail = pack("<BQ", 200, GIB)  # a private record; one of 1 GiB follows the messages
    if kind == "zstd":
        packed = zstd.compress(whole + tail) + zeros(GIB, declared=False)
    else:
        compressor = lz4.frame.LZ4FrameCompressor()
        packed = compressor.begin() + compressor.compress(whole + tail)
        packed += b"".join(compressor.compress(bytes(2**20)) for _ in range(2**10)) + compressor.flush()
    size = len(whole + tail) + (GIB if honest else 0)
    bomb = (6, pack("<QQQI", START + 10**10, START + 10**10, size, 0) + text(kind) + pack("<Q", len(packed)) + packed)
    path = save(tmp_path / "x.mcap", [*parts, bomb])
    result = measure(path)
    assert result["peak"] < HEADROOM
    assert len(result["read"]) == 20
    found = f"a chunk unpacks to {size} bytes" if honest else f"a chunk unpacks to more bytes than expected, {size}"
    (problem,) = [problem for problem in result["problems"] if found in problem]
    assert problem.startswith(f"{path}: from offset ")


def test_a_file_that_unpacks_to_far_more_than_its_size_is_read_up_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    messages = drives(50)
    plain = write_bag(tmp_path / "run", messages) / "run.mcap"
    path = tmp_path / "x.mcap.zstd"
    path.write_bytes(zstd.compress(plain.read_bytes()) + zeros(2 * MAX_UNPACKED, declared=False))
    with Bag(path) as bag:
        (unpacked,) = folder.rglob("x.mcap")
        assert unpacked.stat().st_size <= MAX_UNPACKED
        assert len(list(bag.messages())) == 50
        assert bag.problems[0] == f"{path}: unpacks to more bytes than expected, {MAX_UNPACKED}; read up to that size"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["zstd", "lz4", "bz2"])
def test_a_chunk_of_several_frames(kind: str) -> None:
    compress = {"zstd": zstd.compress, "lz4": lz4.frame.compress, "bz2": bz2.compress}[kind]
    parts = [bytes([i]) * 3 * 2**20 for i in range(3)]
    assert decompress_chunk(kind, b"".join(map(compress, parts)), 9 * 2**20) == b"".join(parts)


@pytest.mark.parametrize("kind", ["zstd", "lz4", "bz2"])
def test_a_chunk_of_another_size_than_declared(kind: str) -> None:
    compress = {"zstd": zstd.compress, "lz4": lz4.frame.compress, "bz2": bz2.compress}[kind]
    with pytest.raises(DamageError, match="a chunk holds 100 bytes, it declares 101"):
        decompress_chunk(kind, compress(bytes(100)), 101)
    with pytest.raises(DamageError, match="a chunk unpacks to more bytes than expected, 99"):
        decompress_chunk(kind, compress(bytes(100)), 99)
    with pytest.raises(DamageError, match=f"a chunk unpacks to {MAX_UNPACKED + 1} bytes, expected at most"):
        decompress_chunk(kind, compress(bytes(100)), MAX_UNPACKED + 1)


@pytest.mark.parametrize("kind", ["zstd", "lz4", "bz2"])
def test_no_piece_is_larger_than_1_mib(kind: str) -> None:
    compress = {"zstd": zstd.compress, "lz4": lz4.frame.compress, "bz2": bz2.compress}[kind]
    plain = bytes(5 * 2**20 + 3)
    data = compress(plain)
    pieces = list(unpack(kind, (data[i : i + 7] for i in range(0, len(data), 7))))
    assert b"".join(pieces) == plain
    assert max(map(len, pieces)) <= 2**20


def test_a_message_that_is_cut_off() -> None:
    with pytest.raises(DamageError, match="does not decompress: cut off"):
        decompress_message(zstd.compress(bytes(range(256)))[:-3])


def test_long_arrays_in_a_ros1_definition_are_refused() -> None:
    """rosbags generates lines of code for each item."""
    make_converter("x_msgs/msg/X", "ros1", f"string[{MAX_ITEMS}] names\nfloat64[1000000000] values")
    with pytest.raises(DamageError, match="has fixed arrays of 1000000000 strings or messages, expected at most 256"):
        make_converter("x_msgs/msg/X", "ros1", "string[1000000000] names")
