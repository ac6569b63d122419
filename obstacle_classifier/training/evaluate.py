# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A model's scores on labelled bags, through the path that the node runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from obstacle_classifier.bags import Bag, load_labels
from obstacle_classifier.bags.find import bag_names
from obstacle_classifier.bags.intervals import read_intervals
from obstacle_classifier.errors import BagError
from obstacle_classifier.model import Model
from obstacle_classifier.pipeline import Pipeline
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.metrics import scores

__all__ = ["evaluate"]


def evaluate(model: Model, paths: Sequence[Path], progress: Progress) -> dict[str, Any]:
    """Scores of `model` on all known, labelled intervals of the bags; see `metrics.scores` for their form.

    Raises:
        BagError: A bag cannot be used, has no labels, or none of them has a known, labelled interval.
        ConfigError: A label file that does not hold what it must.
    """
    trained_on = {bag["sha256"] for bag in model.bags if bag.get("part") not in ("test", "unused")}
    targets: list[list[float]] = []
    probabilities, present, labelled = [], [], 0
    with progress.stage("bags", len(paths)) as stage:
        for path, name in zip(paths, bag_names(paths), strict=True):
            with Bag(path) as bag:
                if bag.sha256() in trained_on:
                    progress.say(f"warning: {path}: the model was trained on this bag")
                track = load_labels(bag, model.labels, model.sensors.label_topic)
                for interval in read_intervals(bag, Pipeline(model)):
                    truth = track.at(interval.end)
                    if truth is None:
                        continue
                    labelled += 1
                    if interval.obstacles is not None:
                        targets.append([float(label in truth) for label in model.labels])
                        probabilities.append(interval.p)
                        present.append([label in interval.obstacles for label in model.labels])
                for problem in bag.problems:
                    progress.say(f"warning: {problem}")
            stage.advance(name)
    if not targets:
        raise BagError(
            f"{', '.join(map(str, paths))}: found no known, labelled interval to score, expected at least one"
        )
    coverage = len(targets) / labelled
    return scores(np.array(targets), np.array(probabilities, np.float64), np.array(present), model.labels, coverage)
