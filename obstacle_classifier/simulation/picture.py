# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Pictures of a drive from above, as PNG or GIF. Needs Pillow, which no other module of the simulation imports."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from obstacle_classifier.simulation.geometry import Footprint, corners
from obstacle_classifier.simulation.scenario import LABELS
from obstacle_classifier.simulation.simulation import Snapshot

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

__all__ = ["draw", "write_gif", "write_png"]

Probabilities = Callable[[int], "Mapping[str, float] | None"]
"""The probability of each label at a time in ns since the epoch; None if it is not known."""

_SIZE = 800, 400  # pixels
_VIEW = _SIZE[0] - 190  # pixels; width of the street, beside the panel
_SCALE = 34.0  # pixels per m
_BEHIND = 4.0  # m; street shown behind the robot
_COLOURS = {
    "pedestrian": "#d1495b",
    "bicycle": "#2e86ab",
    "dog": "#8f5db7",
    "trash_can": "#3c7d4f",
    "bollard": "#e08e1b",
    "vehicle": "#4a4e69",
}
_ROAD, _SIDEWALK, _PLAIN, _ROBOT, _HIT, _TEXT = "#c9cdd2", "#efece6", "#a59f95", "#111111", "#e63946", "#222222"


def draw(view: Snapshot, probabilities: Mapping[str, float] | None = None) -> Image:
    """One picture, x to the right: street, lidar hits and corridor; truth and probability of each label."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", _SIZE, _ROAD)
    canvas = ImageDraw.Draw(image)
    _street(canvas, view)
    canvas.rectangle((_VIEW, 0, *_SIZE), fill="white")
    _panel(canvas, view, probabilities)
    return image


def write_png(view: Snapshot, path: Path, probabilities: Mapping[str, float] | None = None) -> None:
    """Write one picture."""
    draw(view, probabilities).save(path, "PNG")


def write_gif(
    views: Iterable[Snapshot], path: Path, probabilities: Probabilities | None = None, frame: float = 0.2
) -> int:
    """Write a looping GIF that shows each view for `frame` seconds; returns the number of views.

    Raises:
        ValueError: There is no view.
    """
    from PIL.Image import Dither

    images = [
        draw(view, None if probabilities is None else probabilities(view.time)).quantize(64, dither=Dither.NONE)
        for view in views
    ]
    if not images:
        raise ValueError("found no view, expected at least one")
    images[0].save(
        path, "GIF", save_all=True, append_images=images[1:], duration=round(frame * 1000), loop=0, optimize=False
    )
    return len(images)


def _street(canvas: ImageDraw, view: Snapshot) -> None:
    middle = _SIZE[1] / 2
    left = view.robot.x - _BEHIND

    def pixels(rectangle: Footprint) -> list[tuple[float, float]]:
        return [((x - left) * _SCALE, middle - y * _SCALE) for x, y in corners(rectangle).tolist()]

    half = view.sidewalk / 2 * _SCALE
    canvas.rectangle((0, middle - half, _VIEW, middle + half), fill=_SIDEWALK, outline="#8d8d8d")
    for thing in view.things:
        colour = _COLOURS.get(str(thing.label), _PLAIN)
        if thing.kind in ("tree", "lamp_post", "bollard"):
            radius = max(2.0, thing.length / 2 * _SCALE)
            x, y = (thing.x - left) * _SCALE, middle - thing.y * _SCALE
            canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        else:
            canvas.polygon(pixels(thing.footprint), fill=colour)
    for label, footprint in view.actors:
        canvas.polygon(pixels(footprint), fill=_COLOURS[label], outline="white")
    canvas.polygon(pixels(view.corridor), outline="#1d7a3a" if not view.truth else _HIT)
    for x, y in view.points.tolist():
        a, b = (x - left) * _SCALE, middle - y * _SCALE
        canvas.rectangle((a - 1, b - 1, a + 1, b + 1), fill=_HIT)
    canvas.polygon(pixels(view.robot_shape), fill=_ROBOT)
    nose = view.robot.x + 0.3 * math.cos(view.robot.yaw), view.robot.y + 0.3 * math.sin(view.robot.yaw)
    a, b = (nose[0] - left) * _SCALE, middle - nose[1] * _SCALE
    canvas.ellipse((a - 4, b - 4, a + 4, b + 4), fill="white")


def _panel(canvas: ImageDraw, view: Snapshot, probabilities: Mapping[str, float] | None) -> None:
    x, width = _VIEW + 12, _SIZE[0] - _VIEW - 24
    columns = "in the corridor" if probabilities is None else "truth (dot), probability (bar)"
    canvas.text((x, 12), columns, fill=_TEXT)
    for number, label in enumerate(LABELS):
        y = 44 + 54 * number
        canvas.text((x + 20, y), label.replace("_", " "), fill=_TEXT)
        present = label in view.truth
        colour = _COLOURS[label]
        canvas.ellipse((x, y, x + 12, y + 12), fill=colour if present else "white", outline=colour)
        if probabilities is not None:
            p = probabilities.get(label, math.nan)
            canvas.rectangle((x, y + 20, x + width, y + 32), outline="#bbbbbb")
            if math.isfinite(p):
                canvas.rectangle((x, y + 20, x + width * p, y + 32), fill=colour)
    canvas.text((x, _SIZE[1] - 24), f"{round(view.robot.speed, 1) + 0.0:.1f} m/s", fill=_TEXT)
