"""How the command line ends: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 unauthorised."""

from enum import IntEnum

from fanwire.errors import (
    BadMessage,
    Forbidden,
    RealtimeError,
    RedisUnauthorized,
    Unauthorized,
    Unreachable,
)


class Exit(IntEnum):
    """Exit codes, the same for every verb."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    UNAUTHORISED = 4


def exit_of(error: RealtimeError) -> Exit:
    """Return the exit code that tells a script what `error` was."""
    match error:
        case Unreachable():
            return Exit.UNREACHABLE
        case Unauthorized() | Forbidden() | RedisUnauthorized():
            return Exit.UNAUTHORISED
        case BadMessage():
            return Exit.USAGE
        case _:
            return Exit.FAILED
