# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Label files: rows of start, end and label, in seconds of the recording or in times of the clock."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

from obstacle_classifier.errors import ConfigError

__all__ = ["IGNORE", "LabelRows", "clock_time", "label_text", "origin_comment", "read_label_file", "unexpected"]

IGNORE, UNKNOWN = "ignore", "unknown"
RELATIVE = ["start", "end", "label"]
ABSOLUTE = ["start_time", "end_time", "label"]
MAX_SECONDS = 10**9
"""Largest time of a recording in a label file, in s (32 years)."""
MAX_EPOCH = 2**63 // 10**9
"""Largest time of the clock, in s since 1970."""

_SECONDS = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(\.\d+)?(Z|[+-]\d\d:\d\d)")
_ORIGIN = re.compile(r"#\s*origin:\s*([0-9]{1,19})\s*")
_COMMENT = re.compile(r"^#.*$", re.MULTILINE)


@dataclass(frozen=True)
class LabelRows:
    """The content of a label file.

    Attributes:
        rows: Start and end in ns, and label, of each row.
        absolute: Whether the times count from 1970 instead of the recording's earliest message.
        origin: Time in ns of the earliest message of the recording that the file was written for, if it says so.
    """

    rows: tuple[tuple[int, int, str], ...]
    absolute: bool
    origin: int | None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the order of their first rows, without `ignore`."""
        return tuple(dict.fromkeys(label for _, _, label in self.rows if label != IGNORE))


def origin_comment(start: int) -> str:
    """The line of a label file that says which recording its times count from, with that recording's start in ns."""
    return f"# origin: {start}\n"


def label_text(content: LabelRows, comments: Sequence[str] = ()) -> str:
    """The text of a label file: `read_label_file` reads it back as `content`.

    Args:
        content: Rows in the order of the file. No label has a comma, a quote, a line break or a space at either end.
        comments: Lines to put below the header, each beginning with `#`.
    """
    head = [",".join(ABSOLUTE if content.absolute else RELATIVE) + "\n"]
    if content.origin is not None:
        head.append(origin_comment(content.origin))
    head += [f"{comment}\n" for comment in comments]
    return "".join([*head, *(f"{_decimal(start)},{_decimal(end)},{label}\n" for start, end, label in content.rows)])


def _decimal(time: int) -> str:
    """Nanoseconds as decimal seconds without trailing zeros."""
    whole, part = divmod(time, 10**9)
    return f"{whole}.{part:09d}".rstrip("0").rstrip(".")


def read_label_file(path: Path, labels: Sequence[str] | None = None) -> LabelRows:
    """Read a label file.

    Args:
        path: The file.
        labels: Labels that rows may have besides `ignore`; None means any.

    Raises:
        ConfigError: The file is malformed or has another label.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}:{line}: found bytes that are not UTF-8, expected UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    origins = [found[1] for comment in _COMMENT.findall(text) if (found := _ORIGIN.fullmatch(comment.strip()))]
    lines = _lines(path, _COMMENT.sub("", text))
    where, header = next(lines, (f"{path}:1", []))
    if not header:
        raise ConfigError(f"{where}: found an empty file, expected the header 'start,end,label'")
    if header not in (RELATIVE, ABSOLUTE):
        expected = f"the header 'start,end,label' or '{','.join(ABSOLUTE)}'"
        raise ConfigError(f"{where}: found {','.join(header)!r}, expected {expected}")
    absolute = header == ABSOLUTE
    rows = tuple(_row(where, row, absolute, labels) for where, row in lines)
    return LabelRows(rows, absolute, int(origins[0]) if origins else None)


def _lines(path: Path, text: str) -> Iterator[tuple[str, list[str]]]:
    """Place and fields of each line that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for fields in reader:
            row = [field.strip() for field in fields]
            if any(row) or len(row) > 1:
                yield f"{path}:{reader.line_num}", row
    except csv.Error as error:
        raise ConfigError(f"{path}:{reader.line_num}: found {error}, expected comma-separated values") from None


def _row(where: str, row: Sequence[str], absolute: bool, labels: Sequence[str] | None) -> tuple[int, int, str]:
    if len(row) != len(RELATIVE):
        raise ConfigError(f"{where}: found {len(row)} columns, expected 3: start,end,label")
    parse = clock_time if absolute else _seconds
    names = ABSOLUTE if absolute else RELATIVE
    start, end = (parse(text, f"{where}: {name}") for text, name in zip(row[:2], names[:2], strict=True))
    if end <= start:
        raise ConfigError(f"{where}: found end {row[1]}, expected more than the start {row[0]}")
    if labels is not None and row[2] != IGNORE and row[2] not in labels:
        raise ConfigError(f"{where}: {unexpected(row[2], labels)}")
    return start, end, row[2]


def _seconds(text: str, where: str) -> int:
    """Decimal seconds as whole nanoseconds; exact, since no binary fraction is involved."""
    if not _SECONDS.fullmatch(text):
        raise ConfigError(f"{where}: found {text!r}, expected a number of seconds")
    seconds = Decimal(text)
    if not 0 <= seconds <= MAX_SECONDS:
        raise ConfigError(f"{where}: found {text}, expected 0 to {MAX_SECONDS} seconds since the recording's start")
    return _nanoseconds(seconds)


def clock_time(text: str, where: str) -> int:
    """Nanoseconds since 1970 of decimal seconds or an ISO 8601 time with a zone."""
    expected = "seconds since 1970 or a time with a zone such as 2026-05-01T12:00:00.5Z"
    if _SECONDS.fullmatch(text):
        seconds = Decimal(text)
    else:
        match = _ISO.fullmatch(text)
        if match is None:
            raise ConfigError(f"{where}: found {text!r}, expected {expected}")
        try:
            whole = datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
        except ValueError:
            raise ConfigError(f"{where}: found {text!r}, expected {expected}") from None
        seconds = Decimal(int(whole.timestamp())) + Decimal(match[2] or 0)
    if not 0 <= seconds <= MAX_EPOCH:
        raise ConfigError(f"{where}: found {text!r}, expected {expected}")
    return _nanoseconds(seconds)


def _nanoseconds(seconds: Decimal) -> int:
    return int((seconds * 10**9).to_integral_value(ROUND_HALF_EVEN))


def unexpected(label: str, labels: Sequence[str]) -> str:
    """The refusal of a label, in words."""
    reserved = " (reserved)" if label == UNKNOWN else ""
    return f"found label {label!r}{reserved}, expected one of {', '.join(labels)} or {IGNORE}"
