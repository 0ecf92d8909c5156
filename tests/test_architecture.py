"""The pure part imports only what is listed here: no I/O, no clock, no chance, no logging."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import tagtide

PACKAGE = Path(tagtide.__file__).parent
PURE = sorted([*PACKAGE.glob("core/**/*.py"), PACKAGE / "models.py", PACKAGE / "errors.py"])
ALLOWED = """
    __future__ bisect collections collections.abc contextlib contextvars cronsim dataclasses
    datetime difflib enum functools hashlib html itertools json math re statistics typing
    unicodedata urllib.parse zoneinfo
"""
OWN = ("tagtide.core", "tagtide.models", "tagtide.errors")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def is_allowed(module: str) -> bool:
    return module in ALLOWED.split() or any(
        module == own or module.startswith(f"{own}.") for own in OWN
    )


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_pure_part_imports_only_what_is_pure(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [(line, module) for line, module in imports(tree) if not is_allowed(module)] == []


def test_the_pure_part_exists() -> None:
    assert len(PURE) > 8


def test_every_test_file_has_a_name_of_its_own() -> None:
    """Two of the same name cannot be collected in one run, and pass when they run alone."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(names) == sorted({*names})
