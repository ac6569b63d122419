# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The report's plots as SVG. The one module that imports matplotlib."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from obstacle_classifier.training.judged import Judged
from obstacle_classifier.training.learning_curve import LearningCurve
from obstacle_classifier.training.metrics import precision_recall
from obstacle_classifier.training.recipes import Epoch
from obstacle_classifier.training.report_curves import reliability, threshold_sweep
from obstacle_classifier.training.report_stretches import Stretch

__all__ = ["plot_curve", "plot_drops", "plot_label", "plot_losses", "plot_stretch"]

_MOST_POINTS = 400  # of a precision-recall curve
_WIDTH = 9.0  # inches
_BLUE, _RED, _GREY = "tab:blue", "tab:red", "gray"


def plot_losses(history: Sequence[Epoch], epochs: int) -> str:
    """Loss of each epoch, on the training intervals and on those left out; `epochs` is where the model was taken."""

    def draw(axes: Axes) -> None:
        numbers = np.arange(1, len(history) + 1)
        axes.plot(numbers, [epoch.train_loss for epoch in history], color=_BLUE, label="training")
        held_out = [np.nan if epoch.validation_loss is None else epoch.validation_loss for epoch in history]
        axes.plot(numbers, held_out, color="tab:orange", label="intervals not trained on")
        axes.axvline(epochs, color=_GREY, linestyle="--", label="epochs of the model")
        axes.set(xlabel="epoch", ylabel="log loss, sum over labels")
        axes.legend()

    return _svg([[draw]], height=4.0)


def plot_label(y: NDArray[np.float32], p: NDArray[np.float64], threshold: float) -> str:
    """Precision against recall, reliability and threshold sweep of one label, the chosen threshold marked.

    Args:
        y: (n,) 0 or 1, with at least one 1.
        p: (n,) probabilities.
        threshold: The chosen threshold.
    """
    called = p >= threshold
    hits = float(y[called].sum())

    def curve(axes: Axes) -> None:
        precision, recall = precision_recall(y, p)
        some = np.unique(np.linspace(0, len(recall) - 1, _MOST_POINTS).astype(np.intp))
        axes.plot(recall[some], precision[some], color=_BLUE, drawstyle="steps-pre")
        axes.axhline(y.mean(), color=_GREY, linestyle=":")
        if called.any():
            axes.plot(hits / y.sum(), hits / called.sum(), "o", color=_RED)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))

    def trust(axes: Axes) -> None:
        found = reliability(y, p)
        axes.plot([0, 1], [0, 1], color=_GREY, linestyle=":")
        axes.plot(found.probability, found.share, color=_BLUE)
        axes.scatter(found.probability, found.share, s=4 + 60 * found.count / found.count.max(), color=_BLUE)
        axes.axvline(threshold, color=_RED, linestyle="--")
        axes.set(xlabel="probability", ylabel="share present", xlim=(0, 1), ylim=(0, 1.02))

    def sweep(axes: Axes) -> None:
        found = threshold_sweep(y, p)
        for name, values, colour in (
            ("precision", found.precision, _BLUE),
            ("recall", found.recall, "tab:orange"),
            ("F1", found.f1, "tab:green"),
        ):
            axes.plot(found.threshold, values, color=colour, label=name)
        axes.axvline(threshold, color=_RED, linestyle="--")
        axes.set(xlabel="threshold", xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(fontsize="small")

    return _svg([[curve, trust, sweep]], height=2.9)


def plot_stretch(judged: Judged, stretch: Stretch, labels: Sequence[str], thresholds: Sequence[float]) -> str:
    """One strip per label: truth shaded, probability as a line, threshold dashed; gaps of the bag show in the line."""
    follows = np.append(True, judged.follows[stretch.rows[1:]])
    gaps = np.flatnonzero(~follows)
    seconds = np.insert(stretch.seconds, gaps, np.nan)

    def strip(index: int) -> Callable[[Axes], None]:
        truth, p = (
            np.insert(values[stretch.rows, index].astype(np.float64), gaps, np.nan) for values in (judged.Y, judged.P)
        )

        def draw(axes: Axes) -> None:
            axes.fill_between(seconds, truth, step="pre", alpha=0.25, color=_RED, linewidth=0)
            axes.plot(seconds, p, linewidth=1.2, color=_BLUE)
            axes.axhline(thresholds[index], color=_GREY, linestyle="--", linewidth=0.8)
            axes.set(ylim=(-0.02, 1.05), yticks=(0, 1))
            axes.set_ylabel(labels[index], rotation=0, ha="right", va="center")
            if index == len(labels) - 1:
                axes.set_xlabel("s since the begin of the bag (shaded: present in truth; dashed: threshold)")

        return draw

    return _svg([[strip(index)] for index in range(len(labels))], height=0.8, extra=0.9)


def plot_drops(drops: Mapping[str, float]) -> str:
    """Drops of the score as horizontal bars, in the order given."""

    def draw(axes: Axes) -> None:
        places = np.arange(len(drops))[::-1]
        axes.barh(places, list(drops.values()), color=_BLUE)
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set_yticks(places, labels=list(drops))
        axes.set_xlabel("drop of macro AP")

    return _svg([[draw]], height=0.25 * len(drops), extra=1.7)


def plot_curve(curve: LearningCurve) -> str:
    """Score against the number of training bags: a dot per fold, their mean as a line."""

    def draw(axes: Axes) -> None:
        bags = [point.bags for point in curve.points]
        axes.plot(bags, [point.mean for point in curve.points], color=_BLUE, marker="o", label="mean")
        for fold, scores in enumerate(zip(*(point.scores for point in curve.points), strict=True)):
            axes.plot(bags, scores, ".", color=_GREY, label=None if fold else "a third of the bags, held out")
        axes.set(xlabel="training bags", ylabel="macro AP")
        axes.legend()

    return _svg([[draw]], height=3.5)


def _svg(draw: Sequence[Sequence[Callable[[Axes], None]]], height: float, extra: float = 0.6) -> str:
    """A grid of axes as an SVG element.

    Args:
        draw: Rows of functions that draw.
        height: Of a row, in inches.
        extra: Of the titles and captions, in inches.
    """
    with rc_context({"svg.hashsalt": "obstacle_classifier"}):
        figure = Figure(figsize=(_WIDTH, height * len(draw) + extra), layout="constrained")
        grid = figure.subplots(len(draw), len(draw[0]), sharex="col", squeeze=False)
        for axes, row in zip(grid, draw, strict=True):
            for one, own in zip(axes, row, strict=True):
                own(one)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]
