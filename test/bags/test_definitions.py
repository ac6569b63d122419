# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Message types that nobody knows are read by the definitions that recordings carry."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

pytest.importorskip("rosbags", reason="rosbags is not installed")

from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import StoragePlugin, Writer

from obstacle_classifier.api import load_model, predict, read_features
from obstacle_classifier.bags import Bag
from obstacle_classifier.bags.complete import complete_sensors
from obstacle_classifier.bags.definitions import definition_of
from obstacle_classifier.cli import main
from obstacle_classifier.errors import BagError, ConfigError, ModelError
from obstacle_classifier.features import SensorsConfig, parse_sensors
from obstacle_classifier.model import Model
from obstacle_classifier.sensing import parse_definition
from test.helpers.bags import START, cdr, truncate, write_bag
from test.helpers.messages import encode_schema
from test.helpers.models import make_model

PACK = "my_msgs/msg/Pack"
LINE = "=" * 80
MSG = f"""\
# cells of a battery
Cell[] cells
float32 current
string name
uint8 FULL=3
{LINE}
MSG: my_msgs/Cell
float64 voltage
bool hot
"""
ROS1 = f"Header header\n{MSG}{LINE}\nMSG: std_msgs/Header\nuint32 seq\ntime stamp\nstring frame_id\n"
IDL = f"""\
{LINE}
IDL: my_msgs/msg/Pack
module my_msgs {{
  module msg {{
    module Pack_Constants {{
      const uint8 FULL = 3;
    }};
    struct Pack {{
      sequence<my_msgs::msg::Cell> cells;
      float current;
      string name;
    }};
  }};
}};
{LINE}
IDL: my_msgs/msg/Cell
module my_msgs {{
  module msg {{
    struct Cell {{
      double voltage;
      boolean hot;
    }};
  }};
}};
"""
LABELS = "start,end,label\n0,2,low\n"


def pack(k: int, count: int = 2) -> dict[str, Any]:
    cells = [{"voltage": 3.0 + k + cell / 2, "hot": bool(cell)} for cell in range(count)]
    return {"cells": cells, "current": k / 4, "name": "x" * (k % 3)}


def write(path: Path, definition: str = MSG, storage: str = "mcap", labels: str | None = LABELS) -> Path:
    """A bag of 40 messages of `/pack`, one each 100 ms, which has three cells in every tenth message."""
    schema = parse_definition(MSG)
    plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
    with Writer(path, version=9, storage_plugin=plugin) as writer:
        connection = writer.add_connection("/pack", PACK, msgdef=definition, rihs01="RIHS01_0")
        for k in range(40):
            data = encode_schema(schema, pack(k, 3 if k % 10 == 9 else 2))
            writer.write(connection, START + k * 10**8, data)
    if labels is not None:
        (path / "labels.csv").write_text(labels)
    return path


def write_ros1(path: Path) -> Path:
    """The same messages in a ROS 1 bag, with a header."""
    with Writer1(path) as writer:
        connection = writer.add_connection("/pack", PACK, msgdef=ROS1, md5sum="0" * 32)
        for k in range(40):
            body = b"".join(np.float64(3.0 + k + cell / 2).tobytes() + bytes([cell]) for cell in range(2))
            name = b"x" * (k % 3)
            header = (k).to_bytes(4, "little") + bytes(8) + (4).to_bytes(4, "little") + b"base"
            data = header + (2).to_bytes(4, "little") + body + np.float32(k / 4).tobytes()
            writer.write(connection, START + k * 10**8, data + len(name).to_bytes(4, "little") + name)
    return path


def sensors(*channels: str, **keys: Any) -> SensorsConfig:
    entry = {"type": PACK, "topic": "/pack", "channels": list(channels), "statistics": ["last"], **keys}
    return parse_sensors({"interval": 0.1, "labels": ["low"], "sensors": {"pack": entry}}, "s.yaml")


CHANNELS = ("cells[1].voltage", "cells[1].hot", "current", "cells[2].voltage")


def rows(bag: Path, *channels: str) -> np.ndarray[Any, Any]:
    return np.array([vector.x for vector in read_features(bag, sensors(*channels))])


