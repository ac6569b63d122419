# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""CPU of the node, and a run under a robot's full load; the benchmarks run longer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

from benchmarks.node_cpu import LIMIT, difference_of_features, measure

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("shared_memory")


def test_the_straightforward_node_computes_the_same() -> None:
    assert difference_of_features() < 1e-6  # it keeps ranges in float32


def test_cpu_of_both_executors_and_of_the_straightforward_node() -> None:
    used = measure(10.0, ("events", "single"))
    assert used["events"] <= LIMIT * used["plain"]
    assert used["events"] < used["single"], "the default is the one that costs less"


def test_half_a_minute_under_full_load() -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--seconds", "30", "--allow-missed", "0.01"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
