# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Static objects on the street."""

from __future__ import annotations

from dataclasses import dataclass

from obstacle_classifier.simulation.geometry import Footprint

__all__ = ["Thing"]


@dataclass(frozen=True)
class Thing:
    """A static object.

    Attributes:
        kind: `wall`, `tree`, `lamp_post`, `parked_car`, `van`, `trash_can`, `bollard`, `bicycle` or `person`.
        x, y: Centre (m).
        yaw: Direction (rad).
        length, width, height: Size (m).
        reflectivity: Share of the light that it reflects.
        label: Its label in the ground truth, if any.
        group: Number of its place on the sidewalk; -1 at the kerb or beside the sidewalk.
    """

    kind: str
    x: float
    y: float
    yaw: float
    length: float
    width: float
    height: float
    reflectivity: float
    label: str | None = None
    group: int = -1

    @property
    def footprint(self) -> Footprint:
        """The rectangle that it covers."""
        return Footprint(self.x, self.y, self.yaw, self.length / 2, self.width / 2)

    @property
    def reach(self) -> tuple[float, float]:
        """Half the extent along x and along y (m)."""
        return self.footprint.reach
