# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The tables of the documents that follow from the code.

`python -m test.test_docs_tables` writes them anew.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed, and training needs it")

from obstacle_classifier.features import sensors_config
from obstacle_classifier.features.statistics import STATISTICS
from obstacle_classifier.model import manifest
from obstacle_classifier.sensing import BEAMS, MESSAGE_TYPES, OptionError, make_decoder
from obstacle_classifier.training.config import all_options
from obstacle_classifier.training.recipes import RECIPES
from test.helpers.documents import DOCUMENTS, ROOT, fill, markers, table

FILE_KEYS: Mapping[str, tuple[str, str]] = {  # default, meaning
    "interval": ("required", "s between two outputs; a whole number of nanoseconds"),
    "labels": (
        "required",
        "names of the kinds of obstacle, in the order of the outputs; several may be present at once",
    ),
    "label_topic": ("none", "topic of recorded labels, see [labelling](labelling.md); never subscribed to by the node"),
    "other_labels": (
        "`refuse`",
        "recorded labels that `labels` lacks: an error (`refuse`), not there (`absent`), or like `ignore`",
    ),
    "corridor": (
        "none",
        "where obstacles count, for people: the rectangle ahead from `front` (0) on, of `length` and `width`, in m. "
        "The [labelling page](labelling.md) draws it",
    ),
    "sensors": ("required", "name of each sensor (lower-case letters, digits, `_`; a letter first) and its keys"),
}
SENSOR_KEYS: Mapping[str, tuple[str, str]] = {
    "type": ("required", "message type; further keys depend on it"),
    "topic": (
        "required",
        "topic to read; each topic once in the file. In a bag, `scan` is `/scan`, or else the only topic of this type "
        "that ends in `/scan`",
    ),
    "statistics": ("`[last]`", "statistics of each channel's samples in the window"),
    "window": (
        "`interval`",
        "s that the statistics look back from the interval's end; a whole number of nanoseconds",
    ),
    "timeout": (
        f"`{sensors_config.DEFAULT_TIMEOUT}`",
        "s without a message after which the sensor is stale; a whole number of nanoseconds",
    ),
    "required": ("`false`", "whether an interval is unknown while this sensor is stale"),
}
_SECTORS = {"sector_<number>_<reduction>": "m; the number of returns for `count`. Numbers count from the lowest angle"}
CHANNELS: Mapping[str, Mapping[str, str]] = {  # what a channel is, by its name or the beginning of several names
    "sensor_msgs/msg/LaserScan": {**_SECTORS, "beam_<number>": "m, with `reduce: beams`; from the lowest angle"},
    "sensor_msgs/msg/PointCloud2": _SECTORS,
    "sensor_msgs/msg/Range": {"range": "m", "returned": "1: a return, 0: none in reach, NaN: unusable"},
    "sensor_msgs/msg/Imu": {
        "orientation": "quaternion",
        "angular_velocity": "rad/s",
        "linear_acceleration": "m/s\N{SUPERSCRIPT TWO}",
    },
    "nav_msgs/msg/Odometry": {
        "pose.position": "m",
        "pose.orientation": "quaternion",
        "twist.linear": "m/s",
        "twist.angular": "rad/s",
    },
    "sensor_msgs/msg/JointState": {
        "position.<joint>": "rad or m",
        "velocity.<joint>": "rad/s or m/s",
        "effort.<joint>": "N m or N",
    },
    "geometry_msgs/msg/TwistStamped": {"linear": "m/s", "angular": "rad/s"},
    "sensor_msgs/msg/Temperature": {"temperature": "\N{DEGREE SIGN}C", "variance": "of the temperature; 0: unknown"},
    "sensor_msgs/msg/Illuminance": {"illuminance": "lx", "variance": "of the illuminance; 0: unknown"},
    "std_msgs/msg/Float32": {"data": "as published"},
    "std_msgs/msg/Float64": {"data": "as published"},
    "std_msgs/msg/Bool": {"data": "1: true, 0: false"},
}
_INTEGER = "as published; beyond \N{PLUS-MINUS SIGN}2^53 rounded to the nearest float64"
_POSE = "m, quaternion"
BY_PATH: Mapping[str, str] = {  # meaning of the channels that a type has by default
    "geometry_msgs/msg/Twist": "m/s, rad/s",
    "geometry_msgs/msg/Vector3": "as published",
    "geometry_msgs/msg/Vector3Stamped": "as published",
    "geometry_msgs/msg/Pose": _POSE,
    "geometry_msgs/msg/PoseStamped": _POSE,
    "geometry_msgs/msg/PoseWithCovarianceStamped": _POSE,
    "sensor_msgs/msg/NavSatFix": "degrees, m",
    "sensor_msgs/msg/MagneticField": "T",
    "sensor_msgs/msg/FluidPressure": "Pa",
    "sensor_msgs/msg/BatteryState": "V, A, share of the charge",
    **{f"std_msgs/msg/{sign}Int{bits}": "as published" for bits in (8, 16, 32) for sign in ("", "U")},
    "std_msgs/msg/Int64": _INTEGER,
    "std_msgs/msg/UInt64": _INTEGER,
}
MANIFEST_KEYS: Mapping[str, str] = {
    "format": f"`{manifest.FORMAT}`",
    "version": f"of the format: {manifest.VERSION}; a larger one is refused as written by a newer package",
    "minor": f"minor version: {manifest.MINOR}; a larger one may bring `optional` sections, which are skipped",
    "sections": "the keys below, by section",
    "digest": "SHA-256 of all the rest, see below",
}


