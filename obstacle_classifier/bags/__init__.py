# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Recordings: finding them, their messages as one stream, and their labels."""

from __future__ import annotations

from obstacle_classifier.bags.find import find_bags
from obstacle_classifier.bags.labels import LabelTrack, NoLabelsError, load_labels
from obstacle_classifier.bags.reader import Bag, Topic

__all__ = ["Bag", "LabelTrack", "NoLabelsError", "Topic", "find_bags", "load_labels"]
