"""What a script learns from the exit code."""

import pytest

from fanwire.cli.exit_codes import Exit, exit_of
from fanwire.errors import (
    Busy,
    Forbidden,
    InvalidEvent,
    InvalidId,
    RealtimeError,
    RedisUnauthorized,
    Unauthorized,
    Unreachable,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Busy("full"), Exit.FAILED),
        (InvalidEvent("bad"), Exit.USAGE),
        (InvalidId(what="org", value="{"), Exit.USAGE),
        (Unreachable("gone"), Exit.UNREACHABLE),
        (Unauthorized("expired"), Exit.UNAUTHORISED),
        (Forbidden("no"), Exit.UNAUTHORISED),
        (RedisUnauthorized("NOAUTH"), Exit.UNAUTHORISED),
    ],
)
def test_each_kind_of_failure_has_its_code(error: RealtimeError, code: Exit) -> None:
    assert exit_of(error) is code


def test_the_codes_are_those_of_the_manual() -> None:
    assert [int(code) for code in Exit] == [0, 1, 2, 3, 4]
