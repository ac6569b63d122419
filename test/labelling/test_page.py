# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The labelling page in a browser: what a person does, and the label file after each step."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.bags.label_file import read_label_file
from test.helpers.page import (
    PageServer,
    browser_page,
    needs_browser,
    open_recording,
    until,
    write_sensors,
    write_walk,
)
from test.helpers.training import DOCUMENT, write_street

if TYPE_CHECKING:
    from playwright.sync_api import Page

S = 10**9


@pytest.fixture(autouse=True)
def _browser() -> None:
    needs_browser()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_sensors(tmp_path / "sensors.yaml")
    write_walk(tmp_path / "bags" / "walk")
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[PageServer]:
    with PageServer("bags", "--sensors", "sensors.yaml", folder=folder) as server:
        yield server


def rows(folder: Path, bag: str = "walk") -> list[tuple[float, float, str]]:
    """The rows of the label file in s, without `ignore`."""
    file = folder / "bags" / bag / "labels.csv"
    if not file.exists():
        return []
    return [(start / S, end / S, label) for start, end, label in read_label_file(file).rows if label != "ignore"]


def evaluate(page: Page, expression: str) -> Any:
    return page.evaluate(f"(() => {{ const p = window.labelling; return {expression}; }})()")


def position(page: Page) -> float:
    return float(evaluate(page, "p.player.position()")) / S


def play_until(page: Page, second: float) -> None:
    page.wait_for_function(f"window.labelling.player.position() >= {second * S}")


def seek(page: Page, second: float) -> None:
    evaluate(page, f"p.seek({round(second * S)})")


def track_point(page: Page, label: str, second: float) -> tuple[float, float]:
    """Where a time of a track is on the screen."""
    box = page.locator(".tracks").bounding_box()
    assert box is not None
    x, y = evaluate(page, f"[p.timeline.x({second * S}, 1), p.trackView._row('{label}') + 14]")
    return box["x"] + x * box["width"], box["y"] + y


def draw(page: Page, label: str, start: float, end: float) -> None:
    page.mouse.move(*track_point(page, label, start))
    page.mouse.down()
    page.mouse.move(*track_point(page, label, (start + end) / 2))
    page.mouse.move(*track_point(page, label, end))
    page.mouse.up()


def test_labelling_by_keys_while_it_plays(folder: Path, server: PageServer) -> None:
    with browser_page(server.url) as page:
        open_recording(page)
        assert rows(folder) == [], "opening writes nothing"
        page.fill("input[type=number]", "0")
        page.keyboard.press("Enter")
        page.keyboard.press("Space")
        play_until(page, 1.0)
        page.keyboard.down("1")
        down = position(page)
        play_until(page, 2.0)
        page.keyboard.up("1")
        up = position(page)
        (row,) = until(lambda: rows(folder), "the label file has a row")
        assert row[2] == "near"
        assert row[0] == pytest.approx(down, abs=0.25)
        assert row[1] == pytest.approx(up, abs=0.25)
        page.keyboard.press("Space")
        assert evaluate(page, "p.view.drawn") >= 5, "the scans are drawn"
        page.reload()
        page.wait_for_selector("[data-recording]")
        open_recording(page)
        assert evaluate(page, "p.state.tracks.near.map(([a, b]) => [a / 1e9, b / 1e9])") == [list(row[:2])]
        page.keyboard.press("Control+z")
        page.wait_for_timeout(300)
        assert rows(folder) == [row], "a new page has nothing to undo"


def test_toggled_keys_the_reaction_time_and_undo(folder: Path, server: PageServer) -> None:
    with browser_page(server.url) as page:
        open_recording(page)
        page.fill("input[type=number]", "0.5")
        page.keyboard.press("Enter")
        page.select_option("select >> nth=1", "toggle")
        page.keyboard.press("Space")
        play_until(page, 2.0)
        page.keyboard.press("2")
        began = position(page)
        play_until(page, 3.5)
        page.keyboard.press("2")
        ended = position(page)
        page.keyboard.press("Space")
        (row,) = until(lambda: rows(folder), "the label file has a row")
        assert row == (pytest.approx(began - 0.5, abs=0.25), pytest.approx(ended - 0.5, abs=0.25), "loud")
        page.keyboard.press("Control+z")
        until(lambda: not rows(folder), "undo reaches the file")
        page.keyboard.press("Control+Shift+z")
        assert until(lambda: rows(folder), "redo reaches the file") == [row]


