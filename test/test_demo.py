# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The demonstration from end to end, small."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="the demo drives nodes")
pytest.importorskip("mujoco", reason="the demo simulates")
pytest.importorskip("matplotlib", reason="the demo writes a report")
pytest.importorskip("PIL", reason="the demo writes a GIF")

from obstacle_classifier.demo import in_words
from obstacle_classifier.training.judged import Judged
from obstacle_classifier.training.metrics import average_precision, scores

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
    # No label warning: the scores are of one bag on purpose.
    assert "warning: label" not in done.stdout.partition("== Scores")[2]
    for sentence in (
        r"Macro average precision is \d\.\d\d\. Guessing would score \d\.\d\d, a perfect model 1\.",
        r"The model noticed \d+ of \d+ appearances of an obstacle, with \d+\.\d false alarms a minute\.",
    ):
        assert re.search(f"^{sentence}$", done.stdout, re.MULTILINE)
    for word in ("pedestrian", "macro", "latency", "p99", f"{folder / 'bags'}", f"{folder / 'model.npz'}", "time:"):
        assert word in done.stdout
    # The live drive is the one that was recorded.
    live, offline = ((folder / name).read_text().splitlines() for name in ("live.csv", "offline.csv"))
    assert live[0] == offline[0]
    expected, answered = ({line.split(",")[0] for line in table[1:]} for table in (offline, live))
    assert len(expected - answered) <= 1, "the first message may arrive after the end of its interval"


def test_the_scores_in_words() -> None:
    judged = Judged(
        names=("street",),
        bag=np.zeros(6, np.intp),
        time_ns=np.arange(6) * 10 * 10**9,  # a minute of intervals of 10 s
        Y=np.array([[1, 0], [1, 0], [0, 0], [0, 0], [1, 0], [0, 0]], np.float32),
        P=np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.1], [0.9, 0.9], [0.1, 0.1], [0.1, 0.1]]),
        present=np.array([[1, 0], [1, 0], [0, 0], [1, 1], [0, 0], [0, 0]], np.bool_),
        interval=10 * 10**9,
    )
    found = scores(judged, ("dog", "van"), 1.0)
    precision = average_precision(judged.Y[:, 0], judged.P[:, 0])
    # Of dog, 0.9 is right in 2 of 3 intervals and 0.1 in 1 of 3: wrong by 0.23 both. No van is there.
    sentences = [
        f"Macro average precision is {precision:.2f}. Guessing would score 0.50, a perfect model 1.",
        "The model noticed 1 of 2 appearances of an obstacle, with 2.0 false alarms a minute.",
        "Its probabilities are off by 23 percentage points on average.",
    ]
    assert in_words(found, {}) == "\n".join(sentences)
    sentences.insert(1, "Training expected 0.80, from its left out bags.")
    training = {"judged": "left out bags", "macro": {"average_precision": 0.8}}
    assert in_words(found, training) == "\n".join(sentences)


def test_a_drive_without_labels_has_no_scores() -> None:
    one = np.zeros((1, 1))
    judged = Judged(("s",), np.zeros(1, np.intp), np.zeros(1, np.int64), one.astype(np.float32), one, one > 0, 1)
    assert in_words(scores(judged, ("dog",), 1.0), {}) == "No label occurs on this drive: there is nothing to score."


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