# --- Where definitions come from --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("storage", "definition"),
    [("mcap", MSG), ("mcap", IDL), ("sqlite3", MSG), ("sqlite3", IDL), ("ros1", ROS1)],
    ids=["mcap", "mcap idl", "sqlite3", "sqlite3 idl", "ros1"],
)
def test_a_recorded_definition_gives_every_number(tmp_path: Path, storage: str, definition: str) -> None:
    bag = write_ros1(tmp_path / "run.bag") if storage == "ros1" else write(tmp_path / "run", definition, storage)
    found = rows(bag, *CHANNELS)
    k = np.arange(len(found))
    np.testing.assert_array_equal(found[:, 0], 3.5 + k)
    np.testing.assert_array_equal(found[:, 1], 1.0)
    np.testing.assert_array_equal(found[:, 2], k / 4)
    third = np.where(k >= 9, 3.0 + (k + 1) // 10 * 10, np.nan)  # of the newest message with three cells
    np.testing.assert_array_equal(found[:, 3], np.nan if storage == "ros1" else third)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_damaged_file_gives_its_definitions(tmp_path: Path, storage: str) -> None:
    bag = write(tmp_path / "run", MSG, storage)
    (file,) = [*bag.glob("*.mcap"), *bag.glob("*.db3")]
    truncate(file, file.stat().st_size - 100)
    with Bag(bag) as opened:
        assert opened.problems
        assert parse_definition(definition_of(opened, "/pack") or "") == parse_definition(MSG)


def test_a_database_without_definitions_uses_installed_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bag = write(tmp_path / "run", MSG, "sqlite3")
    with sqlite3.connect(next(bag.glob("*.db3"))) as database:
        database.execute("DROP TABLE message_definitions")
        database.execute("UPDATE schema SET schema_version = 3")
    with pytest.raises(ConfigError) as caught:
        rows(bag, "current")
    assert str(caught.value) == (
        f"sensors: sensor pack: the definition of {PACK} is not known: {bag}: topic /pack carries none, and its "
        "package is not installed; the key 'definition' may hold the text of its .msg file"
    )
    by_hand = sensors(
        "current",
        definition="my_msgs/Cell[] cells\nfloat32 current\nstring name\n===\nMSG: my_msgs/Cell\n"
        "float64 voltage\nbool hot",
    )
    assert next(iter(read_features(bag, by_hand))).x[0] == 0.0
    share = tmp_path / "installed" / "share" / "my_msgs" / "msg"
    share.mkdir(parents=True)
    own, _, cell = MSG.partition(f"{LINE}\nMSG: my_msgs/Cell\n")
    (share / "Pack.msg").write_text(own)
    (share / "Cell.msg").write_text(cell)
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{tmp_path / 'none'}:{tmp_path / 'installed'}")
    assert rows(bag, "current")[8, 0] == 2.0


def test_types_of_ros_2_need_no_definition(tmp_path: Path) -> None:
    kind = "geometry_msgs/msg/Wrench"
    vector = {"x": 1.0, "y": 2.0, "z": 3.0}
    data = cdr(kind, force=vector, torque=vector)
    bag = write_bag(tmp_path / "run", [("/wrench", kind, START + k * 10**8, data) for k in range(5)], storage="sqlite3")
    with sqlite3.connect(next(bag.glob("*.db3"))) as database:
        database.execute("DROP TABLE message_definitions")
        database.execute("UPDATE schema SET schema_version = 3")
    entry = {"type": kind, "topic": "/wrench", "channels": ["torque.y"]}
    config = parse_sensors({"interval": 0.1, "labels": ["a"], "sensors": {"wrench": entry}}, "s.yaml")
    assert next(iter(read_features(bag, config))).x[0] == 2.0


# --- Problems ---------------------------------------------------------------------------------------------------------


def test_a_channel_that_does_not_exist_is_told_with_the_nearest(tmp_path: Path) -> None:
    bag = write(tmp_path / "run")
    with pytest.raises(ConfigError) as caught:
        complete_sensors(sensors("curent"), [bag], "s.yaml")
    assert str(caught.value) == (
        "s.yaml: key 'sensors.pack.channels': found 'curent', expected a numeric field, such as current"
    )


def test_another_definition_of_the_same_type_is_refused(tmp_path: Path) -> None:
    first, other = write(tmp_path / "a"), write(tmp_path / "b", MSG.replace("float32 current", "float64 current"))
    completed = complete_sensors(sensors("current"), [first, other], "s.yaml")
    assert next(iter(read_features(first, completed))).x[0] == 0.0
    with pytest.raises(BagError) as caught:
        next(iter(read_features(other, completed)))
    assert str(caught.value) == (
        f"{other}: topic /pack: its definition of {PACK} differs from that of sensor pack: field current: "
        "found float64, expected float32"
    )


def test_other_comments_and_constants_are_the_same_type(tmp_path: Path) -> None:
    definition = "uint8 EMPTY=0\n" + MSG.replace("# cells", "# the cells")
    first, other = write(tmp_path / "a"), write(tmp_path / "b", definition)
    completed = complete_sensors(sensors("current"), [first, other], "s.yaml")
    assert next(iter(read_features(other, completed))).x[0] == 0.0


@pytest.mark.parametrize(
    "definition",
    ["Cell", "Nowhere x", "A a\n" + f"{LINE}\nMSG: my_msgs/A\nA a\n", "string x\n" * 40_000, "float128 a", "\0" * 50],
    ids=["one word", "unknown type", "recursion", "too long", "float128", "zeros"],
)
def test_a_hostile_definition_is_no_definition(tmp_path: Path, definition: str) -> None:
    bag = write(tmp_path / "run", definition)
    with pytest.raises(ConfigError, match=r"^sensors: .*(the definition of my_msgs/msg/Pack is not known|definition')"):
        rows(bag, "x")


def test_a_topic_that_no_bag_has_is_told_with_the_nearest_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = write(tmp_path / "run")
    document = sensors("current", topic="/packs").document
    other = {"type": PACK, "topic": "/pack", "channels": ["current"]}
    (tmp_path / "s.yaml").write_text(yaml.safe_dump({**document, "sensors": {**document["sensors"], "b": other}}))
    arguments = ["--sensors", str(tmp_path / "s.yaml"), "--bags", str(bag), "--output", str(tmp_path / "f.npz")]
    assert main(["features", *arguments]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"obstacle_classifier: sensor pack: the definition of {PACK} is not known, since none of 1 bags has its topic "
        "/packs; nearest there: /pack"
    )


# --- The model file ---------------------------------------------------------------------------------------------------


def run(*arguments: object) -> None:
    assert main([str(argument) for argument in arguments]) == 0


def test_a_model_carries_the_definitions_that_it_needs(tmp_path: Path) -> None:
    bags = [write(tmp_path / "bags" / name, storage=storage) for name, storage in (("a", "mcap"), ("b", "sqlite3"))]
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(dict(sensors(*CHANNELS[:3]).document)))
    files: Sequence[object] = ("--sensors", tmp_path / "s.yaml", "--bags", tmp_path / "bags", "--jobs", 1)
    run("features", *files, "--output", tmp_path / "f.npz")
    with np.load(tmp_path / "f.npz") as arrays:
        assert arrays["columns"].tolist() == [f"pack.{channel}.last" for channel in CHANNELS[:3]] + ["pack.missing"]
    run("train", *files, "--output", tmp_path / "m.npz", "--set", "epochs=2", "--set", "hidden=4")
    model = load_model(tmp_path / "m.npz")
    (spec,) = model.sensors.sensors
    assert parse_definition(spec.options["definition"]) == parse_definition(MSG)
    without = write(tmp_path / "c", storage="sqlite3")
    with sqlite3.connect(next(without.glob("*.db3"))) as database:
        database.execute("DROP TABLE message_definitions")
        database.execute("UPDATE schema SET schema_version = 3")
    first, second = ([p.p.tobytes() for p in predict(model, bag)] for bag in (bags[0], without))
    assert first == second
    assert len(first) == 39


def test_no_model_is_made_without_a_definition() -> None:
    with pytest.raises(ModelError, match=r"sensors\.pack: the definition of my_msgs/msg/Pack is missing"):
        make_model(sensors("current"))


def test_a_forged_definition_is_refused(tmp_path: Path) -> None:
    model = make_model(complete_sensors(sensors("current"), [write(tmp_path / "run")], "s.yaml"))
    model.save(tmp_path / "m.npz")
    assert Model.load(tmp_path / "m.npz") == model
