"""Which numbers stand in the code without a reason beside them.

A *number* is a limit, a time, a size or a count that somebody chose: a constant of a module or
of a class, a default of a dataclass, of a setting or of a parameter, that holds a numeric
literal. Its *reason* is a comment on one of its lines or on the line above, a string under it,
the description of a setting's Field, or the help of an option of the command line. A table or a
tuple of numbers is one number. That the text is a good reason, reviewers have to see.

Not chosen, and so not counted: 0, 1 and -1; the values of an enum; an index; what a standard
numbers, which is a `code`, a `status`, an `http_status`, and the bits that a module spells in
hexadecimal if its docstring names their RFC. A number inside a function's body is not counted
either: ruff and the reader see it where it is used.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Final

from tests.architecture.figures.figure import TreeFigure
from tests.support.source_tree import Function, SourceFile

MOST_WITHOUT_REASON: Final = 20
"""The plan of the tree grants this many; each one is a number that only its author can judge."""

NOT_CHOSEN: Final = frozenset({0, 1})
STANDARD: Final = frozenset({"code", "status", "http_status"})
RFC: Final = re.compile(r"\bRFC \d+")
PRAGMA: Final = re.compile(r"# (fmt|noqa|type|ruff)\b")
"""A comment to a tool, which tells a reader nothing."""


@dataclass(frozen=True, slots=True)
class ChosenNumber:
    """A constant or a default that holds a number."""

    name: str
    place: str
    has_reason: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: str
    value: ast.expr
    first_line: int
    last_line: int
    explained: bool


def numbers_figure(files: tuple[SourceFile, ...]) -> TreeFigure:
    """Count the numbers without a reason."""
    numbers = [number for file in files for number in chosen_numbers(file)]
    bare = [f"{each.place} {each.name}" for each in numbers if not each.has_reason]
    return TreeFigure.counted(
        "numbers without a reason beside them", bare, of=len(numbers), most=MOST_WITHOUT_REASON
    )


def chosen_numbers(file: SourceFile) -> Iterator[ChosenNumber]:
    """Yield the numbers that somebody chose in a file."""
    commented = _commented_lines(file.text)
    cites_rfc = RFC.search(ast.get_docstring(file.tree) or "") is not None
    for each in chain(_constants(file.tree), _parameters(file)):
        if each.name in STANDARD or not _holds_number(each.value, file.text, cites_rfc=cites_rfc):
            continue
        lines = range(each.first_line, each.last_line + 1)
        above = commented.get(each.first_line - 1, "").lstrip().startswith("#")
        reason = each.explained or above or any(line in commented for line in lines)
        yield ChosenNumber(each.name, f"{file.name}:{each.first_line}", reason)


def _constants(tree: ast.Module) -> Iterator[_Candidate]:
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    bodies = [tree.body, *(each.body for each in classes if not _is_enum(each))]
    for statement, following in chain.from_iterable(pairwise([*body, None]) for body in bodies):
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
            continue
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        explained = _is_string(following) or _has_keyword(statement.value, "description")
        yield _Candidate(
            ast.unparse(target),
            statement.value,
            statement.lineno,
            statement.end_lineno or statement.lineno,
            explained,
        )


def _parameters(file: SourceFile) -> Iterator[_Candidate]:
    for function in file.functions:
        for parameter, default in _defaults(function):
            explained = parameter.annotation is not None and any(
                _has_keyword(node, "help") for node in ast.walk(parameter.annotation)
            )
            last_line = default.end_lineno or default.lineno
            yield _Candidate(parameter.arg, default, parameter.lineno, last_line, explained)


def _defaults(function: Function) -> Iterator[tuple[ast.arg, ast.expr]]:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    yield from zip(reversed(positional), reversed(arguments.defaults), strict=False)
    for parameter, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            yield parameter, default


def _holds_number(value: ast.expr, text: str, *, cites_rfc: bool) -> bool:
    indexes = {
        id(node)
        for subscript in ast.walk(value)
        if isinstance(subscript, ast.Subscript)
        for node in ast.walk(subscript.slice)
    }
    return any(
        type(node.value) in (int, float) and node.value not in NOT_CHOSEN
        for node in ast.walk(value)
        if isinstance(node, ast.Constant)
        and id(node) not in indexes
        and not (cites_rfc and (ast.get_source_segment(text, node) or "").startswith("0x"))
    )


def _is_enum(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("Enum") for base in node.bases)


def _is_string(statement: ast.stmt | None) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _has_keyword(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and any(each.arg == name for each in node.keywords)


def _commented_lines(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {
        token.start[0]: token.line
        for token in tokens
        if token.type == tokenize.COMMENT and not PRAGMA.match(token.string)
    }