LAUNCH_FILES = ("capture", "classifier", "replay", "simulation", "train")
_KINDS = {"object": "mapping", "array": "list", "string": "text", "boolean": "bool"}


def cells(schema: Mapping[str, Any]) -> tuple[str, str]:
    """Type and range of a key, from its JSON schema."""
    items = schema.get("items", {})
    types = schema.get("type", "string")
    if isinstance(types, list):  # a list, or one word
        kind, names = cells({**schema, "type": types[0]})
        return f"{kind}, or text", f"{names}; or `{BEAMS}`"
    kind = _KINDS.get(types, str(types))
    if kind == "list":
        kind = "two numbers" if items.get("type") == "number" else "list of text"
    allowed = list(schema.get("enum", items.get("enum", [])))
    if allowed:
        return kind, (", " if items else " or ").join(f"`{value}`" for value in allowed)
    rules = {"minimum": "at least {}", "exclusiveMinimum": "more than {}"}
    rules |= {"maximum": "at most {}", "exclusiveMaximum": "less than {}"}
    found = [text.format(_short(schema[rule])) for rule, text in rules.items() if rule in schema]
    if schema.get("minItems") == schema.get("maxItems") == 2:
        found.append("the lower first")
    elif "minItems" in schema:
        found.append("at least one, none twice")
    pattern = schema.get("description") or items.get("description") if "pattern" in {**schema, **items} else None
    return kind, ", ".join([*found, *([str(pattern)] if pattern else [])])


_NAMES = {2**63 - 1: "2^63 - 1", 2**31 - 1: "2^31 - 1", math.pi: "pi", -math.pi: "-pi", math.pi / 2: "pi/2"}


def _short(number: float) -> str:
    return _NAMES.get(number, f"{number:g}")


def _default(value: object) -> str:
    if value == [-math.pi, math.pi]:
        return "`[-pi, pi]`"
    if isinstance(value, list):
        return f"`[{', '.join(map(str, value))}]`"
    return "none" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _keys(schemas: Mapping[str, Mapping[str, Any]], meanings: Mapping[str, tuple[str, str]]) -> str:
    assert list(schemas) == list(meanings), "a key came or went"
    rows = []
    for key, schema in schemas.items():
        kind, allowed = cells(schema)
        default, meaning = meanings[key]
        if key in ("type", "statistics"):
            allowed = (
                "any; see [message types](#message-types) and [any other type](#any-message-type)"
                if key == "type"
                else "see [statistics](#statistics)"
            )
        rows.append((f"`{key}`", kind, default, allowed, meaning))
    return table(("key", "type", "default", "range", "meaning"), rows)


def _available(type_name: str) -> list[str]:
    """The channels that a type has, from what the decoder says when asked for another."""
    try:
        make_decoder(type_name, {"channels": ["?"]})
    except OptionError as error:
        return error.expected.partition(" out of ")[2].split(", ")
    raise AssertionError(type_name)


def _message_type(type_name: str) -> str:
    message_type = MESSAGE_TYPES[type_name]
    schemas = message_type.option_schema
    named = "channels" in schemas and bool(message_type.default_channels)
    available = _available(type_name) if named else list(CHANNELS[type_name])
    rows, left = [], set(available)
    for prefix, meaning in CHANNELS[type_name].items():
        names = [name for name in available if name == prefix or name.startswith(f"{prefix}.")]
        default = "yes" if set(names) <= set(message_type.default_channels) or not named else "no"
        rows.append((", ".join(f"`{name}`" for name in names), meaning, default if named else ""))
        left -= set(names)
    assert not left, f"{type_name}: channels that nothing is said about: {left}"
    header = ("channel", "meaning", "by default")
    width = 3 if named else 2
    text = f"### {type_name}\n\n{table(header[:width], [row[:width] for row in rows])}"
    if list(schemas) == ["channels"]:
        return text
    assert "channels" not in schemas
    return f"{text}\n{_option_rows(schemas)}"


