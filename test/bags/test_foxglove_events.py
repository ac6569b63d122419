# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Labels as Foxglove events and back."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags.foxglove_events import LabelEvent, events_text, read_events
from obstacle_classifier.bags.label_file import MAX_EPOCH, LabelRows, label_text, read_label_file
from obstacle_classifier.errors import ConfigError

pytestmark = pytest.mark.runtime

T = 1_700_000_000 * 10**9
NAMES = st.from_regex(r"\A[A-Za-z][A-Za-z0-9_]{0,12}\Z").filter(lambda name: name != "unknown") | st.just("ignore")
TIMES = st.integers(0, (MAX_EPOCH - 1) * 10**9)
SPANS = st.tuples(TIMES, TIMES).filter(lambda span: span[0] != span[1])
EVENTS = st.builds(
    lambda span, label, bag: LabelEvent(min(span), max(span), label, bag), SPANS, NAMES, st.text(max_size=12)
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "events.json"


@given(labels=st.lists(EVENTS, max_size=20), key=st.text(min_size=1).filter(lambda key: key != "bag"))
def test_every_list_of_labels_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, labels: list[LabelEvent], key: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "round_trip.json"
    path.write_text(events_text(labels, key), encoding="utf-8")
    events = read_events(path, key)
    assert (list(events.labels), events.others, events.instants) == (labels, 0, 0)


@given(labels=st.lists(EVENTS, max_size=20))
def test_every_list_of_labels_survives_a_csv_of_absolute_times(
    tmp_path_factory: pytest.TempPathFactory, labels: list[LabelEvent]
) -> None:
    rows = tuple((each.start, each.end, each.label) for each in labels)
    path = tmp_path_factory.getbasetemp() / "round_trip.csv"
    path.write_text(label_text(LabelRows(rows, absolute=True, origin=None)), encoding="utf-8")
    assert read_label_file(path).rows == rows


def test_the_text_is_what_the_api_takes() -> None:
    label = LabelEvent(T, T + 1_500_000_000, "pedestrian", "run_1")
    assert json.loads(events_text([label], device={"deviceName": "robot1"})) == [
        {
            "deviceName": "robot1",
            "start": "2023-11-14T22:13:20Z",
            "end": "2023-11-14T22:13:21.5Z",
            "metadata": {"bag": "run_1", "label": "pedestrian"},
        }
    ]


def test_an_answer_of_the_api_is_read(file: Path) -> None:
    """An event as the reference of `GET /v1/events` shows it, and events that are no labels."""
    event = {
        "id": "evt_0dqKdRR1KAWS4pJg",
        "start": "2023-11-14T22:13:20.25Z",
        "end": "2023-11-14T23:13:21.000000001+01:00",
        "device": {"id": "dev_mJxxBEIS1tA0qqyr", "name": "robot1"},
        "deviceId": "dev_mJxxBEIS1tA0qqyr",
        "metadata": {"label": "pedestrian", "seen_by": "ann"},
        "createdAt": "2023-11-15T08:00:00Z",
        "updatedAt": "2023-11-15T08:00:00Z",
        "properties": {"severity": "low"},
    }
    instant = {**event, "end": event["start"]}
    file.write_text(json.dumps([event, {**event, "metadata": {"calibration": "ok"}}, instant]), encoding="utf-8")
    events = read_events(file)
    assert events.labels == (LabelEvent(T + 250_000_000, T + 10**9 + 1, "pedestrian"),)
    assert (events.others, events.instants) == (1, 1)


def with_changes(**changes: Any) -> str:
    event = {"start": "2023-11-14T22:13:20Z", "end": "2023-11-14T22:13:21Z", "metadata": {"label": "a"}}
    return json.dumps([event, {key: value for key, value in {**event, **changes}.items() if value is not ...}])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", ":1: Expecting value in column 1, expected JSON"),
        ('[\n{"start": }]', ":2: Expecting value in column 11, expected JSON"),
        ("[" * 100_000, ": found lists nested too deeply, expected a list of events"),
        ('{"events": []}', ": found an object, expected a list of events, as GET /v1/events answers"),
        ("[1]", ": event 0: found a number, expected an event"),
        (with_changes(start=...), ": event 1: found no start, expected an event with start, end and metadata"),
        (with_changes(metadata=...), ": event 1: found no metadata, expected an event with start, end and metadata"),
        (with_changes(metadata=None), ": event 1: metadata: found null, expected an object"),
        (with_changes(end=17), ": event 1: end: found a number, expected a text"),
        (with_changes(end="2023-11-14"), ": event 1: end: found '2023-11-14', expected seconds since 1970 or a time"),
        (with_changes(end="2023-13-14T22:13:21Z"), ": event 1: end: found '2023-13-14T22:13:21Z', expected "),
        (
            with_changes(end="2023-11-14T22:13:19Z"),
            ": event 1: found end 2023-11-14T22:13:19Z, expected at least the start 2023-11-14T22:13:20Z",
        ),
        (
            with_changes(metadata={"label": "a,b"}),
            ": event 1: metadata.label: found 'a,b', expected the name of a label or ignore",
        ),
        (with_changes(metadata={"label": None}), ": event 1: metadata.label: found None, expected the name of a label"),
        (with_changes(metadata={"label": "unknown"}), ": event 1: metadata.label: found 'unknown', expected the name"),
    ],
)
def test_what_is_no_list_of_events_is_refused_in_one_line(file: Path, text: str, problem: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        read_events(file)
    assert str(error.value).startswith(f"{file}{problem}")
    assert "\n" not in str(error.value)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(data)
    with suppress(ConfigError):
        assert isinstance(read_events(path).labels, tuple)
