# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The manifest: the JSON member of a model file that says what the arrays are and where the model comes from."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obstacle_classifier import __version__
from obstacle_classifier.documents import validate
from obstacle_classifier.errors import ConfigError, ModelError
from obstacle_classifier.model.container import ArrayType, array_type, describe_type

__all__ = [
    "FORMAT",
    "MAX_ARRAY_BYTES",
    "MAX_MANIFEST_BYTES",
    "VERSION",
    "array_types",
    "check_array_types",
    "digest",
    "encode",
    "parse",
    "plain",
]

FORMAT = "obstacle_classifier model"
VERSION = 1
MAX_MANIFEST_BYTES = 2**20
MAX_ARRAY_BYTES = 2**25  # of all arrays together: 8 million float32 parameters

_MAX_VALUES = 20_000  # in the manifest: bounds what parsing and validation take
_MAX_LEVELS = 64
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "format",
        "version",
        "package_version",
        "created",
        "labels",
        "sensors",
        "columns",
        "network",
        "golden_vectors",
        "metrics",
        "training",
        "seed",
        "bags",
        "digest",
    ],
    "properties": {
        "format": {"type": "string"},
        "version": {"type": "integer"},
        "package_version": {"type": "string"},
        "created": {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z",
            "description": "a UTC time such as 2025-01-31T12:00:00Z",
        },
        "labels": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "calibration", "threshold", "enter", "exit"],
                "properties": {
                    "name": {"type": "string"},
                    "calibration": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["scale", "offset"],
                        "properties": {
                            "scale": {"type": "number", "exclusiveMinimum": 0},
                            "offset": {"type": "number"},
                        },
                    },
                    "threshold": {"type": "number", "minimum": 0, "maximum": 1},
                    "enter": {"type": "integer", "minimum": 1},
                    "exit": {"type": "integer", "minimum": 1},
                },
            },
        },
        "sensors": {"type": "object"},
        "columns": {"type": "array", "minItems": 1},
        "network": {
            "type": "object",
            "additionalProperties": False,
            "required": ["widths", "activation", "dtype"],
            "properties": {
                "widths": {"type": "array", "minItems": 2, "maxItems": 16, "items": {"type": "integer", "minimum": 1}},
                "activation": {"type": "string", "enum": ["scaled_relu"]},
                "dtype": {"type": "string", "enum": ["float32"]},
            },
        },
        "golden_vectors": {"type": "integer", "minimum": 1, "maximum": 64},
        "metrics": {"type": "object"},
        "training": {"type": "object"},
        "seed": {"type": "integer", "minimum": 0},
        "bags": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "sha256"],
                "properties": {
                    "name": {"type": "string"},
                    "sha256": {"type": "string", "pattern": r"^[0-9a-f]{64}\Z", "description": "64 hexadecimal digits"},
                    "part": {"type": "string"},
                },
            },
        },
        "digest": {"type": "string"},
    },
}


def encode(document: Mapping[str, Any]) -> bytes:
    """The one JSON text of a manifest: ASCII, no spaces, keys in order (that of the sensors is the columns')."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")


def parse(raw: bytes) -> dict[str, Any]:
    """A manifest that has the form of one, of a version that this package reads.

    Raises:
        ModelError: Naming the key, what was found and what was expected.
    """
    if len(raw) > MAX_MANIFEST_BYTES or raw.count(b",") > _MAX_VALUES:
        raise ModelError(
            f"manifest: found {len(raw)} bytes and {raw.count(b',')} values, "
            f"expected at most {MAX_MANIFEST_BYTES} and {_MAX_VALUES}"
        )
    try:
        document = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ModelError(f"manifest: key 'format': expected '{FORMAT}'")
        _check_version(document.get("version"))
        if _is_deeper(document, _MAX_LEVELS):
            raise RecursionError
        validate(document, _SCHEMA, "manifest")
    except ConfigError as error:
        raise ModelError(str(error)) from None
    except RecursionError:
        raise ModelError(f"manifest: nested more than {_MAX_LEVELS} levels deep") from None
    except ValueError as error:
        raise ModelError(f"manifest: not JSON: {' '.join(str(error).split())}") from None
    return document


def array_types(document: Mapping[str, Any]) -> dict[str, ArrayType]:
    """The arrays that belong to a manifest, by name."""
    widths, count = document["network"]["widths"], document["golden_vectors"]
    d, c = widths[0], widths[-1]
    types: dict[str, ArrayType] = {}
    for index, (i, o) in enumerate(pairwise(widths)):
        types[f"W{index}"], types[f"b{index}"] = ("<f4", (i, o)), ("<f4", (o,))
    types["mean"] = types["scale"] = ("<f8", (d,))
    types["golden_inputs"], types["golden_outputs"] = ("<f8", (count, d)), ("<f4", (count, c))
    return types


def check_array_types(document: Mapping[str, Any], found: Mapping[str, ArrayType]) -> None:
    """Compare arrays by name with those that belong to the manifest.

    Raises:
        ModelError: One is missing, extra or of another type, or together they are larger than a model may be.
    """
    expected = array_types(document)
    total = sum(math.prod(shape) * np.dtype(dtype).itemsize for dtype, shape in expected.values())
    if total > MAX_ARRAY_BYTES:
        widths = document["network"]["widths"]
        raise ModelError(f"network of widths {widths}: {total} bytes of arrays, expected at most {MAX_ARRAY_BYTES}")
    for name, wanted in expected.items():
        if name not in found:
            raise ModelError(f"member {name}: is missing")
        if found[name] != wanted:
            raise ModelError(f"member {name}: found {describe_type(found[name])}, expected {describe_type(wanted)}")
    for name in found:
        if name not in expected:
            raise ModelError(f"member {name}: is not one that the manifest declares")


def digest(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 over the manifest without its digest, then over name, type and bytes of each array in sorted order."""
    total = hashlib.sha256(encode({key: value for key, value in document.items() if key != "digest"}))
    for name in sorted(arrays):
        array = arrays[name]
        total.update(f"\n{name} {describe_type(array_type(array))}\n".encode())
        total.update(array.reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: tuples as lists, NumPy numbers as Python's, what is not finite as None.

    Raises:
        TypeError: It holds something else.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(f"expected JSON-able data, got {type(value).__name__}")


def _check_version(version: object) -> None:
    if isinstance(version, int) and version > VERSION:
        raise ModelError(
            f"manifest: found format version {version}, expected at most {VERSION}: "
            f"the file was written by a newer package than this one ({__version__})"
        )
    if version != VERSION or isinstance(version, bool):
        raise ModelError(f"manifest: found format version {version!r}, expected {VERSION}")


def _is_deeper(value: object, levels: int) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deeper(child, levels - 1) for child in children)


def _no_constant(name: str) -> float:
    raise ValueError(f"found {name}, expected a finite number")
