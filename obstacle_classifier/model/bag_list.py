# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The list of bags that a model was trained on, and of bags left out, as lines of text.

The manifest has no room for the thousands of bags of a fleet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from obstacle_classifier.errors import ModelError

__all__ = ["MAX_BYTES", "decode", "encode"]

MAX_BYTES = 2**23  # about 70,000 bags

_TEXT = r'"(?:[^"\\]|\\.)*"'
_LINE = re.compile(rf'\{{"name":{_TEXT},(?:"sha256":"[0-9a-f]{{64}}"(?:,"part":{_TEXT})?|"problem":{_TEXT})\}}')
_KEYS = ("name", "sha256", "part", "problem")
_EXPECTED = "name, sha256 and perhaps part, or name and problem"
_NEEDED = ({"name", "sha256"}, {"name", "sha256", "part"}, {"name", "problem"})


def encode(bags: Iterable[Mapping[str, str]]) -> bytes:
    """One line of JSON per bag: `name`, `sha256` and, if the bag has one, `part`; or `name` and `problem`.

    Raises:
        ModelError: A bag has other keys.
    """
    lines = []
    for bag in bags:
        if bag.keys() not in _NEEDED:
            raise ModelError(f"provenance.bags: found keys {', '.join(bag)}, expected {_EXPECTED}")
        entry = {key: bag[key] for key in _KEYS if key in bag}
        lines.append(json.dumps(entry, separators=(",", ":")) + "\n")
    return "".join(lines).encode("ascii")


def decode(text: bytes) -> tuple[dict[str, str], ...]:
    """The bags of a text that `encode` has made.

    Raises:
        ModelError: A line is not a line of `encode`. The message has the first such line.
    """
    try:
        lines = text.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise ModelError(f"provenance.bags: byte {error.start}: expected ASCII") from None
    if lines.pop():
        raise ModelError("provenance.bags: expected an end of line after the last bag")
    bags = []
    for number, line in enumerate(lines, start=1):
        if not _LINE.fullmatch(line):
            raise ModelError(f"provenance.bags: line {number}: found {line[:60]!r}, expected {_EXPECTED}")
        try:
            bags.append(json.loads(line))
        except ValueError as error:
            raise ModelError(f"provenance.bags: line {number}: not JSON: {error}") from None
    return tuple(bags)
