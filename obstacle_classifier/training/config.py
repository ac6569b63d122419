# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Reading the options of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from obstacle_classifier.documents import load_yaml, parse_yaml_value, refusal, validate
from obstacle_classifier.errors import ConfigError
from obstacle_classifier.networks import registered
from obstacle_classifier.training.recipes import DEFAULT, RECIPES
from obstacle_classifier.training.settings import Option, Settings

__all__ = ["all_options", "load_train_config", "parse_train_config"]

_OLD_NAME = "preset"  # of the key `recipe`
_KIND = "network"  # the option that names the kind of network


def all_options() -> dict[str, Option]:
    """The key `recipe` and every option of every recipe, by name; the default recipe's come first."""
    found = {"recipe": Option(DEFAULT, _meaning_of_recipes(), {}, lambda: list(RECIPES))}
    for recipe in (RECIPES[DEFAULT], *RECIPES.values()):
        for name, option in recipe.settings.options().items():
            found.setdefault(name, option)
    found[_KIND] = replace(found[_KIND], choices=registered)
    return found


def load_train_config(path: str | Path | None = None, settings: Sequence[str] = ()) -> Settings:
    """Options from a YAML file and from `key=value` texts, which win.

    Raises:
        ConfigError: Naming the file or `--set`, the key, what was found and what was expected.
    """
    changes: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set: found '{setting}', expected key=value")
        _set(changes, key.strip(), parse_yaml_value(value, "--set", key.strip()))
    return _build([({} if path is None else load_yaml(path), str(path)), (changes, "--set")])


def parse_train_config(document: Mapping[str, Any], source: str) -> Settings:
    """Check options and fill in the defaults of their recipe; `source` is what messages name.

    Raises:
        ConfigError: Naming the source, the key, what was found and what was expected.
    """
    return _build([(document, source)])


def _set(changes: dict[str, Any], key: str, value: Any) -> None:
    """Set a value under a dotted key: `target.precision` is the key `precision` of the mapping `target`."""
    *above, last = key.split(".")
    for name in above:
        inner = changes.setdefault(name, {})
        if not isinstance(inner, dict):
            raise refusal("--set", key, inner, f"a mapping as value of '{name}'")
        changes = inner
    changes[last] = value


def _build(documents: Sequence[tuple[Mapping[str, Any], str]]) -> Settings:
    """The settings of checked documents, of which the later win."""
    options = all_options()
    schema: dict[str, Any] = {"type": "object", "additionalProperties": False}
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for document, source in documents:
        properties = {name: option.schema() for name, option in options.items()}
        checked = validate(_renamed(document, source), {**schema, "properties": properties}, source)
        values.update(checked)
        origin.update(dict.fromkeys(checked, source))
    kind = RECIPES[values.pop("recipe", None) or _recipe_for(values.get(_KIND))].settings
    own = kind.options()
    for name in sorted(values.keys() - own.keys()):
        # A file may list the defaults of every recipe.
        if values.pop(name) != options[name].default:
            found = next(document[name] for document, source in reversed(documents) if source == origin[name])
            raise refusal(origin[name], name, found, f"the default: the recipe '{kind.recipe}' does not use it")
    for name, value in values.items():
        validate({name: value}, {"properties": {name: own[name].schema()}}, origin[name])
    typed: dict[str, Any] = {name: type(own[name].default)(value) for name, value in values.items()}
    return kind(**typed)


def _recipe_for(network: str | None) -> str:
    """The recipe if none is named: the first that fits this kind of network, the default one if it does."""
    fits = [name for name, recipe in RECIPES.items() if network in _kinds(recipe.settings.options())]
    return DEFAULT if network is None or DEFAULT in fits else fits[0]


def _kinds(options: Mapping[str, Option]) -> Sequence[str]:
    choices = options[_KIND].choices if _KIND in options else None
    return () if choices is None else choices()


def _renamed(document: Mapping[str, Any], source: str) -> dict[str, Any]:
    if _OLD_NAME in document and "recipe" in document:
        raise refusal(source, _OLD_NAME, document[_OLD_NAME], "only the key 'recipe', which has replaced it")
    return {"recipe" if key == _OLD_NAME else key: value for key, value in document.items()}


def _meaning_of_recipes() -> str:
    return "; ".join(f"{name}: {recipe.summary}" for name, recipe in RECIPES.items())
