# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Scans of a real robot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from obstacle_classifier.sensing import make_decoder
from test.helpers import reference

NAME = "sensor_msgs/msg/LaserScan"
FOLDER = Path(__file__).parents[3] / "shared" / "data" / "leg_tracker"
OPTIONS = {"reduce": ["min", "max", "mean", "std", "count"], "field_of_view": [-1.57, 1.57], "max_range": 8.0}


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no recordings in {FOLDER}")
def test_real_scans_follow_the_plain_rules() -> None:
    highlevel = pytest.importorskip("rosbags.highlevel")
    seen = 0
    for bag in sorted(FOLDER.iterdir()):
        decoder = make_decoder(NAME, OPTIONS)
        with highlevel.AnyReader([bag], default_typestore=reference.rosbags_store()) as reader:
            buffers = [bytes(data) for _, _, data in reader.messages(reader.connections)]
        samples = decoder.decode(buffers)
        assert not samples.errors
        assert len(samples.kept) == len(buffers)
        for position in range(0, len(buffers), max(1, len(buffers) // 10)):
            message = reference.rosbags_deserialise(NAME, buffers[position])
            expected = reference.plain_row(NAME, message, decoder.channels, OPTIONS)
            np.testing.assert_allclose(samples.values[position], expected, rtol=1e-12, atol=1e-12)
            seen += 1
    assert seen > 0
