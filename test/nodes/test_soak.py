# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The counts of the soak benchmark."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from benchmarks.soak import Observer
from test.helpers.ros import RELIABLE, Watcher

SECOND = 10**9


def make_diagnostics(stamp: int, received: int) -> DiagnosticArray:
    values = [KeyValue(key="topic", value="/scan"), KeyValue(key="received", value=str(received))]
    message = DiagnosticArray(status=[DiagnosticStatus(name="soak: sensor scan", values=values)])
    message.header.stamp = Time(sec=stamp // SECOND, nanosec=stamp % SECOND)
    return message


def test_diagnostics_made_before_the_question_do_not_count() -> None:
    observer = Observer()
    try:
        with Watcher() as watcher:
            publisher = watcher.node.create_publisher(DiagnosticArray, "/diagnostics", RELIABLE)
            watcher.wait("the observer", lambda: publisher.get_subscription_count() == 2)
            publisher.publish(make_diagnostics(time.time_ns() + 3600 * SECOND, 186))
            publisher.publish(make_diagnostics(time.time_ns() - SECOND, 100))
            watcher.wait("both messages", lambda: watcher.values("sensor scan").get("received") == "100")
            assert observer.received() == {"/scan": 186}
    finally:
        observer.close()
