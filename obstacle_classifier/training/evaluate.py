# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A model's scores on labelled bags, through the path that the node runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.bags import Bag, load_labels
from obstacle_classifier.bags.find import bag_names
from obstacle_classifier.bags.intervals import read_intervals
from obstacle_classifier.errors import BagError
from obstacle_classifier.model import Model
from obstacle_classifier.pipeline import Pipeline
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.backends import Backend, Serial
from obstacle_classifier.training.dataset import BadBag, check_some_usable, warn_left_out
from obstacle_classifier.training.judged import Judged
from obstacle_classifier.training.metrics import scores

__all__ = ["evaluate"]


@dataclass(frozen=True)
class _Answers:
    """Answers of a model on the known, labelled intervals of one bag.

    Attributes:
        name: Name of the bag.
        path: Where it lies.
        sha256: Of the bag's content, hexadecimal.
        time_ns: (n,) int64 interval ends.
        Y: (n, c) float32, 1 where a label is present, else 0.
        P: (n, c) float64 probabilities.
        present: (n, c) decisions.
        labelled: Number of labelled intervals, known or not.
        problems: Parts of the bag that could not be read and why, a line each.
    """

    name: str
    path: Path
    sha256: str
    time_ns: NDArray[np.int64]
    Y: NDArray[np.float32]
    P: NDArray[np.float64]
    present: NDArray[np.bool_]
    labelled: int
    problems: tuple[str, ...]


def evaluate(
    model: Model,
    paths: Sequence[Path],
    progress: Progress,
    backend: Backend | None = None,
    left_out: Sequence[BadBag] = (),
) -> dict[str, Any]:
    """Scores of `model` on all known, labelled intervals of the bags.

    Args:
        model: The model.
        paths: The bags; those that cannot be used are left out and named.
        progress: Told of every bag.
        backend: Where the bags are read; by default here, one after the other.
        left_out: Bags that were left out before; the result names them too.

    Returns:
        JSON-able: the form of `metrics.scores`, and under `left_out` the name and the problem of each bag left out.

    Raises:
        BagError: None of the bags can be used, or none of them has a known, labelled interval.
        ConfigError: A label file that does not hold what it must.
    """
    trained_on = {bag["sha256"] for bag in model.bags if bag.get("part") not in ("test", "unused")}
    answers: list[_Answers] = []
    unusable: list[BadBag] = []
    jobs = list(zip(paths, bag_names(paths), strict=True))
    with progress.stage("bags", len(paths)) as stage:
        for result in (backend or Serial()).map(partial(_answer, model), jobs):
            if isinstance(result, BadBag):
                unusable.append(result)
            else:
                answers.append(result)
                if result.sha256 in trained_on:
                    progress.say(f"warning: {result.path}: the model was trained on this bag")
                for problem in result.problems:
                    progress.say(f"warning: {problem}")
            stage.advance(result.name)
    check_some_usable(unusable, len(paths))
    unusable = [*left_out, *unusable]
    warn_left_out(unusable, len(paths) + len(left_out), progress)
    if not sum(len(one.Y) for one in answers):
        raise BagError(
            f"{', '.join(map(str, paths))}: found no known, labelled interval to score, expected at least one"
        )
    judged = Judged(
        names=tuple(one.name for one in answers),
        bag=np.concatenate([np.full(len(one.Y), index, np.intp) for index, one in enumerate(answers)]),
        time_ns=np.concatenate([one.time_ns for one in answers]),
        Y=np.concatenate([one.Y for one in answers]),
        P=np.concatenate([one.P for one in answers]),
        present=np.concatenate([one.present for one in answers]),
        interval=model.sensors.interval,
    )
    return {
        **scores(judged, model.labels, len(judged) / sum(one.labelled for one in answers)),
        "left_out": [bad.document() for bad in unusable],
    }


def _answer(model: Model, job: tuple[Path, str]) -> _Answers | BadBag:
    path, name = job
    times: list[int] = []
    targets: list[list[float]] = []
    probabilities, present, labelled = [], [], 0
    try:
        with Bag(path) as bag:
            track = load_labels(bag, model.labels, model.sensors.label_topic, model.sensors.other_labels)
            for interval in read_intervals(bag, Pipeline(model)):
                truth = track.at(interval.end)
                if truth is None:
                    continue
                labelled += 1
                if interval.obstacles is not None:
                    times.append(interval.end)
                    targets.append([float(label in truth) for label in model.labels])
                    probabilities.append(interval.p)
                    present.append([label in interval.obstacles for label in model.labels])
            shape = (-1, len(model.labels))
            return _Answers(
                name=name,
                path=path,
                sha256=bag.sha256(),
                time_ns=np.array(times, np.int64),
                Y=np.array(targets, np.float32).reshape(shape),
                P=np.array(probabilities, np.float64).reshape(shape),
                present=np.array(present, np.bool_).reshape(shape),
                labelled=labelled,
                problems=tuple(bag.problems),
            )
    except BagError as error:
        return BadBag(name, str(error))
