# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The real recordings: whole, in order, and the same through every reader."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
import yaml

pytest.importorskip("rosbags", reason="rosbags is not installed")

from rosbags.rosbag2 import Reader

from obstacle_classifier.bags import Bag, find_bags, load_labels
from obstacle_classifier.bags.recovery.mcap_file import McapFile
from obstacle_classifier.bags.recovery.sqlite_file import SqliteFile
from obstacle_classifier.bags.storage import Storage
from test.helpers.bags import DATA, write_bag

RECORDINGS = [path.parent for path in sorted(DATA.glob("*/*/metadata.yaml"))]
LABELS = {
    "borealtc": ["asphalt", "flooring", "ice", "sandy_loam", "snow"],
    "leg_tracker": ["person_near", "person_far", "person_left", "person_right", "person_ahead"],
}

pytestmark = pytest.mark.skipif(not RECORDINGS, reason=f"the real recordings are not at {DATA}")


def test_all_are_found() -> None:
    assert [path.resolve() for path in find_bags([DATA])] == RECORDINGS
    assert find_bags([DATA / "*", DATA / "*" / "*"]) == find_bags([DATA])


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
def test_messages_are_those_of_the_metadata_in_order(path: Path) -> None:
    metadata = yaml.safe_load((path / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    start = metadata["starting_time"]["nanoseconds_since_epoch"]
    promised = {
        entry["topic_metadata"]["name"]: (entry["topic_metadata"]["type"], entry["message_count"])
        for entry in metadata["topics_with_message_count"]
    }
    with Bag(path) as bag, Reader(path) as reader:
        assert {topic: (t.type, t.count) for topic, t in bag.topics.items()} == promised
        assert (bag.start, bag.end) == (start, start + metadata["duration"]["nanoseconds"])
        messages = list(bag.messages())
        keys = [(time, topic) for topic, time, _ in messages]
        assert keys == sorted(keys)
        assert Counter(messages) == Counter((c.topic, time, bytes(data)) for c, time, data in reader.messages())
        assert bag.problems == []


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
def test_the_recovering_reader_gives_the_same(path: Path) -> None:
    (file,) = (file for file in path.iterdir() if file.suffix in (".mcap", ".db3"))
    storage: Storage = McapFile(file) if file.suffix == ".mcap" else SqliteFile(file)
    try:
        wanted = {(channel.topic, channel.type) for channel in storage.channels.values()}
        recovered = [(topic, time, data) for time, topic, data in storage.messages(wanted)]
        assert storage.problems == []
        with Bag(path) as bag:
            assert recovered == list(bag.messages())
            assert storage.span == (bag.start, bag.end)
    finally:
        storage.close()


@pytest.mark.parametrize(
    "path", [path for path in RECORDINGS if path.parent.name in LABELS], ids=lambda path: path.name
)
def test_labels_parse(path: Path) -> None:
    labels = LABELS[path.parent.name]
    with Bag(path) as bag:
        track = load_labels(bag, labels)
        states = [track.at(time) for time in range(bag.start, bag.end, 100_000_000)]
    assert None not in states
    if path.parent.name == "borealtc":
        assert set(states) == {frozenset({path.name.rpartition("_")[0]})}
    if path.name.startswith("negative"):
        assert set(states) == {frozenset()}
    if path.name.startswith("positive"):
        assert any(states)


@pytest.mark.parametrize("name", ["borealtc/asphalt_00", "leg_tracker/positive_1", "robot_localization/husky"])
@pytest.mark.parametrize("compression", [None, "lz4"])
def test_through_a_ros1_bag_and_back(tmp_path: Path, name: str, compression: str | None) -> None:
    with Bag(DATA / name) as bag:
        messages = list(islice(bag.messages(), 500))
        types = {topic: bag.topics[topic].type for topic in bag.topics}
    recorded = [(topic, types[topic], time, data) for topic, time, data in messages]
    with Bag(write_bag(tmp_path / "run.bag", recorded, "ros1", compression)) as bag:
        assert list(bag.messages()) == messages
        assert {topic: bag.topics[topic].type for topic in bag.topics} == {topic: types[topic] for topic in bag.topics}
