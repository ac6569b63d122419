# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Tables of probabilities: the same float32 is the same text, from a message and from an array."""

from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obstacle_classifier.table import format_float32, write_table

pytestmark = pytest.mark.runtime


def test_message_and_array_give_the_same_text(tmp_path: Path) -> None:
    p = np.array([0.1, np.nan, 1.0], np.float32)
    message = array("f", p.tobytes())  # `data` of a Float32MultiArray: its items are Python floats
    write_table(tmp_path / "array.csv", ("a", "b", "c"), [(7, p)])
    write_table(tmp_path / "message.csv", ("a", "b", "c"), iter([(7, list(message))]))
    assert (tmp_path / "array.csv").read_text() == "time_ns,a,b,c\n7,0.1,nan,1.0\n"
    assert (tmp_path / "message.csv").read_bytes() == (tmp_path / "array.csv").read_bytes()


@given(st.floats(width=32, allow_nan=False))
def test_text_reads_back_as_the_same_float32(value: float) -> None:
    text = format_float32(value)
    assert np.float32(text) == np.float32(value)
    assert len(text) <= len("-1000000000000000.0"), "no more digits than tell it from its neighbours"
