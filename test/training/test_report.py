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
from obstacle_classifier.training import SGDSettings, Training, train
from obstacle_classifier.training.dataset import BadBag
from obstacle_classifier.training.report import write_report


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    bags = write_example_bags(tmp_path_factory.mktemp("report"), count=4, seconds=10)
    return train(parse_sensors(SENSORS, "test"), bags, SGDSettings(epochs=5, hidden=8), Silent())


def test_the_page_holds_every_part_and_needs_no_network(training: Training, tmp_path: Path) -> None:
    picture = tmp_path / "drive.gif"
    picture.write_bytes(b"GIF89a")
    path = write_report(tmp_path / "new" / "folder", training, [("The drive", picture)])
    page = path.read_text(encoding="utf-8")
    headings = re.findall("<h2>(.*?)</h2>", page)
    (bag,) = training.bags["test"]
    assert headings == [
        "The drive",
        "Scores on bags that training has not seen",
        "Precision against recall",
        f"Probability against truth: {bag}",
        "Loss",
        "Model",
    ]
    assert page.count("<svg") == 3
    loaded = re.findall(r"(?:src|href)=\"([^\"#][^\"]{0,30})", page)
    assert all(source.startswith("data:image/gif;base64,R0lGODlh") for source in loaded if "xlink" not in source)
    assert not re.search(r"<(script|link|iframe)\b|@import|url\(http", page)


def test_a_test_part_without_a_positive_has_no_curve_and_no_warning(training: Training, tmp_path: Path) -> None:
    assert training.scored is not None
    scored = replace(training.scored, Y=np.zeros_like(training.scored.Y))
    page = write_report(tmp_path, replace(training, scored=scored)).read_text(encoding="utf-8")
    assert "Precision against recall" not in page
    assert page.count("<svg") == 2


def test_bags_that_were_left_out_are_named_with_their_problem(training: Training, tmp_path: Path) -> None:
    assert "left out" not in write_report(tmp_path, training).read_text(encoding="utf-8")
    left_out = (BadBag("street_9", "/bags/street_9: found <nothing>"),)
    page = write_report(tmp_path, replace(training, left_out=left_out)).read_text(encoding="utf-8")
    assert "<h2>Bags that were left out</h2>" in page
    assert "<li>/bags/street_9: found &lt;nothing&gt;</li>" in page


def test_its_numbers_are_the_models(training: Training, tmp_path: Path) -> None:
    page = write_report(tmp_path, training).read_text(encoding="utf-8")
    for label, row in training.model.metrics["labels"].items():
        cells = [row[key] for key in ("average_precision", "f1", "precision", "recall", "prevalence")]
        shown = "".join(f"<td>{'-' if cell is None else f'{cell:.3f}'}</td>" for cell in cells)
        assert f"<tr><td>{label}</td>{shown}</tr>" in page


def test_equal_runs_give_equal_pages(training: Training, tmp_path: Path) -> None:
    first, second = (write_report(tmp_path / name, training).read_bytes() for name in ("a", "b"))
    assert first == second


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
def test_a_browser_shows_the_whole_page(training: Training, tmp_path: Path, width: int) -> None:
    gif = tmp_path / "drive.gif"
    Image.new("RGB", (640, 360), "green").save(gif)
    page = rendered(write_report(tmp_path, training, [("The drive", gif)]), tmp_path, width)
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
