# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags import Bag, find_bags
from obstacle_classifier.errors import BagError
from test.helpers.bags import drives, write_bag


def names(folder: Path, found: list[Path]) -> list[str]:
    return [str(path.relative_to(folder)) for path in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Recordings of every kind, some in nested folders."""
    root = tmp_path / "recordings"
    for number in (1, 2, 10):
        write_bag(root / "day" / f"run_{number}", drives(3), labels="start,end,label\n")
    write_bag(root / "night" / "split", drives(9), split=3)
    bare = root / "night" / "bare"
    bare.mkdir()
    shutil.copy(root / "day" / "run_1" / "run_1.mcap", bare / "a.mcap")
    shutil.copy(root / "day" / "run_1" / "run_1.mcap", bare / "b.mcap")
    write_bag(root / "old.bag", drives(3), "ros1")
    (root / "README.md").write_text("notes")
    (root / "empty").mkdir()
    (root / ".hidden").mkdir()
    shutil.copy(root / "old.bag", root / ".hidden" / "old.bag")
    return root


ALL = ["day/run_1", "day/run_2", "day/run_10", "night/bare/a.mcap", "night/bare/b.mcap", "night/split", "old.bag"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", ALL),
        ("day", ALL[:3]),
        ("day/run_1", ALL[:1]),
        ("day/*", ALL[:3]),
        ("day/run_1*", ["day/run_1", "day/run_10"]),
        ("*", ALL),
        ("**/*.mcap", ["day/run_1/run_1.mcap", "day/run_2/run_2.mcap", "day/run_10/run_10.mcap", *ALL[3:5],
                       "night/split/split_0.mcap", "night/split/split_1.mcap", "night/split/split_2.mcap"]),
        ("old.bag", ALL[6:]),
        ("night/bare/[ab].mcap", ALL[3:5]),
    ],
)  # fmt: skip
def test_patterns(folder: Path, pattern: str, expected: list[str]) -> None:
    assert names(folder, find_bags([folder / pattern])) == expected
    assert names(folder, find_bags([str(folder / pattern)])) == expected


def test_each_once_and_sorted(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "day")
    (folder / "day" / "circle").symlink_to(folder)
    found = find_bags([folder / "old.bag", folder / "day" / "*", folder / "link", folder / "day" / "run_1" / "*.mcap"])
    assert len(found) == len({path.resolve() for path in found}) == len(ALL)


def test_relative_paths_stay_relative(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "night")
    assert find_bags(["../day/run_1", "bare"]) == [Path("../day/run_1"), Path("bare/a.mcap"), Path("bare/b.mcap")]


def test_a_split_bag_without_metadata_is_one_bag(folder: Path) -> None:
    (folder / "night" / "split" / "metadata.yaml").unlink()
    assert names(folder, find_bags([folder / "night"])) == ALL[3:6]


def test_a_bag_whose_files_are_gone_is_found_so_that_reading_it_tells(folder: Path) -> None:
    (folder / "day" / "run_2" / "run_2.mcap").unlink()
    assert names(folder, find_bags([folder / "day"])) == ALL[:3]
    with pytest.raises(BagError, match=r"run_2\.mcap: missing"):
        Bag(folder / "day" / "run_2")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("gone", "no such file or folder"),
        ("day/walk_*", "no such file or folder"),
        ("README.md", "no recording there"),
        ("empty", "no recording there"),
        ("*.md", "no recording there"),
    ],
)
def test_a_pattern_without_recording(folder: Path, pattern: str, reason: str) -> None:
    with pytest.raises(BagError) as caught:
        find_bags([folder / "day", folder / pattern])
    assert str(caught.value) == (
        f"{folder}/{pattern}: {reason}, expected a rosbag2 folder, a .mcap or .db3 file (or .zstd of one), "
        "or a ROS 1 .bag, a folder of those, or a glob that matches some"
    )
