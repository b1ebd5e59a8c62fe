"""Names that say nothing are not used, and neither is what hides annotations.

A class called a manager may do anything, so in time it does everything.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

from tests.support.source_tree import SERVED, SourceFile, source_files

BANNED: Final = frozenset(
    {"manager", "handler", "helper", "helpers", "util", "utils", "common", "processor"}
    | {"data", "info", "misc", "base", "do", "process"}
)
PUBLISHED: Final = frozenset({"data"})
"""Field names of the protocol; a function about that field is right to name it."""

FILES: Final = source_files(*SERVED, "bench")


def parts_of(name: str) -> set[str]:
    """Return the words of a snake_case or CamelCase name, in lower case."""
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


def empty_names_in(file: SourceFile) -> Iterator[str]:
    nouns = [PurePath(file.name).stem, *(each.name for each in file.classes)]
    yield from (name for name in nouns if parts_of(name) & BANNED)
    verbs = [function.name for function in file.functions]
    yield from (name for name in verbs if parts_of(name) & (BANNED - PUBLISHED))


def test_no_module_class_or_function_has_an_empty_word_for_a_name() -> None:
    assert [f"{file.name}: {name}" for file in FILES for name in empty_names_in(file)] == []


def test_names_are_taken_apart_in_both_spellings() -> None:
    assert parts_of("FrameHandler") == {"frame", "handler"}
    assert parts_of("_parse_data2") == {"parse", "data2"}
    assert parts_of("JWKSManager") == {"jwks", "manager"}
    assert parts_of("metadata") == {"metadata"}


def test_annotations_are_not_postponed() -> None:
    # FastAPI and pydantic read them at run time.
    postponed = [
        file.name
        for file in source_files(*SERVED, "bench", "tests")
        for node in file.tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    assert postponed == []
