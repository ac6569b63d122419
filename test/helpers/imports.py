# Copyright 2026 obstacle_classifier maintainers
# SPDX-License-Identifier: Apache-2.0

"""The import statements of the package, read from its syntax trees: nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["PACKAGE", "ROOT", "Import", "closure", "imports", "modules", "room"]

ROOT = Path(__file__).parents[2]
PACKAGE = "obstacle_classifier"


@dataclass(frozen=True)
class Import:
    """One imported module.

    Attributes:
        name: The module, such as `obstacle_classifier.nn.layers` or `numpy.typing`.
        line: Line of the statement.
        at_start: Whether it is imported along with the importing module: not in a function, not for type checking only.
        by_name: Whether it is imported by a call of `import_module`, not by a statement.
    """

    name: str
    line: int
    at_start: bool
    by_name: bool = False


@cache
def modules() -> dict[str, Path]:
    """The files of the package by module name; a package has the name of its folder."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room(module: str) -> str:
    """The room of a module of the package: the folder or file below the package; `__init__` for the package itself."""
    return module.split(".")[1] if "." in module else "__init__"


@cache
def imports(path: Path) -> tuple[Import, ...]:
    """All imports of a file."""
    return tuple(_walk(ast.parse(path.read_text(encoding="utf-8"), str(path)), at_start=True))


def _walk(node: ast.AST, *, at_start: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, at_start) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"line {child.lineno}: a relative import"
            for alias in child.names:
                member = f"{child.module}.{alias.name}"
                yield Import(member if member in modules() else str(child.module), child.lineno, at_start)
        elif isinstance(child, ast.Call) and ast.unparse(child.func).endswith("import_module"):
            yield Import(_text(child.args[0]), child.lineno, at_start, by_name=True)
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or (
            isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
        )
        yield from _walk(child, at_start=at_start and not inside)


def _text(node: ast.expr) -> str:
    """The value of a string constant; empty for any other expression, such as one that gives a message's package."""
    return str(node.value) if isinstance(node, ast.Constant) else ""


def closure(module: str) -> dict[str, set[str]]:
    """The modules from outside the package, by the module of the package that imports them, along with `module`."""
    waiting, found = [module], dict[str, set[str]]()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = set()
        waiting += [name.rpartition(".")[0]] if "." in name else []
        for each in imports(modules()[name]):
            if each.at_start and each.name in modules():
                waiting.append(each.name)
            elif each.at_start:
                found[name].add(each.name.partition(".")[0])
    return found
