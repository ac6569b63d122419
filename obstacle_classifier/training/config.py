# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a training run can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from obstacle_classifier.documents import load_yaml, parse_yaml_value, refusal, validate
from obstacle_classifier.errors import ConfigError

__all__ = ["OPTIONS", "TrainConfig", "load_train_config", "parse_train_config"]

# Every option once: its JSON schema and, for people, its unit and meaning.
OPTIONS: dict[str, dict[str, Any]] = {
    "preset": {
        "type": "string",
        "enum": ["default", "reference"],
        "description": "default: shuffled batches, weight decay, early stopping; "
        "reference: 10 epochs, batches of 100 in order, rate 0.1",
    },
    "hidden": {
        "type": "integer",
        "minimum": 1,
        "maximum": 4096,
        "description": "units in each of the two hidden layers",
    },
    "epochs": {"type": "integer", "minimum": 1, "description": "passes over the training intervals, at most"},
    "learning_rate": {"type": "number", "exclusiveMinimum": 0, "description": "step of gradient descent"},
    "weight_decay": {
        "type": "number",
        "minimum": 0,
        "description": "pull of every weight towards 0: weight_decay / 2 times the sum of their squares joins the loss",
    },
    "batch_size": {"type": "integer", "minimum": 1, "description": "intervals a step"},
    "patience": {
        "type": "integer",
        "minimum": 1,
        "description": "epochs without a lower held-out loss before it stops; the first fifth of all is not judged",
    },
    "validation_share": {
        "type": "number",
        "exclusiveMinimum": 0,
        "exclusiveMaximum": 0.5,
        "description": "share of the bags that early stopping watches; the final fit includes them",
    },
    "test_share": {
        "type": "number",
        "exclusiveMinimum": 0,
        "exclusiveMaximum": 0.5,
        "description": "share of the bags that only the reported scores see",
    },
    "seed": {
        "type": "integer",
        "minimum": 0,
        "maximum": 2**63 - 1,
        "description": "of the split, the first weights and the order of the batches",
    },
}

_FIXED = {"epochs", "learning_rate", "weight_decay", "batch_size", "patience", "validation_share"}  # by `reference`


@dataclass(frozen=True)
class TrainConfig:
    """Options of a training run; `OPTIONS` describes each.

    The preset `reference` is `MLP.sgd`: it fixes all but `hidden`, `test_share` and `seed`.
    """

    preset: str = "default"
    hidden: int = 64
    epochs: int = 200
    learning_rate: float = 0.01
    weight_decay: float = 0.01
    batch_size: int = 32
    patience: int = 30
    validation_share: float = 0.2
    test_share: float = 0.2
    seed: int = 0

    def document(self) -> dict[str, Any]:
        """The options as JSON-able data."""
        return asdict(self)


def load_train_config(path: str | Path | None = None, settings: Sequence[str] = ()) -> TrainConfig:
    """Options from a YAML file and from `key=value` texts, which win.

    Raises:
        ConfigError: Naming the file or `--set`, the key, what was found and what was expected.
    """
    changes: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set: found '{setting}', expected key=value")
        changes[key.strip()] = parse_yaml_value(value, "--set", key.strip())
    given, changed = _checked({} if path is None else load_yaml(path), str(path)), _checked(changes, "--set")
    return _build([(given, str(path)), (changed, "--set")])


def parse_train_config(document: Mapping[str, Any], source: str) -> TrainConfig:
    """Check options and fill in the defaults; `source` is what messages name.

    Raises:
        ConfigError: Naming the source, the key, what was found and what was expected.
    """
    return _build([(_checked(document, source), source)])


def _checked(document: Mapping[str, Any], source: str) -> dict[str, Any]:
    numbers = validate(document, {"type": "object", "additionalProperties": False, "properties": OPTIONS}, source)
    defaults = TrainConfig().document()
    return {key: type(defaults[key])(value) for key, value in numbers.items()}


def _build(documents: Sequence[tuple[dict[str, Any], str]]) -> TrainConfig:
    """Join checked documents, of which the later win."""
    origin = {key: source for document, source in documents for key in document}
    config = TrainConfig(**{key: value for document, _ in documents for key, value in document.items()})
    if config.preset == "reference":
        for key in sorted(_FIXED & origin.keys()):
            if getattr(config, key) != getattr(TrainConfig(), key):
                raise refusal(origin[key], key, getattr(config, key), "the default: the preset 'reference' fixes it")
    return config
