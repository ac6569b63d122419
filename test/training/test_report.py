# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The report of a training run: one page, whole, and the same numbers as the model's."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")
pytest.importorskip("matplotlib", reason="the report's plots need matplotlib")
pytest.importorskip("PIL", reason="the picture needs pillow")

from PIL import Image

from obstacle_classifier.bags.example_bags import SENSORS, write_example_bags
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.progress import Silent
from obstacle_classifier.training import DefaultSettings, SGDSettings, Training, train
from obstacle_classifier.training.dataset import BadBag
from obstacle_classifier.training.learning_curve import CurvePoint, LearningCurve
from obstacle_classifier.training.report import write_report

SMALL = DefaultSettings(epochs=3, least_steps=20, hidden=8, members=4)
CURVE = LearningCurve((CurvePoint(2.0, (0.5, 0.6)), CurvePoint(8.0, (0.7, 0.8))), (0.95, 0.97))


@pytest.fixture(scope="module")
def bags(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_example_bags(tmp_path_factory.mktemp("report"), count=4, seconds=10)


@pytest.fixture(scope="module")
def training(bags: list[Path]) -> Training:
    """With a test part."""
    return train(parse_sensors(SENSORS, "test"), bags, SGDSettings(epochs=5, hidden=8), Silent())


@pytest.fixture(scope="module")
def ensemble(bags: list[Path]) -> Training:
    """Without a test part: members judge the bags that they left out."""
    return train(parse_sensors(SENSORS, "test"), bags, SMALL, Silent())


@pytest.fixture(scope="module")
def pages(training: Training, ensemble: Training, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pages of both runs, with a learning curve."""
    runs = {"training": training, "ensemble": ensemble}
    return {name: page_of(tmp_path_factory.mktemp(name), run, curve=CURVE) for name, run in runs.items()}


def page_of(folder: Path, training: Training, **options: Any) -> str:
    return write_report(folder, training, **options).read_text(encoding="utf-8")


def headings(page: str) -> list[str]:
    return re.findall("<h2>(.*?)</h2>", page)


def test_the_page_holds_every_part_and_needs_no_network(training: Training, tmp_path: Path) -> None:
    picture = tmp_path / "drive.gif"
    picture.write_bytes(b"GIF89a")
    page = page_of(tmp_path / "new" / "folder", training, pictures=[("The drive", picture)], curve=CURVE)
    assert headings(page) == [
        "The drive",
        "Scores",
        "Warnings",
        "Each label",
        "The worst stretches",
        "What the scores rest on",
        "What more bags would give",
        "What a shuffled split would claim",
        "Loss",
        "Recordings",
        "Settings",
        "Model",
    ]
    assert training.bags["test"][0] in page
    assert page.count("<svg") == 2 + 1 + 2 + 1 + 1, "labels, the one stretch of a bag of 10 s, importance, curve, loss"
    loaded = re.findall(r"(?:src|href)=\"([^\"#][^\"]{0,30})", page)
    assert all(source.startswith("data:image/gif;base64,R0lGODlh") for source in loaded if "xlink" not in source)
    assert not re.search(r"<(script|link|iframe)\b|@import|url\(http", page)


def test_without_a_test_part_left_out_bags_take_its_place(pages: dict[str, str]) -> None:
    page = pages["ensemble"]
    assert "Every training bag, judged by members that had not seen it." in page
    assert "Calibration" in headings(page)
    assert "Test bags and left-out bags" not in headings(page)
    assert len(re.findall(r"<h3>street_\d, from 0 s: log loss", page)) == 4


def test_scores_of_test_bags_and_of_left_out_bags_are_compared(bags: list[Path], tmp_path: Path) -> None:
    both = train(parse_sensors(SENSORS, "test"), bags, replace(SMALL, test_share=0.25), Silent())
    page = page_of(tmp_path, both)
    metrics = both.model.metrics
    test, left_out = (part["macro"]["average_precision"] for part in (metrics, metrics["left out bags"]))
    assert f"The macro AP on test bags is {abs(test - left_out):.3f} {'above' if test >= left_out else 'below'}" in page
    for name, value in (("test bags", test), ("left out bags", left_out)):
        assert re.search(rf"<td>{name}</td><td>\d+</td><td>\d</td><td>{value:.3f}</td>", page)


def test_a_test_part_without_a_positive_has_no_curve_and_no_warning(training: Training, tmp_path: Path) -> None:
    assert training.scored is not None
    scored = replace(training.scored, Y=np.zeros_like(training.scored.Y))
    page = page_of(tmp_path, replace(training, scored=scored))
    assert "Each label" not in page
    assert page.count("<svg") == 2, "the stretch and the loss"


def test_without_any_score_the_rest_is_there(training: Training, tmp_path: Path) -> None:
    page = page_of(tmp_path, replace(training, scored=None))
    assert headings(page) == ["Loss", "Recordings", "Settings", "Model"]


def test_bags_that_were_left_out_are_named_with_their_problem(
    training: Training, pages: dict[str, str], tmp_path: Path
) -> None:
    assert "Bags that could not be used" not in pages["training"]
    left_out = (BadBag("street_9", "/bags/street_9: found <nothing>"),)
    page = page_of(tmp_path, replace(training, left_out=left_out, scored=None))
    assert "<h2>Bags that could not be used</h2>" in page
    assert "<li>/bags/street_9: found &lt;nothing&gt;</li>" in page


@pytest.mark.parametrize("run", ["training", "ensemble"])
def test_its_numbers_are_the_models(run: str, request: pytest.FixtureRequest, pages: dict[str, str]) -> None:
    training: Training = request.getfixturevalue(run)
    page = pages[run]
    for label, row in training.model.metrics["labels"].items():
        (cells,) = re.findall(rf"<tr><td>{label}</td>((?:<td>[^<]*</td>){{15}})</tr>", page)
        shown = re.findall("<td>([^<]*)</td>", cells)
        keys = ("average_precision", "interval", "auroc", "f1", "precision", "recall", "brier", "ece", "prevalence")
        for key, cell in zip(keys, shown, strict=False):
            if key != "interval":
                assert cell == ("-" if row[key] is None else f"{row[key]:.3f}"), key
        assert shown[9:12] == [str(row[key]) for key in ("support", "bags", "events")]


def test_recordings_are_counted(ensemble: Training, pages: dict[str, str]) -> None:
    page = pages["ensemble"]
    for shard in ensemble.split.data:
        counts = "".join(f"<td>{int(count)}</td>" for count in shard.Y[shard.usable].sum(axis=0))
        known = f"{100 * shard.usable.sum() / shard.labelled.sum():.1f} %"
        row = f"<td>train</td><td>{len(shard)}</td><td>{shard.labelled.sum()}</td><td>{known}</td>{counts}"
        assert f"<tr><td>{shard.name}</td>{row}</tr>" in page
    assert re.search(r"<tr><td>noise</td><td>std_msgs/msg/Float32</td><td>3</td><td>[\d.]+ %</td>", page)
    assert "<tr><td>mixup</td><td>0.4</td></tr>" in page, "settings"


def test_grouped_and_shuffled_scores_stand_side_by_side(pages: dict[str, str]) -> None:
    page = pages["training"]
    assert "From 2 to 8 bags the score went from 0.550 to 0.750." in page
    assert "<td>grouped: whole bags held out</td><td>0.750</td><td>0.700, 0.800</td>" in page
    assert "<td>shuffled: single intervals held out</td><td>0.960</td><td>0.950, 0.970</td>" in page


@pytest.mark.parametrize("run", ["training", "ensemble"])
def test_equal_runs_give_equal_pages(
    run: str, request: pytest.FixtureRequest, pages: dict[str, str], tmp_path: Path
) -> None:
    assert page_of(tmp_path, request.getfixturevalue(run), curve=CURVE) == pages[run]


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MEASURE = """<script>addEventListener("load", () => {
  const shown = (selector) => [...document.querySelectorAll(selector)].map((element) => {
    const {left, right, top, bottom} = element.getBoundingClientRect();
    return {left, right, top, bottom, pixels: element.naturalWidth};
  });
  const requests = performance.getEntriesByType("resource").map((entry) => entry.name.slice(0, 30));
  const page = {width: innerWidth, scrolls: document.documentElement.scrollWidth, requests};
  const parts = {headings: shown("h2"), plots: shown("svg"), pictures: shown("img")};
  document.body.dataset.measured = JSON.stringify({...page, ...parts});
})</script>"""


def rendered(path: Path, folder: Path, width: int) -> dict[str, Any]:
    """Where a headless browser puts the parts of a page, in CSS pixels; its picture goes beside it."""
    assert BROWSER is not None
    copy = folder / "measured.html"
    copy.write_text(path.read_text(encoding="utf-8").replace("</body>", MEASURE + "</body>"), encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command = [BROWSER, *flags, f"--window-size={width},6000", f"--screenshot={folder / 'page.png'}", "--dump-dom"]
    done = subprocess.run([*command, copy.as_uri()], capture_output=True, text=True, check=True, timeout=120)
    (measured,) = re.findall(r'data-measured="([^"]*)"', done.stdout)
    page: dict[str, Any] = json.loads(html.unescape(measured))
    return page


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [1200, 500])
@pytest.mark.parametrize("run", ["training", "ensemble"])
def test_a_browser_shows_the_whole_page(run: str, width: int, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    training: Training = request.getfixturevalue(run)
    gif = tmp_path / "drive.gif"
    Image.new("RGB", (640, 360), "green").save(gif)
    page = rendered(write_report(tmp_path, training, [("The drive", gif)], CURVE), tmp_path, width)
    assert page["scrolls"] <= page["width"] <= width, "nothing sticks out"
    assert [name for name in page["requests"] if not name.startswith("data:")] == []
    (picture,) = page["pictures"]
    assert picture["pixels"] == 640
    headings, plots = page["headings"], page["plots"]
    assert [heading["top"] for heading in headings] == sorted(heading["top"] for heading in headings)
    for part in (picture, *plots):
        assert part["right"] - part["left"] > 0.5 * min(page["width"], 900)
        assert part["bottom"] - part["top"] > 100
    # What is drawn lies on its plot and can be seen: the screenshot, smoothed where it is small, has its colours.
    screenshot = np.asarray(Image.open(tmp_path / "page.png").convert("RGB"), int)
    for plot in plots:
        left, right, top, bottom = (round(plot[side]) for side in ("left", "right", "top", "bottom"))
        area = screenshot[top:bottom, left:right]
        assert (area[..., 2] - area[..., 0] > 60).sum() > 50, "blue lines"
        assert (area.max(axis=2) < 160).sum() > 50, "axes and their text"