def test_a_key_that_is_held_when_it_ends_labels_to_the_end(folder: Path, server: PageServer) -> None:
    with browser_page(server.url) as page:
        open_recording(page)
        seek(page, 8.5)
        page.keyboard.press("Space")
        page.keyboard.down("1")
        (row,) = until(lambda: rows(folder), "the label file has a row")
        assert row[1] == pytest.approx(9.9, abs=0.11)
        page.keyboard.up("1")


def test_what_was_played_counts_as_labelled(folder: Path, server: PageServer) -> None:
    file = folder / "bags" / "walk" / "labels.csv"
    with browser_page(server.url) as page:
        open_recording(page)
        page.keyboard.press("Space")
        play_until(page, 2.5)
        page.keyboard.press("Space")
        stopped = position(page)
        until(lambda: file.exists() and _ignored(file)[0] >= stopped - 0.01, "labelled up to the cursor")
        assert list(_ignored(file)) == [pytest.approx(stopped, abs=0.1), pytest.approx(9.9, abs=0.01)]
        page.keyboard.press("m")
        until(lambda: read_label_file(file).rows == (), "all of it is labelled")


def _ignored(file: Path) -> tuple[float, float]:
    """The only row of a label file, in s, of `ignore`."""
    ((start, end, label),) = read_label_file(file).rows
    assert label == "ignore"
    return start / S, end / S


def test_drawing_trimming_splitting_and_deleting(folder: Path, server: PageServer) -> None:
    with browser_page(server.url) as page:
        open_recording(page)
        draw(page, "near", 2.0, 4.0)
        assert until(lambda: rows(folder), "drawn") == [(2.0, 4.0, "near")]
        page.mouse.move(*track_point(page, "near", 4.0))
        page.mouse.down()
        page.mouse.move(*track_point(page, "near", 4.5))
        page.mouse.move(*track_point(page, "near", 5.0))
        page.mouse.up()
        until(lambda: rows(folder) == [(2.0, 5.0, "near")], "trimmed")
        page.mouse.click(*track_point(page, "near", 3.0))
        page.wait_for_function("window.labelling.selection")
        seek(page, 3.0)
        page.keyboard.press("s")
        until(lambda: rows(folder) == [(2.0, 3.0, "near"), (3.0, 5.0, "near")], "split")
        page.mouse.click(*track_point(page, "near", 4.0))
        page.wait_for_function("window.labelling.selection?.start === 3e9")
        page.keyboard.press("Delete")
        until(lambda: rows(folder) == [(2.0, 3.0, "near")], "deleted")
        page.mouse.click(*track_point(page, "near", 2.5))
        seek(page, 2.4)
        page.keyboard.press("[")
        until(lambda: rows(folder) == [(2.4, 3.0, "near")], "start moved to the cursor")
        for expected in ([(2.0, 3.0)], [(2.0, 3.0), (3.0, 5.0)], [(2.0, 5.0)], [(2.0, 4.0)], []):
            page.keyboard.press("Control+z")
            until(lambda: [row[:2] for row in rows(folder)] == expected, f"undone to {expected}")  # noqa: B023


def test_a_second_page_is_read_only_until_the_first_is_closed(folder: Path, server: PageServer) -> None:
    with browser_page(server.url) as first:
        open_recording(first)
        draw(first, "near", 1.0, 2.0)
        until(lambda: rows(folder), "drawn")
        assert first.context.browser is not None
        second = first.context.browser.new_page()
        second.goto(server.url)
        open_recording(second)
        assert "another page" in second.inner_text(".banner")
        draw(second, "near", 4.0, 5.0)
        draw(first, "near", 6.0, 7.0)
        until(lambda: len(rows(folder)) == 2, "the first page writes")
        second.wait_for_function("window.labelling.state.tracks.near.length === 2")  # it follows
        assert rows(folder) == [(1.0, 2.0, "near"), (6.0, 7.0, "near")]
        first.close()
        until(lambda: _taken(second), "the second page may write")
        draw(second, "near", 4.0, 5.0)
        until(lambda: len(rows(folder)) == 3, "the second page writes")
        second.close()


