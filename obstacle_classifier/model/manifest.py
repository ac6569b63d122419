# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The manifest of format 2: the JSON member that lists the sections of a model file and declares their arrays."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from obstacle_classifier import __version__
from obstacle_classifier.documents import validate
from obstacle_classifier.errors import ConfigError, ModelError
from obstacle_classifier.model.container import array_type, describe_type
from obstacle_classifier.model.golden import GoldenVectors
from obstacle_classifier.model.section import Section
from obstacle_classifier.model.sections import (
    LabelsSection,
    NetworkSection,
    Provenance,
    Reference,
    SensorsSection,
)
from obstacle_classifier.networks import Array, ArrayType

__all__ = [
    "FORMAT",
    "MAX_ARRAY_BYTES",
    "MAX_MANIFEST_BYTES",
    "MINOR",
    "SECTIONS",
    "VERSION",
    "array_types",
    "check_array_types",
    "digest",
    "encode",
    "parse",
    "read_sections",
    "validate_sections",
]

FORMAT = "obstacle_classifier model"
VERSION = 2
MINOR = 0
MAX_MANIFEST_BYTES = 2**20
MAX_ARRAY_BYTES = 2**25  # total of all arrays: 8 million float32 parameters

SECTIONS: tuple[type[Section], ...] = (
    SensorsSection,
    NetworkSection,
    LabelsSection,
    GoldenVectors,
    Reference,
    Provenance,
)

_MAX_VALUES = 20_000  # limits the time of parsing and validation
_MAX_LEVELS = 64
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["format", "version", "minor", "sections", "digest"],
    "properties": {
        "format": {"type": "string"},
        "version": {"type": "integer"},
        "minor": {"type": "integer", "minimum": 0},
        "sections": {"type": "object"},
        "digest": {"type": "string"},
    },
}


def encode(document: Mapping[str, Any]) -> bytes:
    """The JSON text of a manifest: ASCII, no spaces, keys in the document's order.

    Keys are not sorted, because the order of the sensors is the order of the columns.

    Raises:
        ModelError: The text is larger than the limit of `parse`.
    """
    text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")
    _check_size(text)
    return text


def parse(raw: bytes) -> dict[str, Any]:
    """The document of a manifest's JSON text, in a version that this package reads.

    Raises:
        ModelError: The text is not such a manifest. The message has the key, the value found and the value expected.
    """
    _check_size(raw)
    try:
        document = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ModelError(f"manifest: key 'format': expected '{FORMAT}'")
        _check_version(document.get("version"))
        if _is_deeper(document, _MAX_LEVELS):
            raise RecursionError
    except RecursionError:
        raise ModelError(f"manifest: nested more than {_MAX_LEVELS} levels deep") from None
    except ValueError as error:
        raise ModelError(f"manifest: not JSON: {' '.join(str(error).split())}") from None
    return document


def validate_sections(document: Mapping[str, Any]) -> None:
    """Check a parsed manifest of this version against the schemas of its sections.

    Raises:
        ModelError: A section does not fit. The message has the key, the value found and the value expected.
    """
    try:
        validate(document, _SCHEMA, "manifest")
        sections = document["sections"]
        known = {section.name: section for section in SECTIONS}
        for name, content in sections.items():
            if name in known:
                validate(content, known[name].schema(), "manifest", name)
            elif document["minor"] <= MINOR or not _is_optional(content):
                raise ModelError(
                    f"manifest: unknown section '{name}' in format {VERSION}.{document['minor']}, expected only: "
                    f"{', '.join(known)}; this package ({__version__}) reads up to {VERSION}.{MINOR}"
                )
        for name, section in known.items():
            if section.required and name not in sections:
                raise ModelError(f"manifest: section '{name}' is missing")
    except ConfigError as error:
        raise ModelError(str(error)) from None


def array_types(document: Mapping[str, Any]) -> dict[str, ArrayType]:
    """The types of the arrays that a valid manifest declares, by name, without arrays of unknown optional sections.

    Raises:
        ModelError: A section contradicts another section, or all arrays together are too large for a model.
    """
    sections = document["sections"]
    d, c = len(sections["sensors"]["columns"]), len(sections["labels"]["labels"])
    types: dict[str, ArrayType] = {}
    for section in SECTIONS:
        if section.name in sections:
            own = section.array_types(sections[section.name], d, c)
            types.update({f"{section.name}.{name}": kind for name, kind in own.items()})
    total = sum(math.prod(shape) * np.dtype(dtype).itemsize for dtype, shape in types.values())
    if total > MAX_ARRAY_BYTES:
        network = sections["network"]
        size = ", ".join(f"{key} {value}" for key, value in network["spec"].items())
        raise ModelError(f"network of {size}: {total} bytes of arrays, expected at most {MAX_ARRAY_BYTES}")
    return types


def check_array_types(
    document: Mapping[str, Any], expected: Mapping[str, ArrayType], found: Mapping[str, ArrayType]
) -> None:
    """Compare the arrays of a file with the arrays that its manifest declares.

    Raises:
        ModelError: An array is missing, is not declared, or has another type.
    """
    for name, wanted in expected.items():
        if name not in found:
            raise ModelError(f"member {name}: is missing")
        if found[name] != wanted:
            raise ModelError(f"member {name}: found {describe_type(found[name])}, expected {describe_type(wanted)}")
    skipped = {name for name in document.get("sections", {}) if name not in {section.name for section in SECTIONS}}
    for name in found:
        if name not in expected and name.partition(".")[0] not in skipped:
            raise ModelError(f"member {name}: is not one that the manifest declares")


def read_sections(document: Mapping[str, Any], arrays: Mapping[str, Array]) -> dict[str, Any]:
    """The sections of a valid manifest by name. Unknown optional sections are left out.

    Raises:
        ModelError: A section has unusable values.
    """
    sections = {}
    for section in SECTIONS:
        if section.name in document["sections"]:
            prefix = f"{section.name}."
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            sections[section.name] = section.read(document["sections"][section.name], own)
    return sections


def digest(document: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    """SHA-256 of the manifest without its digest, then of name, type and bytes of each array in sorted order."""
    text = json.dumps({key: value for key, value in document.items() if key != "digest"}, separators=(",", ":"))
    total = hashlib.sha256(text.encode("ascii"))
    for name in sorted(arrays):
        array = arrays[name]
        total.update(f"\n{name} {describe_type(array_type(array))}\n".encode())
        total.update(array.reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def _check_size(raw: bytes) -> None:
    if len(raw) > MAX_MANIFEST_BYTES or raw.count(b",") > _MAX_VALUES:
        raise ModelError(
            f"manifest: found {len(raw)} bytes and {raw.count(b',')} values, "
            f"expected at most {MAX_MANIFEST_BYTES} and {_MAX_VALUES}"
        )


def _check_version(version: object) -> None:
    if isinstance(version, int) and version > VERSION:
        raise ModelError(
            f"manifest: found format version {version}, expected at most {VERSION}: "
            f"the file was written by a newer package than this one ({__version__})"
        )
    if version not in (1, VERSION) or isinstance(version, bool) or not isinstance(version, int):
        raise ModelError(f"manifest: found format version {version!r}, expected 1 to {VERSION}")


def _is_optional(content: object) -> bool:
    return isinstance(content, dict) and content.get("optional") is True


def _is_deeper(value: object, levels: int) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deeper(child, levels - 1) for child in children)


def _no_constant(name: str) -> float:
    raise ValueError(f"found {name}, expected a finite number")
