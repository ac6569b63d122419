# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Something that stands still on the street."""

from __future__ import annotations

from dataclasses import dataclass

from obstacle_classifier.simulation.geometry import Footprint

__all__ = ["Thing"]


@dataclass(frozen=True)
class Thing:
    """Something that stands still.

    Attributes:
        kind: `wall`, `tree`, `lamp_post`, `parked_car`, `van`, `trash_can`, `bollard`, `bicycle` or `person`.
        x, y: Its middle (m).
        yaw: Its direction (rad).
        length, width, height: Its size (m).
        reflectivity: Share of the light that it throws back.
        label: What the ground truth calls it, if anything.
        group: Number of the place on the sidewalk that it stands on; -1 beside the sidewalk or at the kerb.
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
        """Half its extent along x and along y (m)."""
        return self.footprint.reach
