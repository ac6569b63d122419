# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Document sections that a benchmark fills, and a sentence about the machine of the measurement.

The section `evaluate` is the text between the lines `<!-- begin evaluate -->` and `<!-- end evaluate -->`.
"""

from __future__ import annotations

import datetime
import os
import platform
import re
import textwrap
from pathlib import Path

__all__ = ["ROOT", "measured_on", "read_section", "wrapped", "write_section"]

ROOT = Path(__file__).parents[1]
WIDTH = 124  # characters a line


def read_section(document: Path, name: str) -> str:
    """The text of a section, without empty lines around it.

    Raises:
        ValueError: The document does not have exactly one section of that name.
    """
    return _find(document, name)[2].strip("\n")


def write_section(document: Path, name: str, text: str) -> None:
    """Replace the text of a section.

    Raises:
        ValueError: The document does not have exactly one section of that name.
    """
    match = _find(document, name)
    content = match.string
    new = f"{content[: match.end(1)]}\n{text.strip()}\n\n{content[match.start(3) :]}"
    document.write_text(new, encoding="utf-8")


def wrapped(text: str) -> str:
    """The text in lines of the documents' width."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def measured_on() -> str:
    """One sentence with the date, CPU, Python, NumPy and the BLAS kernel that NumPy uses on this CPU."""
    import numpy as np
    from threadpoolctl import threadpool_info

    # SciPy, which scikit-learn loads, has a BLAS of its own.
    blas = [info for info in threadpool_info() if info["user_api"] == "blas"]
    libraries = [info for info in blas if "numpy" in Path(info["filepath"]).parent.name] or blas
    kernels = sorted({f"{info['internal_api']} {info['version']} ({info.get('architecture')})" for info in libraries})
    date = datetime.datetime.now(datetime.timezone.utc).date()
    cpus = len(os.sched_getaffinity(0))
    return (
        f"Measured on {date} on {cpus} CPUs of {_cpu()}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"BLAS {', '.join(kernels) or 'unknown'}."
    )


def _find(document: Path, name: str) -> re.Match[str]:
    marker = re.escape(name)
    pattern = rf"^(<!-- begin {marker} -->\n)(.*?)^(<!-- end {marker} -->)$"
    found = list(re.finditer(pattern, document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
    if len(found) != 1:
        raise ValueError(f"{document}: found {len(found)} sections '{name}', expected one")
    return found[0]


def _cpu() -> str:
    """The CPU's name if Linux reports one, else the architecture."""
    try:
        names = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        names = []
    return f"{names[0]} ({platform.machine()})" if names else platform.machine()
