# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The label file under the page: written at once, locked, and never over somebody else's change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags import Bag, load_labels
from obstacle_classifier.labelling.store import ChangedElsewhereError, LabelStore
from test.helpers.bags import START, Message, drives, string, write_bag

S = 10**9
LABELS = ("pedestrian", "bicycle")
STEP = S // 10


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_bag(tmp_path / "run", drives(1000))


def store_of(bag: Bag, label_topic: str | None = None) -> LabelStore:
    return LabelStore(bag, LABELS, STEP, label_topic)


def test_a_new_bag_is_not_labelled_and_training_ignores_the_rest(path: Path) -> None:
    with Bag(path) as bag:
        store = store_of(bag)
        document = store.load()
        assert document.labelled_share == 0.0
        assert not store.exists, "reading writes nothing"
        document.add("bicycle", 2 * S, 4 * S)
        store.save(document)
        track = load_labels(bag, LABELS)
        assert track.at(START + 3 * S) == frozenset({"bicycle"})
        assert track.at(START + 5 * S) is None
        assert track.at(bag.end) is None
        document.finish(0, document.duration)
        store.save(document)
        track = load_labels(bag, LABELS)
        assert track.at(START + 3 * S) == frozenset({"bicycle"})
        assert track.at(START + 5 * S) == track.at(bag.end) == frozenset()


def test_what_is_written_is_read_again(path: Path) -> None:
    with Bag(path) as bag:
        store = store_of(bag)
        document = store.load()
        for label, start, end in (("pedestrian", 1, 3), ("pedestrian", 4, 5), ("bicycle", 2, 9), ("ignore", 6, 7)):
            document.add(label, start * S, end * S)
        document.split("bicycle", 5 * S)
        document.reject("pedestrian", 8 * S, 9 * S)
        document.watch(0, S // 3)
        store.save(document)
        again = store_of(bag).load()
    assert again.tracks == document.tracks
    assert again.unlabelled == document.unlabelled
    assert again.rejected == document.rejected
    assert again.labelled_share == document.labelled_share > 0.0


@pytest.mark.parametrize("header", ["start,end,label", "start_time,end_time,label"])
def test_a_file_of_either_header_keeps_it_with_its_comments(path: Path, header: str) -> None:
    file = path / "labels.csv"
    base = 0 if header.startswith("start,") else START // S
    file.write_text(f"# seen by Ada\n{header}\n{base + 1},{base + 2},pedestrian\n{base + 4},{base + 5},tram\n")
    with Bag(path) as bag:
        store = store_of(bag)
        document = store.load()
        assert document.tracks["pedestrian"] == ((S, 2 * S),)
        assert document.labelled_share == 1.0
        document.add("bicycle", 6 * S, 7 * S)
        store.save(document)
        again = store_of(bag).load()
        track = load_labels(bag, (*LABELS, "tram"))
    assert file.read_text().startswith(header)
    assert "# seen by Ada\n" in file.read_text()
    assert again.tracks == document.tracks
    assert [track.at(START + second * S) for second in (1, 4, 6)] == [
        frozenset({label}) for label in ("pedestrian", "tram", "bicycle")
    ]


def test_labels_begin_with_those_of_the_topic(tmp_path: Path) -> None:
    said = ((1, "pedestrian"), (3, "pedestrian, bicycle"), (5, ""), (7, "bicycle"))
    labels: list[Message] = [("/truth", "std_msgs/msg/String", START + t * S, string(text)) for t, text in said]
    with Bag(write_bag(tmp_path / "run", [*drives(1000), *labels])) as bag:
        store = store_of(bag, "/truth")
        document = store.load()
        moments = [START + 2 * t * S // 2 for t in range(10)]
        before = [load_labels(bag, LABELS, "/truth").at(time) for time in moments]
        store.save(document)
        assert [load_labels(bag, LABELS).at(time) for time in moments] == before
        assert before[0] is None
        assert before[4] == frozenset(LABELS)


def test_a_file_that_somebody_else_changed_is_not_written(path: Path) -> None:
    with Bag(path) as bag:
        store = store_of(bag)
        document = store.load()
        document.add("bicycle", 0, S)
        store.save(document)
        assert not store.changed_elsewhere()
        theirs = "start,end,label\n2,3,pedestrian\n"
        store.path.write_text(theirs)
        assert store.changed_elsewhere()
        document.add("bicycle", 4 * S, 5 * S)
        with pytest.raises(ChangedElsewhereError, match=r"labels\.csv: changed by another program"):
            store.save(document)
        assert store.path.read_text() == theirs
        assert store.load().tracks["pedestrian"] == ((2 * S, 3 * S),)
        assert not store.changed_elsewhere()


def test_a_file_that_appears_or_goes_is_a_change(path: Path) -> None:
    with Bag(path) as bag:
        store = store_of(bag)
        document = store.load()
        store.path.write_text("start,end,label\n")
        assert store.changed_elsewhere()
        store.overwrite(document)
        assert not store.changed_elsewhere()
        store.path.unlink()
        assert store.changed_elsewhere()


def test_the_same_content_written_again_is_no_change(path: Path) -> None:
    with Bag(path) as bag:
        store = store_of(bag)
        store.save(store.load())
        store.path.write_bytes(store.path.read_bytes())
        assert not store.changed_elsewhere()


def test_one_page_at_a_time_may_write(path: Path) -> None:
    with Bag(path) as bag:
        first, second = store_of(bag), store_of(bag)
        assert first.lock()
        assert first.lock(), "again"
        assert not second.lock()
        first.unlock()
        assert second.lock()
        second.unlock()
    assert {each.name for each in path.iterdir()} == {"metadata.yaml", "run.mcap"}


def test_the_right_to_write_ends_with_the_process(path: Path) -> None:
    program = (
        "import sys\nfrom obstacle_classifier.bags import Bag\n"
        "from obstacle_classifier.labelling.store import LabelStore\n"
        f"store = LabelStore(Bag(sys.argv[1]), ['a'], {STEP})\nprint(store.lock(), flush=True)\nsys.stdin.read()"
    )
    with Bag(path) as bag:
        mine = store_of(bag)
        with subprocess.Popen(
            [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "True\n"
            assert not mine.lock()
            other.kill()
        assert mine.lock()
        mine.unlock()
