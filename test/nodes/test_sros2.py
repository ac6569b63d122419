# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The SROS 2 policy against the graph of the node that it confines."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
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
from obstacle_classifier.nodes.classifier.recorder import snapshot_type
from obstacle_classifier.nodes.classifier.vision import CLASSIFICATION
from obstacle_classifier.nodes.classifier_node import ClassifierNode
from test.helpers import snapshot_type as building
from test.helpers.models import make_model

CONFIG = Path(__file__).parents[2] / "config"
POLICY = CONFIG / "sros2" / "obstacle_classifier.policy.xml"
SENSORS = sorted((CONFIG / "sensors").glob("*.yaml"))
NAME = "/obstacle_classifier"
COUNTER = itertools.count()
Rights = dict[tuple[str, str], set[str]]


@pytest.fixture(scope="module", autouse=True)
def interfaces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """rosbag2_interfaces, if it is installed or can be built."""
    with ExitStack() as stack:
        with suppress(pytest.skip.Exception):
            stack.enter_context(building.snapshot_type(tmp_path_factory.mktemp("interfaces")))
        yield


def allowed() -> Rights:
    """Full names by kind and right, such as ("topic", "publish")."""
    rights: Rights = {}
    for profile in ET.parse(POLICY).getroot().iter("profile"):
        assert (profile.get("ns"), profile.get("node")) == ("/", "obstacle_classifier")
        for group in profile:
            ((right, qualifier),) = group.attrib.items()
            assert qualifier == "ALLOW"
            for item in group:
                name = (item.text or "").replace("~", NAME)
                assert name.startswith("/"), f"{name}: neither absolute nor the node's own"
                names = rights.setdefault((item.tag, right), set())
                assert name not in names, f"{name} is there twice"
                names.add(name)
    return rights


def used(sensors: Path, folder: Path) -> Rights:
    """What the node has on the graph with a model of a sensors file, everything switched on."""
    path = folder / "model.npz"
    make_model(load_sensors(sensors)).save(path)
    switches = ("use_sim_time", "publish_spread", "publish_features", "publish_markers", "capture.enabled")
    overrides = [Parameter("model_path", value=str(path)), *(Parameter(name, value=True) for name in switches)]
    # The graph goes by names, and may show a node for a while after its end: each has a name of its own.
    name = f"policy_{next(COUNTER)}"
    context = Context()
    rclpy.init(args=["--ros-args", "-r", f"__node:={name}"], context=context)

    def names(graph: Callable[[str, str], list[tuple[str, list[str]]]]) -> set[str]:
        return {full.replace(f"/{name}/", f"{NAME}/") for full, _ in graph(name, "/")}

    try:
        node = ClassifierNode(context, overrides)
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS, node.failure
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS, node.failure
        rights = {
            ("topic", "publish"): names(node.get_publisher_names_and_types_by_node),
            ("topic", "subscribe"): names(node.get_subscriber_names_and_types_by_node),
            ("service", "reply"): names(node.get_service_names_and_types_by_node),
            ("service", "request"): names(node.get_client_names_and_types_by_node),
        }
        node.trigger_shutdown()
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)
    return rights


def test_the_policy_has_the_structure_of_version_0_2_0() -> None:
    """As sros2's policy.xsd has it, for machines without sros2."""
    children: dict[str, tuple[set[str], set[str]]] = {
        "policy": ({"enclaves"}, {"version"}),
        "enclaves": ({"enclave"}, set()),
        "enclave": ({"profiles"}, {"path"}),
        "profiles": ({"profile"}, set()),
        "profile": ({"topics", "services"}, {"ns", "node"}),
        "topics": ({"topic"}, {"publish", "subscribe"}),
        "services": ({"service"}, {"reply", "request"}),
        "topic": (set(), set()),
        "service": (set(), set()),
    }

    def check(element: ET.Element) -> None:
        tags, attributes = children[element.tag]
        assert {child.tag for child in element} <= tags, element.tag
        assert set(element.attrib) <= attributes, element.tag
        assert len(element) > 0 or not tags, f"{element.tag} is empty"
        for child in element:
            check(child)

    root = ET.parse(POLICY).getroot()
    assert (root.tag, root.get("version")) == ("policy", "0.2.0")
    check(root)
    assert [enclave.get("path") for enclave in root.iter("enclave")] == [NAME]


@pytest.mark.parametrize("sensors", SENSORS, ids=lambda path: path.stem)
def test_the_node_uses_nothing_that_is_not_allowed(sensors: Path, tmp_path: Path) -> None:
    rights = allowed()
    for key, names_used in used(sensors, tmp_path).items():
        assert names_used <= rights.get(key, set()), f"{POLICY.name} lacks {' '.join(key)} of {sensors.name}"


def test_nothing_is_allowed_that_the_node_does_not_use(tmp_path: Path) -> None:
    total: Rights = {}
    for sensors in SENSORS:
        for key, names_used in used(sensors, tmp_path).items():
            total.setdefault(key, set()).update(names_used)
    if CLASSIFICATION is None:  # vision_msgs is not installed
        total["topic", "publish"].add(f"{NAME}/classification")
    if snapshot_type() is None:  # rosbag2_interfaces neither
        total["topic", "publish"].add(f"{NAME}/capture_events")
        total["service", "reply"].add(f"{NAME}/capture")
        total["service", "request"].add("/rosbag2_recorder/snapshot")
    assert allowed() == {key: names_used for key, names_used in total.items() if names_used}


def test_sros2_makes_permissions_of_it(tmp_path: Path) -> None:
    pytest.importorskip("sros2", reason="sros2 is not installed")
    ros2 = shutil.which("ros2")
    if ros2 is None:
        pytest.skip("ros2 is not on the PATH")

    def security(*arguments: Any) -> None:
        result = subprocess.run([ros2, "security", *map(str, arguments)], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr

    keystore = tmp_path / "keystore"
    security("create_keystore", keystore)
    security("create_enclave", keystore, NAME)
    security("create_permission", keystore, NAME, POLICY)
    permissions = ET.parse(keystore / "enclaves" / "obstacle_classifier" / "permissions.xml")
    rules = {
        rule: {topic.text for topic in permissions.iterfind(f".//allow_rule/{rule}//topic")}
        for rule in ("publish", "subscribe")
    }
    rights = allowed()
    replies, requests = rights["service", "reply"], rights["service", "request"]
    publish = {f"rt{name}" for name in rights["topic", "publish"]} | {f"rr{name}Reply" for name in replies}
    publish |= {f"rq{name}Request" for name in requests}
    subscribe = {f"rt{name}" for name in rights["topic", "subscribe"]} | {f"rq{name}Request" for name in replies}
    subscribe |= {f"rr{name}Reply" for name in requests}
    # Every participant tells of its nodes on ros_discovery_info.
    assert rules["publish"] - {"ros_discovery_info"} == publish
    assert rules["subscribe"] - {"ros_discovery_info"} == subscribe
