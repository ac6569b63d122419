# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""An interrupted training continues to the same bytes, and refuses the checkpoint of another one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.features import parse_sensors
from obstacle_classifier.progress import Progress, Silent, Stage
from obstacle_classifier.training import (
    AdamWSettings,
    DefaultSettings,
    ReferenceSettings,
    Settings,
    SGDSettings,
    SingleSettings,
    train,
)
from obstacle_classifier.training.checkpoint import Checkpoint, checkpoint_path
from obstacle_classifier.training.code_version import code_version
from test.helpers.training import DOCUMENT, SENSORS, Recorder, write_street

QUICK = {"hidden": 8, "epochs": 3, "least_steps": 0, "batch_size": 16}
SETTINGS: dict[str, tuple[Settings, int]] = {
    "default": (DefaultSettings(members=2, groups=2, **QUICK), 6),  # type: ignore[arg-type]
    "single": (SingleSettings(groups=2, **QUICK), 6),  # type: ignore[arg-type]
    "adamw": (AdamWSettings(groups=2, stretch=8, **QUICK), 6),  # type: ignore[arg-type]
    "sgd": (SGDSettings(hidden=8, epochs=8, patience=2, learning_rate=0.05), 6),
}
"""Settings, and a number of epochs that the fits of the recipe have together at least."""


class Interruption(Progress):
    """Progress of a run that is interrupted at the end of some epoch, counted over all fits."""

    def __init__(self, epoch: int) -> None:
        self._left = epoch

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Stage]:
        yield self if name == "epochs" else _Ignored()

    def advance(self, note: str) -> None:
        if note.startswith("loss"):  # else an epoch that was done before
            self._left -= 1
        if not self._left:
            raise KeyboardInterrupt

    def say(self, line: str) -> None:
        pass


class _Ignored:
    def advance(self, note: str) -> None:
        pass


def street_bags(folder: Path, count: int = 4) -> list[Path]:
    return [write_street(folder / f"street_{seed}", seed, 6.0) for seed in range(count)]


