# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Serve the page on this machine."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from nicegui import app, ui

from obstacle_classifier.errors import ConfigError
from obstacle_classifier.features import SensorsConfig
from obstacle_classifier.labelling.guard import Guard
from obstacle_classifier.labelling.page import Page
from obstacle_classifier.labelling.routes import BROWSER, make_router
from obstacle_classifier.labelling.scenes import Scenes
from obstacle_classifier.labelling.workspace import Workspace

__all__ = ["serve"]

HOST = "127.0.0.1"
ICON = "\N{LABEL}"


def serve(paths: list[Path], sensors: SensorsConfig, model: Path | None, port: int, *, show: bool) -> None:
    """Serve the page until SIGINT or SIGTERM.

    Args:
        paths: The recordings.
        sensors: The sensors file.
        model: The model file, which need not exist yet.
        port: Port on 127.0.0.1; 0 takes a free one.
        show: Whether to open a browser.

    Raises:
        ConfigError: The port is in use.
        ModelError: The model file is not usable.
    """
    port = _free_port(port)
    workspace = Workspace(paths, sensors, model)
    scenes = Scenes(paths, sensors)
    pages: set[Page] = set()

    def changed() -> None:
        for page in pages:
            page.show_list()

    async def look() -> None:
        for recording in workspace.recordings:
            await workspace.glance(recording)
            changed()
        for recording in workspace.recordings:
            if workspace.model_path is not None:
                await workspace.think(recording, workspace.model_path)
                changed()

    @ui.page("/", title="Label recordings", favicon=ICON)
    def root() -> None:
        page = Page(workspace, scenes, changed)
        pages.add(page)
        page.build()

        def leave() -> None:
            pages.discard(page)
            page.close()

        ui.context.client.on_delete(leave)

    app.add_static_files("/labelling", str(BROWSER))
    app.include_router(make_router(workspace, scenes))
    app.add_middleware(Guard, port=port)
    tasks: set[asyncio.Task[None]] = set()
    app.on_startup(lambda: tasks.add(asyncio.create_task(look())))
    app.on_startup(lambda: tasks.add(asyncio.create_task(_announce(len(paths), port))))
    app.on_shutdown(scenes.close)
    ui.run(
        host=HOST, port=port, reload=False, show=show, show_welcome_message=False, dark=False, title="Label recordings"
    )


async def _announce(recordings: int, port: int) -> None:
    """Print the address as soon as the page can be reached."""
    while not await _listening(port):
        await asyncio.sleep(0.02)
    print(f"labelling {recordings} recording{'s' * (recordings != 1)}: http://{HOST}:{port}/", flush=True)


async def _listening(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True


def _free_port(port: int) -> int:
    """The port, or a free one for 0.

    Raises:
        ConfigError: Another program has it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigError(
                f"--port: found {port}, which cannot be used ({error.strerror}), expected a free port"
            ) from None
        return int(probe.getsockname()[1])
