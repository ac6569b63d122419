# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Options of a training run: each is declared once, by the recipes that use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

__all__ = ["NetworkSettings", "Option", "Settings", "option"]

_TYPES = {int: "integer", float: "number", str: "string", dict: "object"}


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        default: Its default: an int, a float, a text or a mapping.
        description: Its unit and meaning, for people.
        rules: Further rules of its JSON schema, such as `minimum`.
        choices: The texts that are allowed, asked for when needed: registries grow. None for any.
    """

    default: int | float | str | dict[str, Any]
    description: str
    rules: Mapping[str, Any]
    choices: Callable[[], Sequence[str]] | None = None

    def schema(self) -> dict[str, Any]:
        """The JSON schema of a value."""
        choices = {} if self.choices is None else {"enum": list(self.choices())}
        return {"type": _TYPES[type(self.default)], **self.rules, **choices, "description": self.description}


def option(
    default: float | str | dict[str, Any],
    description: str,
    choices: Callable[[], Sequence[str]] | None = None,
    **rules: Any,
) -> Any:
    """A field of a settings class: its default, its meaning, and its JSON schema rules."""
    metadata = {"option": Option(default, description, rules, choices)}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Options that every recipe has. A recipe's own settings are a subclass with more fields.

    Attributes:
        recipe: Name of the recipe.
    """

    recipe: ClassVar[str]

    test_share: float = option(
        0.2, "share of the bags that only the reported scores see", exclusiveMinimum=0, exclusiveMaximum=0.5
    )
    seed: int = option(0, "of the split, the first weights and the order of the batches", minimum=0, maximum=2**63 - 1)

    @classmethod
    def options(cls) -> dict[str, Option]:
        """The options by name, those of all recipes last."""
        shared = {each.name for each in fields(Settings)}
        ordered = sorted(fields(cls), key=lambda each: each.name in shared)
        return {each.name: each.metadata["option"] for each in ordered}

    def document(self) -> dict[str, Any]:
        """The recipe's name and all options, as JSON-able data."""
        return {"recipe": self.recipe, **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(Settings):
    """Options of recipes whose network has hidden layers of a width to choose."""

    hidden: int = option(64, "units in each of the two hidden layers", minimum=1, maximum=4096)
