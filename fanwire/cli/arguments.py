"""Global options may stand anywhere: `fanwire sub tasks --json` and `fanwire --json sub tasks`.

The parser knows them in front of the verb only; here they are moved there.
"""

from collections.abc import Sequence
from typing import Final

_FLAGS: Final = frozenset(("--json", "--no-color"))
_WITH_VALUE: Final = frozenset(("--url", "--redis", "--timeout"))


def with_globals_first(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the global options in front; after `--` nothing is moved."""
    moved: list[str] = []
    kept: list[str] = []
    left = iter(arguments)
    for argument in left:
        if argument == "--":
            kept += [argument, *left]
        elif argument in _FLAGS or argument.partition("=")[0] in _WITH_VALUE:
            moved.append(argument)
            if argument in _WITH_VALUE:
                moved += [value for value in [next(left, None)] if value is not None]
        else:
            kept.append(argument)
    return moved + kept
