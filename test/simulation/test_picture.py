# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("mujoco", reason="the simulation needs mujoco")
pytest.importorskip("PIL", reason="pictures need Pillow")

from PIL import Image, ImageSequence

from obstacle_classifier.simulation import Scenario, Snapshot, snapshots
from obstacle_classifier.simulation.picture import draw, write_gif, write_png
from obstacle_classifier.simulation.scenario import LABELS


@pytest.fixture(scope="module")
def views() -> list[Snapshot]:
    return list(snapshots(Scenario(duration=4.0, seed=3), 0.5))


def test_a_gif_has_a_frame_a_view(views: list[Snapshot], tmp_path: Path) -> None:
    path = tmp_path / "drive.gif"
    assert write_gif(views, path, lambda time: dict.fromkeys(LABELS, 0.5), frame=0.1) == len(views) == 9
    with Image.open(path) as image:
        assert len(list(ImageSequence.Iterator(image))) == 9
        assert image.size == (800, 400)
        assert image.info["duration"] == 100
    assert path.stat().st_size < 500_000


def test_without_views_there_is_no_gif(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found no view"):
        write_gif([], tmp_path / "drive.gif")


def test_a_picture_shows_truth_and_probability(views: list[Snapshot], tmp_path: Path) -> None:
    view = next((view for view in views if view.truth), None)
    assert view is not None
    x = 800 - 190 + 12
    image = draw(view, dict.fromkeys(LABELS, 0.25))
    for number, label in enumerate(LABELS):
        y = 44 + 54 * number
        filled = image.getpixel((x + 6, y + 6)) != (255, 255, 255)
        assert filled == (label in view.truth)
        bar = [image.getpixel((x + round(share * 166), y + 26)) != (255, 255, 255) for share in (0.1, 0.2, 0.3, 0.9)]
        assert bar == [True, True, False, False]
    write_png(view, tmp_path / "drive.png")
    with Image.open(tmp_path / "drive.png") as written:
        assert written.format == "PNG"


def test_the_picture_is_the_same_each_time(views: list[Snapshot]) -> None:
    assert draw(views[0]).tobytes() == draw(views[0]).tobytes()
