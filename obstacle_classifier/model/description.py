# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A model as text for a reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from obstacle_classifier.features import SensorSpec
from obstacle_classifier.model.model import Model

__all__ = ["describe"]


def describe(model: Model) -> str:
    """The content of a model, as plain text of several lines."""
    origin = model.provenance
    lines = [
        f"model     {model.digest}",
        f"created   {origin.created} by obstacle_classifier {origin.package_version}, seed {origin.seed}",
        f"network   {model.network.restore().summary()}",
        f"interval  {_seconds(model.sensors.interval)}",
        "",
        *_table(("label", "threshold", "enter", "exit", "logit scale", "logit offset", "delay"), _labels(model)),
        "",
        *_table(
            ("sensor", "type", "topic", "columns", "window", "timeout", "required"), map(_sensor, model.sensors.sensors)
        ),
        "",
        *_section("metrics", model.metrics),
        *_section("training", origin.training),
        *_table(
            ("bag", "part", "sha256"), ((bag["name"], bag.get("part", ""), bag["sha256"][:12]) for bag in model.bags)
        ),
        "",
        *_table(("left out", "problem"), ((bag["name"], bag["problem"]) for bag in origin.left_out)),
    ]
    return "\n".join(lines).rstrip()


def _labels(model: Model) -> Iterator[Sequence[str]]:
    for label, rule, (scale, offset), delay in zip(
        model.labels, model.rules, model.calibration, model.smoothing, strict=True
    ):
        counts = str(rule.enter), str(rule.exit)
        yield label, f"{rule.threshold:g}", *counts, f"{scale:g}", f"{offset:g}", f"{delay:g}"


def _sensor(spec: SensorSpec) -> Sequence[str]:
    times = _seconds(spec.window), _seconds(spec.timeout)
    return spec.name, spec.type, spec.topic, str(len(spec.columns)), *times, "yes" if spec.required else "no"


def _section(title: str, content: Mapping[str, Any]) -> Iterator[str]:
    """A nested mapping as a table, with one line per leaf and its dotted key."""
    if content:
        yield from _table((title, ""), _leaves(content))
        yield ""


def _leaves(content: Mapping[str, Any], prefix: str = "") -> Iterator[Sequence[str]]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", f"{value:.4g}" if isinstance(value, float) else "-" if value is None else str(value)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    table = [header, *rows]
    if len(table) == 1:
        return
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e9:g} s"
