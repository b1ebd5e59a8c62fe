"""No file and no function grows beyond what one reading holds.

Every admired server let its connection object and its run loop outgrow the rest, so these
two have the tightest limit. An exception needs a reason, and goes when it is not needed.
"""

from pathlib import PurePath
from typing import Final

from tests.architecture.figures.sizes import FUNCTION_LINES, SOURCE_LINES
from tests.support.source_tree import EVERYTHING, SourceFile, body_line_count, source_files

TEST_LINES: Final = 500
HEART_LINES: Final = 200

HEARTS: Final = frozenset({"connection.py", "worker.py"})
EXCEPTIONS: Final[dict[str, str]] = {}
"""Path, or path::function, and the reason why it may be larger."""

FILES: Final = source_files(*EVERYTHING)


def line_limit(file: SourceFile) -> int:
    path = PurePath(file.name)
    if path.parts[0] == "tests":
        return TEST_LINES
    return HEART_LINES if path.name in HEARTS else SOURCE_LINES


def too_large() -> dict[str, int]:
    """Return what breaks a limit, and its lines."""
    files = {file.name: file.line_count for file in FILES if file.line_count > line_limit(file)}
    functions = {
        f"{file.name}::{function.name}": body_line_count(function)
        for file in FILES
        for function in file.functions
        if body_line_count(function) > FUNCTION_LINES
    }
    return files | functions


def test_nothing_outgrows_its_limit() -> None:
    breaches = {name: lines for name, lines in too_large().items() if name not in EXCEPTIONS}
    assert breaches == {}


def test_every_exception_is_still_needed() -> None:
    assert EXCEPTIONS.keys() <= too_large().keys()
