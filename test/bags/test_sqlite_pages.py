# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Databases whose inner pages are lost, read by their leaf pages."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags import Bag
from obstacle_classifier.bags.recovery.sqlite_pages import SqlitePages
from test.helpers.bags import DATA, Message, drives, truncate, write_bag


def ordered(messages: list[Message]) -> list[tuple[str, int, bytes]]:
    return [(topic, time, data) for topic, _, time, data in sorted(messages, key=lambda m: (m[2], m[0]))]


def wanted(storage: SqlitePages) -> set[tuple[str, str]]:
    return {(channel.topic, channel.type) for channel in storage.channels.values()}


def cut(path: Path, share: float) -> None:
    truncate(path, int(path.stat().st_size * share))


@pytest.mark.parametrize("size", [20, 900, 6000, 40000], ids=["small", "half a page", "overflow", "long chain"])
@pytest.mark.parametrize("page", [512, 4096, 65536])
def test_all_messages_of_a_whole_file_are_found(tmp_path: Path, size: int, page: int) -> None:
    messages = drives(120, size=size)
    path = write_bag(tmp_path / "run", messages, "sqlite3") / "run.db3"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA page_size = {page}")
        database.execute("VACUUM")
    storage = SqlitePages(path)
    got = [(topic, time, data) for time, topic, data in storage.messages(wanted(storage))]
    storage.close()
    assert got == ordered(messages)
    assert sum(storage.counts.values()) == len(messages)
    assert not storage.headless


def test_a_file_cut_to_95_percent_keeps_its_leaf_pages(tmp_path: Path) -> None:
    """rosbag2 writes a table of one level; its inner page moves to the end as the table gets a second one."""
    messages = drives(9000, size=200)
    path = write_bag(tmp_path / "run", messages, "sqlite3")
    cut(path / "run.db3", 0.95)
    with Bag(path) as bag:
        got = list(bag.messages())
        problems = bag.problems
    assert len(got) > 0.9 * len(messages)
    assert set(got) <= set(ordered(messages))
    assert any("all pages were searched" in problem for problem in problems)


def test_lost_inner_pages_cost_nothing(tmp_path: Path) -> None:
    messages = drives(2000, size=200)
    path = write_bag(tmp_path / "run", messages, "sqlite3")
    content = bytearray((path / "run.db3").read_bytes())
    for start in range(4096, len(content), 4096):
        if content[start] == 0x05:  # an inner page of a table
            content[start : start + 4096] = bytes(4096)
    (path / "run.db3").write_bytes(content)
    with Bag(path) as bag:
        assert list(bag.messages()) == ordered(messages)
        assert bag.problems


@pytest.mark.skipif(not DATA.is_dir(), reason="the real recordings are not here")
@pytest.mark.parametrize("share", [0.95, 0.8])
def test_a_real_bag_that_is_cut_off(tmp_path: Path, share: float) -> None:
    whole = DATA / "robot_localization" / "jackal" / "jackal.db3"
    path = tmp_path / "jackal.db3"
    path.write_bytes(whole.read_bytes())
    cut(path, share)
    with Bag(whole) as bag:
        expected = list(bag.messages())
    with Bag(path) as bag:
        got = list(bag.messages())
    assert set(got) <= set(expected)
    assert len(got) > (share - 0.15) * len(expected)
