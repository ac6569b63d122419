# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a page fetches of a recording, by the recording's number in the list: no request names a path."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import numpy as np
from fastapi import APIRouter, HTTPException, Response

from obstacle_classifier.errors import ObstacleClassifierError
from obstacle_classifier.labelling.scene import pack
from obstacle_classifier.labelling.scenes import Scenes
from obstacle_classifier.labelling.workspace import Workspace

__all__ = ["BROWSER", "make_router"]

BROWSER = Path(__file__).parent / "browser"
"""The part of the page that runs in the browser."""

_T = TypeVar("_T")
_PACKED = "application/octet-stream"


def make_router(workspace: Workspace, scenes: Scenes) -> APIRouter:
    """The addresses below `/recordings`."""
    router = APIRouter(prefix="/recordings/{number}")

    @router.get("/frames")
    async def frames(number: int, start: int, end: int, count: int) -> Response:
        found = await _answer(scenes.read(number, lambda scene: scene.frames(start, end, count)))
        return Response(found, media_type=_PACKED)

    @router.get("/curves")
    async def curves(number: int, start: int, end: int, buckets: int) -> Response:
        found = await _answer(scenes.read(number, lambda scene: scene.curve_tile(start, end, buckets)))
        return Response(found, media_type=_PACKED)

    @router.get("/picture")
    async def picture(number: int, camera: str, time: int) -> Response:
        content, kind = await _answer(scenes.read(number, lambda scene: scene.picture(camera, time)))
        return Response(content, media_type=kind)

    @router.get("/opinion")
    async def opinion(number: int) -> Response:
        found = workspace.recordings[number].opinion if 0 <= number < len(workspace.recordings) else None
        if found is None:
            raise HTTPException(404, "no opinion about this recording")
        about = {
            "labels": found.labels,
            "thresholds": found.thresholds,
            "interval": found.interval,
            "intervals": len(found.ends),
        }
        p = np.round(np.nan_to_num(found.p) * 255).astype(np.uint8)
        return Response(pack(about, [found.ends.astype("<f8"), p]), media_type=_PACKED)

    return router


async def _answer(question: Awaitable[_T]) -> _T:
    try:
        return await question
    except (LookupError, ValueError) as error:
        raise HTTPException(404, str(error)) from None
    except ObstacleClassifierError as error:
        raise HTTPException(409, str(error)) from None
