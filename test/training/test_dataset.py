# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags import Bag
from obstacle_classifier.bags.find import bag_names
from obstacle_classifier.bags.intervals import read_intervals
from obstacle_classifier.errors import BagError
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.pipeline import FeaturePipeline
from obstacle_classifier.training.dataset import read_dataset
from test.helpers.bags import cdr, truncate, write_bag
from test.helpers.messages import make_float32, make_string
from test.helpers.training import DOCUMENT, FLOAT32, SENSORS, START, Recorder, write_street

MS = 10**6
STRING = "std_msgs/msg/String"


def distances(*times_ms: int) -> list[tuple[str, str, int, bytes]]:
    """A distance at each time after START; the n-th is n."""
    return [("/distance", FLOAT32, START + t * MS, make_float32(n)) for n, t in enumerate(times_ms)]


def test_each_interval_gets_the_labels_at_its_end(tmp_path: Path) -> None:
    # The bag begins 50 ms after START: ends at 100, 200, 300, 400 ms are 0.05, 0.15, 0.25, 0.35 s into it.
    labels = "start,end,label\n0.05,0.15,near\n0.15,0.3,loud\n0.25,0.3,near\n"
    bag = write_bag(tmp_path / "bag", distances(50, 120, 180, 260, 350, 400), labels=labels)
    (data,) = read_dataset([bag], SENSORS, Recorder())
    assert ((data.time_ns - START) // MS).tolist() == [100, 200, 300, 400]
    assert data.Y.tolist() == [[1, 0], [0, 1], [1, 1], [0, 0]]
    # Columns: last and mean distance, missing, last noise, missing; the window is [t - 100 ms, t).
    np.testing.assert_array_equal(
        data.X, [[0, 0, 0, np.nan, 1], [2, 1.5, 0, np.nan, 1], [3, 3, 0, np.nan, 1], [4, 4, 0, np.nan, 1]]
    )
    assert data.usable.all()
    assert (data.name, data.problems) == ("bag", ())
    with Bag(bag) as opened:
        assert data.sha256 == opened.sha256()


def test_ignored_rows_are_nan_and_stale_ones_unknown(tmp_path: Path) -> None:
    labels = "start,end,label\n0.1,0.2,ignore\n0,0.2,near\n"
    messages = [*distances(0, 50, 150), ("/noise", FLOAT32, START + 700 * MS, make_float32(1))]
    (data,) = read_dataset([write_bag(tmp_path / "bag", messages, labels=labels)], SENSORS, Recorder())
    assert ((data.time_ns - START) // MS).tolist() == [100, 200, 300, 400, 500, 600, 700]
    assert np.isnan(data.Y).all(axis=1).tolist() == [True] + [False] * 6
    assert data.unknown.tolist() == [False] * 4 + [True] * 3, "the required distance is stale from 450 ms on"
    assert data.usable.tolist() == [False, True, True, True, False, False, False]


def test_before_the_first_message_of_a_label_topic_is_ignored(tmp_path: Path) -> None:
    sensors = parse_sensors({**DOCUMENT, "label_topic": "/truth"}, "test")
    messages = [*distances(0, 50, 150), ("/truth", STRING, START + 160 * MS, make_string("near"))]
    messages += [("/distance", FLOAT32, START + 310 * MS, make_float32(9))]
    (data,) = read_dataset([write_bag(tmp_path / "bag", messages)], sensors, Recorder())
    np.testing.assert_array_equal(data.Y, [[np.nan, np.nan], [1, 0], [1, 0]])


def test_a_shard_a_bag_each_from_its_own_beginning(tmp_path: Path) -> None:
    bags = [write_street(tmp_path / name, seed, 2.0) for seed, name in enumerate("ab")]
    recorder = Recorder()
    both = read_dataset(bags, SENSORS, recorder)
    single = [read_dataset([bag], SENSORS, Recorder()) for bag in bags]
    for shard, (alone,) in zip(both, single, strict=True):
        for name in ("X", "Y", "time_ns", "unknown", "sha256", "name"):
            np.testing.assert_array_equal(getattr(shard, name), getattr(alone, name))
    X, Y = both.stack()
    np.testing.assert_array_equal(X, np.concatenate([shard.X for shard in both]))
    np.testing.assert_array_equal(Y, np.concatenate([shard.Y for shard in both]))
    assert (recorder.stages, recorder.notes) == ([("bags", 2)], ["a", "b"])


def test_a_recording_without_a_single_interval(tmp_path: Path) -> None:
    (data,) = read_dataset(
        [write_bag(tmp_path / "bag", distances(10), labels="start,end,label\n")], SENSORS, Recorder()
    )
    assert (data.X.shape, data.Y.shape, data.usable.shape) == ((0, 5), (0, 2), (0,))


def test_without_labels(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", distances(10, 250))
    with pytest.raises(BagError, match=rf"^{bag}: no labels: no labels.csv beside it, and no label topic"):
        read_dataset([bag], SENSORS, Recorder())
    (data,) = read_dataset([bag], SENSORS, Recorder(), labels_required=False)
    assert len(data.Y) == 2
    assert np.isnan(data.Y).all()


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    bag = write_street(tmp_path / "bag", 0, 20.0)
    (whole,) = read_dataset([bag], SENSORS, Recorder())
    (file,) = bag.glob("*.mcap")
    truncate(file, file.stat().st_size * 2 // 3)
    (data,) = read_dataset([bag], SENSORS, Recorder())
    assert 0 < len(data.X) < len(whole.X)
    np.testing.assert_array_equal(data.X, whole.X[: len(data.X)])
    assert data.problems
    assert all(str(bag) in problem for problem in data.problems)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            ("/distance", "std_msgs/msg/Float64", START, cdr("std_msgs/msg/Float64", data=1.0)),
            "topic /distance: found type std_msgs/msg/Float64, expected std_msgs/msg/Float32",
        ),
        (("/talk", STRING, START, make_string("")), "found /talk, expected at least one of: /distance, /noise"),
    ],
)
def test_a_bag_of_other_topics_or_types_is_refused(
    tmp_path: Path, message: tuple[str, str, int, bytes], expected: str
) -> None:
    path = write_bag(tmp_path / "bag", [message], labels="start,end,label\n")
    with Bag(path) as bag, pytest.raises(BagError) as caught:
        read_intervals(bag, FeaturePipeline(SENSORS))
    assert str(caught.value) == f"{path}: {expected}"


def test_bags_that_cannot_be_used_are_left_out_and_the_others_read(tmp_path: Path) -> None:
    good = [write_street(tmp_path / name, seed, 2.0) for seed, name in enumerate("ac")]
    unlabelled = write_bag(tmp_path / "b", distances(10, 250))
    foreign = write_bag(tmp_path / "d", [("/talk", STRING, START, make_string(""))], labels="start,end,label\n")
    broken = tmp_path / "e.mcap"
    broken.write_bytes(b"not a recording")
    recorder = Recorder()
    data = read_dataset([good[0], unlabelled, good[1], foreign, broken], SENSORS, recorder)
    assert data.names == ("a", "c")
    assert [bad.name for bad in data.left_out] == ["b", "d", "e.mcap"]
    for bad, path, reason in zip(
        data.left_out, (unlabelled, foreign, broken), ("no labels", "found /talk", ""), strict=True
    ):
        assert bad.problem.startswith(f"{path}: {reason}")
    assert recorder.notes == ["a", "b", "c", "d", "e.mcap"], "each counts as done"


def test_no_bag_that_can_be_used_is_an_error(tmp_path: Path) -> None:
    bags = [write_bag(tmp_path / name, distances(10, 250)) for name in "abc"]
    with pytest.raises(BagError) as caught:
        read_dataset(bags, SENSORS, Recorder())
    assert str(caught.value).startswith(f"{bags[0]}: no labels: ")
    assert str(caught.value).endswith(" (and none of the 2 other bags can be used)")


def test_names_are_short_where_that_is_enough() -> None:
    paths = [Path("/x/a"), Path("/y/a"), Path("/y/b")]
    assert bag_names(paths) == ("/x/a", "/y/a", "b")
    assert bag_names([Path()]) == (Path.cwd().name,)
