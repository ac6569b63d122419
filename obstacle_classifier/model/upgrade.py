# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Conversion of model files of format 1 to documents and arrays of format 2. Every number keeps its bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from obstacle_classifier.model import manifest
from obstacle_classifier.model.bag_list import encode as encode_bags
from obstacle_classifier.model.golden import GoldenVectors
from obstacle_classifier.model.sections import LabelsSection, Provenance, validate_section
from obstacle_classifier.networks import Array, ArrayType, MLPNetwork

__all__ = ["array_types", "upgrade", "validate"]

_BAG_LIST = "provenance.bags"
_BAGS = {
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
}
_PROPERTIES: dict[str, Any] = {
    "format": {"type": "string"},
    "version": {"type": "integer"},
    **{name: key.schema for name, key in Provenance.declared_keys().items()},
    "labels": LabelsSection.schema()["properties"]["labels"],
    "sensors": {"type": "object"},
    "columns": {"type": "array", "minItems": 1},
    "network": MLPNetwork.spec_schema,
    "golden_vectors": GoldenVectors.declared_keys()["count"].schema,
    "bags": _BAGS,
    "digest": {"type": "string"},
}
_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": list(_PROPERTIES),
    "properties": _PROPERTIES,
}


def validate(document: Mapping[str, Any]) -> None:
    """Check a parsed manifest of format 1.

    Raises:
        ModelError: A key does not fit. The message has the key, the value found and the value expected.
    """
    validate_section(document, _SCHEMA, "")


def array_types(document: Mapping[str, Any]) -> dict[str, ArrayType]:
    """The types of the arrays of a valid manifest of format 1, by name.

    Raises:
        ModelError: All arrays together are too large for a model, or columns, widths and labels disagree.
    """
    upgraded = manifest.array_types(_document(document))
    return {_old_name(name): kind for name, kind in upgraded.items() if name != _BAG_LIST}


def upgrade(document: Mapping[str, Any], arrays: Mapping[str, Array]) -> tuple[dict[str, Any], dict[str, Array]]:
    """The document and the arrays in format 2."""
    upgraded = _document(document)
    own = {name: arrays[_old_name(name)] for name in manifest.array_types(upgraded) if name != _BAG_LIST}
    return upgraded, {**own, _BAG_LIST: np.frombuffer(encode_bags(document["bags"]), np.uint8)}


def _old_name(name: str) -> str:
    section, _, own = name.partition(".")
    return f"golden_{own}" if section == "golden" else own


def _document(document: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: document[name] for name in Provenance.declared_keys()}
    return {
        "format": manifest.FORMAT,
        "version": manifest.VERSION,
        "minor": manifest.MINOR,
        "sections": {
            "sensors": {"config": document["sensors"], "columns": document["columns"]},
            "network": {"kind": MLPNetwork.kind, "spec": document["network"]},
            "labels": {"labels": document["labels"]},
            "golden": {"count": document["golden_vectors"]},
            "provenance": {**own, "bags": len(encode_bags(document["bags"]))},
        },
    }
