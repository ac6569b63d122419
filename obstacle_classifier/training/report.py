# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A training run on one HTML page that needs no network: losses, precision against recall, probabilities against truth.

The one module that imports matplotlib.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from obstacle_classifier.files import write_atomically
from obstacle_classifier.model import describe
from obstacle_classifier.training.judged import Judged
from obstacle_classifier.training.metrics import precision_recall
from obstacle_classifier.training.train import Training

__all__ = ["write_report"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
section { overflow-x: auto } table { border-collapse: collapse }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left } svg, img { max-width: 100%; height: auto }
pre { background: #f6f6f4; padding: 1rem; overflow-x: auto; font-size: 13px }
"""


def write_report(folder: Path, training: Training, pictures: Sequence[tuple[str, Path]] = ()) -> Path:
    """Write `report.html` into `folder`, which is made if need be.

    Args:
        folder: Where to.
        training: The run.
        pictures: Caption and PNG or GIF file of what else to show, first of all.

    Returns:
        The page's path.

    Raises:
        OSError: It cannot be written.
    """
    labels = training.model.labels
    sections = [_picture(caption, path) for caption, path in pictures]
    if training.scored is not None:
        scored = training.scored
        sections += [
            ("Scores on bags that training has not seen", _scores(training)),
            *(
                [("Precision against recall", _plot(lambda axes: _precision_recall(axes, scored, labels)))]
                if scored.Y.any()
                else []
            ),
            *(
                (f"Probability against truth: {bag}", _plot(*_timelines(scored, bag, labels), height=1.1))
                for bag in scored.names
            ),
        ]
    if training.left_out:
        items = "".join(f"<li>{html.escape(bad.problem)}</li>" for bad in training.left_out)
        sections.append(("Bags that were left out", f"<ul>{items}</ul>"))
    sections += [
        ("Loss", _plot(lambda axes: _losses(axes, training))),
        ("Model", f"<pre>{html.escape(describe(training.model))}</pre>"),
    ]
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


def _picture(caption: str, path: Path) -> tuple[str, str]:
    kind = path.suffix.lstrip(".").lower()
    data = base64.b64encode(path.read_bytes()).decode()
    return caption, f'<img alt="{html.escape(caption)}" src="data:image/{kind};base64,{data}">'


def _scores(training: Training) -> str:
    metrics = training.model.metrics
    keys = ("average_precision", "f1", "precision", "recall", "prevalence")
    header = "".join(f"<th>{name}</th>" for name in ("label", "AP", "F1", "precision", "recall", "prevalence"))
    rows = []
    for name, row in {**metrics["labels"], "macro": metrics["macro"], "micro": metrics["micro"]}.items():
        cells = "".join(f"<td>{'-' if row.get(key) is None else f'{row[key]:.3f}'}</td>" for key in keys)
        rows.append(f"<tr><td>{html.escape(name)}</td>{cells}</tr>")
    known = f"{metrics['n']} intervals, {100 * metrics['coverage']:.1f} % of them known"
    return f"<table><tr>{header}</tr>{''.join(rows)}</table><p>{known}</p>"


def _plot(*draw: Callable[[Axes], object], height: float = 4.0) -> str:
    """Axes under one another as an SVG element."""
    with rc_context({"svg.hashsalt": "obstacle_classifier"}):
        figure = Figure(figsize=(9, height * len(draw) + 0.6), layout="constrained")
        axes = figure.subplots(len(draw), 1, sharex=True, squeeze=False)[:, 0]
        for one, own in zip(axes, draw, strict=True):
            own(one)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]


def _losses(axes: Axes, training: Training) -> None:
    epochs = np.arange(1, len(training.history) + 1)
    axes.plot(epochs, [epoch.train_loss for epoch in training.history], label="training")
    held_out = [np.nan if epoch.validation_loss is None else epoch.validation_loss for epoch in training.history]
    axes.plot(epochs, held_out, label="held out")
    axes.axvline(training.epochs, color="gray", linestyle="--", label="epochs of the model")
    axes.set(xlabel="epoch", ylabel="log loss, sum over labels")
    axes.legend()


def _precision_recall(axes: Axes, scored: Judged, labels: Sequence[str]) -> None:
    for index, label in enumerate(labels):
        if scored.Y[:, index].any():
            precision, recall = precision_recall(scored.Y[:, index], scored.P[:, index])
            axes.step(np.append(0, recall), np.append(precision[:1], precision), where="pre", label=label)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend()


def _timelines(scored: Judged, bag: str, labels: Sequence[str]) -> list[Callable[[Axes], object]]:
    """One strip per label: truth shaded, probability as a line."""
    own = scored.bag == scored.names.index(bag)
    seconds = (scored.time_ns[own] - scored.time_ns[own][0]) * 1e-9

    def strip(index: int, label: str) -> Callable[[Axes], object]:
        def draw(axes: Axes) -> None:
            axes.fill_between(seconds, scored.Y[own, index], step="pre", alpha=0.25, color="tab:red", linewidth=0)
            axes.plot(seconds, scored.P[own, index], linewidth=1, color="tab:blue")
            axes.set(ylim=(0, 1.02), yticks=(0, 1))
            axes.set_ylabel(label, rotation=0, ha="right", va="center")
            if index == len(labels) - 1:
                axes.set_xlabel("s (shaded: present in truth)")

        return draw

    return [strip(index, label) for index, label in enumerate(labels)]
