# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Child processes in which some packages cannot be imported, as on a machine that does not have them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection
from typing import Any

__all__ = ["python_without", "run_without"]

_PROGRAM = """\
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {modules!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
{program}
"""


def python_without(modules: Collection[str], program: str, *arguments: object) -> list[str]:
    """The command that runs a Python program in which these top-level packages cannot be imported."""
    text = _PROGRAM.format(modules=sorted(modules), program=program)
    return [sys.executable, "-c", text, *map(str, arguments)]


def run_without(modules: Collection[str], program: str, *arguments: object, **more: Any) -> Any:
    """Run such a program to its end; returns the completed process with its output as text."""
    command = python_without(modules, program, *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)
