# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The features of one bag in a file that can be memory-mapped.

The file begins with 8 bytes that name the format, then the length and the CRC-32 of a JSON header as little-endian
uint32, then the header. It holds the bag's digest, its problems, and shape and CRC-32 of each array. The arrays `X`,
`time_ns` and `unknown` follow, each from a multiple of 64 bytes on.
"""

from __future__ import annotations

import json
import math
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

__all__ = ["Features", "ShardFileError", "encode_shard", "open_shard"]

_MAGIC = b"OCSHARD1"
_START = struct.Struct("<8sII")
_ARRAYS: dict[str, np.dtype[Any]] = {"X": np.dtype("<f8"), "time_ns": np.dtype("<i8"), "unknown": np.dtype("?")}
_ALIGNMENT = 64
_BLOCK = 2**24  # bytes


class ShardFileError(Exception):
    """The file is not a whole shard file."""


@dataclass(frozen=True)
class Features:
    """The features of one bag, without labels.

    Attributes:
        sha256: Of the bag's content, hexadecimal.
        X: (n, d) float64 feature vectors, NaN where unknown.
        time_ns: (n,) int64 interval ends.
        unknown: (n,) bool, whether a required sensor, or every sensor, was stale.
        problems: Parts of the bag that could not be read and why, a line each.
    """

    sha256: str
    X: NDArray[np.float64]
    time_ns: NDArray[np.int64]
    unknown: NDArray[np.bool_]
    problems: tuple[str, ...]


def encode_shard(features: Features, stream: IO[bytes]) -> None:
    """Write a shard file to a binary stream."""
    arrays = {name: np.ascontiguousarray(getattr(features, name), dtype) for name, dtype in _ARRAYS.items()}
    described = {name: {"shape": array.shape, "checksum": _checksum(array)} for name, array in arrays.items()}
    header = {"sha256": features.sha256, "problems": features.problems, "arrays": described}
    text = json.dumps(header).encode()
    text += b" " * (-(_START.size + len(text)) % _ALIGNMENT)
    stream.write(_START.pack(_MAGIC, len(text), zlib.crc32(text)) + text)
    for array in arrays.values():
        stream.write(_bytes(array))
        stream.write(bytes(-array.nbytes % _ALIGNMENT))


def open_shard(path: Path) -> Features:
    """The features of a shard file, memory-mapped and read-only.

    Raises:
        OSError: The file cannot be opened.
        ShardFileError: The file is damaged.
    """
    with path.open("rb") as stream:
        start = stream.read(_START.size)
        if len(start) < _START.size or not start.startswith(_MAGIC):
            raise ShardFileError("found no shard file")
        _, length, checksum = _START.unpack(start)
        text = stream.read(length)
        if len(text) < length or zlib.crc32(text) != checksum:
            raise ShardFileError("found a damaged header")
        size = os.fstat(stream.fileno()).st_size
    header = json.loads(text)
    arrays, offset = {}, _START.size + length
    for name, dtype in _ARRAYS.items():
        shape = tuple(header["arrays"][name]["shape"])
        end = offset + math.prod(shape) * dtype.itemsize
        if end > size:
            raise ShardFileError(f"found {size} bytes, expected at least {end}")
        array = np.asarray(np.memmap(path, dtype, "r", offset, shape)) if end > offset else np.empty(shape, dtype)
        if _checksum(array) != header["arrays"][name]["checksum"]:
            raise ShardFileError(f"found damaged numbers of {name}")
        arrays[name] = array
        offset = end + -end % _ALIGNMENT
    return Features(header["sha256"], **arrays, problems=tuple(header["problems"]))


def _bytes(array: NDArray[Any]) -> memoryview:
    """The bytes of a contiguous array."""
    return memoryview(cast("Any", array.reshape(-1).view(np.uint8)))


def _checksum(array: NDArray[Any]) -> int:
    """CRC-32 of the bytes of a contiguous array."""
    data, checksum = _bytes(array), 0
    for start in range(0, len(data), _BLOCK):
        checksum = zlib.crc32(data[start : start + _BLOCK], checksum)
    return checksum
