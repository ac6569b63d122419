# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""std_msgs/msg/String: the type of a label topic; not a sensor type."""

from __future__ import annotations

from obstacle_classifier.sensing.cdr import Bytes, parse_layout
from obstacle_classifier.sensing.schema import STRING, Struct

__all__ = ["STRING_NAME", "STRING_SCHEMA", "parse_string"]

STRING_NAME = "std_msgs/msg/String"
STRING_SCHEMA = Struct((("data", STRING),))


def parse_string(data: Bytes) -> str:
    """The text of one message.

    Raises:
        DecodeError: The bytes are not a std_msgs/msg/String.
    """
    return str(parse_layout(STRING_SCHEMA, data).node("data"))