@pytest.fixture(scope="module")
def bags(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return street_bags(tmp_path_factory.mktemp("streets"))


def model_bytes(bags: list[Path], settings: Settings, folder: Path, checkpoint: Checkpoint | None = None) -> bytes:
    train(SENSORS, bags, settings, Silent(), checkpoint=checkpoint).model.save(folder / "model.npz")
    return (folder / "model.npz").read_bytes()


@pytest.mark.parametrize("recipe", SETTINGS)
def test_a_run_interrupted_after_any_epoch_continues_to_the_same_bytes(
    bags: list[Path], tmp_path: Path, recipe: str
) -> None:
    settings, epochs = SETTINGS[recipe]
    whole = model_bytes(bags, settings, tmp_path)
    path = tmp_path / "checkpoint"
    for epoch in range(1, epochs + 1):
        with pytest.raises(KeyboardInterrupt):
            train(SENSORS, bags, settings, Interruption(epoch), checkpoint=Checkpoint(path, period=0))
        resumed = Checkpoint(path, resume=True)
        assert resumed.resumed
        assert model_bytes(bags, settings, tmp_path, resumed) == whole, epoch
        path.unlink()


@pytest.mark.parametrize("recipe", SETTINGS)
def test_a_run_may_be_interrupted_again_and_again(bags: list[Path], tmp_path: Path, recipe: str) -> None:
    settings, epochs = SETTINGS[recipe]
    whole = model_bytes(bags, settings, tmp_path)
    path = tmp_path / "checkpoint"
    for _ in range(epochs - 1):
        with pytest.raises(KeyboardInterrupt):
            train(SENSORS, bags, settings, Interruption(1), checkpoint=Checkpoint(path, resume=True, period=0))
    assert model_bytes(bags, settings, tmp_path, Checkpoint(path, resume=True)) == whole


def test_the_reference_recipe_continues_in_its_ten_epochs(
    bags: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ReferenceSettings(hidden=8)
    whole = model_bytes(bags, settings, tmp_path)
    path = tmp_path / "checkpoint"
    keep, kept = Checkpoint.keep, []

    def keep_and_count(self: Checkpoint, name: str, state: object, *, last: bool) -> None:
        keep(self, name, state, last=last)  # type: ignore[arg-type]
        kept.append(name)
        if len(kept) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "keep", keep_and_count)
        with pytest.raises(KeyboardInterrupt):
            model_bytes(bags, settings, tmp_path, Checkpoint(path, period=0))
    resumed = Checkpoint(path, resume=True)
    assert (resumed.fit("all bags").saved or {})["epochs"] == 4
    assert model_bytes(bags, settings, tmp_path, resumed) == whole


def test_equal_runs_give_equal_bytes_at_any_time(
    bags: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    model = train(SENSORS, bags, ReferenceSettings(hidden=4), Silent()).model
    assert model.provenance.created == "2023-11-14T22:13:25Z", "the end of the newest interval"


# --- Refusals ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def interrupted(bags: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of an interrupted run."""
    path = tmp_path_factory.mktemp("interrupted") / "checkpoint"
    with pytest.raises(KeyboardInterrupt):
        train(SENSORS, bags, SETTINGS["sgd"][0], Interruption(1), checkpoint=Checkpoint(path, period=0))
    return path


def refusal(path: Path, bags: list[Path], settings: Settings, sensors: object = SENSORS) -> str:
    with pytest.raises(ConfigError) as caught:
        train(sensors, bags, settings, Silent(), checkpoint=Checkpoint(path, resume=True))  # type: ignore[arg-type]
    text = str(caught.value)
    assert text.startswith(f"{path}: found a checkpoint of another run (")
    assert "\n" not in text
    return text.partition("(")[2].partition("), expected")[0]


def test_other_settings_are_refused(interrupted: Path, bags: list[Path]) -> None:
    settings = SETTINGS["sgd"][0]
    assert refusal(interrupted, bags, replace(settings, seed=7)) == "settings.seed: 0 there, 7 here"
    assert refusal(interrupted, bags, ReferenceSettings(hidden=8)).startswith('settings.recipe: "sgd" there, "refer')


def test_other_sensors_are_refused(interrupted: Path, bags: list[Path]) -> None:
    sensors = parse_sensors({**DOCUMENT, "interval": 0.2}, "test")
    assert refusal(interrupted, bags, SETTINGS["sgd"][0], sensors) == "sensors.interval: 0.1 there, 0.2 here"


def test_other_code_is_refused(
    interrupted: Path, bags: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nn").mkdir()
    (tmp_path / "nn" / "layers.py").write_text("changed = True\n", encoding="utf-8")
    monkeypatch.setattr(sys.modules["obstacle_classifier.training.code_version"], "_PACKAGE", tmp_path)
    code_version.cache_clear()
    try:
        version = code_version(("nn",))
        monkeypatch.setattr(sys.modules["obstacle_classifier.training.train"], "TRAINING_ROOMS", ("nn",))
        assert refusal(interrupted, bags, SETTINGS["sgd"][0]).endswith(f'" there, "{version}" here')
    finally:
        code_version.cache_clear()


def test_other_bags_are_refused(interrupted: Path, bags: list[Path]) -> None:
    assert refusal(interrupted, bags[:3], SETTINGS["sgd"][0]) == "bags: 4 there, 3 here"


def test_other_content_or_labels_are_refused(interrupted: Path, tmp_path: Path) -> None:
    bags = street_bags(tmp_path)
    labels = bags[1] / "labels.csv"
    labels.write_text(labels.read_text(encoding="utf-8") + "0,6,loud\n", encoding="utf-8")
    assert refusal(interrupted, bags, SETTINGS["sgd"][0]).startswith("bags[1].labels: ")
    other = [write_street(tmp_path / "others" / "street_0", 9, 6.0), *bags[1:]]
    assert refusal(interrupted, other, SETTINGS["sgd"][0]).startswith("bags[0].sha256: ")


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_damaged_file_is_refused(interrupted: Path, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "checkpoint"
    path.write_bytes(interrupted.read_bytes()[:-40] if content is None else content)
    with pytest.raises(ConfigError, match=r"checkpoint: found no readable checkpoint \(.*\), expected one; without"):
        Checkpoint(path, resume=True)


# --- Processes --------------------------------------------------------------------------------------------------------


def command(folder: Path, output: Path, *more: str) -> list[str]:
    arguments = ["train", "--sensors", folder / "s.yaml", "--output", output, "--bags", folder]
    settings = ["--set", "epochs=40", "--set", "hidden=16", "--set", "least_steps=0", "--jobs", "1"]
    return [sys.executable, "-m", "obstacle_classifier.cli", *map(str, arguments), *settings, *more]


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sensors file beside small labelled bags."""
    folder = tmp_path_factory.mktemp("street")
    street_bags(folder)
    (folder / "s.yaml").write_text(yaml.safe_dump(DOCUMENT, sort_keys=False), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def whole(street: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    output = tmp_path_factory.mktemp("whole") / "model.npz"
    subprocess.run(command(street, output), check=True, capture_output=True)
    assert sorted(path.name for path in output.parent.iterdir()) == ["model.npz"], "a finished run keeps no checkpoint"
    return output.read_bytes()


@pytest.mark.parametrize(
    ("number", "moment"),
    [(signal.SIGKILL, "epochs 8/"), (signal.SIGINT, "epochs 20/"), (signal.SIGKILL, "now the members once more")],
)
def test_a_killed_process_is_continued_to_the_same_bytes(
    street: Path, whole: bytes, tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    output = tmp_path / "model.npz"
    with subprocess.Popen(command(street, output), stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        assert any(line.startswith(moment) for line in child.stderr)
        os.kill(child.pid, number)
    assert child.returncode == (130 if number == signal.SIGINT else -number)
    assert not output.exists()
    assert checkpoint_path(output).exists()
    again = subprocess.run(command(street, output, "--resume"), check=True, capture_output=True, text=True)
    assert f"continuing from {checkpoint_path(output)}" in again.stderr
    assert output.read_bytes() == whole
    assert not checkpoint_path(output).exists()


def test_resume_without_a_checkpoint_starts_at_the_beginning(street: Path, whole: bytes, tmp_path: Path) -> None:
    output = tmp_path / "model.npz"
    done = subprocess.run(command(street, output, "--resume"), check=True, capture_output=True, text=True)
    assert f"{output}.checkpoint: no checkpoint, so the training starts at the beginning" in done.stderr
    assert output.read_bytes() == whole


def test_a_run_without_resume_starts_anew_and_says_so(street: Path, whole: bytes, tmp_path: Path) -> None:
    output = tmp_path / "model.npz"
    np.savez(tmp_path / "model.npz.checkpoint.npz", header=np.zeros(1))
    (tmp_path / "model.npz.checkpoint.npz").rename(checkpoint_path(output))
    done = subprocess.run(command(street, output), check=True, capture_output=True, text=True)
    assert "the checkpoint of an interrupted run, which this run replaces; --resume continues it" in done.stderr
    assert output.read_bytes() == whole
    assert not checkpoint_path(output).exists()


def test_a_checkpoint_is_not_written_more_often_than_its_period(bags: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    recorder = Recorder()
    train(SENSORS, bags, SETTINGS["sgd"][0], recorder, checkpoint=Checkpoint(path, period=3600))
    kept = Checkpoint(path, resume=True)
    assert len((kept.fit("watched").saved or {})["history"]) == 1, "the first epoch, and no other in the hour"
