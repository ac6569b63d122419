# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Scores of one method on the parts of a data set, and their summary."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluate.data_sets import Part
from benchmarks.evaluate.methods import Answer, Method
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.training.calibration import expected_calibration_error
from obstacle_classifier.training.metrics import average_precision

__all__ = ["Result", "Spread", "calibration_errors", "macro_average_precision", "measure", "paired"]

Values = NDArray[np.floating]


@dataclass(frozen=True)
class Result:
    """A method on one part.

    Attributes:
        seed: Of the part.
        Y: (n, c) targets of the test intervals.
        answer: The answers to them.
        score: Macro average precision of the answers.
        seconds: CPU time of the fit.
    """

    seed: int
    Y: Values
    answer: Answer
    score: float
    seconds: float


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of figures; a single figure has no deviation."""

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Over all values."""
        return cls(float(np.mean(values)), float(np.std(values)) if len(values) > 1 else None)

    def __format__(self, spec: str) -> str:
        """Both with the format of a float; the deviation without a sign."""
        deviation = "" if self.deviation is None else f" ± {format(self.deviation, spec.lstrip('+'))}"
        return f"{format(self.mean, spec)}{deviation}"


def measure(method: Method, parts: Iterable[Part], sensors: SensorsConfig) -> list[Result]:
    """Fit the training bags of each part, and score the test bags."""
    results = []
    for part in parts:
        _, Y = part.test.stack()
        began = time.process_time()
        answers = method(part.train, sensors, part.seed)
        seconds = time.process_time() - began
        answer = answers(part.test)
        results.append(Result(part.seed, Y, answer, macro_average_precision(Y, answer.P), seconds))
    return results


def macro_average_precision(Y: Values, P: Values) -> float:
    """Mean over the labels that have a positive."""
    return float(np.nanmean([average_precision(y, p) for y, p in zip(Y.T, P.T, strict=True)]))


def paired(results: Sequence[Result], others: Sequence[Result]) -> Spread:
    """The first scores less the others on the same parts."""
    return Spread.of([one.score - other.score for one, other in zip(results, others, strict=True)])


def calibration_errors(results: Sequence[Result]) -> tuple[float, float | None]:
    """Expected calibration error on test bags, and before calibration (None: the method does not calibrate).

    The test intervals of all folds of a seed are taken together, so that each bag counts once. The error is the mean
    over the labels with a positive, then over the seeds.
    """
    errors: list[float] = []
    raw_errors: list[float] = []
    for seed in dict.fromkeys(result.seed for result in results):
        own = [result for result in results if result.seed == seed]
        Y = np.concatenate([result.Y for result in own])
        errors.append(_macro_error(Y, np.concatenate([result.answer.P for result in own])))
        raw = [result.answer.raw for result in own if result.answer.raw is not None]
        if raw:
            raw_errors.append(_macro_error(Y, np.concatenate(raw)))
    return float(np.mean(errors)), float(np.mean(raw_errors)) if raw_errors else None


def _macro_error(Y: Values, P: Values) -> float:
    return float(np.mean([expected_calibration_error(y, p) for y, p in zip(Y.T, P.T, strict=True) if y.any()]))
