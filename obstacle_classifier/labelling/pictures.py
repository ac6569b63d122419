# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Messages of cameras as files that a browser shows."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rosbags.typesys import Stores, get_typestore

__all__ = ["IMAGE_TYPES", "picture"]

IMAGE_TYPES = ("sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/Image")
"""The message types that are shown as pictures."""

MAX_WIDTH = 960
"""Widest picture in pixels; wider ones are made smaller."""
_QUALITY = 80
_CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1, "8UC1": 1, "8UC3": 3}
_AS_SENT = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}


def picture(type_name: str, data: bytes) -> tuple[bytes, str]:
    """A picture and its media type.

    JPEG and PNG are handed on as recorded.

    Args:
        type_name: One of `IMAGE_TYPES`.
        data: The message as CDR.

    Raises:
        ValueError: The message does not decode, or has an encoding that is not shown.
    """
    try:
        message: Any = get_typestore(Stores.ROS2_JAZZY).deserialize_cdr(data, type_name)
    except Exception as error:  # rosbags raises errors of many kinds for damaged messages
        raise ValueError(f"the message does not decode ({error})") from None
    if type_name == "sensor_msgs/msg/CompressedImage":
        content = bytes(message.data)
        for magic, kind in _AS_SENT.items():
            if content.startswith(magic):
                return content, kind
        raise ValueError(f"found format {message.format!r}, expected JPEG or PNG")
    image = Image.fromarray(_pixels(message))
    if image.width > MAX_WIDTH:
        image = image.resize((MAX_WIDTH, max(1, image.height * MAX_WIDTH // image.width)))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue(), "image/jpeg"


def _pixels(message: Any) -> NDArray[np.uint8]:
    """(h, w) or (h, w, 3) of an Image."""
    channels = _CHANNELS.get(message.encoding)
    if channels is None:
        raise ValueError(f"found encoding {message.encoding!r}, expected one of {', '.join(_CHANNELS)}")
    height, width, step = message.height, message.width, message.step
    raw = np.asarray(message.data, np.uint8)
    if not height or not width or step < width * channels or len(raw) != height * step:
        raise ValueError(f"found {len(raw)} bytes for {height} rows of {step} bytes, expected whole rows")
    rows = raw.reshape(height, step)[:, : width * channels]
    if channels == 1:
        return np.ascontiguousarray(rows)
    pixels = rows.reshape(height, width, channels)[..., :3]
    return np.ascontiguousarray(pixels[..., ::-1] if message.encoding.startswith(("bgr", "8UC3")) else pixels)
