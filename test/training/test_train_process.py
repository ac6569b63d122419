# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Training as a process: repeatable to the byte, and harmless when killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.model import Model
from test.helpers.training import DOCUMENT, write_street


def command(folder: Path, output: Path, seed: int) -> list[str]:
    arguments = ["train", "--sensors", folder / "s.yaml", "--output", output, "--bags", folder, "--set", f"seed={seed}"]
    settings = ["--set", "epochs=300", "--set", "hidden=16"]
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


@pytest.mark.parametrize("moment", ["bags 2/5", "bags 5/5", "epochs 30/300", "epochs 150/300"])
def test_a_training_killed_at_any_stage_leaves_the_old_file_or_the_whole_new_one(
    folder: Path, environment: dict[str, str], models: list[Path], tmp_path: Path, moment: str
) -> None:
    old, new = models[0].read_bytes(), models[2].read_bytes()
    output = tmp_path / "model.npz"
    output.write_bytes(old)
    with subprocess.Popen(
        command(folder, output, 1), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr is not None
        reached = any(line.startswith(moment) for line in child.stderr)
        child.kill()
    assert reached
    assert output.read_bytes() in (old, new), "new if this process waited long for a CPU"


def test_a_training_killed_while_it_writes_leaves_the_old_file_or_the_whole_new_one(
    folder: Path, environment: dict[str, str], models: list[Path], tmp_path: Path
) -> None:
    old, new = models[0].read_bytes(), models[2].read_bytes()
    output = tmp_path / "model.npz"
    output.write_bytes(old)
    with subprocess.Popen(
        command(folder, output, 1), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        while child.poll() is None and len(os.listdir(tmp_path)) == 1:  # noqa: PTH208 - as fast as possible
            pass
        child.kill()
    assert output.read_bytes() in (old, new)
    # Another run succeeds beside what the killed one left.
    subprocess.run(command(folder, output, 1), env=environment, check=True, capture_output=True)
    assert output.read_bytes() == new
