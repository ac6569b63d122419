# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags import Bag, LabelTrack, NoLabelsError, load_labels
from obstacle_classifier.bags.labels import label_file
from obstacle_classifier.errors import BagError, ConfigError
from test.helpers.bags import START, Message, cdr, drives, string, write_bag

STRING = "std_msgs/msg/String"
LABELS = ["pedestrian", "bicycle"]
NONE: frozenset[str] = frozenset()
PEDESTRIAN, BICYCLE, BOTH = frozenset({"pedestrian"}), frozenset({"bicycle"}), frozenset({"pedestrian", "bicycle"})
SECOND = 10**9


def track_of(folder: Path, text: str | bytes) -> LabelTrack:
    """The labels of a bag of 10 s beside this label file."""
    path = write_bag(folder / "run", drives(100, step=SECOND // 10))
    (path / "labels.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with Bag(path) as bag:
        return load_labels(bag, LABELS)


def at(track: LabelTrack, seconds: float) -> frozenset[str] | None:
    return track.at(START + round(seconds * SECOND))


def test_a_row_holds_from_its_start_to_before_its_end(tmp_path: Path) -> None:
    track = track_of(tmp_path, "start,end,label\n1.5,3,pedestrian\n2,4.000000001,bicycle\n")
    assert at(track, -1) == at(track, 0) == track.at(START + 1_499_999_999) == NONE
    assert at(track, 1.5) == track.at(START + 1_999_999_999) == PEDESTRIAN
    assert at(track, 2) == track.at(START + 2_999_999_999) == BOTH
    assert at(track, 3) == at(track, 4) == BICYCLE
    assert track.at(START + 4_000_000_001) == at(track, 1e9) == NONE


def test_seconds_become_nanoseconds_exactly(tmp_path: Path) -> None:
    """0.1 s + 0.2 s and the like have no exact binary fraction; 9007199.254740993 s not even to the nanosecond."""
    track = track_of(tmp_path, "start,end,label\n0.3,9007199.254740993,pedestrian\n")
    assert track.at(START + 299_999_999) == NONE
    assert track.at(START + 300_000_000) == PEDESTRIAN
    assert track.at(START + 9_007_199_254_740_992) == PEDESTRIAN
    assert track.at(START + 9_007_199_254_740_993) == NONE


def test_ignore_wins_and_ends(tmp_path: Path) -> None:
    track = track_of(tmp_path, "start,end,label\n1,5,pedestrian\n2,3,ignore\n2.5,4,ignore\n")
    assert [at(track, t) for t in (1, 2, 3, 3.9)] == [PEDESTRIAN, None, None, None]
    assert at(track, 4) == PEDESTRIAN


def test_overlapping_and_touching_rows_of_one_label_join(tmp_path: Path) -> None:
    track = track_of(tmp_path, "start,end,label\n1,3,bicycle\n2,4,bicycle\n4,5,bicycle\n1,3,bicycle\n")
    assert [at(track, t) for t in (0.9, 1, 2.9, 3.5, 4, 4.9, 5)] == [NONE, *[BICYCLE] * 5, NONE]


def test_only_a_header_means_nothing_present(tmp_path: Path) -> None:
    assert at(track_of(tmp_path, "start,end,label"), 3) == NONE


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfstart,end,label\r\n1,2,bicycle\r\n",
        b"start,end,label\n\n1,2,bicycle\n   \n\n",
        b' start , end,label\n+1. , 2e0,"bicycle"',
        b"start,end,label\n.1e1,2.0000000000000000001,bicycle\n",
    ],
)
def test_forms_that_are_tolerated(tmp_path: Path, text: bytes) -> None:
    track = track_of(tmp_path, text)
    assert [at(track, t) for t in (0.9, 1, 1.9, 2)] == [NONE, BICYCLE, BICYCLE, NONE]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", ":1: found an empty file, expected the header 'start,end,label'"),
        (b"\n\n", ":1: found an empty file, expected the header 'start,end,label'"),
        (
            b"start,stop,label\n",
            ":1: found 'start,stop,label', expected the header 'start,end,label' or 'start_time,end_time,label'",
        ),
        (
            b"1,2,bicycle\n",
            ":1: found '1,2,bicycle', expected the header 'start,end,label' or 'start_time,end_time,label'",
        ),
        (b"start,end,label\n1,2\n", ":2: found 2 columns, expected 3: start,end,label"),
        (b"start,end,label\n\n1,2,bicycle,x\n", ":3: found 4 columns, expected 3: start,end,label"),
        (b"start,end,label\n1;2;bicycle\n", ":2: found 1 columns, expected 3: start,end,label"),
        (b"start,end,label\none,2,bicycle\n", ":2: start: found 'one', expected a number of seconds"),
        (b"start,end,label\n1,nan,bicycle\n", ":2: end: found 'nan', expected a number of seconds"),
        (b"start,end,label\n1,inf,bicycle\n", ":2: end: found 'inf', expected a number of seconds"),
        (b"start,end,label\n1,1_0,bicycle\n", ":2: end: found '1_0', expected a number of seconds"),
        ("start,end,label\n1,٢,bicycle\n".encode(), ":2: end: found '٢', expected a number of seconds"),
        (b"start,end,label\n,2,bicycle\n", ":2: start: found '', expected a number of seconds"),
        (b"start,end,label\n1,2,bicycle\n2,2.0,bicycle\n", ":3: found end 2.0, expected more than the start 2"),
        (b"start,end,label\n3,2,bicycle\n", ":2: found end 2, expected more than the start 3"),
        (
            b"start,end,label\n-1,2,bicycle\n",
            ":2: start: found -1, expected 0 to 1000000000 seconds since the recording's start",
        ),
        (
            b"start,end,label\n1,1e999,bicycle\n",
            ":2: end: found 1e999, expected 0 to 1000000000 seconds since the recording's start",
        ),
        (b"start,end,label\n1,2,cat\n", ":2: found label 'cat', expected one of pedestrian, bicycle or ignore"),
        (b"start,end,label\n1,2,\n", ":2: found label '', expected one of pedestrian, bicycle or ignore"),
        (
            b"start,end,label\n1,2,unknown\n",
            ":2: found label 'unknown' (reserved), expected one of pedestrian, bicycle or ignore",
        ),
        (b"start,end,label\n1,2,caf\xe9\n", ":2: found bytes that are not UTF-8, expected UTF-8 text"),
        (b'start,end,label\n1,2,"bicycle\n', ":2: found unexpected end of data, expected comma-separated values"),
        (
            b"start,end,label\n1700000001,1700000002,bicycle\n",
            ":2: start: found 1700000001, expected 0 to 1000000000 seconds since the recording's start",
        ),
        (
            b"start,end,label\n12.5,13,bicycle\n11,12,bicycle\n",
            ": found only times after the recording's end (9.8 s), "
            "expected seconds since the recording's earliest message",
        ),
    ],
)
def test_forms_that_are_refused(tmp_path: Path, text: bytes, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        track_of(tmp_path, text)
    assert str(caught.value) == f"{tmp_path}/run/labels.csv{message}"


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 60), st.integers(1, 30), st.sampled_from([*LABELS, "ignore"])).map(
            lambda row: (row[0], row[0] + row[1], row[2])
        ),
        max_size=8,
    )
)
def test_the_track_agrees_with_the_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, str]]
) -> None:
    text = "start,end,label\n" + "".join(f"{start / 10},{end / 10},{label}\n" for start, end, label in rows)
    track = track_of(tmp_path_factory.mktemp("rows"), text)
    for tenth in range(100):
        present = {label for start, end, label in rows if start <= tenth < end}
        assert track.at(START + tenth * SECOND // 10) == (None if "ignore" in present else present)


# A label topic


def topic_bag(folder: Path, states: list[tuple[int, str]], storage: str = "mcap") -> Path:
    """A bag of 10 s with these (tenths of a second, text) on /truth."""
    truth: list[Message] = [("/truth", STRING, START + t * SECOND // 10, string(text)) for t, text in states]
    return write_bag(
        folder / ("run.bag" if storage == "ros1" else "run"), [*drives(100, step=SECOND // 10), *truth], storage
    )


@pytest.mark.parametrize("storage", ["mcap", "sqlite3", "ros1"])
def test_a_message_of_the_topic_holds_until_the_next(tmp_path: Path, storage: str) -> None:
    states = [(10, "bicycle"), (20, " pedestrian , bicycle,"), (30, ""), (40, "ignore,bicycle"), (50, "pedestrian")]
    with Bag(topic_bag(tmp_path, states, storage)) as bag:
        track = load_labels(bag, LABELS, "/truth")
    assert [at(track, t) for t in (0, 0.999)] == [None, None]
    assert [at(track, t) for t in (1, 1.9, 2, 3, 4, 5, 99)] == [
        BICYCLE, BICYCLE, BOTH, NONE, None, PEDESTRIAN, PEDESTRIAN
    ]  # fmt: skip


def test_a_topic_and_a_file_that_say_the_same_agree_everywhere(tmp_path: Path) -> None:
    path = topic_bag(tmp_path, [(0, ""), (10, "bicycle"), (20, "bicycle,pedestrian"), (35, "pedestrian"), (50, "")])
    with Bag(path) as bag:
        by_topic = load_labels(bag, LABELS, "/truth")
        (path / "labels.csv").write_text("start,end,label\n1,3.5,bicycle\n2,5,pedestrian\n")
        by_file = load_labels(bag, LABELS, "/truth")
    for time in range(START, START + 10 * SECOND, SECOND // 20):
        assert by_topic.at(time) == by_file.at(time)


def test_the_file_wins_over_the_topic(tmp_path: Path) -> None:
    path = topic_bag(tmp_path, [(0, "bicycle")])
    (path / "labels.csv").write_text("start,end,label\n")
    with Bag(path) as bag:
        assert at(load_labels(bag, LABELS, "/truth"), 5) == NONE


@pytest.mark.parametrize(("text", "found"), [("cat", "'cat'"), ("bicycle,unknown", "'unknown' (reserved)")])
def test_a_label_on_the_topic_that_the_sensors_file_lacks(tmp_path: Path, text: str, found: str) -> None:
    path = topic_bag(tmp_path, [(0, "bicycle"), (15, text)])
    with Bag(path) as bag, pytest.raises(BagError) as caught:
        load_labels(bag, LABELS, "/truth")
    assert str(caught.value) == (
        f"{path}: topic /truth, message at {START + 1_500_000_000} ns: "
        f"found label {found}, expected one of pedestrian, bicycle or ignore"
    )


def test_a_label_topic_of_another_type(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", [("/truth", "std_msgs/msg/Bool", START, cdr("std_msgs/msg/Bool", data=True))])
    with Bag(path) as bag, pytest.raises(BagError) as caught:
        load_labels(bag, LABELS, "/truth")
    assert str(caught.value) == f"{path}: topic /truth: found type std_msgs/msg/Bool, expected {STRING}"


def test_a_label_message_that_is_no_string(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", [("/truth", STRING, START, b"\0\1\0\0\xff\xff\0\0a")])
    with Bag(path) as bag, pytest.raises(BagError) as caught:
        load_labels(bag, LABELS, "/truth")
    assert str(caught.value).startswith(f"{path}: topic /truth, message at {START} ns: ")
    assert str(caught.value).endswith(", expected comma-separated labels")


# Where labels come from


def test_no_source_of_labels(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", drives(10))
    with Bag(path) as bag:
        with pytest.raises(NoLabelsError) as caught:
            load_labels(bag, LABELS)
        assert str(caught.value) == f"{path}: no labels: no labels.csv beside it, and no label topic is configured"
        with pytest.raises(NoLabelsError) as caught:
            load_labels(bag, LABELS, "/truth")
        assert (
            str(caught.value) == f"{path}: no labels: no labels.csv beside it, and no message on the label topic /truth"
        )


def test_label_files_of_bare_recordings(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "run.bag", drives(10), "ros1")
    assert label_file(bag) is None
    with Bag(bag) as opened, pytest.raises(NoLabelsError, match=r"no run\.labels\.csv or labels\.csv beside it"):
        load_labels(opened, LABELS)
    (tmp_path / "labels.csv").write_text("start,end,label\n")
    assert label_file(bag) == tmp_path / "labels.csv"
    other = write_bag(tmp_path / "other.bag", drives(10), "ros1", labels="start,end,label\n")
    assert label_file(bag) is None, "it may be the other one's"
    assert label_file(other) == tmp_path / "other.labels.csv"


def test_label_times_need_the_beginning_of_the_recording(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", drives(90), split=3, labels="start,end,label\n0,1,bicycle\n")
    (path / "run_0.mcap").unlink()
    with Bag(path) as bag:
        assert load_labels(bag, LABELS).at(START) == BICYCLE, "which the metadata tells"
    (path / "metadata.yaml").unlink()
    with Bag(path) as bag, pytest.raises(BagError) as caught:
        load_labels(bag, LABELS)
    assert str(caught.value) == (
        f"{path}: its part 0 seems to be missing; the times in labels.csv count from an unknown start, "
        "expected the whole recording or its metadata.yaml"
    )


def test_labels_after_the_end_of_a_damaged_recording_are_left_alone(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "run", drives(90), split=3, labels="start,end,label\n50,51,bicycle\n")
    (path / "run_2.mcap").unlink()
    with Bag(path) as bag:
        assert load_labels(bag, LABELS).at(START) == NONE


def test_thousands_of_intervals_stay_quick() -> None:
    steps = [(2 * i, BICYCLE if i % 2 else NONE) for i in range(100_000)]
    track = LabelTrack(steps, before=None)
    assert [track.at(time) for time in (-1, 0, 1, 2, 3, 4, 199_998)] == [
        None, NONE, NONE, BICYCLE, BICYCLE, NONE, BICYCLE
    ]  # fmt: skip


def test_times_of_the_clock_are_seconds_or_iso_8601(tmp_path: Path) -> None:
    header = "start_time,end_time,label\n"
    track = track_of(tmp_path, f"{header}1700000001.5,1700000003,pedestrian\n")
    assert [at(track, t) for t in (1.4, 1.5, 2.9, 3)] == [NONE, PEDESTRIAN, PEDESTRIAN, NONE]
    (tmp_path / "iso").mkdir()
    rows = "2023-11-14T22:13:21.500000001Z,2023-11-14T23:13:23+01:00,pedestrian\n"
    track = track_of(tmp_path / "iso", header + rows)
    assert track.at(START + 1_500_000_000) == NONE
    assert track.at(START + 1_500_000_001) == PEDESTRIAN
    assert track.at(START + 2_999_999_999) == PEDESTRIAN
    assert track.at(START + 3_000_000_000) == NONE


def test_times_of_the_clock_do_not_move_with_the_beginning_of_a_bag(tmp_path: Path) -> None:
    """As when the topics of the first seconds are filtered out."""
    text = "start_time,end_time,label\n1700000005,1700000006,bicycle\n"
    path = write_bag(tmp_path / "run", drives(100, step=SECOND // 10)[30:], labels=text)
    with Bag(path) as bag:
        assert bag.start > START
        assert load_labels(bag, LABELS).at(START + 5 * SECOND) == BICYCLE
        assert bag.problems == []


CLOCK = "seconds since 1970 or a time with a zone such as 2026-05-01T12:00:00.5Z"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2023-11-14T22:13:21,1700000009,bicycle", f":2: start_time: found '2023-11-14T22:13:21', expected {CLOCK}"),
        ("2023-13-14T22:13:21Z,1700000009,bicycle", f":2: start_time: found '2023-13-14T22:13:21Z', expected {CLOCK}"),
        ("1700000001,soon,bicycle", f":2: end_time: found 'soon', expected {CLOCK}"),
        ("1700000002,1700000001,bicycle", ":2: found end 1700000001, expected more than the start 1700000002"),
        (
            "3,4,bicycle",
            ": found only times outside the recording, "
            "expected some from 1700000000.000 to 1700000009.800 s since 1970",
        ),
    ],
)
def test_times_of_the_clock_that_are_refused(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        track_of(tmp_path, f"start_time,end_time,label\n{row}\n")
    assert str(caught.value) == f"{tmp_path}/run/labels.csv{message}"


def test_an_origin_that_does_not_fit_the_bag_is_told(tmp_path: Path) -> None:
    text = f'start,end,label\n# origin: {START}\n1,2,bicycle\n# a note, with "quotes\n'
    messages = drives(100, step=SECOND // 10)
    whole = write_bag(tmp_path / "whole", messages, labels=text)
    filtered = write_bag(tmp_path / "filtered", messages[30:], labels=text)
    with Bag(whole) as bag:
        assert at(load_labels(bag, LABELS), 1) == BICYCLE
        assert bag.problems == []
    with Bag(filtered) as bag:
        load_labels(bag, LABELS)
        assert bag.problems == [
            f"{filtered}: the times in labels.csv count from {START} ns, the recording begins +3.000 s from there: "
            "its labels are shifted by as much"
        ]


def test_a_line_number_counts_comments(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"labels\.csv:4: found label 'cat'"):
        track_of(tmp_path, "# one\nstart,end,label\n# two\n1,2,cat\n")


@pytest.mark.parametrize(("others", "expected"), [("absent", [NONE, BICYCLE]), ("ignore", [None, None])])
def test_labels_that_are_not_asked_for_are_absent_or_ignored(
    tmp_path: Path, others: str, expected: list[frozenset[str] | None]
) -> None:
    rows = "start,end,label\n1,3,cat\n2,4,bicycle\n"
    by_file = write_bag(tmp_path / "file", drives(100, step=SECOND // 10), labels=rows)
    texts = [(0, ""), (1, "cat"), (2, "cat,bicycle"), (3, "bicycle"), (4, "")]
    said = [("/truth", STRING, START + t * SECOND, string(text)) for t, text in texts]
    by_topic = write_bag(tmp_path / "topic", said)
    for path in (by_file, by_topic):
        with Bag(path) as bag:
            track = load_labels(bag, LABELS, "/truth", others)
            assert [at(track, 1.5), at(track, 2.5)] == expected
            assert at(track, 3.5) == BICYCLE
