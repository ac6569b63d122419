# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command `inspect` for recordings: topics, rates, gaps, lags, labels and damage, as a table or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any, TextIO

from obstacle_classifier.bags.find import find_bags
from obstacle_classifier.bags.survey import Survey, TopicSurvey, survey
from obstacle_classifier.errors import BagError

__all__ = ["document", "format_survey", "inspect_bags", "sparkline"]

BARS = "▁▂▃▄▅▆▇█"


def inspect_bags(patterns: Sequence[str], as_json: bool = False, stream: TextIO | None = None) -> None:
    """Print what recordings hold; one that cannot be read is a line of its own.

    Args:
        patterns: Recordings, folders or globs.
        as_json: Whether to print one JSON document with all recordings instead of tables.
        stream: Where to print, by default stdout. Tables have sparklines if it is a terminal that can show them.

    Raises:
        BagError: A pattern matches no recording, or none of them can be read.
    """
    out = sys.stdout if stream is None else stream
    documents: list[dict[str, Any]] = []
    paths = find_bags(patterns)
    errors: list[str] = []
    for path in paths:
        try:
            found = survey(path)
        except BagError as error:  # noqa: PERF203
            errors.append(str(error))
            documents.append({"path": str(path), "error": str(error)})
            if not as_json and len(paths) > 1:
                print(f"{path}\n  cannot be read: {error}\n", file=out)
        else:
            documents.append(document(found))
            if not as_json:
                print(format_survey(found, _shows_bars(out)), file=out)
    if as_json:
        print(json.dumps(documents, indent=2), file=out)
    if len(errors) == len(paths):
        raise BagError(errors[0])


def document(found: Survey) -> dict[str, Any]:
    """A survey as JSON-able data: times in ns, lags and gaps in s, rates in Hz."""
    return {
        "path": str(found.path),
        "start_ns": found.start,
        "end_ns": found.end,
        "topics": {name: _topic_document(topic) for name, topic in found.topics.items()},
        "labels_file": None if found.labels_file is None else str(found.labels_file),
        "labels": list(found.labels),
        "problems": list(found.problems),
    }


def _topic_document(topic: TopicSurvey) -> dict[str, Any]:
    lag = topic.mean_lag
    return {
        "type": topic.type,
        "count": topic.count,
        "read": topic.read,
        "publishers": topic.publishers,
        "first_ns": topic.first,
        "last_ns": topic.last,
        "rate_hz": topic.rate,
        "longest_gap_s": topic.longest_gap / 1e9,
        "longest_gap_start_ns": topic.gap_start,
        "lag_s": None
        if topic.lags is None or lag is None
        else {"min": topic.lags[0] / 1e9, "mean": lag / 1e9, "max": topic.lags[1] / 1e9},
        "frames": dict(topic.frames),
        "messages_over_time": topic.rates,
        "use": topic.use,
    }


def format_survey(found: Survey, bars: bool) -> str:
    """A survey as text, with sparklines of rates and lags over time if `bars`."""
    return "\n".join([str(found.path), *(f"  {line}" for line in _lines(found, bars)), ""])


def _lines(found: Survey, bars: bool) -> Iterator[str]:
    total = sum(topic.count for topic in found.topics.values())
    if total:
        began = datetime.fromtimestamp(found.start / 1e9, timezone.utc).isoformat(timespec="milliseconds")
        yield f"{_seconds(found.end - found.start)} from {began} ({found.start} ns), {total} messages"
    else:
        yield "no messages"
    if found.labels_file is None:
        yield "labels: no label file"
    else:
        yield f"labels: {', '.join(found.labels) or 'none of any kind'} ({found.labels_file.name})"
    head = ["topic", "type", "count", "rate", "from", "to", "longest gap", "header lag", "use"]
    rows = [head + (["messages over time", "lag over time"] if bars else [])]
    rows += [_row(name, topic, found, bars) for name, topic in found.topics.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    numbers = range(2, 8)
    for row in rows:
        cells = [
            text.rjust(width) if column in numbers else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
    for name, topic in found.topics.items():
        if topic.publishers > 1 or len(topic.frames) > 1:
            frames = ", ".join(f"{frame!r} ({count})" for frame, count in topic.frames.most_common())
            yield f"{name}: {topic.publishers} publishers told apart" + (f", frames {frames}" if frames else "")
    for problem in found.problems:
        yield f"problem: {problem}"


def _row(name: str, topic: TopicSurvey, found: Survey, bars: bool) -> list[str]:
    lag = topic.mean_lag
    row = [
        name,
        topic.type or "unknown",
        str(topic.count),
        "" if topic.rate is None else f"{topic.rate:.3g} Hz",
        "" if topic.first is None else _seconds(topic.first - found.start),
        "" if topic.last is None else _seconds(topic.last - found.start),
        _seconds(topic.longest_gap) if topic.longest_gap else "",
        "" if lag is None else _seconds(lag),
        topic.use,
    ]
    if bars:
        lags = [total / count if count else 0.0 for total, count in zip(topic.slice_lags, topic.rates, strict=True)]
        row += [sparkline(topic.rates), sparkline(lags) if topic.lags else ""]
    return row


def _seconds(nanoseconds: float) -> str:
    return f"{nanoseconds / 1e9:.3f} s"


def sparkline(values: Sequence[float]) -> str:
    """A bar a value from 0 to the largest; a space for values that are not above 0."""
    largest = max(values, default=0)
    if largest <= 0:
        return " " * len(values)
    steps = len(BARS) - 1
    return "".join(BARS[round(value / largest * steps)] if value > 0 else " " for value in values)


def _shows_bars(stream: TextIO) -> bool:
    try:
        BARS.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return stream.isatty()
