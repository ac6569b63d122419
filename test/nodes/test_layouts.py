# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The layouts for Foxglove and PlotJuggler against the topics and types that the node has on the graph."""

from __future__ import annotations

import itertools
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from obstacle_classifier.features import load_sensors
from obstacle_classifier.nodes.classifier.installed_types import message_class
from obstacle_classifier.nodes.classifier.recorder import snapshot_type
from obstacle_classifier.nodes.classifier_node import ClassifierNode
from test.helpers import snapshot_type as building
from test.helpers.models import make_model

CONFIG = Path(__file__).parents[2] / "config"
SENSORS = load_sensors(CONFIG / "sensors" / "sidewalk.yaml")
NODE = "/obstacle_classifier"
SEVERAL = {f"{NODE}/probabilities": 1.0, f"{NODE}/spread": 0.5}  # topics of one value a label, and its largest value
PATH = re.compile(r"(?P<topic>[\w/]+)\.(?P<field>\w+)(\[(?P<index>\d+)\])?")
CURVE = re.compile(r"(?P<topic>[\w/]+)/(?P<field>\w+)\[(?P<index>\d+)\]")


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Type of each topic that the node publishes on or reads, everything switched on."""
    path = tmp_path_factory.mktemp("layouts") / "model.npz"
    make_model(SENSORS).save(path)
    overrides = [Parameter("model_path", value=str(path)), Parameter("capture.enabled", value=True)]
    context = Context()
    rclpy.init(context=context)
    with ExitStack() as stack:
        with suppress(pytest.skip.Exception):
            stack.enter_context(building.snapshot_type(tmp_path_factory.mktemp("interfaces")))
        try:
            node = ClassifierNode(context, overrides)
            assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS, node.failure
            graph = (node.get_publisher_names_and_types_by_node, node.get_subscriber_names_and_types_by_node)
            found = {name: kinds[0] for names in graph for name, kinds in names("obstacle_classifier", "/")}
            if snapshot_type() is None:  # capture needs rosbag2_interfaces
                found[f"{NODE}/capture_events"] = "diagnostic_msgs/msg/DiagnosticArray"
            node.trigger_shutdown()
            node.destroy_node()
        finally:
            rclpy.shutdown(context=context)
        yield found


@pytest.fixture(scope="module")
def foxglove() -> dict[str, Any]:
    layout: dict[str, Any] = json.loads((CONFIG / "layouts" / "foxglove.json").read_text(encoding="utf-8"))
    return layout


def panels_of(tree: Any) -> list[str]:
    """The panels of a Foxglove mosaic, whose splits have exactly two parts."""
    if isinstance(tree, str):
        return [tree]
    assert set(tree) == {"direction", "first", "second", "splitPercentage"}
    assert tree["direction"] in ("row", "column")
    assert 0 < tree["splitPercentage"] < 100
    return panels_of(tree["first"]) + panels_of(tree["second"])


def field_type(types: dict[str, str], topic: str, field: str) -> str:
    """Type of a field of a topic's message, such as `sequence<float>`."""
    fields: dict[str, str] = message_class(types[topic]).get_fields_and_field_types()  # type: ignore[attr-defined]
    return fields[field]


def test_foxgloves_panels_and_configurations_belong_together(foxglove: dict[str, Any]) -> None:
    assert set(foxglove) == {"configById", "globalVariables", "userNodes", "playbackConfig", "layout"}
    panels = panels_of(foxglove["layout"])
    assert len(panels) == len(set(panels))
    assert set(panels) == set(foxglove["configById"])


def test_foxglove_plots_a_line_for_each_label(foxglove: dict[str, Any], types: dict[str, str]) -> None:
    plots = [config for name, config in foxglove["configById"].items() if name.startswith("Plot!")]
    found = {}
    for plot in plots:
        matches = [PATH.fullmatch(path["value"]) for path in plot["paths"]]
        (topic,) = {match["topic"] for match in matches if match}
        assert [match and match["index"] for match in matches] == [str(k) for k in range(len(SENSORS.labels))]
        assert [path["label"] for path in plot["paths"]] == list(SENSORS.labels)
        assert {match["field"] for match in matches if match} == {"data"}
        assert field_type(types, topic, "data") == "sequence<float>"
        assert plot["minYValue"] == 0
        found[topic] = plot["maxYValue"]
    assert found == SEVERAL


def test_foxglove_reads_topics_of_the_node_only(foxglove: dict[str, Any], types: dict[str, str]) -> None:
    by_kind = {name.partition("!")[0]: config for name, config in foxglove["configById"].items()}
    assert set(by_kind) == {"3D", "Plot", "StateTransitions", "DiagnosticSummary"}
    (path,) = by_kind["StateTransitions"]["paths"]
    match = PATH.fullmatch(path["value"])
    assert match is not None
    assert field_type(types, match["topic"], match["field"]) == "string"
    drawn = {topic: types[topic] for topic in by_kind["3D"]["topics"]}
    assert drawn == {
        "/scan": "sensor_msgs/msg/LaserScan",
        f"{NODE}/markers": "visualization_msgs/msg/MarkerArray",
    }
    diagnostics = {
        config["topicToRender"]
        for name, config in foxglove["configById"].items()
        if name.startswith("DiagnosticSummary!")
    }
    assert diagnostics == {"/diagnostics", f"{NODE}/capture_events"}
    assert {types[topic] for topic in diagnostics} == {"diagnostic_msgs/msg/DiagnosticArray"}


def test_plotjuggler_plots_a_curve_for_each_label(types: dict[str, str]) -> None:
    root = ET.parse(CONFIG / "layouts" / "plotjuggler.xml").getroot()
    found = {}
    for plot in root.iter("plot"):
        matches = [CURVE.fullmatch(curve.attrib["name"]) for curve in plot.iter("curve")]
        (topic,) = {match["topic"] for match in matches if match}
        assert [match and match["index"] for match in matches] == [str(k) for k in range(len(SENSORS.labels))]
        assert {match["field"] for match in matches if match} == {"data"}
        assert field_type(types, topic, "data") == "sequence<float>"
        (limits,) = plot.iter("limitY")
        assert float(limits.attrib["min"]) == 0.0
        found[topic] = float(limits.attrib["max"])
    assert found == SEVERAL


def test_plotjugglers_splitters_count_their_parts() -> None:
    """PlotJuggler makes as many docks as `count` says, and reads as many sizes."""
    root = ET.parse(CONFIG / "layouts" / "plotjuggler.xml").getroot()
    (area,) = root.iter("tabbed_widget")
    assert area.attrib == {"name": "Main Window", "parent": "main_window"}
    (tab,) = area.iter("Tab")
    assert tab.attrib["containers"] == str(len(tab.findall("Container")))
    splitters = list(root.iter("DockSplitter"))
    assert splitters
    for splitter in splitters:
        sizes = [float(size) for size in splitter.attrib["sizes"].split(";")]
        assert len(splitter) == len(sizes) == int(splitter.attrib["count"])
        assert sum(sizes) == pytest.approx(1.0)
        assert splitter.attrib["orientation"] in ("|", "-")
    colours = [curve.attrib["color"] for curve in itertools.islice(root.iter("curve"), len(SENSORS.labels))]
    assert len(set(colours)) == len(SENSORS.labels)
