# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Bounded decompression: 32 KiB of zstd can unpack to 1 GiB; the bytes are counted during unpacking.

All compressed content of a recording passes through this module: chunks, messages and whole files.
"""

from __future__ import annotations

import bz2
import sys
from typing import TYPE_CHECKING

import lz4.frame  # type: ignore[import-untyped]

from obstacle_classifier.bags.damage import DamageError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

__all__ = ["MAX_UNPACKED", "ZSTD_MAGIC", "CutOffError", "decompress_chunk", "decompress_message", "unpack"]

MAX_UNPACKED = 2**28
"""Bytes that one compressed message or chunk may unpack to; recorders write chunks of about 1 MB."""

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
"""First bytes of a message that was compressed by itself; CDR never begins with them."""

_PIECE = 2**20  # bytes
_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
    "bz2": bz2.BZ2Decompressor,
}


class CutOffError(DamageError):
    """Compressed data that ends within a frame."""


def decompress_chunk(kind: str, data: bytes, size: int | None, *, whole: bool = True) -> bytes:
    """Decompress a chunk.

    Args:
        kind: Empty or `none`, `lz4`, `zstd`, `bz2`.
        data: The compressed bytes, or their beginning.
        size: Declared number of unpacked bytes, None if it is not known.
        whole: False if `data` is cut off. The unpacked beginning is then returned.

    Raises:
        DamageError: Unknown kind, corrupt data, a size above `MAX_UNPACKED`, or another size than declared.
    """
    if kind in ("", "none"):
        plain = data
    elif kind not in _DECOMPRESSORS:
        raise DamageError(f"compression {kind!r} is not known, expected lz4, zstd, bz2 or none")
    elif size is not None and size > MAX_UNPACKED:
        raise DamageError(f"a chunk unpacks to {size} bytes, expected at most {MAX_UNPACKED}")
    else:
        try:
            plain = _unpack_at_most(MAX_UNPACKED if size is None else size, kind, data, whole=whole)
        except DamageError as error:
            raise DamageError(f"a chunk {error}") from None
    if whole and size is not None and len(plain) != size:
        raise DamageError(f"a chunk holds {len(plain)} bytes, it declares {size}")
    return plain


def decompress_message(data: bytes) -> bytes:
    """Decompress a message that was compressed by itself; plain CDR is returned as it is.

    Raises:
        DamageError: It does not decompress, or unpacks to more than `MAX_UNPACKED` bytes.
    """
    if not data.startswith(ZSTD_MAGIC):
        return data
    try:
        declared = zstd.get_frame_info(data).decompressed_size
    except zstd.ZstdError as error:
        raise DamageError(f"does not decompress ({error})") from None
    if declared is not None and declared > MAX_UNPACKED:
        raise DamageError(f"unpacks to {declared} bytes, expected at most {MAX_UNPACKED}")
    if declared is not None:  # as every recorder writes it: one frame, unpacked at once
        decompressor = zstd.ZstdDecompressor()
        try:
            plain = decompressor.decompress(data, max_length=declared + 1)
        except zstd.ZstdError as error:
            raise DamageError(f"does not decompress ({error})") from None
        if decompressor.eof and not decompressor.unused_data:
            return plain
    return _unpack_at_most(MAX_UNPACKED, "zstd", data)


def unpack(kind: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress a stream piece by piece, each of at most 1 MiB; the consumer counts them.

    Args:
        kind: `lz4`, `zstd` or `bz2`.
        pieces: The compressed bytes: one frame or several, one after the other.

    Raises:
        CutOffError: The data ends within a frame. All that could be unpacked was yielded before.
        DamageError: Corrupt data.
    """
    decompressor = _DECOMPRESSORS[kind]()
    within_frame = False
    for piece in pieces:
        data = piece
        while data or not decompressor.needs_input:
            within_frame = True
            try:
                unpacked = decompressor.decompress(data, max_length=_PIECE)
            except (OSError, EOFError, RuntimeError, zstd.ZstdError) as error:
                raise DamageError(f"does not decompress ({error})") from None
            data = b""
            if unpacked:
                yield unpacked
            if decompressor.eof:
                data, decompressor, within_frame = decompressor.unused_data or b"", _DECOMPRESSORS[kind](), False
    if within_frame:
        raise CutOffError("does not decompress: cut off")


def _unpack_at_most(limit: int, kind: str, data: bytes, *, whole: bool = True) -> bytes:
    """The unpacked bytes, at most `limit`.

    Raises:
        DamageError: There are more, or they do not decompress. Data that is cut off is refused only if `whole`.
    """
    unpacked: list[bytes] = []
    size = 0
    try:
        for piece in unpack(kind, (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))):
            size += len(piece)
            if size > limit:
                break
            unpacked.append(piece)
    except CutOffError:
        if whole:
            raise
    if size > limit:
        raise DamageError(f"unpacks to more bytes than expected, {limit}")
    return b"".join(unpacked)
