# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Resuming a paused `ros2 bag play`: not before every topic has a subscriber, and not for ever."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed")
pytest.importorskip("rosbag2_interfaces", reason="rosbag2_interfaces is not installed")

from std_msgs.msg import String

from test.helpers.ros import Watcher


def offer_resume(watcher: Watcher) -> list[Any]:
    """A player's service; returns the list of the requests to come."""
    resume_class = importlib.import_module("rosbag2_interfaces.srv").Resume
    requests: list[Any] = []

    def on_request(request: Any, response: Any) -> Any:
        requests.append(request)
        return response

    watcher.node.create_service(resume_class, "/rosbag2_player/resume", on_request)
    return requests


def run(watcher: Watcher, deadline: float) -> tuple[int, str]:
    """Exit status and stderr, while the watcher answers."""
    command = [sys.executable, "-m", "obstacle_classifier.tools.resume_player", "--listened", "/one", "/two"]
    with subprocess.Popen([*command, "--deadline", str(deadline)], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        watcher.wait("the end", lambda: process.poll() is not None)
        return process.wait(), process.stderr.read()


def test_it_resumes_once_every_topic_has_a_subscriber() -> None:
    with Watcher() as watcher:
        requests = offer_resume(watcher)
        watcher.node.create_subscription(String, "/one", lambda _: None, 10)
        assert run(watcher, 3.0) == (1, "resume_player: no subscriber or service at /two within 3 s\n")
        assert requests == []
        watcher.node.create_subscription(String, "/two", lambda _: None, 10)
        assert run(watcher, 20.0) == (0, "")
        assert len(requests) == 1


def test_it_gives_up_where_no_player_is() -> None:
    with Watcher() as watcher:
        for topic in ("/one", "/two"):
            watcher.node.create_subscription(String, topic, lambda _: None, 10)
        assert run(watcher, 3.0) == (
            1,
            "resume_player: no subscriber or service at /rosbag2_player/resume within 3 s\n",
        )
