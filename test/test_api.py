# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The Python API, where the examples of docs/api.md do not cover it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import obstacle_classifier
from obstacle_classifier import load_model, load_sensors, predict, read_features, train
from obstacle_classifier.errors import BagError, ConfigError, ModelError
from test.helpers.training import SENSORS, write_street


def test_all_names_are_there() -> None:
    assert {name for name in obstacle_classifier.__all__ if callable(getattr(obstacle_classifier, name))} == {
        "evaluate",
        "load_model",
        "load_sensors",
        "predict",
        "read_features",
        "train",
    }
    assert set(obstacle_classifier.__all__) <= set(dir(obstacle_classifier))
    with pytest.raises(AttributeError, match="has no attribute 'fly'"):
        obstacle_classifier.fly  # noqa: B018


def test_the_package_alone_loads_nothing() -> None:
    code = "import sys; before = set(sys.modules); import obstacle_classifier; print(set(sys.modules) - before)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "numpy" not in result.stdout
    assert "rosbags" not in result.stdout


def test_what_cannot_be_used_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.npz: cannot be read"):
        load_model(tmp_path / "absent.npz")
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read"):
        load_sensors(tmp_path / "absent.yaml")
    with pytest.raises(BagError, match="absent"):
        list(read_features(tmp_path / "absent", SENSORS))
    with pytest.raises(ConfigError, match="settings: unknown key 'epoch', expected one of"):
        train(SENSORS, [tmp_path], {"epoch": 3})


def test_a_problem_that_does_not_end_the_work_is_a_warning(tmp_path: Path) -> None:
    bags = [write_street(tmp_path / f"street_{seed}", seed, seconds=3.0) for seed in range(3)]
    (tmp_path / "street_3").mkdir()
    (tmp_path / "street_3" / "street_3.mcap").write_bytes(b"no bag")
    with pytest.warns(UserWarning, match="street_3") as caught:
        training = train(SENSORS, [tmp_path], {"epochs": 1, "hidden": 4})
    assert not any(str(warning.message).startswith("warning") for warning in caught)
    assert sum(1 for _ in predict(training.model, str(bags[0]))) > 20
