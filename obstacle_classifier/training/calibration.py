# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Logits to probabilities that hold for bags which training has not seen: a scale and an offset per label.

Platt, "Probabilistic Outputs for Support Vector Machines", 1999: P = sigmoid(scale * logit + offset), fitted by maximum
likelihood to smoothed targets. It is fitted to the logits that members give the bags that they left out, pooled over
all groups. The shift from one group to another that pooling brings in is the shift that a new bag brings, too.

There are thousands of intervals but few bags, and the intervals of a bag resemble each other. An offset fitted to three
bags says how often the label occurs in these three. The fit therefore counts each bag as `EVIDENCE` observations,
however many intervals it has, and weighs them against a prior: the offset is 0, the scale that of all labels together
(the reciprocal of a temperature: Guo et al., "On Calibration of Modern Neural Networks", 2017). With many bags this is
Platt's fit, with few it is a temperature.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.model.predictor import Calibration
from obstacle_classifier.nn import log_loss_from_logits, sigmoid

__all__ = [
    "averaged",
    "brier_score",
    "calibrated",
    "expected_calibration_error",
    "fit_calibration",
    "probability_bins",
]

EVIDENCE = 1.0
"""Observations that a bag counts as."""

SHARED_EVIDENCE = 10.0
"""The same where all labels have one scale in common: less can go wrong."""

DISAGREEMENT = 0.5
"""How much members disagree on bags that they have not seen; see `averaged`. It makes the scale of eight members 1.4
times that of one, the ratio of the two right ones where training bags of leg_tracker and borealtc were held out."""

LEAST_SCALE = 0.05
"""Of the scale in its prior mean; a scale of 0 or less would undo the ranking."""

Floats = NDArray[np.float64]
Values = NDArray[np.floating[Any]]


def fit_calibration(Z: Floats, Y: Values, bag: NDArray[np.intp]) -> tuple[Calibration, ...]:
    """The calibration of each label.

    A label that no bag or every interval carries, or only one bag, gets the common scale and no offset.

    Args:
        Z: (n, c) logits of intervals by members that have not seen their bags; rows with NaN are left out.
        Y: (n, c) 0 or 1.
        bag: (n,) bag of each interval.
    """
    known = np.isfinite(Z).all(axis=1)
    Z, targets, bag = Z[known], np.asarray(Y[known], np.float64), bag[known]
    bags = len(np.unique(bag))
    if bags < 2:
        return tuple(Calibration() for _ in Z.T)
    common = _common_scale(Z, targets, bags)
    fitted = []
    for z, y in zip(Z.T, targets.T, strict=True):
        if y.all() or len(np.unique(bag[y > 0])) < 2:
            fitted.append(Calibration(common, 0.0))
        else:
            fitted.append(_fit(z, _smoothed(y), EVIDENCE * bags, common))
    return tuple(fitted)


def averaged(calibration: Sequence[Calibration], judges: int, members: int) -> tuple[Calibration, ...]:
    """The calibration of the mean of all members, from that of the mean of the judges.

    Where members disagree, their mean probability is nearer to 1/2 than theirs, and needs a larger scale. With logits
    of a common part of variance 1 and an own part of variance D in each of m averaged members, regression on their mean
    scales by 1 / (1 + D / m).

    Args:
        calibration: Fitted to the answers of `judges` members a bag.
        judges: Number of members that judge a bag.
        members: Number of members that are served.
    """
    factor = (1 + DISAGREEMENT / judges) / (1 + DISAGREEMENT / members)
    return tuple(Calibration(factor * scale, offset) for scale, offset in calibration)


def calibrated(Z: Floats, calibration: Sequence[Calibration]) -> Floats:
    """Probabilities (n, c) of logits (n, c)."""
    scale, offset = np.array(calibration, np.float64).T
    return np.asarray(sigmoid(scale * Z + offset), np.float64)


def probability_bins(p: Values, bins: int) -> NDArray[np.intp]:
    """The bin (n,) of each probability p (n,), of `bins` bins of equal width in [0, 1]; 1 is in the last one."""
    return np.minimum((np.asarray(p, np.float64) * bins).astype(np.intp), bins - 1)


def expected_calibration_error(y: Values, p: Values, bins: int = 10) -> float:
    """Mean distance of the share of positives from the mean probability over bins of equal width, weighted by size.

    Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", 2015.

    Args:
        y: (n,) 0 or 1.
        p: (n,) probabilities.
        bins: Number of bins of [0, 1].

    Returns:
        0 to 1; NaN without examples.
    """
    if not len(y):
        return float("nan")
    index = probability_bins(p, bins)
    excess = np.bincount(index, np.asarray(p, np.float64) - y, bins)
    return float(np.abs(excess).sum() / len(y))


def brier_score(y: Values, p: Values) -> float:
    """Mean squared distance of the probability (n,) from 0 or 1 (n,); NaN without examples."""
    return float(np.mean(np.square(np.asarray(p, np.float64) - y))) if len(y) else float("nan")


def _smoothed(y: Floats) -> Floats:
    """(N+ + 1) / (N+ + 2) for the N+ positives and 1 / (N- + 2) for the N- negatives: Platt's targets."""
    positives = y.sum()
    present, absent = (positives + 1) / (positives + 2), 1 / (len(y) - positives + 2)
    smoothed: Floats = np.where(y > 0, present, absent)
    return smoothed


def _common_scale(Z: Floats, Y: Floats, bags: int) -> float:
    """The one scale of all labels, without offset; its prior mean is 1."""
    return _fit(Z.ravel(), Y.ravel(), SHARED_EVIDENCE * bags, 1.0, offset=False).scale


def _fit(z: Floats, t: Floats, evidence: float, prior: float, *, offset: bool = True) -> Calibration:
    """The maximum a posteriori scale a and offset b, by Newton's method.

    They minimise

        evidence * mean log loss of a z + b  +  (a / prior - 1)^2 / 2  +  b^2 / 2.

    The sum is convex; a step is halved until it goes down.
    """
    inputs = np.stack([z, np.ones_like(z)])[: 2 if offset else 1]
    centre = np.array([prior, 0.0])[: len(inputs)]
    precision = np.array([prior**-2, 1.0])[: len(inputs)]

    def objective(theta: Floats) -> float:
        loss = log_loss_from_logits(t, theta @ inputs)
        return evidence * loss + float(precision @ np.square(theta - centre)) / 2

    theta, value = centre, objective(centre)
    for _ in range(50):
        p = sigmoid(theta @ inputs)
        gradient = evidence * (inputs @ (p - t)) / len(z) + precision * (theta - centre)
        curvature = evidence * (inputs * (p * (1 - p))) @ inputs.T / len(z) + np.diag(precision)
        step = np.linalg.solve(curvature, gradient)
        share = 1.0
        while (lower := objective(theta - share * step)) > value and share > 1e-6:
            share /= 2
        theta, decrease, value = theta - share * step, value - lower, lower
        if not decrease > 1e-10:
            break
    scale = max(float(theta[0]), LEAST_SCALE * prior)
    return Calibration(scale, float(theta[1]) if offset and math.isfinite(theta[1]) else 0.0)
