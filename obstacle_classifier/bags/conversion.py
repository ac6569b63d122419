# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Recorded bytes to plain CDR: decompression, and ROS 1 messages to ROS 2 ones."""

from __future__ import annotations

import bz2
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

import lz4.frame  # type: ignore[import-untyped]
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_CHUNK", "ZSTD_MAGIC", "DamageError", "decompress", "make_converter", "plain_cdr"]

MAX_CHUNK = 2**30
"""Bytes of the largest chunk believed; recorders write chunks of about 1 MB."""

HEADER = "std_msgs/msg/Header"

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class DamageError(ValueError):
    """Bytes that are not what they should be; its text says why."""


def decompress(kind: str, data: bytes, size: int, *, whole: bool = True) -> bytes:
    """Decompress a chunk.

    Args:
        kind: `` or `none`, `lz4`, `zstd`, `bz2`.
        data: The compressed bytes, or their beginning.
        size: Declared number of plain bytes.
        whole: False if `data` is cut off; then what it holds is returned.

    Raises:
        DamageError: Unknown kind, corrupt data, or another size than declared.
    """
    if size > MAX_CHUNK:
        raise DamageError(f"a chunk declares {size} bytes, more than {MAX_CHUNK}")
    try:
        if kind in ("", "none"):
            plain = data
        elif kind == "lz4":
            plain = lz4.frame.LZ4FrameDecompressor().decompress(data, max_length=size + 1)
        elif kind == "zstd":
            plain = zstd.ZstdDecompressor().decompress(data, max_length=size + 1)
        elif kind == "bz2":
            plain = bz2.BZ2Decompressor().decompress(data, max_length=size + 1)
        else:
            raise DamageError(f"compression {kind!r} is not known, expected lz4, zstd, bz2 or none")
    except (OSError, EOFError, RuntimeError, zstd.ZstdError) as error:
        raise DamageError(f"a chunk does not decompress ({error})") from None
    if whole and len(plain) != size:
        raise DamageError(f"a chunk holds {len(plain)} bytes, it declares {size}")
    return plain


def plain_cdr(data: bytes) -> bytes:
    """A message as CDR, decompressed if it was compressed by message (CDR never begins with zstd's magic).

    Raises:
        DamageError: It does not decompress.
    """
    if data[:4] != ZSTD_MAGIC:
        return data
    try:
        return zstd.decompress(data)
    except zstd.ZstdError as error:
        raise DamageError(f"does not decompress ({error})") from None


def make_converter(type_name: str, encoding: str, definition: str) -> Callable[[bytes], bytes]:
    """What turns a channel's recorded bytes into CDR, raising `DamageError` for bytes that are not of the type.

    Args:
        type_name: In ROS 2 form, `sensor_msgs/msg/Imu`.
        encoding: `cdr` or `ros1`.
        definition: Text of the ROS 1 message definition; not used for `cdr`.

    Raises:
        DamageError: The type or encoding is not known, so no message of the channel can be converted.
    """
    if not type_name:
        raise DamageError("the recording does not tell its type")
    if encoding == "cdr":
        return plain_cdr
    if encoding == "ros1":
        return _ros1_converter(type_name, definition)
    raise DamageError(f"its messages are encoded as {encoding!r}, expected 'cdr' or 'ros1'")


@lru_cache(maxsize=256)
def _ros1_converter(type_name: str, definition: str) -> Callable[[bytes], bytes]:
    store = get_typestore(Stores.EMPTY)
    try:
        types = get_types_from_msg(definition, type_name)
        if HEADER in types:  # of ROS 2, without `seq`: the conversion steps over that by itself
            types[HEADER] = get_typestore(Stores.ROS2_JAZZY).fielddefs[HEADER]
        store.register(types)
        store.get_msgdef(type_name)
    except Exception as error:  # whatever the parser makes of a damaged definition
        raise DamageError(f"its message definition is not understood ({_one_line(error)})") from None

    def convert(data: bytes) -> bytes:
        try:
            return bytes(store.ros1_to_cdr(data, type_name))
        except Exception as error:  # generated code: IndexError, AssertionError and others on damaged bytes
            raise DamageError(f"is not a {type_name} ({_one_line(error)})") from None

    return convert


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
