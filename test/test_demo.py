# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The demonstration from end to end, small."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="the demo drives nodes")
pytest.importorskip("mujoco", reason="the demo simulates")
pytest.importorskip("matplotlib", reason="the demo writes a report")
pytest.importorskip("PIL", reason="the demo writes a GIF")

SMALL = ["--seconds", "5", "--bags", "3", "--bag-seconds", "8", "--set", "epochs=2"]
COMMAND = [sys.executable, "-m", "obstacle_classifier.demo"]


def test_it_runs_from_end_to_end_and_again(tmp_path: Path) -> None:
    # DDS as users have it: with shared memory and slow discovery.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FASTDDS_", "FASTRTPS_"))}
    for _ in range(2):  # the second time into the same folder
        done = subprocess.run(
            [*COMMAND, "--output", str(tmp_path / "demo"), *SMALL],
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
    folder = tmp_path / "demo"
    for name in ("model.npz", "live.csv", "offline.csv", "live.json", "live.gif", "report/report.html"):
        assert (folder / name).stat().st_size > 0
    assert len(list(folder.glob("bags/street_*/metadata.yaml"))) == 5
    assert "data:image/gif;base64," in (folder / "report" / "report.html").read_text(encoding="utf-8")
    assert "average precision live beside offline" in done.stdout
    for word in ("pedestrian", "macro", "latency", "p99", f"{folder / 'bags'}", f"{folder / 'model.npz'}", "time:"):
        assert word in done.stdout
    # The live drive is the one that was recorded.
    live, offline = ((folder / name).read_text().splitlines() for name in ("live.csv", "offline.csv"))
    assert live[0] == offline[0]
    expected, answered = ({line.split(",")[0] for line in table[1:]} for table in (offline, live))
    assert len(expected - answered) <= 1, "the first message may arrive after the end of its interval"


def test_an_interrupt_leaves_no_process_and_no_half_bag(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--output", str(tmp_path), "--bags", "2", "--bag-seconds", "600"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not list((tmp_path / "logs").glob("street_*.log")) or not list((tmp_path / "bags").glob(".*.tmp")):
            assert time.monotonic() < deadline
            assert process.poll() is None
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert children
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert process.returncode == 130
    assert error.endswith("demo: interrupted\n")
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert not list((tmp_path / "bags").iterdir())


def test_wrong_options_are_refused_at_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--output", str(tmp_path), "--bags", "0"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
