# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Transitions while timers, messages and requests are queued, and callbacks that come after cleanup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

import rclpy
from rclpy.context import Context
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from benchmarks.lifecycle_loop import loop
from obstacle_classifier.nodes.classifier.session import Session
from obstacle_classifier.nodes.classifier_node import ClassifierNode
from test.helpers.rig import EXECUTORS, imu, save_model

SUCCESS = TransitionCallbackReturn.SUCCESS


@pytest.mark.parametrize("executor", EXECUTORS)
def test_node_survives_transitions_at_an_interval_of_1_ms(executor: str) -> None:
    assert loop(0.001, executor, cycles=40) == ""


LATE_CALLBACKS: dict[str, Callable[[ClassifierNode, Session], object]] = {
    "timer": lambda node, session: session._on_timer(),
    "step of /clock": lambda node, session: session.advance(),
    "message": lambda node, session: [receive("imu", imu()) for receive in (session.push, node._on_message)],
    "diagnostics": lambda node, session: node._publish_diagnostics(),
    "parameter": lambda node, session: node.set_parameters([Parameter("publish_features", value=True)]),
    "deferred subscription": lambda node, session: node._sensor_subscriptions._subscribe_waiting(),
}


@pytest.mark.parametrize("callback", LATE_CALLBACKS.values(), ids=LATE_CALLBACKS)
def test_callback_after_cleanup_does_nothing(
    tmp_path: Path, callback: Callable[[ClassifierNode, Session], object]
) -> None:
    path = tmp_path / "model.npz"
    save_model(path)
    context = Context()
    rclpy.init(context=context)
    try:
        node = ClassifierNode(context, [Parameter("model_path", value=str(path))])
        assert node.trigger_configure() == SUCCESS
        session = node.session
        assert node.trigger_cleanup() == SUCCESS
        received = session.pipeline.received("imu")
        callback(node, session)
        assert session.pipeline.received("imu") == received
        assert session.pipeline.next_end is None
        response = session._on_reload(Trigger.Request(), Trigger.Response())
        assert (response.success, response.message) == (False, "the node is not configured")
        with pytest.raises(RuntimeError, match="the node is not configured"):
            node.session  # noqa: B018
        assert node.trigger_configure() == SUCCESS
        callback(node, session)
        assert node.trigger_shutdown() == SUCCESS
        callback(node, session)
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)
