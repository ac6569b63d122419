# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""A model file as its manifest and arrays: what is read is complete, of the declared sizes and unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.errors import ModelError
from obstacle_classifier.files import open_regular_file, write_atomically
from obstacle_classifier.model import manifest
from obstacle_classifier.model.container import Container, describe_type, pack

__all__ = ["MAX_FILE_BYTES", "read", "write"]

MAX_FILE_BYTES = manifest.MAX_ARRAY_BYTES + manifest.MAX_MANIFEST_BYTES + 2**16

_MANIFEST = "manifest"


def write(path: str | Path, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a manifest and its arrays such that `path` holds the old file or the whole new one at every instant.

    Raises:
        OSError: The file cannot be written.
    """
    text = np.frombuffer(manifest.encode(document), np.uint8)
    write_atomically(path, pack({_MANIFEST: text, **arrays}))


def read(path: str | Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The manifest and the arrays of a model file.

    Members, types, shapes and total size are checked against the manifest and the limits before any array is read; then
    the digest.

    Raises:
        ModelError: What was found where, and what was expected; without the path.
    """
    try:
        stream, size = open_regular_file(path)
        with stream:
            return _read(stream, size)
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror or error}") from None


def _read(stream: BinaryIO, size: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    if size > MAX_FILE_BYTES:
        raise ModelError(f"found {size} bytes, expected at most {MAX_FILE_BYTES}")
    container = Container(stream, size)
    document = manifest.parse(_manifest_text(container))
    names = container.names - {_MANIFEST}
    manifest.check_array_types(document, {name: container.array_type(name) for name in sorted(names)})
    arrays = {name: container.read(name) for name in sorted(names)}
    if (found := manifest.digest(document, arrays)) != document["digest"]:
        raise ModelError(f"digest: found {found}, expected {document['digest'][:64]!r}: the content was changed")
    return document, arrays


def _manifest_text(container: Container) -> bytes:
    if _MANIFEST not in container.names:
        raise ModelError("member manifest: is missing, so this is not a model file")
    dtype, shape = container.array_type(_MANIFEST)
    if dtype != "|u1" or len(shape) != 1 or shape[0] > manifest.MAX_MANIFEST_BYTES:
        expected = f"|u1 of at most {manifest.MAX_MANIFEST_BYTES} bytes"
        raise ModelError(f"member manifest: found {describe_type((dtype, shape))}, expected {expected}")
    return container.read(_MANIFEST).tobytes()
