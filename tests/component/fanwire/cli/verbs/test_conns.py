"""`fanwire conns`: what it refuses, and how it ends."""

import pytest

from tests.support.command_line import Run

CONNS = ("--redis", "redis://127.0.0.1:1", "conns")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 3),
        (("a{b}",), 2),
        (("kick",), 2),
        (("kick", "gw~1", "--user", "ada", "--org", "acme"), 2),
        (("kick", "--user", "ada"), 2),
        (("kick", "gw~1"), 3),
    ],
)
def test_a_mistake_has_its_exit_code(run: Run, arguments: tuple[str, ...], code: int) -> None:
    ran = run(*CONNS, *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err
