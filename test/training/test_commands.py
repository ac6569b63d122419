# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""`train`, `evaluate` and `features` as processes: several jobs, and bags that cannot be used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.model import Model
from test.helpers.training import DOCUMENT, write_street

SETTINGS = ("--set", "epochs=3", "--set", "hidden=8")


def run(*arguments: object, status: int = 0, entry: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(entry or ("-m", "obstacle_classifier.cli")), *map(str, arguments)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sensors file, four labelled bags and a model trained on them."""
    folder = tmp_path_factory.mktemp("commands")
    for seed in range(4):
        write_street(folder / "bags" / f"street_{seed}", seed, 4.0)
    (folder / "s.yaml").write_text(yaml.safe_dump(DOCUMENT, sort_keys=False))
    train = ("train", "--sensors", folder / "s.yaml", "--bags", folder / "bags", *SETTINGS)
    run(*train, "--jobs", 1, "--output", folder / "model.npz")
    return folder


@pytest.fixture
def damaged(folder: Path, tmp_path: Path) -> Path:
    """The bags of `folder`, of which one has lost its labels and another its content."""
    bags = tmp_path / "bags"
    shutil.copytree(folder / "bags", bags)
    (bags / "street_1" / "labels.csv").unlink()
    for file in (bags / "street_2").glob("*.mcap"):
        file.write_bytes(b"")
    return bags


# --- Jobs -------------------------------------------------------------------------------------------------------------

ENTRIES = [
    ("-m", "obstacle_classifier.cli"),
    ("-c", "import sys; from obstacle_classifier.cli import main; sys.exit(main(sys.argv[1:]))"),
]


@pytest.mark.parametrize("entry", ENTRIES, ids=["module", "command"])
def test_two_jobs_give_the_bytes_of_one(folder: Path, tmp_path: Path, entry: tuple[str, ...]) -> None:
    bags, sensors = ("--bags", folder / "bags"), ("--sensors", folder / "s.yaml")
    run("train", *sensors, *bags, *SETTINGS, "--jobs", 2, "--output", tmp_path / "model.npz", entry=entry)
    assert (tmp_path / "model.npz").read_bytes() == (folder / "model.npz").read_bytes()
    for jobs in (1, 2):
        run("features", *sensors, *bags, "--jobs", jobs, "--output", tmp_path / f"{jobs}.npz", entry=entry)
        evaluate = ("evaluate", "--model", folder / "model.npz", *bags, "--output", tmp_path / f"{jobs}.json")
        run(*evaluate, "--jobs", jobs, entry=entry)
    for suffix in ("npz", "json"):
        assert (tmp_path / f"1.{suffix}").read_bytes() == (tmp_path / f"2.{suffix}").read_bytes()


def test_every_bag_is_reported_whatever_the_jobs(folder: Path, tmp_path: Path) -> None:
    arguments = ("features", "--sensors", folder / "s.yaml", "--bags", folder / "bags", "--output", tmp_path / "f.npz")
    said = [run(*arguments, "--jobs", jobs).stderr for jobs in (1, 2)]
    assert said[0] == said[1]
    assert said[0].splitlines() == [f"bags {index + 1}/4: street_{index}" for index in range(4)]


def test_no_jobs_are_refused() -> None:
    result = run("features", "--jobs", 0, status=2)
    assert "argument --jobs: found '0', expected a whole number of at least 1" in result.stderr


# --- Bags that cannot be used -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["train", "features", "evaluate"])
def test_a_bad_bag_stops_a_command_before_any_bag_is_read(
    folder: Path, damaged: Path, tmp_path: Path, command: str
) -> None:
    output = tmp_path / "output"
    source = ("--model", folder / "model.npz") if command == "evaluate" else ("--sensors", folder / "s.yaml")
    result = run(command, *source, "--bags", damaged, "--output", output, status=1)
    bad = "street_2" if command == "features" else "street_1, street_2"
    count = len(bad.split(", "))
    assert result.stderr.splitlines()[-1] == (
        f"obstacle_classifier: {count} of 4 bags cannot be used: {bad}; --skip-bad-bags goes on without them"
    )
    assert "bags 1/4" not in result.stderr
    assert not output.exists()


@pytest.mark.parametrize("jobs", [1, 2])
def test_train_goes_on_without_bad_bags_and_names_them_last(
    folder: Path, damaged: Path, tmp_path: Path, jobs: int
) -> None:
    output = tmp_path / "model.npz"
    arguments = ("--sensors", folder / "s.yaml", "--bags", damaged, "--output", output, *SETTINGS, "--jobs", jobs)
    lines = run("train", *arguments, "--skip-bad-bags").stderr.splitlines()
    assert lines[-1] == "warning: 2 of 4 bags left out: street_1, street_2"
    assert lines[-3].startswith(f"warning: {damaged / 'street_1'}: no labels: ")
    assert lines[-2].startswith(f"warning: {damaged / 'street_2'}")
    assert all(line.endswith(": left out") for line in lines[-3:-1])
    model = Model.load(output)
    assert [bag["name"] for bag in model.bags] == ["street_0", "street_3"]
    left_out = model.provenance.left_out
    assert [bag["name"] for bag in left_out] == ["street_1", "street_2"]
    assert [f"warning: {bag['problem']}: left out" for bag in left_out] == lines[-3:-1]
    description = run("inspect", output).stdout.splitlines()
    assert description[-3].split() == ["left", "out", "problem"]
    assert [line.split(maxsplit=1) for line in description[-2:]] == [[bag["name"], bag["problem"]] for bag in left_out]


def test_evaluate_goes_on_without_bad_bags_and_records_them(folder: Path, damaged: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.json"
    result = run("evaluate", "--model", folder / "model.npz", "--bags", damaged, "--output", output, "--skip-bad-bags")
    assert result.stderr.splitlines()[-1] == "warning: 2 of 4 bags left out: street_1, street_2"
    scores = json.loads(output.read_text())
    assert [bad["name"] for bad in scores["left_out"]] == ["street_1", "street_2"]
    good = [damaged / "street_0", damaged / "street_3"]
    run("evaluate", "--model", folder / "model.npz", "--bags", *good, "--output", output)
    assert {**scores, "left_out": []} == json.loads(output.read_text())


def test_features_needs_no_labels_and_goes_on_without_bad_bags(folder: Path, damaged: Path, tmp_path: Path) -> None:
    output = tmp_path / "f.npz"
    arguments = ("--sensors", folder / "s.yaml", "--bags", damaged, "--output", output)
    result = run("features", *arguments, "--skip-bad-bags")
    assert result.stderr.splitlines()[-1] == "warning: 1 of 4 bags left out: street_2"
    with np.load(output) as arrays:
        assert sorted(set(arrays["bag"].tolist())) == ["street_0", "street_1", "street_3"]


@pytest.mark.parametrize("command", ["train", "features", "evaluate"])
def test_without_a_single_good_bag_a_command_fails(folder: Path, tmp_path: Path, command: str) -> None:
    bags = tmp_path / "bags"
    for name in ("a", "b"):
        write_street(bags / name, 0, 1.0)
        for file in (bags / name).glob("*.mcap"):
            file.write_bytes(b"")
    source = ("--model", folder / "model.npz") if command == "evaluate" else ("--sensors", folder / "s.yaml")
    result = run(command, *source, "--bags", bags, "--output", tmp_path / "out", status=1)
    assert result.stderr.splitlines()[-1].startswith(f"obstacle_classifier: {bags / 'a'}")
    assert result.stderr.endswith(" (and none of the 1 other bags can be used)\n")
    assert not (tmp_path / "out").exists()


def test_a_label_file_with_a_mistake_is_an_error_that_names_it(folder: Path, damaged: Path, tmp_path: Path) -> None:
    file = damaged / "street_3" / "labels.csv"
    file.write_text("start,end,label\n1,2,car\n")
    arguments = ("--sensors", folder / "s.yaml", "--bags", damaged, "--output", tmp_path / "m.npz")
    result = run("train", *arguments, "--jobs", 2, status=1)
    lines = result.stderr.splitlines()
    assert any(line.startswith(f"warning: {file}:2: found label 'car'") for line in lines)
    assert lines[-1].startswith("obstacle_classifier: 3 of 4 bags cannot be used: street_1, street_2, street_3;")


# --- Limits -----------------------------------------------------------------------------------------------------------


def test_a_network_that_no_model_file_holds_is_refused_before_any_bag_is_read(folder: Path, tmp_path: Path) -> None:
    arguments = ("--sensors", folder / "s.yaml", "--bags", folder / "bags", "--output", tmp_path / "m.npz")
    result = run("train", *arguments, "--set", "hidden=3000", status=1)
    assert "bags " not in result.stderr.partition("obstacle_classifier:")[0], "no bag was read"
    assert result.stderr.splitlines()[-1].startswith(
        "obstacle_classifier: no model file holds a model of 4 bags, 5 columns and these training options: "
    )
    assert " bytes of arrays, expected at most 33554432" in result.stderr
