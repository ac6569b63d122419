# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Training as a process: repeatable to the byte, and harmless when killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.model import Model
from test.helpers.training import DOCUMENT, write_street


def command(folder: Path, output: Path, seed: int) -> list[str]:
    arguments = ["train", "--sensors", folder / "s.yaml", "--output", output, "--bags", folder, "--set", f"seed={seed}"]
    settings = ["--set", "epochs=30", "--set", "hidden=16"]
    return [sys.executable, "-m", "obstacle_classifier.cli", *map(str, arguments), *settings]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sensors file beside five small labelled bags."""
    folder = tmp_path_factory.mktemp("streets")
    for seed in range(5):
        write_street(folder / f"street_{seed}", seed)
    (folder / "s.yaml").write_text(yaml.safe_dump(DOCUMENT, sort_keys=False))
    return folder


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}


@pytest.fixture(scope="module")
def models(folder: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Models of seeds 0, 0 and 1, each trained by a process of its own."""
    paths = [tmp_path_factory.mktemp("models") / f"{index}.npz" for index in range(3)]
    for path, seed in zip(paths, (0, 0, 1), strict=True):
        subprocess.run(command(folder, path, seed), env=environment, check=True, capture_output=True)
    return paths


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_model(models: list[Path]) -> None:
    one, again, other = (path.read_bytes() for path in models)
    assert one == again
    assert one != other
    assert Model.load(models[0]).provenance.created == "2023-11-14T22:13:20Z"


def test_a_killed_training_leaves_the_old_file_or_the_whole_new_one(
    folder: Path, environment: dict[str, str], models: list[Path], tmp_path: Path
) -> None:
    old, new = models[0].read_bytes(), models[2].read_bytes()
    output = tmp_path / "model.npz"
    began = time.monotonic()
    subprocess.run(command(folder, output, 1), env=environment, check=True, capture_output=True)
    duration = time.monotonic() - began
    assert output.read_bytes() == new
    rng = np.random.default_rng()
    for _ in range(3):
        output.write_bytes(old)
        child = subprocess.Popen(
            command(folder, output, 1), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            child.wait(rng.uniform(0, duration))
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
        assert output.read_bytes() in (old, new)
