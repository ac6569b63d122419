# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""YAML values as every file of the package reads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from obstacle_classifier.documents import load_yaml, parse_yaml_value, validate
from obstacle_classifier.errors import ConfigError

pytestmark = pytest.mark.runtime


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-2", 0.01),
        ("1E5", 1e5),
        ("1.e3", 1e3),
        ("-1e3", -1e3),
        ("+.5e1", 5.0),
        ("1.5e2", 150.0),
        ("1.5e+2", 150.0),
        ("12", 12),
        ("0.1", 0.1),
        ("1e", "1e"),
        ("e5", "e5"),
        ("1e5x", "1e5x"),
        ("'1e5'", "1e5"),
        ("1e5 # five zeros", 1e5),
    ],
)
def test_numbers_with_an_exponent_are_numbers(tmp_path: Path, text: str, value: object) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(f"key: {text}\nlist: [{text.partition(' ')[0]}]\n")
    for found in (load_yaml(path)["key"], load_yaml(path)["list"][0], parse_yaml_value(text, "--set", "key")):
        assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text", ["[", "{a: 1, a: 2}", "[&a 1, *a]", "2024-99-99", "\x00", pytest.param("[" * 5000, id="deep")]
)
def test_a_value_that_is_no_yaml_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^--set: key 'epochs': found '.*, expected a YAML value$"):
        parse_yaml_value(text, "--set", "epochs")


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "maximum": 10},
        "length": {"type": "number"},
        "sizes": {"type": "array", "items": {"type": "integer"}},
        "inner": {"type": "object", "properties": {"count": {"type": "integer"}}},
    },
}


def test_whole_floats_become_ints_where_the_schema_wants_integers() -> None:
    document = {"count": 8.0, "length": 8.0, "sizes": [1.0, 2], "inner": {"count": -0.0}, "other": 3.0}
    found = validate(document, SCHEMA, "f.yaml")
    assert repr(found) == "{'count': 8, 'length': 8.0, 'sizes': [1, 2], 'inner': {'count': 0}, 'other': 3.0}"
    assert document["count"].is_integer(), "the document itself stays as it was"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"count": 8.5}, "key 'count': found 8.5, expected a whole number"),
        ({"count": True}, "key 'count': found true, expected a whole number"),
        ({"count": 1e300}, "key 'count': found 1e+300, expected at most 10"),
        ({"sizes": [1, 2.5]}, "key 'sizes[1]': found 2.5, expected a whole number"),
    ],
)
def test_other_numbers_are_refused_for_integers(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(f'f.yaml: {message}')}$"):
        validate(document, SCHEMA, "f.yaml")
