# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The labelling page as a process, and a headless Chromium in front of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from test.helpers.bags import cdr, write_bag
from test.helpers.messages import make_float32
from test.helpers.training import DOCUMENT, FLOAT32, START

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = [
    "CHROMIUM",
    "PageServer",
    "browser_page",
    "needs_browser",
    "open_recording",
    "until",
    "write_sensors",
    "write_walk",
]

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DEADLINE = 60.0  # s
S = 10**9


def needs_browser() -> None:
    """Skip, by name, where the page cannot be shown."""
    pytest.importorskip("nicegui", reason="NiceGUI is not installed")
    pytest.importorskip("playwright", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")


def until(condition: Callable[[], Any], what: str, seconds: float = DEADLINE) -> Any:
    """The value of a condition as soon as it is true."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
    return value


class PageServer:
    """The command `label` in a process of its own, on a free port.

    Args:
        arguments: Those of the command.
        folder: Its working directory.
    """

    def __init__(self, *arguments: object, folder: Path) -> None:
        # NiceGUI takes another port where it believes that pytest runs it.
        environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        command = [sys.executable, "-m", "obstacle_classifier.cli", "label", *map(str, arguments)]
        self._log = Path(folder, "label.log")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--port", "0", "--no-browser"],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", self.process.stdout.readline())
        assert found, self.log()
        self.port = int(found[1])
        self.url = found[0]

    def log(self) -> str:
        """What it wrote to stderr."""
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(DEADLINE)

    def __enter__(self) -> PageServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(DEADLINE)
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def browser_page(url: str) -> Iterator[Page]:
    """A page of a new headless Chromium at an address. A problem on its console fails the test."""
    from playwright.sync_api import sync_playwright

    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(1000 * DEADLINE)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.goto(url)
            page.wait_for_selector("[data-recording]")
            yield page
        finally:
            browser.close()
    assert problems == []


def open_recording(page: Page, number: int = 0) -> None:
    """Click a recording at the left and wait until the workbench has it."""
    page.click(f"[data-recording='{number}']")
    page.wait_for_function(f"window.labelling.info?.number === {number}")


def write_sensors(path: Path) -> Path:
    """A sensors file for the bags of `write_walk` and of `write_street`."""
    scan = {"type": "sensor_msgs/msg/LaserScan", "topic": "/scan", "sectors": 4}
    document = {
        **DOCUMENT,
        "corridor": {"length": 2.0, "width": 1.0},
        "sensors": {**DOCUMENT["sensors"], "scan": scan},
    }
    path.write_text(yaml.safe_dump(document))
    return path


def write_walk(path: Path, seconds: float = 10.0, beams: int = 90, rate: float = 10.0) -> Path:
    """A bag with a scan, a camera at 5 Hz, and the sensors of `write_street`: near in seconds 2 to 4 and 6 to 7."""
    messages = []
    angles = np.linspace(-1.5, 1.5, beams, dtype=np.float32)
    for step in range(round(seconds * rate)):
        time_ns = START + round(step / rate * 1e9)
        second = step / rate
        near = 2 <= second < 4 or 6 <= second < 7
        distance = (1.0 if near else 3.0) + 0.1 * np.sin(5 * second)
        stamp = {"sec": time_ns // S, "nanosec": time_ns % S}
        scan = cdr(
            "sensor_msgs/msg/LaserScan",
            header={"stamp": stamp, "frame_id": "scan"},
            angle_min=-1.5,
            angle_max=1.5,
            angle_increment=float(angles[1] - angles[0]),
            time_increment=0.0,
            scan_time=0.1,
            range_min=0.05,
            range_max=10.0,
            ranges=np.full(beams, distance, np.float32),
            intensities=np.zeros(0, np.float32),
        )
        messages.append(("/scan", "sensor_msgs/msg/LaserScan", time_ns, scan))
        messages.append(("/distance", FLOAT32, time_ns, make_float32(distance)))
        messages.append(("/noise", FLOAT32, time_ns, make_float32(50.0)))
        if step % max(1, round(rate / 5)) == 0:
            pixels = np.full((24, 32, 3), 200 if near else 40, np.uint8)
            image = cdr(
                "sensor_msgs/msg/Image",
                header={"stamp": stamp, "frame_id": "camera"},
                height=24,
                width=32,
                encoding="rgb8",
                is_bigendian=0,
                step=96,
                data=pixels.reshape(-1),
            )
            messages.append(("/camera", "sensor_msgs/msg/Image", time_ns, image))
    return write_bag(path, messages)
