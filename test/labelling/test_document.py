# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Tracks, edits, undo and the way through the label file, as laws."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obstacle_classifier.bags.label_file import LabelRows, label_text, read_label_file
from obstacle_classifier.labelling import tracks
from obstacle_classifier.labelling.document import Document, Grid, tracks_of

S = 10**9
LABELS = ("pedestrian", "bicycle", "ignore")
DURATION = 60 * S
times = st.integers(-5 * S, 65 * S)
names = st.sampled_from(LABELS)

Edit = Callable[[Document], bool]


def _some_interval(document: Document, label: str, index: int) -> tuple[int, int]:
    track = document.tracks[label]
    return track[index % len(track)] if track else (0, S)


edits: st.SearchStrategy[Edit] = st.one_of(
    st.builds(lambda label, a, b: lambda d: d.add(label, a, b), names, times, times),
    st.builds(lambda label, a, b: lambda d: d.erase(label, a, b), names, times, times),
    st.builds(lambda label, t: lambda d: d.split(label, t), names, times),
    st.builds(lambda label, i: lambda d: d.delete(label, _some_interval(d, label, i)), names, st.integers(0, 9)),
    st.builds(
        lambda label, i, a, b: lambda d: d.trim(label, _some_interval(d, label, i), a, b),
        names,
        st.integers(0, 9),
        times,
        times,
    ),
    st.builds(lambda label, a, b: lambda d: d.reject(label, min(a, b), max(a, b)), names, times, times),
    st.builds(lambda a, b: lambda d: d.finish(a, b), times, times),
    st.builds(lambda a, b: lambda d: d.reopen(a, b), times, times),
)
grids = st.sampled_from([None, Grid(S // 10, 1_700_000_000_000_000_000), Grid(S // 10, 1_700_000_000_033_000_000)])


def fresh(grid: Grid | None) -> Document:
    rows = [(3 * S, 8 * S, "pedestrian"), (8 * S, 9 * S, "pedestrian"), (20 * S, 31 * S, "bicycle")]
    return Document(DURATION, grid, tracks_of(rows, LABELS), ((10 * S, 50 * S),))


def state(document: Document) -> tuple[object, ...]:
    rejected = {label: track for label, track in document.rejected.items() if track}
    return dict(document.tracks), document.unlabelled, rejected


@given(grids, st.lists(edits, max_size=25))
def test_undo_restores_and_redo_does_again(grid: Grid | None, sequence: list[Edit]) -> None:
    document = fresh(grid)
    states = [state(document)]
    for edit in sequence:
        if edit(document):
            states.append(state(document))
        assert state(document) == states[-1]
    for expected in reversed(states[:-1]):
        assert document.undo()
        assert state(document) == expected
    assert not document.undo()
    assert document.undoable is None
    for expected in states[1:]:
        assert document.redo()
        assert state(document) == expected
    assert not document.redo()


@given(grids, st.lists(edits, max_size=25))
def test_the_intervals_of_a_track_never_overlap(grid: Grid | None, sequence: list[Edit]) -> None:
    document = fresh(grid)
    for edit in sequence:
        edit(document)
        for track in (*document.tracks.values(), *document.rejected.values(), document.unlabelled):
            assert all(start < end for start, end in track)
            assert all(a[1] <= b[0] for a, b in pairwise(track))
        for label in LABELS:
            assert all(0 <= start < end <= DURATION for start, end in document.tracks[label])
        assert 0.0 <= document.labelled_share <= 1.0


@given(st.lists(edits, max_size=15), st.lists(edits, min_size=1, max_size=5))
def test_an_edit_ends_what_could_be_redone(before: list[Edit], after: list[Edit]) -> None:
    document = fresh(None)
    for edit in before:
        edit(document)
    document.undo()
    changes = [edit(document) for edit in after]
    if any(changes):
        assert document.redoable is None


@given(st.lists(st.tuples(times, times)), times, times)
def test_add_and_erase_are_set_operations(intervals: list[tuple[int, int]], a: int, b: int) -> None:
    track = tracks.union((min(pair), max(pair)) for pair in intervals)
    new = min(a, b), max(a, b)
    moments = {time for pair in (*intervals, new) for edge in pair for time in (edge - 1, edge, edge + 1)}
    for time in moments:
        there = tracks.find(track, time) is not None
        inside = new[0] <= time < new[1]
        assert (tracks.find(tracks.add(track, new), time) is not None) == (there or inside)
        assert (tracks.find(tracks.erase(track, new), time) is not None) == (there and not inside)
        assert (tracks.find(tracks.clip(track, new), time) is not None) == (there and inside)


def test_trim_stops_at_the_neighbours() -> None:
    track = ((0, 10), (20, 30), (40, 50))
    assert tracks.trim(track, (20, 30), (5, 45)) == ((0, 10), (10, 40), (40, 50))
    assert tracks.trim(track, (20, 30), (24, 26)) == ((0, 10), (24, 26), (40, 50))
    assert tracks.trim(track, (20, 30), (50, 60)) == track
    assert tracks.trim(track, (21, 30), (22, 30)) == track


def test_edges_snap_to_the_ends_of_intervals_of_the_epoch() -> None:
    grid = Grid(S // 10, 1_700_000_000_033_000_000)
    document = Document(DURATION, grid, {})
    document.add("pedestrian", 1_010_000_000, 2_000_000_000)
    assert document.tracks["pedestrian"] == ((967_000_000, 1_967_000_000),)
    document.add("bicycle", 5_000_000_001, 5_000_000_002)
    assert document.tracks["bicycle"] == ((4_967_000_000, 5_067_000_000),), "one interval at least"


def test_a_label_makes_its_stretch_labelled_and_undo_gives_it_back() -> None:
    document = Document(DURATION, None, {}, ((0, DURATION),))
    assert document.labelled_share == 0.0
    document.add("pedestrian", 0, 15 * S)
    assert document.labelled_share == 0.25
    document.watch(15 * S, 30 * S)
    assert document.labelled_share == 0.5
    document.undo()
    assert document.labelled_share == 0.25, "what was watched stays so"


rows = st.lists(
    st.tuples(st.integers(0, 10**18 - 10**12), st.integers(1, 10**12), names).map(lambda r: (r[0], r[0] + r[1], r[2])),
    max_size=9,
)


@settings(max_examples=50)
@given(rows, st.booleans(), st.none() | st.integers(0, 2**62))
def test_a_written_label_file_reads_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int, str]], absolute: bool, origin: int | None
) -> None:
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    content = LabelRows(tuple(rows), absolute, origin)
    path.write_text(label_text(content, ["# by hand"]))
    assert read_label_file(path) == content
