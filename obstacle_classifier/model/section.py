# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The contract of a section of a model file: one class that declares its fields once, and reads and writes itself."""

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
        schema: JSON schema of its value there.
        description: Its meaning, for the document of the file format.
    """

    schema: Mapping[str, Any]
    description: str


class Section(ABC):
    """A frozen dataclass whose fields with a `Key` are keys of the manifest; its arrays are members of the file.

    Attributes:
        name: Key of the section in the manifest, and prefix of its arrays: `<name>.<array>`.
        required: Whether a file without this section is refused.
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
        """The section as JSON-able data."""
        return {name: plain(getattr(self, name)) for name in self.declared_keys()}

    def arrays(self) -> dict[str, Array]:
        """The arrays of the section, by name without prefix."""
        return {}

    @classmethod
    def array_types(cls, document: Mapping[str, Any], d: int, c: int) -> dict[str, ArrayType]:
        """The arrays that belong to a document of the section.

        Args:
            document: What the file declares; it fits `schema`.
            d: Number of columns.
            c: Number of labels.

        Raises:
            ModelError: The document does not fit d columns and c labels.
        """
        del document, d, c
        return {}

    @classmethod
    def read(cls, document: Mapping[str, Any], arrays: Mapping[str, Array]) -> Any:
        """The section from its document and arrays, which fit `schema` and `array_types`.

        Raises:
            ModelError: Its values are not usable.
        """
        del arrays
        return cls(**document)


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: tuples as lists, NumPy numbers as Python's, numbers that are not finite as None.

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


def read_only(array: Array, dtype: str) -> Array:
    """The array itself if it is read-only, contiguous and of this dtype, else such a copy."""
    if array.dtype.str == dtype and array.flags.c_contiguous and not array.flags.writeable:
        return array
    copy = np.array(array, dtype, order="C")
    copy.flags.writeable = False
    return copy
