# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command `simulate`, as the command line runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from test.helpers.blocking import run_without

COMMAND_LINE = "from obstacle_classifier.cli import main; sys.exit(main(sys.argv[1:]))"
OFFLINE = ("mujoco", "rosbags", "tqdm", "matplotlib", "PIL")


def simulate(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("mujoco", reason="the simulation needs mujoco")
    pytest.importorskip("rosbags", reason="bags are written with rosbags")
    command = [sys.executable, "-m", "obstacle_classifier.cli", "simulate", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done


def test_the_folders_above_the_bag_are_created(tmp_path: Path) -> None:
    path = tmp_path / "bags" / "today" / "drive"
    assert simulate("--output", path, "--duration", 1).stdout == f"wrote {path}\n"
    assert [each.name for each in path.parent.iterdir()] == ["drive"]


def test_an_output_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "drive"
    done = simulate("--output", path, "--duration", 1, status=1)
    assert done.stderr.startswith(f"obstacle_classifier: {path}: folder {path.parent} cannot be created: ")
    assert done.stderr.count("\n") == 1


def test_wrong_usage_is_status_2() -> None:
    done = simulate("--duration", "1", status=2)
    assert "the following arguments are required: --output" in done.stderr


def test_help_needs_no_simulation() -> None:
    listed = run_without(OFFLINE, COMMAND_LINE, "--help")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "  simulate  record a labelled bag" in listed.stdout
    described = run_without(OFFLINE, COMMAND_LINE, "simulate", "--help")
    assert (described.returncode, described.stderr) == (0, "")
    assert "--scenario S.yaml" in described.stdout


@pytest.mark.parametrize("module", ["mujoco", "rosbags"])
def test_a_missing_package_is_named_in_one_line(tmp_path: Path, module: str) -> None:
    pytest.importorskip("mujoco", reason="the simulation needs mujoco")
    pytest.importorskip("rosbags", reason="bags are written with rosbags")
    done = run_without([module], COMMAND_LINE, "simulate", "--output", tmp_path / "drive")
    assert done.returncode == 1
    package = f"the Python package '{module}', which is not installed; see docs/simulation.md"
    assert done.stderr == f"obstacle_classifier: the simulation needs {package}\n"
    assert list(tmp_path.iterdir()) == []
