# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Decode the messages of one sensor into rows of numbers, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier.sensing.cdr import Bytes, DecodeError, Layout, Rows, parse_layout
from obstacle_classifier.sensing.columns import stamp_reader
from obstacle_classifier.sensing.message_type import Extraction, Reader, ScanGeometry
from obstacle_classifier.sensing.schema import HEADER, Struct

__all__ = ["Decoder", "Samples"]

_LAYOUTS = 8  # kept; a sensor has one, or a few if its beam count changes or two publishers share the topic
_GEOMETRIES = 1000  # counted
_BATCH_ROWS = 256  # most rows of one matrix
_BATCH_BYTES = 1 << 15  # most bytes of one matrix; temporaries then fit in the processor's cache


@dataclass(frozen=True)
class Samples:
    """The decoded messages of a batch.

    Attributes:
        values: (m, k) float64, a row per decoded message, in order; NaN for values that the message lacks.
        stamps: (m,) int64 header stamps in ns; None for types without a header.
        kept: (m,) index in the batch of each row's message.
        errors: Index in the batch and reason of each message that did not decode.
    """

    values: NDArray[np.float64]
    stamps: NDArray[np.int64] | None
    kept: NDArray[np.intp]
    errors: tuple[tuple[int, DecodeError], ...]


@dataclass(frozen=True)
class _Plan:
    """The readers for messages of one layout, or the error that all of them share."""

    layout: Layout
    read: Reader | DecodeError
    read_stamps: Callable[[Rows], NDArray[np.int64]] | None
    geometry: ScanGeometry | None


_Piece: TypeAlias = "tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.int64] | None]"


class Decoder:
    """Decodes the messages of one sensor; each row depends on its own message only, bit for bit.

    Args:
        schema: The message type's fields.
        extraction: The numbers to read.
        geometry: The beams of a message from its layout, for types that have beams.
        layout: The layout of a message, which the extraction then gets; by default one of all fields.

    Attributes:
        channels: Names of the k columns.
        geometries: Number of decoded messages by their beams, of the first 1000 different geometries.
    """

    def __init__(
        self,
        schema: Struct,
        extraction: Extraction,
        geometry: Callable[[Layout], ScanGeometry] | None = None,
        layout: Callable[[Bytes], Layout] | None = None,
    ) -> None:
        self.channels = extraction.channels
        self._layout = partial(parse_layout, schema) if layout is None else layout
        self._extraction = extraction
        self._stamped = schema.fields[0] == ("header", HEADER)
        self._geometry = geometry
        self.geometries: dict[ScanGeometry, int] = {}
        self._plans: list[_Plan] = []  # most recently used first

    def decode(self, buffers: Sequence[Bytes]) -> Samples:
        """Decode a batch; bytes that are not a message of the type are listed in `errors` and raise nothing."""
        pieces: list[_Piece] = []
        errors: list[tuple[int, DecodeError]] = []
        with np.errstate(all="ignore"):  # NaN and Inf, signalling NaN too, are valid readings
            for positions, rows in _matrices(buffers):
                self._decode_rows(positions, rows, pieces, errors)
        errors.sort(key=lambda entry: entry[0])
        if len(pieces) == 1:
            positions, values, stamps = pieces[0]
            return Samples(values, stamps, positions, tuple(errors))
        return self._assemble(pieces, errors)

    def _decode_rows(
        self, positions: NDArray[np.intp], rows: Rows, pieces: list[_Piece], errors: list[tuple[int, DecodeError]]
    ) -> None:
        """Decode messages of one length: first those of known layouts, then the others layout by layout."""
        for plan in tuple(self._plans):
            if plan.layout.size == rows.shape[1]:
                positions, rows = self._decode_equal(plan, positions, rows, pieces, errors)
                if not len(rows):
                    return
        while len(rows):
            found = self._plan(rows[0].tobytes())
            if isinstance(found, DecodeError):
                errors.append((int(positions[0]), found))
                positions, rows = positions[1:], rows[1:]
            else:
                positions, rows = self._decode_equal(found, positions, rows, pieces, errors)

    def _decode_equal(
        self,
        plan: _Plan,
        positions: NDArray[np.intp],
        rows: Rows,
        pieces: list[_Piece],
        errors: list[tuple[int, DecodeError]],
    ) -> tuple[NDArray[np.intp], Rows]:
        """Decode the messages that have the plan's layout; return the others."""
        left = positions[:0], rows[:0]
        fits = plan.layout.fits(rows)
        if fits is not None:
            if not fits.any():
                return positions, rows
            left = positions[~fits], rows[~fits]
            positions, rows = positions[fits], rows[fits]
        if self._plans[0] is not plan:
            self._plans.remove(plan)
            self._plans.insert(0, plan)
        if isinstance(plan.read, DecodeError):
            errors.extend((int(position), plan.read) for position in positions)
        else:
            pieces.append((positions, plan.read(rows), plan.read_stamps and plan.read_stamps(rows)))
            if plan.geometry is not None and (plan.geometry in self.geometries or len(self.geometries) < _GEOMETRIES):
                self.geometries[plan.geometry] = self.geometries.get(plan.geometry, 0) + len(rows)
        return left

    def _plan(self, data: bytes) -> _Plan | DecodeError:
        """The plan for one message's layout, which is kept; the error if the message has no layout."""
        try:
            layout = self._layout(data)
        except DecodeError as error:
            return error
        read: Reader | DecodeError
        try:
            read = self._extraction.compile(layout)
        except DecodeError as error:
            read = error
        plan = _Plan(
            layout, read, stamp_reader(layout) if self._stamped else None, self._geometry and self._geometry(layout)
        )
        self._plans.insert(0, plan)
        del self._plans[_LAYOUTS:]
        return plan

    def _assemble(self, pieces: list[_Piece], errors: list[tuple[int, DecodeError]]) -> Samples:
        """Join the pieces in the order of the batch."""
        kept = np.concatenate([positions for positions, _, _ in pieces] or [np.empty(0, np.intp)])
        values = np.concatenate([values for _, values, _ in pieces] or [np.empty((0, len(self.channels)))])
        stamps = [stamps for _, _, stamps in pieces if stamps is not None] or [np.empty(0, np.int64)]
        order = np.argsort(kept)
        return Samples(
            values[order],
            np.concatenate(stamps)[order] if self._stamped else None,
            kept[order],
            tuple(errors),
        )


def _matrices(buffers: Sequence[Bytes]) -> Iterator[tuple[NDArray[np.intp], Rows]]:
    """Group messages of equal length: indices in the batch (m,) and bytes (m, size), a bounded number at a time."""
    if len(buffers) == 1:  # as of every slow sensor
        yield np.zeros(1, np.intp), np.frombuffer(buffers[0], np.uint8)[np.newaxis]
        return
    sizes = list(map(len, buffers))
    if len(set(sizes)) <= 1:
        groups = {size: np.arange(len(buffers)) for size in sizes[:1]}
    else:
        lengths = np.array(sizes)
        groups = {size: np.flatnonzero(lengths == size) for size in dict.fromkeys(sizes)}
    for size, positions in groups.items():
        count = min(_BATCH_ROWS, max(1, _BATCH_BYTES // max(1, size)))
        for start in range(0, len(positions), count):
            part = positions[start : start + count]
            chosen = buffers if len(part) == len(buffers) else [buffers[position] for position in part.tolist()]
            yield part, np.frombuffer(b"".join(chosen), np.uint8).reshape(len(part), size)
