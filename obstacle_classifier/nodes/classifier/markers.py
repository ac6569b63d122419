# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Probabilities as a bar chart for RViz and Foxglove."""

from __future__ import annotations

from collections.abc import Sequence

from builtin_interfaces.msg import Duration, Time
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from obstacle_classifier.pipeline import Prediction

__all__ = ["BarChart"]

_SPACING = 0.3  # m between two bars, along -y
_WIDTH = 0.2  # m
_TEXT = 0.1  # m, height of a letter
_FLAT = 0.005  # m, lowest bar: RViz does not draw a bar of height 0
_LIFETIME = 10**9  # ns, or three intervals if longer: RViz removes a chart that is not renewed
_PRESENT = ColorRGBA(r=0.9, g=0.2, b=0.1, a=0.9)
_ABSENT = ColorRGBA(r=0.2, g=0.7, b=0.3, a=0.9)
_UNKNOWN = ColorRGBA(r=0.5, g=0.5, b=0.5, a=0.5)


class BarChart:
    """One bar with a text per label, side by side at the origin of a frame; a probability of 1 is 1 m high.

    Args:
        labels: Names of the c labels.
        interval: Time between two charts in ns.
    """

    def __init__(self, labels: Sequence[str], interval: int) -> None:
        self._labels = tuple(labels)
        self._message = MarkerArray()
        lifetime = max(_LIFETIME, 3 * interval)
        for index, label in enumerate(labels):
            for kind in (Marker.CUBE, Marker.TEXT_VIEW_FACING):
                marker = Marker(ns=label, id=kind, type=kind, action=Marker.ADD)
                marker.lifetime = Duration(sec=lifetime // 10**9, nanosec=lifetime % 10**9)
                marker.pose.position.y = -_SPACING * index
                marker.pose.orientation.w = 1.0
                marker.scale.x = marker.scale.y = _WIDTH
                marker.scale.z = _TEXT
                marker.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
                self._message.markers.append(marker)

    def update(self, interval: Prediction, frame_id: str) -> MarkerArray:
        """The chart of one interval, stamped with its end: red present, green absent, grey and flat unknown."""
        stamp = Time(sec=interval.end // 10**9, nanosec=interval.end % 10**9)
        bars, texts = self._message.markers[::2], self._message.markers[1::2]
        for index, (label, bar, text) in enumerate(zip(self._labels, bars, texts, strict=True)):
            p = 0.0 if interval.unknown else float(interval.p[index])
            bar.header.stamp = text.header.stamp = stamp
            bar.header.frame_id = text.header.frame_id = frame_id
            bar.scale.z = max(p, _FLAT)
            bar.pose.position.z = bar.scale.z / 2
            if interval.obstacles is None:
                bar.color, reading = _UNKNOWN, "unknown"
            else:
                bar.color, reading = _PRESENT if label in interval.obstacles else _ABSENT, f"{p:.2f}"
            text.pose.position.z = bar.scale.z + _TEXT
            text.text = f"{label} {reading}"
        return self._message
