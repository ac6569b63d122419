# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A command's signals, standard streams and exit status, as processes started by a shell."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from obstacle_classifier.model import Model
from test.helpers.models import make_model

pytestmark = pytest.mark.runtime

DEADLINE = 60.0  # s
INSPECT = shlex.join([sys.executable, "-m", "obstacle_classifier.cli", "inspect"])
BUFFERING = pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])

# Waits for a signal, then for a line on stdin before it has cleaned up.
PROGRAM = """
import sys, time
from obstacle_classifier.command import run_command

def work():
    try:
        print("working", file=sys.stderr)
        while True:
            time.sleep(1)
    finally:
        print("cleaning", file=sys.stderr)
        sys.stdin.readline()
        print("clean", file=sys.stderr)

sys.exit(run_command("sleeper", work))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("command") / "model.npz"
    make_model().save(path)
    return path


def shell(command: str, unbuffered: str = "") -> subprocess.CompletedProcess[str]:
    """Run one shell command to its end."""
    command = f"export PYTHONUNBUFFERED={unbuffered}; set -o pipefail; {command}"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr
    return result


@BUFFERING
@pytest.mark.parametrize(
    ("redirection", "reason"), [(">&-", "Bad file descriptor"), (">/dev/full", "No space left on device")]
)
@pytest.mark.parametrize("arguments", ["{}", "--help"])
def test_output_that_cannot_be_written_is_one_line_and_status_1(
    model: Path, arguments: str, redirection: str, reason: str, unbuffered: str
) -> None:
    result = shell(f"{INSPECT} {arguments.format(model)} {redirection}", unbuffered)
    assert result.returncode == 1
    assert result.stderr == f"obstacle_classifier: standard output: {reason}\n"


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_a_problem_is_reported_rather_than_the_closed_stdout(redirection: str, tmp_path: Path) -> None:
    result = shell(f"{INSPECT} {tmp_path / 'absent.npz'} {redirection}")
    assert result.returncode == 1
    assert result.stderr.startswith(f"obstacle_classifier: {tmp_path / 'absent.npz'}: ")
    assert result.stderr.count("\n") == 1


def test_an_interrupt_within_executed_text_has_its_status(tmp_path: Path) -> None:
    """Importing a module with dataclasses executes text, and so does generated code."""
    (tmp_path / "interrupted.py").write_text(
        "import sys\nfrom obstacle_classifier.command import run_command\n"
        "sys.exit(run_command('x', lambda: exec('raise KeyboardInterrupt')))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    command = [sys.executable, "-m", "interrupted"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=DEADLINE)
    assert (result.returncode, result.stderr) == (130, "x: interrupted\n")


def test_a_problem_is_reported_although_the_reader_of_the_output_is_gone() -> None:
    program = (
        "import sys\nfrom obstacle_classifier.command import run_command\n"
        "from obstacle_classifier.errors import BagError\n"
        "def work():\n    print('scores')\n    raise BagError('a bag cannot be used')\n"
        "sys.exit(run_command('x', work))"
    )
    result = shell(f"{shlex.join([sys.executable, '-c', program])} | true")
    assert (result.returncode, result.stderr) == (1, "x: a bag cannot be used\n")


@BUFFERING
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_stderr_that_cannot_be_written_changes_nothing_else(
    model: Path, tmp_path: Path, redirection: str, unbuffered: str
) -> None:
    result = shell(f"{INSPECT} {model} {redirection}", unbuffered)
    assert result.returncode == 0
    assert Model.load(model).digest[:12] in result.stdout
    result = shell(f"{INSPECT} {tmp_path / 'absent.npz'} {redirection}", unbuffered)
    assert (result.returncode, result.stdout) == (1, "")


def test_with_all_streams_closed_the_status_is_right(model: Path, tmp_path: Path) -> None:
    closed = "<&- >&- 2>&-"
    assert shell(f"{INSPECT} {tmp_path / 'absent.npz'} {closed}").returncode == 1
    assert shell(f"{INSPECT} {closed}").returncode == 2
    program = "from obstacle_classifier.command import run_command; import sys; sys.exit(run_command('x', lambda: 0))"
    assert shell(f"{shlex.join([sys.executable, '-c', program])} {closed}").returncode == 0


def test_a_file_that_a_command_opens_never_becomes_a_closed_stream(tmp_path: Path) -> None:
    program = f"""
import os, sys
from obstacle_classifier.command import run_command

def work():
    with open({str(tmp_path / "file")!r}, "w") as file:
        assert file.fileno() > 2
        os.system("echo a child talks; echo and complains >&2")
        file.write("content")

sys.exit(run_command("x", work))
"""
    assert shell(f"{shlex.join([sys.executable, '-c', program])} <&- >&- 2>&-").returncode == 0
    assert (tmp_path / "file").read_text() == "content"


@BUFFERING
def test_a_reader_that_has_seen_enough_is_no_error(model: Path, unbuffered: str) -> None:
    result = shell(f"{INSPECT} {model} | head -1", unbuffered)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("ignored", ["", "INT", "INT TERM"])
@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_ends_a_command_even_if_its_caller_ignores_signals(
    number: signal.Signals, status: int, word: str, ignored: str
) -> None:
    """The second signal, as of a terminal and of a launch file together, does not cut the clean-up short."""
    command = f"trap '' {ignored or 'HUP'}; exec {shlex.join([sys.executable, '-c', PROGRAM])}"
    with subprocess.Popen(
        ["bash", "-c", command], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        assert process.stderr.readline() == "working\n"
        began = time.monotonic()
        process.send_signal(number)
        assert process.stderr.readline() == "cleaning\n"
        process.send_signal(number)
        repeated = time.monotonic() - began < 0.9
        process.stdin.write("go on\n")
        lines = process.stderr.read().splitlines()
        process.wait(DEADLINE)
    assert process.returncode == status
    assert lines[-1] == f"sleeper: {word}"
    assert lines == ["clean", f"sleeper: {word}"] or not repeated