def _message_types() -> str:
    own = [_message_type(name) for name, kind in MESSAGE_TYPES.items() if not kind.by_path]
    by_path = {name: kind.default_channels for name, kind in MESSAGE_TYPES.items() if kind.by_path}
    assert set(by_path) == set(BY_PATH), "a type came or went"
    rows = [(name, ", ".join(f"`{each}`" for each in default), BY_PATH[name]) for name, default in by_path.items()]
    return "\n".join([*own, f"### Types by their fields\n\n{table(('type', 'channels by default', 'meaning'), rows)}"])


def _option_rows(schemas: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for key, schema in schemas.items():
        kind, allowed = cells(schema)
        rows.append((f"`{key}`", kind, _default(schema.get("default")), allowed, _sentence(schema["description"])))
    return table(("key", "type", "default", "range", "meaning"), rows)


def _sentence(text: str) -> str:
    return text[0].lower() + text[1:]


def _options() -> str:
    rows = []
    for key, option in all_options().items():
        kind, allowed = cells(option.schema())
        users = [name for name, recipe in RECIPES.items() if key in recipe.settings.options()]
        recipes = "all" if key == "recipe" or len(users) == len(RECIPES) else ", ".join(f"`{name}`" for name in users)
        rows.append((f"`{key}`", kind, _default(option.default), allowed, recipes, option.description))
    return table(("option", "type", "default", "range", "recipes", "meaning"), rows)


def _manifest() -> str:
    schemas = manifest._SCHEMA["properties"]
    assert list(schemas) == list(MANIFEST_KEYS) == manifest._SCHEMA["required"], "a key came or went"
    rows = [
        (f"`{key}`", _KINDS.get(schema["type"], schema["type"]), MANIFEST_KEYS[key]) for key, schema in schemas.items()
    ]
    for section in manifest.SECTIONS:
        for name, key in section.declared_keys().items():
            kind = key.schema["type"]
            rows.append((f"`{section.name}.{name}`", _KINDS.get(kind, kind), key.description))
    return table(("key", "type", "what"), rows)


def _launch_arguments(file: str) -> str:
    """The arguments of a launch file, by its syntax tree: `launch` need not be installed."""
    tree = ast.parse((ROOT / "launch" / file).read_text(encoding="utf-8"))
    constants: dict[str, Any] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            with suppress(ValueError):  # not a constant
                constants[statement.targets[0].id] = ast.literal_eval(statement.value)

    def value(node: ast.expr) -> str:
        """Value of a text, or the last part of a path below the package's share folder."""
        if isinstance(node, ast.Call):
            parts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
            return "/".join(str(part) for part in parts if part != "obstacle_classifier")
        return str(eval(compile(ast.Expression(node), file, "eval"), {}, constants))  # an f-string of constants

    rows = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "DeclareLaunchArgument":
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            default = f"`{value(given['default_value'])}`" if "default_value" in given else "required"
            meaning = value(given["description"])
            rows.append((f"`{value(node.args[0])}`", "empty" if default == "``" else default, meaning))
    return table(("argument", "default", "meaning"), rows)


def parts() -> dict[str, str]:
    """Every generated part, by its marker's name."""
    return {
        "file-keys": _keys(sensors_config.FILE_KEYS, FILE_KEYS),
        "sensor-keys": _keys(sensors_config.sensor_keys(), SENSOR_KEYS),
        "statistics": table(
            ("statistic", "over the window's finite samples of a channel", "without a sample"),
            [
                (f"`{name}`", statistic.meaning, "NaN" if statistic.needs_samples else "defined")
                for name, statistic in STATISTICS.items()
            ],
        ),
        "message-types": _message_types(),
        "training-options": _options(),
        "manifest-keys": _manifest(),
        **{f"{name}-launch": _launch_arguments(f"{name}.launch.py") for name in LAUNCH_FILES},
    }


def test_every_part_has_its_place() -> None:
    found = [name for document in DOCUMENTS for name in markers(document.read_text(encoding="utf-8"))]
    # test_docs_scenario and test_architecture write the others.
    assert sorted(name for name in found if not name.startswith(("scenario-", "imports"))) == sorted(parts())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.name))
def test_the_tables_follow_from_the_code(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert text == fill(text, parts()), "run: python -m test.test_docs_tables"


if __name__ == "__main__":
    for path in DOCUMENTS:
        path.write_text(fill(path.read_text(encoding="utf-8"), parts()), encoding="utf-8")
