# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The page: recordings at the left, the workbench beside them, training below."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from obstacle_classifier.bags.label_file import IGNORE
from obstacle_classifier.errors import ObstacleClassifierError
from obstacle_classifier.labelling.clock import SPEEDS
from obstacle_classifier.labelling.document import Grid
from obstacle_classifier.labelling.editor import Editor
from obstacle_classifier.labelling.routes import BROWSER
from obstacle_classifier.labelling.scene import Scene
from obstacle_classifier.labelling.scenes import Scenes
from obstacle_classifier.labelling.store import LabelStore
from obstacle_classifier.labelling.workspace import Recording, Workspace

__all__ = ["Page", "Workbench"]

POLL = 1.0  # s between looks at the label file
KEYS = 9


class Workbench(ui.element, component=str(BROWSER / "workbench.js")):
    """The part of the page in which a recording is played and labelled."""

    def __init__(self) -> None:
        super().__init__()
        self._props["speeds"] = list(SPEEDS)


class Page:
    """One page in one browser.

    Args:
        workspace: The recordings, which all pages share.
        scenes: The open recordings.
        changed: Called when the labels of a recording changed or were looked at, for the lists of all pages.
    """

    def __init__(self, workspace: Workspace, scenes: Scenes, changed: Callable[[], None]) -> None:
        self._workspace, self._scenes, self._changed = workspace, scenes, changed
        self._recording: Recording | None = None
        self._editor: Editor | None = None
        self._opening = asyncio.Lock()
        self._shown_opinion: object = None

    def build(self) -> None:
        """Make the elements, in the current client."""
        ui.add_head_html('<link rel="stylesheet" href="/labelling/style.css">')
        with ui.element("div").classes("page"):
            with ui.element("div").classes("side"):
                with ui.element("h1"):
                    ui.label("Label recordings")
                    with ui.element("small"):
                        ui.label(self._model_text()).props('title="Model"')
                self._list = ui.element("ul").classes("recordings").props('aria-label="Recordings"')
                self._next = ui.element("div").classes("next")
                self.training = ui.element("section").classes("training").props('aria-label="Training"')
            with ui.element("div").classes("workbench-host"):
                self._workbench = Workbench().style("height: 100%")
                self._workbench.on("request", self._on_request)
        self.show_list()
        ui.timer(POLL, self._poll)

    def close(self) -> None:
        """The browser left: another page may write."""
        if self._editor is not None:
            self._editor.close()
            self._editor = None

    def show_list(self) -> None:
        """Draw the list of recordings anew."""
        self._list.clear()
        with self._list:
            for recording in self._workspace.recordings:
                self._entry(recording)
        self._next.clear()
        suggestion = self._workspace.suggestion()
        with self._next:
            if suggestion is None:
                ui.label("All recordings are labelled.")
            else:
                recording, why = suggestion
                ui.label(f"Next: {why}.")
                _button(f"Open {recording.name}", lambda: self.open(recording)).props('data-next="1"')
        if self._editor is not None and self._recording is not None:
            self._take_opinion(self._recording)

    async def open(self, recording: Recording) -> None:
        """Show a recording on the workbench."""
        async with self._opening:
            if recording.problem:
                ui.notify(recording.problem, type="negative", multi_line=True)
                return
            try:
                scene = await self._scenes.read(recording.number, lambda scene: scene)
                sensors = self._workspace.sensors
                store = LabelStore(scene.bag, sensors.labels, sensors.interval, sensors.label_topic)
                self.close()
                grid = Grid(sensors.interval, scene.bag.start)
                editor = await self._scenes.read(
                    recording.number, lambda _: Editor(store, scene.duration, grid, recording.opinion)
                )
            except ObstacleClassifierError as error:
                ui.notify(str(error), type="negative", multi_line=True)
                return
            self._recording, self._editor, self._shown_opinion = recording, editor, None
            self._workbench.run_method("open", self._info(recording, scene, editor), editor.state())
            self._take_opinion(recording)
            self.show_list()

    def _entry(self, recording: Recording) -> None:
        current = recording is self._recording
        with (
            ui.element("li"),
            ui.element("button")
            .classes("recording")
            .props(f'type="button" data-recording="{recording.number}" aria-current="{str(current).lower()}"')
            .on("click", lambda: self.open(recording)),
        ):
            with ui.element("b"):
                ui.label(recording.name)
            if recording.problem:
                with ui.element("small").classes("problem"):
                    ui.label(recording.problem)
                return
            with ui.element("span").classes("share"):
                ui.element("span").style(f"width: {100 * recording.share:.1f}%")
            with ui.element("small"):
                ui.label(f"{_minutes(recording.duration)} · {100 * recording.share:.0f} % labelled")
                doubt = recording.doubt
                ui.label("asking…" if recording.thinking else "" if doubt is None else f"doubt {doubt:.0f} s/min")

    def _info(self, recording: Recording, scene: Scene, editor: Editor) -> dict[str, Any]:
        """What the workbench needs to know of a recording, as JSON."""
        labels = [{"name": name, "key": None} for name in editor.document.tracks if name != IGNORE]
        for number, label in enumerate(labels[:KEYS], 1):
            label["key"] = str(number)
        problems = scene.bag.problems
        return {
            "number": recording.number,
            "name": recording.name,
            "file": editor.path,
            "duration": scene.duration,
            "interval": self._workspace.sensors.interval,
            "labels": [*labels, {"name": IGNORE, "key": "0"}],
            "above": [{"name": each.name, "type": each.type} for each in scene.above],
            "cameras": [each.name for each in scene.cameras],
            "curves": [{"name": source.name, "channels": channels} for source, channels in scene.curves],
            "corridor": self._workspace.sensors.corridor,
            "note": problems[0] if problems else f"Labels go to {editor.path}",
        }

    def _take_opinion(self, recording: Recording) -> None:
        """Show what the model says, as soon as it has said it."""
        editor = self._editor
        if editor is None or recording.opinion is self._shown_opinion:
            return
        self._shown_opinion = editor.opinion = recording.opinion
        self._workbench.run_method("update", editor.state())
        if recording.opinion is not None:
            self._workbench.run_method("showOpinion")

    def _on_request(self, event: GenericEventArguments) -> None:
        editor, recording = self._editor, self._recording
        request = event.args
        if editor is None or recording is None or request.get("number") != recording.number:
            return
        message = None
        try:
            changed = editor.handle(request)
        except ObstacleClassifierError as error:
            changed, message = True, str(error)
        except OSError as error:
            changed, message = True, f"not written: {error}"
            ui.notify(message, type="negative")
        if changed:
            self._show(message)

    def _show(self, message: str | None = None) -> None:
        assert self._editor is not None
        assert self._recording is not None
        state = self._editor.state()
        self._workbench.run_method("update", state, message or f"Saved {self._editor.path}")
        self._recording.show(self._editor.document, state["exists"])
        self._changed()

    def _poll(self) -> None:
        editor = self._editor
        if editor is None:
            return
        try:
            if editor.poll():
                self._show("The labels changed")
        except (ObstacleClassifierError, OSError) as error:
            self._workbench.run_method("say", str(error))

    def _model_text(self) -> str:
        path = self._workspace.model_path
        if path is None:
            return "no model given: --model MODEL.npz"
        return str(path) if self._workspace.model is not None else f"{path}: not trained yet"


def _minutes(ns: int) -> str:
    return f"{ns // 60_000_000_000}:{ns // 1_000_000_000 % 60:02d} min"


def _button(text: str, action: Callable[[], Any]) -> ui.element:
    """A plain button of HTML."""
    button = ui.element("button").props('type="button"').on("click", action)
    with button:
        ui.label(text)
    return button
