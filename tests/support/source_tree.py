"""The project's own source files, parsed, for the tests of its architecture."""

import ast
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[2]
SERVED: Final = ("fanwire", "shared", "fanout", "gateway")
"""What users and operators run; the rest measures and proves it."""

EVERYTHING: Final = (*SERVED, "demo", "bench", "docs", "deploy", "tests")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class SourceFile:
    """A Python file and its syntax tree."""

    name: str
    text: str
    tree: ast.Module

    @property
    def line_count(self) -> int:
        """Lines, blank ones and comments included."""
        return self.text.count("\n")

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """Every function and method, nested ones too."""
        return tuple(node for node in self._nodes if isinstance(node, Function))

    @cached_property
    def classes(self) -> tuple[ast.ClassDef, ...]:
        """Every class."""
        return tuple(node for node in self._nodes if isinstance(node, ast.ClassDef))

    @cached_property
    def _nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))


@cache
def source_files(*folders: str) -> tuple[SourceFile, ...]:
    """Return the Python files of these folders of the checkout."""
    paths = sorted(path for folder in folders for path in (CHECKOUT / folder).rglob("*.py"))
    # The trees are kept to the end: while a million nodes are made, the collector only delays.
    gc.disable()
    files = tuple(_read(path) for path in paths if "node_modules" not in path.parts)
    gc.freeze()
    gc.enable()
    return files


def body_line_count(function: Function) -> int:
    """Return a function's lines without its docstring and decorators."""
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    docstring_lines = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring_lines


def string_constants(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the strings of a tree, the parts of f-strings too, without docstrings."""
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node


@cache
def _read(path: Path) -> SourceFile:
    text = path.read_text(encoding="utf-8")
    return SourceFile(str(path.relative_to(CHECKOUT)), text, ast.parse(text))
