# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The .npz container. Equal arrays give equal bytes, and all sizes are checked before an array is read.

An .npz is a zip of .npy files. This module writes the members uncompressed, in sorted order, with a fixed time. It
reads only such files: a member is never longer than the file, and a declared shape must match the number of bytes.
Failures are a `ModelError` without the path. The caller adds the path.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from obstacle_classifier.errors import ModelError
from obstacle_classifier.networks import Array, ArrayType

__all__ = ["Container", "array_type", "describe_type", "pack"]


_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can store
_DIRECTORY_END = struct.Struct("<4s4H2LH")
_MAX_DIRECTORY = 16 * 1024  # bytes
_ZIP64_LOCATOR = (b"PK\x06\x07", 20)  # signature, size
_MAGIC = b"\x93NUMPY\x01\x00"
_MAX_HEADER = 512  # bytes
_HEADER = re.compile(rb"\{'descr': '([^']{1,16})', 'fortran_order': False, 'shape': \(([0-9, ]{0,64})\), \} *\n")
_CHUNK = 2**20  # bytes per read: a large array is not in memory twice
_ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, struct.error, EOFError)


def pack(arrays: Mapping[str, Array]) -> bytes:
    """The .npz bytes of C-contiguous arrays by name. They depend only on names, dtypes, shapes and values."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            member = zipfile.ZipInfo(f"{name}.npy", _TIME)
            member.create_system = 3
            member.external_attr = 0o644 << 16
            data = io.BytesIO()
            np.lib.format.write_array(data, arrays[name], version=(1, 0), allow_pickle=False)
            archive.writestr(member, data.getvalue())
    return buffer.getvalue()


def array_type(array: Array) -> ArrayType:
    """The dtype and shape of an array in memory."""
    return array.dtype.str, array.shape


def describe_type(kind: ArrayType) -> str:
    """The dtype and shape as text for a message."""
    dtype, shape = kind
    return f"{dtype} of shape {shape}"


class Container:
    """An .npz file open for reading.

    Args:
        stream: The file.
        size: Size of the file in bytes.

    Raises:
        ModelError: The file is not an .npz that `pack` could have written.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        _check_directory(stream, size)
        try:
            self._archive = zipfile.ZipFile(stream)
        except _ZIP_ERRORS as error:
            raise ModelError(f"not an .npz file: {_text(error)}") from None
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in self._archive.infolist():
            name = member.filename.removesuffix(".npy")
            if not re.fullmatch(r"\w{1,32}(\.\w{1,64})?\.npy", member.filename, re.ASCII):
                raise ModelError(f"member {member.filename[:60]!r}: expected a name such as 'network.W0.npy'")
            if name in self._members:
                raise ModelError(f"member {name}: is there twice")
            if member.flag_bits or member.extra or member.compress_type != zipfile.ZIP_STORED:
                raise ModelError(f"member {name}: is encrypted, compressed or extended, expected plain stored bytes")
            if member.file_size != member.compress_size or member.file_size > size:
                raise ModelError(f"member {name}: found {member.file_size} bytes declared, the file has {size}")
            self._members[name] = member

    @property
    def names(self) -> frozenset[str]:
        """Names of the members, without `.npy`."""
        return frozenset(self._members)

    def array_type(self, name: str) -> ArrayType:
        """The dtype and shape that a member declares. The member has the number of bytes that they need.

        Raises:
            ModelError: The member is not a plain C-ordered array in .npy format 1.0, or its length does not match.
        """
        member = self._members[name]
        try:
            with self._archive.open(member) as data:
                kind, start = _read_header(data)
        except _ZIP_ERRORS as error:
            raise ModelError(f"member {name}: {_text(error)}") from None
        dtype, shape = kind
        itemsize = re.fullmatch(r"[<>|]?[a-zA-Z](\d{1,4})", dtype)
        if itemsize is None:
            raise ModelError(f"member {name}: found dtype {dtype!r}, expected plain numbers")
        found, expected = member.file_size - start, math.prod(shape) * int(itemsize[1])
        if found != expected:
            raise ModelError(f"member {name}: found {found} bytes, expected {expected} for {describe_type(kind)}")
        return kind

    def read(self, name: str) -> Array:
        """A member as a read-only array. The caller must have checked the member's `array_type`.

        Raises:
            ModelError: The bytes do not match the member's checksum, or are cut off.
        """
        dtype, shape = self.array_type(name)
        array = np.empty(shape, dtype)
        target = array.reshape(-1).view(np.uint8).data
        try:
            with self._archive.open(self._members[name]) as data:
                _read_header(data)
                done = 0
                while done < len(target):
                    chunk = data.read(min(_CHUNK, len(target) - done))
                    if not chunk:
                        raise EOFError(f"found {done} bytes, expected {len(target)}")
                    target[done : done + len(chunk)] = chunk
                    done += len(chunk)
        except _ZIP_ERRORS as error:
            raise ModelError(f"member {name}: {_text(error)}") from None
        array.flags.writeable = False
        return array


def _check_directory(stream: BinaryIO, size: int) -> None:
    """Refuse a file for which `zipfile` would read more than a few kilobytes of directory."""
    tail = _DIRECTORY_END.size
    if size < tail:
        raise ModelError(f"not an .npz file: found {size} bytes")
    stream.seek(size - min(size, tail + _ZIP64_LOCATOR[1]))
    end = stream.read(tail + _ZIP64_LOCATOR[1])
    fields = _DIRECTORY_END.unpack(end[-tail:])
    signature, comment = fields[0], fields[-1]
    directory_size, directory_start = fields[5:7]
    if signature != b"PK\x05\x06" or comment or end.startswith(_ZIP64_LOCATOR[0]):
        raise ModelError("not an .npz file, or cut off: no directory at its end")
    if directory_size > _MAX_DIRECTORY or directory_start + directory_size + tail != size:
        raise ModelError(
            f"not an .npz file: found a directory of {directory_size} bytes at {directory_start} of {size}"
        )


def _read_header(data: Any) -> tuple[ArrayType, int]:
    """The array type from the header of a .npy stream, and the length of the header. Raises ValueError."""
    start = data.read(len(_MAGIC) + 2)
    if not start.startswith(_MAGIC) or len(start) < len(_MAGIC) + 2:
        raise ValueError("not an array in .npy format 1.0")
    length = int.from_bytes(start[len(_MAGIC) :], "little")
    if length > _MAX_HEADER:
        raise ValueError(f"found an array header of {length} bytes, expected at most {_MAX_HEADER}")
    match = _HEADER.fullmatch(data.read(length))
    if match is None:
        raise ValueError("the array's header is not that of plain numbers in C order")
    dtype, shape = match[1].decode("latin-1"), match[2].decode()
    return (dtype, tuple(int(part) for part in shape.split(",") if part.strip())), len(start) + length


def _text(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
