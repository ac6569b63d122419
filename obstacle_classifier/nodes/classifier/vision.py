# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""`vision_msgs/msg/Classification`, if the package is installed; no other module imports it."""

from __future__ import annotations

from collections.abc import Sequence

from builtin_interfaces.msg import Time

from obstacle_classifier.pipeline import Prediction

try:
    from vision_msgs.msg import Classification, ObjectHypothesis
except ModuleNotFoundError:
    Classification = None

__all__ = ["CLASSIFICATION", "classification"]

CLASSIFICATION: type | None = Classification
"""The class of `vision_msgs/msg/Classification`, None if the package is not installed."""


def classification(interval: Prediction, labels: Sequence[str], frame_id: str) -> Classification:
    """The Classification of one interval, stamped with its end; without results if the interval is unknown."""
    message = Classification()
    message.header.frame_id = frame_id
    message.header.stamp = Time(sec=interval.end // 10**9, nanosec=interval.end % 10**9)
    if not interval.unknown:
        message.results = [
            ObjectHypothesis(class_id=label, score=p) for label, p in zip(labels, interval.p.tolist(), strict=True)
        ]
    return message
