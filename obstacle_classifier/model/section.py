# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The base class of the sections of a model file. A section declares its fields once, and reads and writes itself."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, get_type_hints

import numpy as np

from obstacle_classifier.networks import Array, ArrayType

__all__ = ["Key", "Section", "plain", "read_only"]


@dataclass(frozen=True)
class Key:
    """Marks a field of a section as a key of the manifest: `field: Annotated[type, Key(...)]`.

    Attributes:
        schema: JSON schema of the key's value.
        description: Meaning of the key, for docs/model_file.md.
    """

    schema: Mapping[str, Any]
    description: str


class Section(ABC):
    """A frozen dataclass. Its fields with a `Key` are keys of the manifest, and its arrays are members of the file.

    Attributes:
        name: Key of the section in the manifest, and prefix of the names of its arrays: `<name>.<array>`.
        required: Whether a file must have this section.
    """

    name: ClassVar[str]
    required: ClassVar[bool] = True

    @classmethod
    def declared_keys(cls) -> dict[str, Key]:
        """The keys of the section by name, in the order of the file."""
        keys = {}
        for name, annotation in get_type_hints(cls, include_extras=True).items():
            for mark in getattr(annotation, "__metadata__", ()):
                if isinstance(mark, Key):
                    keys[name] = mark
        return keys

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """JSON schema of the section."""
        keys = cls.declared_keys()
        return {
            "type": "object",
            "additionalProperties": False,
            "required": list(keys),
            "properties": {name: key.schema for name, key in keys.items()},
        }

    def document(self) -> dict[str, Any]:
        """The section as JSON data."""
        return {name: plain(getattr(self, name)) for name in self.declared_keys()}

    def arrays(self) -> dict[str, Array]:
        """The arrays of the section, by name without prefix."""
        return {}

    @classmethod
    def array_types(cls, document: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        """The types of the section's arrays, by name without prefix.

        Args:
            document: The section in the manifest. It has passed `schema`.
            d: Number of columns.
            c: Number of labels.

        Raises:
            ModelError: The document does not fit d columns and c labels.
        """
        del document, d, c
        return {}

    @classmethod
    def read(cls, document: Mapping[str, Any], arrays: Mapping[str, Array]) -> Any:
        """The section from its document and arrays, which have passed `schema` and `array_types`.

        Raises:
            ModelError: The values are unusable.
        """
        del arrays
        return cls(**document)


def plain(value: Any) -> Any:
    """`value` as JSON data: tuples become lists, NumPy numbers Python numbers, and numbers that are not finite None.

    Raises:
        TypeError: JSON has no form for a part of the value.
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


def read_only(array: Array, dtype: str) -> Array:
    """The array itself if it is read-only, contiguous and of this dtype; else a copy with these properties."""
    if array.dtype.str == dtype and array.flags.c_contiguous and not array.flags.writeable:
        return array
    copy = np.array(array, dtype, order="C")
    copy.flags.writeable = False
    return copy
