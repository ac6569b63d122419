# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.simulation import Scenario, load_scenario, parse_scenario
from obstacle_classifier.simulation.options import DEFAULTS, FAULTS, KEYS, SENSORS

SCENARIOS = Path(__file__).parents[2] / "config" / "scenarios"


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_file_is_the_default_scenario(tmp_path: Path, text: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_scenario(path) == Scenario()


def test_a_whole_number_may_be_written_as_a_float() -> None:
    scenario = parse_scenario({"seed": 7.0, "sensors": {"scan": {**LIDAR, "beams": 90.0}}}, "s.yaml")
    assert (scenario.seed, type(scenario.seed)) == (7, int)
    assert (scenario.sensors[0]["beams"], type(scenario.sensors[0]["beams"])) == (90, int)


def test_the_shipped_sidewalk_spells_out_the_defaults() -> None:
    assert load_scenario(SCENARIOS / "sidewalk.yaml") == Scenario()


def test_the_shipped_sidewalk_names_every_key_outside_the_sensors() -> None:
    document = yaml.safe_load((SCENARIOS / "sidewalk.yaml").read_text(encoding="utf-8"))
    for section, keys in KEYS.items():
        part: Any = document
        for name in filter(None, section.split(".")):
            part = part[name]
        assert set(keys) <= set(part), section


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_scenarios_are_valid(path: Path) -> None:
    load_scenario(path)


def test_every_key_and_option_has_a_default_and_a_description() -> None:
    for kind, options in SENSORS.items():
        assert set(DEFAULTS[kind]) == set(options) - {"topic"}
        assert all(option["description"] for option in options.values() if "enum" not in option)
    names = {field.name for field in fields(Scenario)}
    assert names == set(KEYS[""]) | {"corridor", "street", "traffic", "robot", "sensors", "faults"}


LIDAR = {"type": "lidar", "topic": "/scan"}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"sede": 1}, "unknown key 'sede', expected one of: corridor, duration,"),
        ({"duration": 0}, "key 'duration': found 0, expected more than 0"),
        ({"seed": -1}, "key 'seed': found -1, expected at least 0"),
        ({"seed": 1.5}, "key 'seed': found 1.5, expected a whole number"),
        ({"duration": float("nan")}, "key 'duration': found nan, expected a finite number"),
        ({"storage": "bag"}, "key 'storage': found 'bag', expected one of: mcap, sqlite3"),
        ({"label_topic": "truth"}, "key 'label_topic': found 'truth', expected an absolute topic name"),
        ({"street": {"widht": 3}}, "key 'street': unknown key 'widht', expected one of: density, houses, width"),
        ({"street": {"density": {"trash_can": 30}}}, "key 'street.density': found 44"),
        ({"corridor": {"length": -1}}, "key 'corridor.length': found -1, expected more than 0"),
        ({"sensors": {}}, "key 'sensors': found {}, expected at least 1 entry"),
        ({"sensors": {"s": {"type": "radar", "topic": "/s"}}}, "key 'sensors.s.type': found 'radar', expected one of"),
        ({"sensors": {"s": {**LIDAR, "beam": 3}}}, "key 'sensors.s': unknown key 'beam'"),
        ({"sensors": {"s": {**LIDAR, "beams": 1}}}, "key 'sensors.s.beams': found 1, expected at least 2"),
        ({"sensors": {"s": {**LIDAR, "min_range": 20}}}, "key 'sensors.s.min_range': found 20, expected less than"),
        ({"sensors": {"s": {**LIDAR, "field_of_view": [1, -1]}}}, "key 'sensors.s.field_of_view': found [1, -1]"),
        (
            {"sensors": {"a": LIDAR, "b": LIDAR}},
            "key 'sensors.b.topic': found '/scan', expected a topic that no other sensor has",
        ),
        ({"sensors": {"s": {**LIDAR, "topic": "/ground_truth"}}}, "key 'sensors.s.topic': found '/ground_truth'"),
        (
            {"sensors": {"s": {**LIDAR, "topic": "/clock"}}},
            "key 'sensors.s.topic': found '/clock', expected a topic other",
        ),
        ({"sensors": {"s": {**LIDAR, "topic": "/s\n"}}}, "key 'sensors.s.topic': found '/s\\n', expected an absolute"),
        ({"label_topic": "/rosout"}, "key 'label_topic': found '/rosout', expected a topic other"),
        ({"sensors": {"": LIDAR}}, "key 'sensors': found '', expected a sensor name"),
        (
            {"sensors": {"s": {**LIDAR, "position": [1e300, 0, 0]}}},
            "key 'sensors.s.position[0]': found 1e+300, expected",
        ),
        (
            {"faults": [{"sensor": "noise_level", "kind": "clock_offset", "start": 1, "duration": 1, "offset": 1}]},
            "key 'faults[0].sensor': found 'noise_level', expected a sensor whose messages have a header",
        ),
        ({"faults": [{"sensor": "scan", "kind": "fire", "start": 1, "duration": 1}]}, "key 'faults[0].kind': found"),
        ({"faults": [{"sensor": "sacn", "kind": "freeze", "start": 1, "duration": 1}]}, "key 'faults[0].sensor'"),
        ({"faults": [{"sensor": "scan", "kind": "noise", "start": 1, "duration": 1}]}, "key 'factor' is missing"),
        (
            {"faults": [{"sensor": "scan", "kind": "freeze", "start": 1, "duration": 1, "factor": 2}]},
            "key 'faults[0]': unknown key 'factor'",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_name(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_scenario(document, "s.yaml")
    assert str(caught.value).startswith("s.yaml: ")
    assert message in str(caught.value)


def test_override_checks_like_the_file() -> None:
    scenario = Scenario().override(duration=5.0, seed=9)
    assert (scenario.duration, scenario.seed) == (5.0, 9)
    with pytest.raises(ConfigError, match="key 'duration': found -5"):
        Scenario().override(duration=-5.0)


def limits(schema: dict[str, Any], side: str, default: Any) -> Any:
    """The value at one end of what a schema allows."""
    if schema.get("type") == "array":
        return [schema["items"][f"{side}imum"]] * 3 if "minimum" in schema["items"] else default
    if schema.get("type") not in ("number", "integer"):
        return default
    exclusive = schema.get("exclusiveMinimum")
    low = schema.get("minimum", None if exclusive is None else exclusive + 1e-3)
    value = {"min": low, "max": schema.get("maximum")}[side]
    assert value is not None, f"{schema} has no {side}imum"
    return value


@pytest.mark.parametrize("side", ["min", "max"])
def test_what_is_allowed_can_be_simulated(side: str) -> None:
    """Every sensor with all its options at one end of their range, and every fault."""
    pytest.importorskip("mujoco", reason="the simulation needs mujoco")
    from obstacle_classifier.simulation import Simulation

    sensors = {}
    for kind, schemas in SENSORS.items():
        entry = {key: limits(schemas[key], side, value) for key, value in DEFAULTS[kind].items()}
        entry |= {key: DEFAULTS[kind][key] for key in ("min_range", "dropout") if key in entry}
        entry |= {key: max(entry[key], 1.0) for key in ("max_range", "rate") if key in entry}
        sensors[kind] = {"type": kind, "topic": f"/{kind}", **entry}
    faults = [
        {"sensor": "imu", "kind": kind, "start": 0.0, "duration": 1.0}
        | {key: limits(schema, side, None) for key, schema in options.items()}
        for kind, options in FAULTS.items()
        if kind != "dropout"
    ]
    document = {
        "duration": 1.5,
        "start_time": limits(KEYS[""]["start_time"], side, None),
        "seed": limits(KEYS[""]["seed"], side, None),
        "sensors": sensors,
        "faults": faults,
    }
    scenario = parse_scenario(document, "s.yaml")
    found = {message.topic for message in Simulation(scenario).messages()}
    assert found == {*(f"/{kind}" for kind in SENSORS), "/ground_truth"}
