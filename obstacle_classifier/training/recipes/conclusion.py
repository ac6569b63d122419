# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Calibration, rules and scores of a network, from the answers of judges that had not seen the bags."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.model import Calibration
from obstacle_classifier.model.predictor import MAX_SMOOTHING
from obstacle_classifier.progress import Progress
from obstacle_classifier.training.calibration import averaged, calibrated, expected_calibration_error, fit_calibration
from obstacle_classifier.training.dataset import Dataset
from obstacle_classifier.training.decision_rules import TARGET_SCHEMA, choose_rules, targets_of
from obstacle_classifier.training.judged import Judged, following
from obstacle_classifier.training.judged_share import middle
from obstacle_classifier.training.left_out import LeftOut, deal_left_out
from obstacle_classifier.training.recipes.recipe import Fitted
from obstacle_classifier.training.settings import NetworkSettings, option
from obstacle_classifier.training.smoothing import choose_smoothing, smooth
from obstacle_classifier.training.split import reach

__all__ = ["JudgedSettings", "conclude", "deal"]


@dataclass(frozen=True, kw_only=True)
class JudgedSettings(NetworkSettings):
    """Options of recipes with judges."""

    most_smoothing: float = option(
        8.0,
        "longest mean delay, in intervals, by which a label's probability may be smoothed over time; the answers on "
        "left-out bags choose the delay; 0: every interval stands alone",
        minimum=0,
        maximum=MAX_SMOOTHING,
    )
    target: dict[str, Any] = option(
        {},
        "goal of the thresholds: precision or recall, for all labels or by label, as in {precision: 0.9, bicycle: "
        "{recall: 0.8}}; without one, the best F1",
        **TARGET_SCHEMA,
    )


def deal(data: Dataset, groups: int, sensors: SensorsConfig, seed: int, vectors: int = 1) -> LeftOut:
    """The intervals that each judge leaves out, for networks that see that many feature vectors.

    Of very many intervals, the judges judge a part: see `middle`.
    """
    gap = reach(sensors) + (vectors - 1) * sensors.interval
    left_out = deal_left_out(data, groups, gap, np.random.default_rng(seed))
    return left_out.judging(np.concatenate(middle([len(shard) for shard in data]))) if len(data) else left_out


def conclude(
    fitted: Fitted,
    unseen_logits: NDArray[np.float64],
    members: tuple[int, int],
    data: Dataset,
    left_out: LeftOut,
    sensors: SensorsConfig,
    settings: JudgedSettings,
    progress: Progress,
) -> Fitted:
    """A fitted network with all that its judges' answers tell.

    Args:
        fitted: The network, and the judges.
        unseen_logits: (n, c) answers of the judges, NaN in intervals that nobody left out.
        members: Number of members of a judge, and of the network.
        data: The n training intervals.
        left_out: The groups of the judges.
        sensors: The columns and the labels.
        settings: Goal of the thresholds, and the longest smoothing.
        progress: Told of targets that cannot be met.
    """
    bag = data.bag
    _, Y = data.stack()
    known = np.isfinite(unseen_logits).all(axis=1)
    if not known.any():
        return replace(fitted, judges=None)
    Z, group = unseen_logits[known], left_out.group[known]
    follows = following(bag[known], data.time_ns[known], sensors.interval)
    smoothing = choose_smoothing(Z, Y[known], bag[known], follows, settings.most_smoothing)
    smoothed = smooth(Z, follows, smoothing)
    calibration = fit_calibration(smoothed, Y[known], bag[known])
    judged = Judged(
        names=data.names,
        bag=bag[known],
        time_ns=data.time_ns[known],
        Y=Y[known],
        P=calibrated(smoothed, calibration),
        present=np.zeros(Z.shape, np.bool_),
        interval=sensors.interval,
        group=group,
    )
    rules, problems = choose_rules(judged, targets_of(settings.target, sensors.labels), sensors.labels, smoothing)
    for problem in problems:
        progress.say(f"warning: {problem}")
    raw = calibrated(smoothed, [Calibration()] * Z.shape[1])
    ece = tuple(expected_calibration_error(y, p) for y, p in zip(judged.Y.T, raw.T, strict=True))
    served = averaged(calibration, *members)
    return replace(fitted, calibration=served, rules=rules, smoothing=smoothing, unseen=judged, raw_ece=ece)
