# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Read and validate YAML strictly: every error names the file, the key, the value found and the value expected."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from obstacle_classifier.errors import ConfigError

__all__ = ["load_yaml", "refusal", "validate"]

_SHOWN = 60  # characters of an invalid value quoted in a message


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses repeated keys and aliases.

    YAML silently keeps the second value of a repeated key. A few nested aliases make a document that fills the memory
    or contains itself.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "an alias: aliases are not read", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable):
                if key in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key!r} is written twice", key_node.start_mark
                    )
                seen.add(key)
        return super().construct_mapping(node, deep)


def load_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML mapping from `path`; an empty file is an empty mapping.

    Raises:
        ConfigError: The file cannot be read, is not YAML, repeats a key, has an alias, or is not a mapping.
    """
    path = Path(path)
    try:
        document = yaml.load(path.read_bytes(), _StrictLoader)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ConfigError(f"{path}: {place}{error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{path}: not a YAML text file: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply for a configuration") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: found {_kind(document)}, expected a mapping of keys to values")
    return document


def validate(document: object, schema: Mapping[str, Any], source: str, key: str = "") -> None:
    """Check `document` against a JSON schema (Draft 2020-12), and that every number in it is finite.

    Args:
        document: The document.
        schema: The schema. A `description` beside a `pattern` describes the pattern in messages.
        source: The file name in messages.
        key: The dotted key of `document` in that file.

    Raises:
        ConfigError: Names one invalid key; unknown and missing keys come first.
    """
    for path, value in _leaves(document):
        if isinstance(value, float) and not math.isfinite(value):
            raise refusal(source, _join(key, path), value, "a finite number")
    # Unknown and missing keys first: other errors often follow from a misspelt key.
    order = {"additionalProperties": 0, "required": 1}
    error = min(
        jsonschema.Draft202012Validator(schema).iter_errors(document),
        key=lambda error: (order.get(str(error.validator), 2), len(error.absolute_path)),
        default=None,
    )
    if error is not None:
        raise _explain(error, source, key)


def refusal(source: str, key: str, found: object, expected: str) -> ConfigError:
    """The error for an invalid value: `file: key 'a.b': found X, expected Y`."""
    return ConfigError(f"{source}: key '{key}': found {_show(found)}, expected {expected}")


def _explain(error: jsonschema.ValidationError, source: str, prefix: str) -> ConfigError:
    key = _join(prefix, list(error.absolute_path))
    rule, limit, schema = str(error.validator), error.validator_value, error.schema
    place = f"{source}: " + (f"key '{key}': " if key else "")
    if rule == "additionalProperties":
        known = sorted(schema.get("properties", {}))
        unknown = next(str(name) for name in error.instance if name not in known)
        return ConfigError(f"{place}unknown key '{unknown}', expected one of: {', '.join(known)}")
    if rule == "required":
        missing = next(name for name in limit if name not in error.instance)
        return ConfigError(f"{place}key '{missing}' is missing")
    return refusal(source, key or "(top level)", error.instance, _expected(rule, limit, schema))


def _expected(rule: str, limit: Any, schema: Mapping[str, Any]) -> str:
    match rule:
        case "type":
            return _kinds(limit)
        case "enum":
            return "one of: " + ", ".join(map(str, limit))
        case "minimum":
            return f"at least {limit}"
        case "maximum":
            return f"at most {limit}"
        case "exclusiveMinimum":
            return f"more than {limit}"
        case "exclusiveMaximum":
            return f"less than {limit}"
        case "minItems":
            return f"at least {limit} item{'s' * (limit != 1)}"
        case "maxItems":
            return f"at most {limit} item{'s' * (limit != 1)}"
        case "minProperties":
            return f"at least {limit} entr{'ies' if limit != 1 else 'y'}"
        case "uniqueItems":
            return "no item twice"
        case _:
            return str(schema.get("description", f"what the rule '{rule}: {limit}' allows"))


def _leaves(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[tuple[object, ...], object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


def _join(prefix: str, path: object) -> str:
    text = prefix
    for part in path:  # type: ignore[attr-defined]
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "nothing",
}


def _kinds(types: str | list[str]) -> str:
    return " or ".join(_KINDS[name] for name in ([types] if isinstance(types, str) else types))


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else repr(value)


def _show(value: object) -> str:
    text = "nothing" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
