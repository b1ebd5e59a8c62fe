"""`fanwire topics`: what it refuses, and how it ends."""

import pytest

from tests.support.command_line import Run

GONE = ("--redis", "redis://127.0.0.1:1")
REPLAY = (*GONE, "topics", "replay-dead", "acme", "tasks")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((*GONE, "topics"), 3),
        (("--redis", "redis+sentinel://127.0.0.1:1/primary", "--timeout", "0.5", "topics"), 3),
        (("--redis", "memcached://127.0.0.1", "topics"), 2),
        ((*GONE, "topics", "a{b}"), 2),
        ((*GONE, "topics", "dead", "acme"), 2),
        ((*GONE, "topics", "dead", "acme", "ta:sks"), 2),
        (REPLAY, 2),
        ((*REPLAY, "--property", "p9", "--no-property"), 2),
        ((*REPLAY, "--property", "p9"), 3),
        (("topics",), 1),
    ],
)
def test_a_mistake_has_its_exit_code(run: Run, arguments: tuple[str, ...], code: int) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err


def test_replaying_without_saying_the_property_names_the_danger(run: Run) -> None:
    assert "--no-property if every subscriber" in run(*REPLAY).err


def test_a_verb_explains_itself_behind_a_group_that_takes_an_org(run: Run) -> None:
    assert "fanwire topics replay-dead acme" in run("topics", "replay-dead", "--help").out
