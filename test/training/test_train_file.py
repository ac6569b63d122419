# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""config/train.yaml, the training options as a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.training.config import load_train_config
from obstacle_classifier.training.recipes import DefaultSettings

FILE = Path(__file__).parents[2] / "config" / "train.yaml"


def test_it_sets_every_option_to_its_default() -> None:
    assert set(yaml.safe_load(FILE.read_text(encoding="utf-8"))) == {"recipe", *DefaultSettings.options()}
    assert load_train_config(FILE) == DefaultSettings()
