# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Read and write model files as manifest and arrays. Reading checks sizes, completeness and digest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from obstacle_classifier.errors import ModelError
from obstacle_classifier.files import open_regular_file
from obstacle_classifier.model import manifest, upgrade
from obstacle_classifier.model.container import Container, describe_type, pack
from obstacle_classifier.networks import Array

__all__ = ["MAX_FILE_BYTES", "encode", "read", "read_stream"]

MAX_FILE_BYTES = manifest.MAX_ARRAY_BYTES + manifest.MAX_MANIFEST_BYTES + 2**16

_MANIFEST = "manifest"


def encode(document: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """The bytes of a file with this manifest and these arrays.

    Raises:
        ModelError: The manifest is too large.
    """
    return pack({_MANIFEST: np.frombuffer(manifest.encode(document), np.uint8), **arrays})


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """The manifest and the arrays of a model file, always in format 2. A file of format 1 is converted.

    Members, types, shapes and the total size are checked against the manifest and the limits before an array is read.
    The digest is checked afterwards.

    Raises:
        ModelError: A check failed. The message has the place, the value found and the value expected, not the path.
    """
    try:
        stream, size = open_regular_file(path)
        with stream:
            return read_stream(stream, size)
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror or error}") from None


def read_stream(stream: BinaryIO, size: int) -> tuple[dict[str, Any], dict[str, Array]]:
    """The result of `read` for an open file of `size` bytes."""
    if size > MAX_FILE_BYTES:
        raise ModelError(f"found {size} bytes, expected at most {MAX_FILE_BYTES}")
    container = Container(stream, size)
    document = manifest.parse(_manifest_text(container))
    is_old = document["version"] == 1
    if is_old:
        upgrade.validate(document)
        expected = upgrade.array_types(document)
    else:
        manifest.validate_sections(document)
        expected = manifest.array_types(document)
    names = sorted(container.names - {_MANIFEST})
    manifest.check_array_types(document, expected, {name: container.array_type(name) for name in names})
    arrays = {name: container.read(name) for name in names}
    if (found := manifest.digest(document, arrays)) != document["digest"]:
        raise ModelError(f"digest: found {found}, expected {document['digest'][:64]!r}: the content was changed")
    return upgrade.upgrade(document, arrays) if is_old else (document, arrays)


def _manifest_text(container: Container) -> bytes:
    if _MANIFEST not in container.names:
        raise ModelError("member manifest: is missing, so this is not a model file")
    dtype, shape = container.array_type(_MANIFEST)
    if dtype != "|u1" or len(shape) != 1 or shape[0] > manifest.MAX_MANIFEST_BYTES:
        expected = f"|u1 of at most {manifest.MAX_MANIFEST_BYTES} bytes"
        raise ModelError(f"member manifest: found {describe_type((dtype, shape))}, expected {expected}")
    return container.read(_MANIFEST).tobytes()
