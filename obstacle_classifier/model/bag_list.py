# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The list of bags that a model was trained on, as lines of text.

The manifest has no room for the thousands of bags of a fleet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from obstacle_classifier.errors import ModelError

__all__ = ["MAX_BYTES", "decode", "encode"]

MAX_BYTES = 2**23  # about 70,000 bags

_LINE = re.compile(r'\{"name":"(?:[^"\\]|\\.)*","sha256":"[0-9a-f]{64}"(?:,"part":"(?:[^"\\]|\\.)*")?\}')


def encode(bags: Iterable[Mapping[str, str]]) -> bytes:
    """One line of JSON per bag: `name`, `sha256` and, if the bag has one, `part`.

    Raises:
        ModelError: A bag has other keys.
    """
    lines = []
    for bag in bags:
        entry = {key: bag[key] for key in ("name", "sha256", "part") if key in bag}
        if len(entry) < len(bag) or not {"name", "sha256"} <= entry.keys():
            raise ModelError(f"provenance.bags: found keys {', '.join(bag)}, expected name, sha256 and perhaps part")
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
            expected = "a bag with name, sha256 of 64 hexadecimal digits and perhaps part"
            raise ModelError(f"provenance.bags: line {number}: found {line[:60]!r}, expected {expected}")
        try:
            bags.append(json.loads(line))
        except ValueError as error:
            raise ModelError(f"provenance.bags: line {number}: not JSON: {error}") from None
    return tuple(bags)
