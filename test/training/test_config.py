# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.training.config import all_options, load_train_config, parse_train_config
from obstacle_classifier.training.recipes import RECIPES, DefaultSettings, Recipe, ReferenceSettings


def test_settings_win_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("epochs: 7\nhidden: 8\nlearning_rate: 1e-2\n")
    config = load_train_config(path, ["hidden=16", " seed = 3", "weight_decay=1e-3", "hidden=32"])
    assert config == DefaultSettings(epochs=7, hidden=32, learning_rate=0.01, seed=3, weight_decay=0.001)
    assert load_train_config() == DefaultSettings()


def test_numbers_have_their_options_type() -> None:
    config = parse_train_config({"learning_rate": 1, "epochs": 5.0}, "t.yaml")
    assert isinstance(config, DefaultSettings)
    assert (config.learning_rate, config.epochs) == (1.0, 5)
    assert (type(config.learning_rate), type(config.epochs)) == (float, int)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_every_option_is_described_and_its_default_allowed(recipe: Recipe[Any]) -> None:
    settings = recipe.settings()
    assert set(recipe.settings.options()) == settings.document().keys() - {"recipe"}
    assert all(option.description for option in recipe.settings.options().values())
    assert parse_train_config(settings.document(), "t.yaml") == settings


def test_a_recipe_takes_a_whole_file_of_the_defaults_of_others() -> None:
    document = {**DefaultSettings().document(), "recipe": "reference", "hidden": 8, "test_share": 0.3, "seed": 1}
    assert parse_train_config(document, "t.yaml") == ReferenceSettings(hidden=8, test_share=0.3, seed=1)


def test_the_old_name_of_the_key_recipe_is_understood() -> None:
    assert parse_train_config({"preset": "reference"}, "t.yaml") == ReferenceSettings()
    with pytest.raises(ConfigError) as caught:
        parse_train_config({"preset": "reference", "recipe": "default"}, "t.yaml")
    assert str(caught.value) == (
        "t.yaml: key 'preset': found 'reference', expected only the key 'recipe', which has replaced it"
    )


def test_a_setting_names_another_recipe_than_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("preset: default\nhidden: 8\n")
    assert load_train_config(path, ["recipe=reference"]) == ReferenceSettings(hidden=8)


ALLOWED = ", ".join(sorted(all_options()))
CASES = [
    ("epoch: 3", f"unknown key 'epoch', expected one of: {ALLOWED}"),
    ("epochs: 0", "key 'epochs': found 0, expected at least 1"),
    ("epochs: 2.5", "key 'epochs': found 2.5, expected a whole number"),
    ("epochs: true", "key 'epochs': found true, expected a whole number"),
    ("hidden: 5000", "key 'hidden': found 5000, expected at most 4096"),
    ("hidden: many", "key 'hidden': found 'many', expected a whole number"),
    ("learning_rate: 0", "key 'learning_rate': found 0, expected more than 0"),
    ("learning_rate: -1e-3", "key 'learning_rate': found -0.001, expected more than 0"),
    ("learning_rate: .nan", "key 'learning_rate': found nan, expected a finite number"),
    ("learning_rate: 1e999", "key 'learning_rate': found inf, expected a finite number"),
    ("weight_decay: -0.1", "key 'weight_decay': found -0.1, expected at least 0"),
    ("weight_decay:", "key 'weight_decay': found nothing, expected a number"),
    ("batch_size: [32]", "key 'batch_size': found [32], expected a whole number"),
    ("patience: 0", "key 'patience': found 0, expected at least 1"),
    ("validation_share: 0", "key 'validation_share': found 0, expected more than 0"),
    ("test_share: 0.5", "key 'test_share': found 0.5, expected less than 0.5"),
    ("seed: -1", "key 'seed': found -1, expected at least 0"),
    ("seed: 9223372036854775808", "key 'seed': found 9223372036854775808, expected at most 9223372036854775807"),
    ("recipe: fast", "key 'recipe': found 'fast', expected one of: default, single, adamw, sgd, reference"),
]


@pytest.mark.parametrize(("line", "message"), CASES)
def test_a_bad_file_is_refused_by_name_and_key(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(line + "\n")
    with pytest.raises(ConfigError) as caught:
        load_train_config(path, ["seed=2"])
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize(("line", "message"), CASES)
def test_a_bad_setting_is_refused_by_key(line: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_train_config(None, [line.replace(": ", "=").replace(":", "=")])
    assert str(caught.value) == f"--set: {message}"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epochs", "--set: found 'epochs', expected key=value"),
        ("epochs=[", "--set: key 'epochs': found '[', expected a YAML value"),
        ("seed=2024-02-30", "--set: key 'seed': found '2024-02-30', expected a YAML value"),
        ("=3", f"--set: unknown key '', expected one of: {ALLOWED}"),
        (
            "recipe=reference",
            "{path}: key 'epochs': found 7, expected the default: the recipe 'reference' does not use it",
        ),
    ],
)
def test_a_malformed_or_contradicting_setting(tmp_path: Path, setting: str, message: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("epochs: 7\n")
    with pytest.raises(ConfigError) as caught:
        load_train_config(path, [setting])
    assert str(caught.value) == message.format(path=path)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^{tmp_path / 'absent.yaml'}: cannot be read: No such file"):
        load_train_config(tmp_path / "absent.yaml")
