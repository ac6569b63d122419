# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The tables of docs/simulation.md, compared with the code.

`python -m test.test_docs_scenario` writes them.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest
import yaml

pytest.importorskip("rosbags", reason="rosbags is not installed, and the tables of the documents need it")

from obstacle_classifier.simulation import LABELS, Scenario, load_scenario, parse_scenario
from obstacle_classifier.simulation.options import DEFAULTS, FAULTS, KEYS, SENSORS
from test.helpers.documents import ROOT, blocks, fill, markers, table
from test.test_docs_tables import cells

DOCUMENT = ROOT / "docs" / "simulation.md"
MESSAGES: Mapping[str, str] = {
    "lidar": "sensor_msgs/msg/LaserScan",
    "sonar": "sensor_msgs/msg/Range",
    "imu": "sensor_msgs/msg/Imu",
    "odometry": "nav_msgs/msg/Odometry",
    "microphone": "std_msgs/msg/Float32, dB",
    "light": "sensor_msgs/msg/Illuminance",
    "thermometer": "sensor_msgs/msg/Temperature, of the ground",
}
FAULT_MEANINGS: Mapping[str, str] = {
    "dropout": "no messages",
    "freeze": "the last values again, with new stamps",
    "clock_offset": "wrong header stamps, correct receive times",
    "noise": "a burst of noise",
}


def _row(name: str, schema: Mapping[str, Any], default: object) -> tuple[str, ...]:
    _, allowed = cells(schema)
    size = schema.get("minItems")
    meaning = (
        "of the labels" if name == "label_topic" else "absolute name" if name == "topic" else schema["description"]
    )
    return f"`{name}`", f"`{default}`", f"{size} numbers" if size else allowed, meaning


def _keys() -> str:
    defaults = asdict(Scenario())
    rows = []
    for section, schemas in KEYS.items():
        values = defaults
        for part in filter(None, section.split(".")):
            values = values[part]
        rows += [_row(f"{section}.{key}".lstrip("."), schema, values[key]) for key, schema in schemas.items()]
    return table(("key", "default", "range", "meaning"), rows)


def _sensors() -> str:
    assert list(MESSAGES) == list(SENSORS) == list(DEFAULTS)
    parts = []
    for kind, schemas in SENSORS.items():
        options = [_row(key, schemas[key], value) for key, value in DEFAULTS[kind].items()]
        assert {*DEFAULTS[kind], "topic"} == set(schemas)
        parts.append(f"**{kind}** ({MESSAGES[kind]})\n\n" + table(("option", "default", "range", "meaning"), options))
    return "\n".join(parts)


def _faults() -> str:
    assert list(FAULT_MEANINGS) == list(FAULTS)
    rows = []
    for kind, options in FAULTS.items():
        further = ", ".join(f"`{key}`: {schema['description']}" for key, schema in options.items())
        rows.append((f"`{kind}`", FAULT_MEANINGS[kind], further))
    return table(("kind", "what happens", "further option"), rows)


def _node() -> str:
    """The node's parameters, read from its syntax tree: rclpy need not be installed."""
    tree = ast.parse((ROOT / "obstacle_classifier" / "nodes" / "simulator_node.py").read_text(encoding="utf-8"))
    assigned = [node for node in tree.body if isinstance(node, ast.AnnAssign)]
    (declared,) = [node.value for node in assigned if ast.unparse(node.target) == "_PARAMETERS" and node.value]
    rows = []
    for name, default, meaning in ast.literal_eval(declared):
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        rows.append((f"`{name}`", f"`{shown}`" if shown else "empty", meaning))
    return table(("parameter", "default", "meaning"), rows)


def parts() -> dict[str, str]:
    """Every generated part of the document, by its marker's name."""
    return {
        "scenario-node": _node(),
        "scenario-keys": _keys(),
        "scenario-sensors": _sensors(),
        "scenario-faults": _faults(),
    }


def test_the_tables_follow_from_the_code() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in markers(text) if name.startswith("scenario-")] == list(parts())
    assert text == fill(text, parts()), "run: python -m test.test_docs_scenario"


def test_the_examples_are_scenarios() -> None:
    examples = [block for block in blocks(DOCUMENT) if block.info == "yaml scenario"]
    assert examples
    for block in examples:
        parse_scenario(yaml.safe_load(block.text), block.where)


def test_the_document_names_the_labels_and_the_scenario_files() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"Labels: {', '.join(f'`{label}`' for label in LABELS)}." in text
    scenarios = {path.name: load_scenario(path) for path in (ROOT / "config" / "scenarios").glob("*.yaml")}
    assert {name for name in scenarios if f"`{name}`" not in text} == set()
    assert scenarios["sidewalk.yaml"] == Scenario()


if __name__ == "__main__":
    DOCUMENT.write_text(fill(DOCUMENT.read_text(encoding="utf-8"), parts()), encoding="utf-8")
