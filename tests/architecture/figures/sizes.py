"""How long files, functions and the lists of what constructors take are.

A constructor is an `__init__` that somebody wrote. A dataclass is a record, and its fields are
the thing itself: a frame has the fields that the wire has.
"""

from typing import Final

from tests.architecture.figures.figure import TreeFigure
from tests.support.source_tree import Function, SourceFile, body_line_count

SOURCE_LINES: Final = 400
"""Twice what one reading holds; a file this long has two subjects."""

FUNCTION_LINES: Final = 50
"""A screen, docstring apart."""

CONSTRUCTOR_PARAMETERS: Final = 6
"""A class that needs more parts lacks a noun, or is two classes."""


def file_lines_figure(files: tuple[SourceFile, ...]) -> TreeFigure:
    """Return the lines of source files."""
    # A file whose docstring is all it has says nothing about the length of code.
    lines = {file.name: file.line_count for file in files if len(file.tree.body) > 1}
    return TreeFigure.spread("source file lines, median / p95 / max", lines, most=SOURCE_LINES)


def function_lines_figure(files: tuple[SourceFile, ...]) -> TreeFigure:
    """Return the lines of functions, without their docstrings."""
    lines = {
        f"{file.name}:{function.lineno} {function.name}": body_line_count(function)
        for file in files
        for function in file.functions
    }
    return TreeFigure.spread("function lines, median / p95 / max", lines, most=FUNCTION_LINES)


def constructors_figure(files: tuple[SourceFile, ...]) -> TreeFigure:
    """Count the constructors with too many parameters."""
    counts = {
        f"{file.name}:{function.lineno} {each.name}": parameter_count(function)
        for file in files
        for each in file.classes
        for function in each.body
        if isinstance(function, Function) and function.name == "__init__"
    }
    above = [f"{name} {count}" for name, count in counts.items() if count > CONSTRUCTOR_PARAMETERS]
    name = f"constructors of more than {CONSTRUCTOR_PARAMETERS} parameters"
    return TreeFigure.counted(name, above, of=len(counts))


def parameter_count(function: Function) -> int:
    """Return what a caller may pass, `self` apart."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len(named) - 1 + (arguments.vararg is not None) + (arguments.kwarg is not None)
