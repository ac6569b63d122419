# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The project's Markdown documents: code blocks, links, anchors and generated tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DOCUMENTS", "ROOT", "Block", "anchors", "blocks", "fill", "links", "markers", "table"]

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *sorted(ROOT.glob("docs/*.md")),
    *(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "QUALITY_DECLARATION")),
]

_FENCE = re.compile(r"^```(.*)$")
_HEADING = re.compile(r"^#+ +(.*)$")
_LINK = re.compile(r"\[[^][]*\]\(([^()\s]+)\)")
_CODE = re.compile(r"`[^`]*`")
_GENERATED = re.compile(r"(<!-- begin (\S+): [^\n]* -->\n)(.*?)(<!-- end \2 -->)", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        document: The file.
        line: Number of its first line.
        info: What follows the opening fence, such as `bash ros2`.
        text: The code.
    """

    document: Path
    line: int
    info: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def blocks(document: Path) -> Iterator[Block]:
    """The fenced blocks of a document, in order."""
    opened: tuple[int, str] | None = None
    code: list[str] = []
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), start=1):
        fence = _FENCE.match(line)
        if fence and opened is None:
            opened, code = (number + 1, fence[1].strip()), []
        elif fence and opened is not None:
            yield Block(document, opened[0], opened[1], "\n".join(code) + "\n")
            opened = None
        elif opened is not None:
            code.append(line)
    assert opened is None, f"{document}:{opened[0]}: the block does not end"


def _prose(document: Path) -> Iterator[tuple[int, str]]:
    """The numbered lines outside fenced blocks."""
    inside = False
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), start=1):
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            yield number, line


def links(document: Path) -> Iterator[tuple[int, str]]:
    """Line and target of every link."""
    for number, line in _prose(document):
        for match in _LINK.finditer(_CODE.sub("`code`", line)):
            yield number, match[1]


def anchors(document: Path) -> set[str]:
    """The allowed texts after the `#` of a link, by GitHub's rule for headings."""
    headings = [match[1] for _, line in _prose(document) if (match := _HEADING.match(line))]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(map(_cell, line)) + " |\n" for line in lines)


def _cell(text: str) -> str:
    """Text for a table cell, with the special characters of HTML and of tables escaped."""
    parts = text.replace("|", "\\|").split("`")
    return "`".join(part if index % 2 else part.replace("<", "&lt;") for index, part in enumerate(parts))


def markers(text: str) -> list[str]:
    """Names of the generated parts of a document."""
    return [match[2] for match in _GENERATED.finditer(text)]


def fill(text: str, parts: Mapping[str, str]) -> str:
    """The document with each of these generated parts as it should be; others stay."""
    return _GENERATED.sub(
        lambda match: f"{match[1]}\n{parts[match[2]]}\n{match[4]}" if match[2] in parts else match[0], text
    )
