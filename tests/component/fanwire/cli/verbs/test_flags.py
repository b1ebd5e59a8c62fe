"""`fanwire flags`: what it writes, whom it rings, and what it refuses."""

import json
from typing import Any

import fakeredis
import pytest
import redis

from tests.component.fanwire.cli.conftest import Run

FLAGS = ("--redis", "redis://r", "flags")


class Recording(fakeredis.FakeRedis):
    """Remembers what was sent on sharded channels, which the fake has none of."""

    sent: list[tuple[Any, ...]] = []  # noqa: RUF012 (shared, as a server is)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] == "SPUBLISH":
            self.sent.append(args[1:])
            return 0
        execute: Any = super().execute_command
        return execute(*args, **options)


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Recording:
    """A Redis that the command reaches, whatever its URL."""
    server = fakeredis.FakeServer()
    Recording.sent = []
    monkeypatch.setattr(redis.Redis, "from_url", lambda *_, **__: Recording(server=server))
    return Recording(server=server)


def test_a_flag_of_all_orgs_is_raised_and_lowered(run: Run, stored: Recording) -> None:
    assert run(*FLAGS, "set", "emergency", "on").code == 0
    assert stored.hgetall("flags") == {b"emergency": b"1"}
    assert run(*FLAGS, "set", "emergency", "off").code == 0
    assert stored.hgetall("flags") == {}
    assert stored.sent == [], "the gateways read the flags of all orgs anyway"


def test_a_flag_of_one_org_rings_its_bell(
    run: Run, stored: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REALTIME_KEY_PREFIX", "rt:")
    ran = run(*FLAGS, "set", "disable:guest-checkin", "on", "--org", "acme", "--json")
    assert stored.hgetall("rt:flags:{acme}") == {b"disable:guest-checkin": b"1"}
    assert stored.sent == [("rt:bell:{acme}", ":flags")]
    assert json.loads(ran.out) == {
        "org": "acme",
        "flag": "disable:guest-checkin",
        "on": True,
        "understood": True,
    }


def test_the_flags_are_listed_with_what_each_does(run: Run, stored: Recording) -> None:
    stored.hset("flags", mapping={"disable:analytics": "1", "emergency": "0", "emergancy": "1"})
    stored.hset("flags:{acme}", mapping={b"\xff": b"1"})
    listed = [json.loads(line) for line in run(*FLAGS, "--json", "--org", "acme").out.splitlines()]
    assert [(row["org"], row["flag"], row["on"], row["understood"]) for row in listed] == [
        (None, "disable:analytics", True, True),
        (None, "emergancy", False, False),
        (None, "emergency", False, True),
        ("acme", "\ufffd", False, False),
    ]
    assert "not understood" in run(*FLAGS).out


def test_where_nothing_is_off_that_is_said(run: Run, stored: Recording) -> None:
    ran = run(*FLAGS)
    assert (ran.code, ran.out) == (0, "")
    assert "nothing is switched off" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("set", "emergancy", "on"),
        ("set", "disable:", "on"),
        ("set", "disable:not a service", "on"),
        ("set", "emergency", "maybe"),
        ("set", "emergency", "on", "--org", "a{b}"),
        ("set", "emergency"),
    ],
)
def test_what_is_no_flag_is_refused_and_nothing_written(
    run: Run, stored: Recording, arguments: tuple[str, ...]
) -> None:
    assert run(*FLAGS, *arguments).code == 2
    assert stored.keys("*") == []


def test_an_unreachable_redis_is_exit_3(run: Run) -> None:
    assert run("--redis", "redis://127.0.0.1:1", "flags").code == 3
