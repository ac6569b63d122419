# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A training run on one HTML page that needs no network."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from obstacle_classifier.files import write_atomically
from obstacle_classifier.model import describe
from obstacle_classifier.training.importance import permutation_importance
from obstacle_classifier.training.judged import Judged
from obstacle_classifier.training.learning_curve import LearningCurve
from obstacle_classifier.training.report_plots import plot_curve, plot_drops, plot_label, plot_losses, plot_stretch
from obstacle_classifier.training.report_stretches import worst_stretches
from obstacle_classifier.training.report_tables import bag_table, comparison_table, score_table, sensor_table, table
from obstacle_classifier.training.train import Training

__all__ = ["write_report"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
.wide { overflow: auto; max-height: 36rem } table { border-collapse: collapse; white-space: nowrap }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left } svg, img { max-width: 100%; height: auto }
pre { background: #f6f6f4; padding: 1rem; overflow-x: auto; font-size: 13px } h3 { margin-bottom: 0 }
body, h1, h2, h3, p, li { overflow-wrap: anywhere }
"""
_COLUMNS = 20  # largest number of columns in the plot of their importance

Section = tuple[str, str]


def write_report(
    folder: Path,
    training: Training,
    pictures: Sequence[tuple[str, Path]] = (),
    curve: LearningCurve | None = None,
) -> Path:
    """Write `report.html` into `folder`, which is made if need be.

    Args:
        folder: Where to.
        training: The run.
        pictures: Caption and PNG or GIF file of what else to show, first of all.
        curve: The learning curve of the run.

    Returns:
        The page's path.

    Raises:
        OSError: It cannot be written.
    """
    sections = [_picture(caption, path) for caption, path in pictures]
    if training.judged is not None:
        sections += _quality(training, training.judged)
    if curve is not None:
        sections += _curve(curve)
    sections += _run(training)
    title = f"Obstacle classifier {training.model.digest[:12]}"
    body = "\n".join(
        f"<section><h2>{html.escape(heading)}</h2>\n{content}\n</section>" for heading, content in sections
    )
    page = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.html"
    write_atomically(path, page.encode())
    return path


def _picture(caption: str, path: Path) -> Section:
    kind = path.suffix.lstrip(".").lower()
    data = base64.b64encode(path.read_bytes()).decode()
    return caption, f'<img alt="{html.escape(caption)}" src="data:image/{kind};base64,{data}">'


def _quality(training: Training, judged: Judged) -> Iterator[Section]:
    """The parts about answers to intervals that training had not seen."""
    metrics, labels = training.model.metrics, training.model.labels
    yield "Scores", _origin(training) + score_table(metrics) + _totals(metrics)
    if metrics["warnings"]:
        yield "Warnings", _list(metrics["warnings"])
    parts = _parts(metrics)
    if len(parts) > 1:
        yield "Test bags and left-out bags", comparison_table(parts) + _paragraph(_comparison(parts))
    if "left out bags" in parts:
        yield "Calibration", _calibration(parts["left out bags"])
    thresholds = [rule.threshold for rule in training.model.rules]
    pooled = "" if judged.group is None else _POOLED
    shown = [index for index, y in enumerate(judged.Y.T) if y.any()]
    if shown:
        plots = (
            f"<h3>{html.escape(labels[index])}</h3>\n"
            + plot_label(judged.Y[:, index], judged.P[:, index], thresholds[index])
            for index in shown
        )
        yield "Each label", _paragraph(_LABELS + pooled) + "\n".join(plots)
    begins = {shard.name: int(shard.time_ns[0]) - judged.interval for shard in training.split.data if len(shard)}
    stretches = worst_stretches(judged, begins)
    plots = (
        f"<h3>{html.escape(stretch.bag)}, from {stretch.start:.0f} s: log loss {stretch.loss:.2f}</h3>\n"
        + plot_stretch(judged, stretch, labels, thresholds)
        for stretch in stretches
    )
    yield "The worst stretches", _paragraph(_STRETCHES) + "\n".join(plots)
    importance = permutation_importance(training)
    if importance is not None:
        largest = sorted(importance.columns.items(), key=lambda item: -item[1])
        yield (
            "What the scores rest on",
            _paragraph(_IMPORTANCE.format(score=importance.score))
            + plot_drops(dict(sorted(importance.sensors.items(), key=lambda item: -item[1])))
            + plot_drops(dict(largest[:_COLUMNS]))
            + "<details><summary>All columns</summary>"
            + table(("column", "drop of macro AP"), ([name, f"{drop:.4f}"] for name, drop in largest))
            + "</details>",
        )


def _curve(curve: LearningCurve) -> Iterator[Section]:
    """The parts that need further fits."""
    first, last = curve.points[0], curve.points[-1]
    gain = f"From {first.bags:g} to {last.bags:g} bags the score went from {first.mean:.3f} to {last.mean:.3f}."
    yield "What more bags would give", _paragraph(f"{_CURVE} {gain}") + plot_curve(curve)
    folds = ", ".join
    rows = [
        ["grouped: whole bags held out", f"{curve.grouped_mean:.3f}", folds(f"{s:.3f}" for s in last.scores)],
        [
            "shuffled: single intervals held out",
            f"{curve.shuffled_mean:.3f}",
            folds(f"{s:.3f}" for s in curve.shuffled),
        ],
    ]
    yield "What a shuffled split would claim", table(("split", "macro AP", "folds"), rows) + _paragraph(_SHUFFLED)


def _run(training: Training) -> Iterator[Section]:
    """The parts about the fit and the recordings."""
    if training.history:
        yield "Loss", plot_losses(training.history, training.epochs)
    yield "Recordings", bag_table(training) + _paragraph(_RECORDINGS) + sensor_table(training)
    if training.left_out:
        yield "Bags that could not be used", _list([bad.problem for bad in training.left_out])
    options = [[name, str(value)] for name, value in training.settings.document().items()]
    yield "Settings", table(("option", "value"), options)
    yield "Model", f"<pre>{html.escape(describe(training.model))}</pre>"


def _origin(training: Training) -> str:
    """A paragraph that says what the scores are of."""
    if training.scored is None:
        text = (
            "Every training bag, judged by members that had not seen it. The model itself has seen all bags, and each "
            "member fewer: with few bags the model is better than these scores."
        )
    elif training.split.in_blocks:
        text = (
            "The last block of time of each bag, which training has not seen. With so few bags these scores say little "
            "about another street."
        )
    else:
        text = f"Bags that training has not seen: {', '.join(training.bags['test'])}."
    return _paragraph(text)


def _totals(metrics: Mapping[str, Any]) -> str:
    bags = "1 bag" if metrics["bags"] == 1 else f"{metrics['bags']} bags"
    text = f"{metrics['n']} intervals of {bags}; {100 * metrics['coverage']:.1f} % of the labelled ones were known."
    if metrics["subset_accuracy"] is not None:
        text += (
            f" All labels right in {100 * metrics['subset_accuracy']:.1f} % of them; "
            f"{100 * metrics['hamming_loss']:.2f} % of all decisions wrong (Hamming loss)."
        )
    return _paragraph(text)


def _parts(metrics: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The scores of each set of intervals, by its name; the first is that of the model's scores."""
    return {metrics["judged"]: metrics} | {
        name: metrics[name] for name in ("test bags", "left out bags") if name in metrics
    }


def _comparison(parts: Mapping[str, Mapping[str, Any]]) -> str:
    test, left_out = (parts[name]["macro"]["average_precision"] for name in ("test bags", "left out bags"))
    if test is None or left_out is None:
        return "One of the scores is undefined."
    return (
        f"The macro AP on test bags is {abs(test - left_out):.3f} {'above' if test >= left_out else 'below'} that on "
        "left-out bags. Left-out bags were judged by a part of the members, which had seen fewer bags than the model: "
        "with few bags their score was too low in our measurements. There are more of them than test bags, so chance "
        "moves it less."
    )


def _calibration(metrics: Mapping[str, Any]) -> str:
    rows = [
        [label, f"{raw:.3f}", f"{metrics['labels'][label]['ece']:.3f}"] for label, raw in metrics["raw_ece"].items()
    ]
    text = "Expected calibration error on left-out bags. The calibration was fitted to the same intervals."
    return _paragraph(text) + table(("label", "ECE before", "ECE after"), rows)


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>"


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>"


_LABELS = (
    "Left: precision against recall; the dot is the chosen threshold, the dotted line chance. Middle: of the intervals "
    "with a probability, the share that carries the label; on the dotted line the probability is right; a large dot "
    "stands for many intervals. Right: scores of deciding by threshold alone; the dashed line is the chosen threshold."
)
_POOLED = (
    " The curves pool the probabilities of all members, which are not calibrated alike: their area differs from the AP "
    "in the table, which is a mean over groups of bags."
)
_STRETCHES = (
    "The 20 s with the largest log loss, the worst first. Look at the recording at these times: is the label wrong, a "
    "sensor blind, or the situation new?"
)
_IMPORTANCE = (
    "Drop of the macro AP ({score:.3f} on the intervals used here) when the values of a sensor, or of a single column, "
    "are those of another bag. A sensor without a drop could be left out. A column may show no drop because another "
    "column holds the same information."
)
_CURVE = (
    "The recipe fitted anew on fewer bags, and scored on bags that the fit has not seen. A curve that still rises at "
    "its end promises more from more bags; a flat one asks for better columns or labels."
)
_SHUFFLED = (
    "Neighbouring intervals are nearly the same. A split that deals single intervals lets the network see the "
    "neighbours of every test interval, and scores its memory. The robot meets streets without such neighbours: the "
    "grouped score is the true one. Compare only grouped scores with one another."
)
_RECORDINGS = "Counts of labels are of known intervals. A sensor is missing where its newest message is stale."
