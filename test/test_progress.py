# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
import tty
from pathlib import Path

import pytest

pytest.importorskip("tqdm", reason="tqdm is not installed")

from obstacle_classifier.progress import Progress, Silent, TextProgress


def run(progress: Progress, total: int) -> None:
    with progress.stage("epochs", total) as stage:
        for step in range(total):
            stage.advance(f"loss {step}")
            if step == 0:
                progress.say("a word between")


def test_elsewhere_there_are_about_ten_plain_lines_a_stage() -> None:
    stream = io.StringIO()
    run(TextProgress(stream), 40)
    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["a word between", "epochs 4/40: loss 3"]
    assert lines[-1] == "epochs 40/40: loss 39"
    assert len(lines) == 11
    assert "\r" not in stream.getvalue()


@pytest.mark.parametrize("total", [1, 2, 9, 10])
def test_a_short_stage_has_a_line_a_step(total: int) -> None:
    stream = io.StringIO()
    run(TextProgress(stream), total)
    assert stream.getvalue().count("epochs ") == total


@pytest.mark.parametrize("columns", [0, 80])
def test_on_a_terminal_there_is_a_bar_and_lines_stand_above_it(columns: int) -> None:
    reader, writer = pty.openpty()
    tty.setraw(writer)
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    code = "import test.test_progress as t; t.run(t.TextProgress(), 40)"
    with open(reader, "rb", buffering=0) as terminal:
        child = subprocess.Popen([sys.executable, "-c", code], stderr=writer, cwd=Path(__file__).parents[1])
        os.close(writer)
        seen = b""
        try:
            while piece := terminal.read(4096):
                seen += piece
        except OSError:  # how Linux ends a terminal that nobody holds any more
            pass
    assert child.wait(30) == 0
    text = seen.decode()
    assert "100%" in text
    assert "40/40" in text
    assert "loss 39" in text
    assert "a word between\n" in text
    assert text.count("\n") < 5, "the bar is drawn over, not anew"
    assert "epochs 4/40:" not in text


def test_silence() -> None:
    run(Silent(), 3)
