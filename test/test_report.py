"""The report of a training run: one page, whole, and the same numbers as the model's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")
pytest.importorskip("matplotlib", reason="the report's plots need matplotlib")

from obstacle_classifier.bags.demo_bags import SENSORS, write_demo_bags
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.progress import Silent
from obstacle_classifier.training import TrainConfig, Training, train
from obstacle_classifier.training.report import write_report


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Training:
    bags = write_demo_bags(tmp_path_factory.mktemp("report"), count=4, seconds=10)
    return train(parse_sensors(SENSORS, "test"), bags, TrainConfig(epochs=5, hidden=8), Silent())


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


def test_its_numbers_are_the_models(training: Training, tmp_path: Path) -> None:
    page = write_report(tmp_path, training).read_text(encoding="utf-8")
    for label, row in training.model.metrics["labels"].items():
        cells = [row[key] for key in ("average_precision", "f1", "precision", "recall", "prevalence")]
        shown = "".join(f"<td>{'-' if cell is None else f'{cell:.3f}'}</td>" for cell in cells)
        assert f"<tr><td>{label}</td>{shown}</tr>" in page


def test_equal_runs_give_equal_pages(training: Training, tmp_path: Path) -> None:
    first, second = (write_report(tmp_path / name, training).read_bytes() for name in ("a", "b"))
    assert first == second
