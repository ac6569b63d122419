# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""Sections of documents that measuring commands fill."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluate.data_sets import NAMES
from benchmarks.sections import ROOT, measured_on, read_section, wrapped, write_section

BEFORE, AFTER = "# Title\n\n", "\nmore\n\n<!-- begin b -->\n\nother\n\n<!-- end b -->\n"


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(f"{BEFORE}<!-- begin a -->\n\nold\n\n<!-- end a -->\n{AFTER}", encoding="utf-8")
    return path


def test_a_section_is_written_and_all_else_stays(document: Path) -> None:
    assert read_section(document, "a") == "old"
    text = "1 \\1 µs\n\n| a | b |\n"
    for _ in range(2):
        write_section(document, "a", text)
        assert document.read_text(encoding="utf-8") == f"{BEFORE}<!-- begin a -->\n\n{text}\n<!-- end a -->\n{AFTER}"
    assert read_section(document, "a") == text.strip()
    assert read_section(document, "b") == "other"


@pytest.mark.parametrize(("name", "count"), [("absent", 0), (".", 0), ("twice", 2)])
def test_a_section_that_is_missing_or_there_twice_is_refused(document: Path, name: str, count: int) -> None:
    text = document.read_text(encoding="utf-8") + 2 * "<!-- begin twice -->\n<!-- end twice -->\n"
    document.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(f"{document}: found {count} sections '{name}', expected one")):
        write_section(document, name, "new")
    assert document.read_text(encoding="utf-8") == text


def test_the_machine_is_named_with_what_moves_the_figures() -> None:
    pytest.importorskip("threadpoolctl", reason="threadpoolctl names the BLAS kernel")
    assert re.fullmatch(
        rf"Measured on \d{{4}}-\d\d-\d\d on \d+ CPUs of .+, Python 3\.\d+\.\d+, NumPy {np.__version__}, "
        r"BLAS openblas \S+ \(\w+\)\.",
        measured_on(),
    )


def test_the_blas_of_scipy_is_not_named() -> None:
    pytest.importorskip("threadpoolctl", reason="threadpoolctl names the BLAS kernel")
    pytest.importorskip("sklearn.ensemble", reason="scikit-learn loads SciPy")
    assert measured_on().count("openblas") == 1


def test_lines_are_wrapped_between_words() -> None:
    assert wrapped(f"{'a' * 100}-b {'c' * 30}") == f"{'a' * 100}-b\n{'c' * 30}"


def test_the_documents_have_the_sections() -> None:
    assert read_section(ROOT / "QUALITY_DECLARATION.md", "coverage")
    for name in NAMES:
        assert "| default " in read_section(ROOT / "docs" / "measurements.md", f"evaluate {name}")
    assert "| ours |" in read_section(ROOT / "docs" / "measurements.md", "streets")
    assert "us more than" in read_section(ROOT / "docs" / "measurements.md", "inference")
