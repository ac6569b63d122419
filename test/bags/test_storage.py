# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from obstacle_classifier.bags.storage import MAX_TIME, Messages, merge

KEYS = st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abc")), max_size=12)
Source = list[tuple[int, str, tuple[int, int]]]
"""Time, topic, number of the source and of the message."""


def source(number: int, keys: list[tuple[int, str]]) -> Source:
    return [(time, topic, (number, place)) for place, (time, topic) in enumerate(keys)]


def stream(messages: Source, size: int) -> Iterator[Messages[tuple[int, int]]]:
    for start in range(0, len(messages), size):
        part = messages[start : start + size]
        yield Messages([topic for _, topic, _ in part], [time for time, _, _ in part], [each for _, _, each in part])


def merged(sources: list[Source], size: int, early: int = 0) -> Source:
    opened = [
        (min((time for time, _, _ in messages), default=MAX_TIME) - early, partial(stream, messages, size))
        for messages in sources
    ]
    return [message for part in merge(opened) for message in zip(part.times, part.topics, part.data, strict=True)]


@given(st.lists(KEYS, max_size=5), st.integers(1, 12), st.integers(0, 3))
def test_merged_streams_are_in_order(keys: list[list[tuple[int, str]]], size: int, early: int) -> None:
    sources = [source(number, sorted(each)) for number, each in enumerate(keys)]
    expected = sorted((message for messages in sources for message in messages), key=lambda message: message[:2])
    found = merged(sources, size, early)
    assert [message[:2] for message in found] == [message[:2] for message in expected]
    if size == 12:  # no batch ends among equal keys
        assert found == expected
    for number, messages in enumerate(sources):
        assert [message for message in found if message[2][0] == number] == messages, "each stream keeps its order"


@given(st.lists(KEYS, max_size=5), st.integers(1, 12))
def test_streams_that_are_out_of_order_lose_nothing(keys: list[list[tuple[int, str]]], size: int) -> None:
    sources = [source(number, each) for number, each in enumerate(keys)]
    found = merged(sources, size)
    assert sorted(found) == sorted(message for messages in sources for message in messages)