def _taken(page: Page) -> bool:
    if evaluate(page, "p.state.readOnly"):
        page.click(".banner button")
        page.wait_for_timeout(300)
    return not evaluate(page, "p.state.readOnly")


def test_a_file_changed_by_another_program_is_not_overwritten(folder: Path, server: PageServer) -> None:
    file = folder / "bags" / "walk" / "labels.csv"
    theirs = "start,end,label\n8,9,loud\n"
    with browser_page(server.url) as page:
        open_recording(page)
        draw(page, "near", 1.0, 2.0)
        until(lambda: rows(folder), "drawn")
        file.write_text(theirs)
        draw(page, "near", 4.0, 5.0)
        page.wait_for_selector(".banner")
        page.wait_for_timeout(300)
        assert file.read_text() == theirs
        page.click("text=Read it again")
        page.wait_for_function("window.labelling.state.tracks.loud.length === 1")
        assert file.read_text() == theirs
        file.write_text(theirs.replace("loud", "near"))
        page.wait_for_selector(".banner")  # it looks by itself
        page.click("text=Keep mine")
        until(lambda: rows(folder) == [(8.0, 9.0, "loud")], "mine are kept")


def test_accepting_and_rejecting_proposals(folder: Path, tmp_path: Path) -> None:
    sensors = tmp_path / "street.yaml"
    sensors.write_text(yaml.safe_dump(DOCUMENT))
    streets = [write_street(tmp_path / "streets" / f"street_{seed}", seed, 30.0) for seed in range(3)]
    command = [sys.executable, "-m", "obstacle_classifier.cli", "train", "--sensors", str(sensors)]
    options = ["--output", "model.npz", "--set", "recipe=single", "--set", "epochs=10", "--bags", *map(str, streets)]
    subprocess.run([*command, *options], cwd=tmp_path, check=True, capture_output=True)
    arguments = ("bags", "--sensors", "sensors.yaml", "--model", "model.npz")
    with PageServer(*arguments, folder=folder) as server, browser_page(server.url) as page:
        open_recording(page)
        page.wait_for_function("window.labelling.state.proposals.length >= 2 && window.labelling.trackView.opinion")
        proposals = evaluate(page, "p.state.proposals.map(([x, a, b]) => [a / 1e9, b / 1e9, x])")
        near = [tuple(each) for each in proposals if each[2] == "near"]
        assert [row[:2] for row in near] == [
            (pytest.approx(2.0, abs=0.35), pytest.approx(4.0, abs=0.35)),
            (pytest.approx(6.0, abs=0.35), pytest.approx(7.0, abs=0.35)),
        ]
        assert rows(folder) == []
        evaluate(page, f"p.select({{label: 'near', start: {near[0][0] * S}, end: {near[0][1] * S}, proposal: true}})")
        page.keyboard.press("a")
        assert until(lambda: rows(folder), "accepted") == [near[0]]
        page.keyboard.press("Control+z")
        until(lambda: not rows(folder), "undone")
        page.wait_for_function(f"window.labelling.state.proposals.length === {len(proposals)}")
        page.keyboard.press("Home")
        page.keyboard.press("n")
        page.keyboard.press("r")
        page.wait_for_function(f"window.labelling.state.proposals.length === {len(proposals) - 1}")
        text = (folder / "bags" / "walk" / "labels.csv").read_text()
        assert "# not near: " in text
        page.click("text=/Accept all/")
        page.wait_for_function("window.labelling.state.proposals.length === 0")
        until(lambda: near[1] in rows(folder), "all accepted")
        assert near[0] not in rows(folder)
