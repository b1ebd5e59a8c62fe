"""The command line as a user meets it: results, exit codes, and never a traceback."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import fakeredis
import jwt
import pytest
import redis

from fanwire.core.position import Position
from fanwire.wire.encode import ServiceState
from tests.component.fanwire.cli.conftest import Run
from tests.component.fanwire.subscribe.scripted_gateway import (
    ScriptedGateway,
    Talk,
    batch,
    hello,
    wait_closed,
)

SECRET = "dev-secret-of-these-tests-which-is-long-enough"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> fakeredis.FakeServer:
    """A Redis that every client of this test reaches, whatever its URL."""
    found = fakeredis.FakeServer()

    def reached(*_: Any, decode_responses: bool = False, **__: Any) -> fakeredis.FakeRedis:
        return fakeredis.FakeRedis(server=found, decode_responses=decode_responses)

    monkeypatch.setattr(redis.Redis, "from_url", reached)
    return found


def entries(server: fakeredis.FakeServer, key: str) -> list[dict[bytes, bytes]]:
    found: Any = fakeredis.FakeRedis(server=server).xrange(key)
    return [fields for _, fields in found]


PUB = ("--redis", "redis://r", "pub", "acme")
VERBS = [
    (),
    ("pub",),
    ("sub",),
    ("dev",),
    ("token", "mint"),
    ("bench",),
    ("flags",),
    ("flags", "set"),
    ("topics",),
    ("topics", "dead"),
    ("conns",),
    ("conns", "kick"),
    ("trace",),
    ("top",),
    ("doctor",),
    ("drain",),
    ("config", "show"),
]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(run: Run, verb: tuple[str, ...]) -> None:
    ran = run(*verb, "--help")
    assert ran.code == 0
    assert "Usage" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nonsense"], 2),
        (["pub"], 2),
        (["pub", "acme", "tasks", "1", "--count", "x"], 2),
        (["pub", "acme", "tasks", "{bad"], 1),
        ([*PUB, "tasks", "{bad"], 2),
        ([*PUB, "ta{sks", "1"], 2),
        ([*PUB], 2),
        ([*PUB, "--from", "/nowhere/at.all"], 2),
        (["--redis", "redis://127.0.0.1:1", "pub", "acme", "tasks", "1"], 3),
        (["--redis", "nonsense", "pub", "acme", "tasks", "1"], 2),
        (["sub", "tasks"], 1),
        (["sub", "--url", "ftp://h", "--token", "t", "tasks"], 2),
        (["sub", "--url", "ws://h", "--token", "t", "--resume", "tasks"], 2),
        (["sub", "--url", "ws://h", "--token", "t", "--resume", "tasks:01-1"], 2),
        (["sub", "--url", "ws://127.0.0.1:1", "--token", "t", "--timeout", "0.3", "tasks"], 3),
        (["token", "check", "no-token", "--secret", "short"], 2),
        (["token", "mint", "--secret", "short"], 2),
        (["token", "mint", "--secret", SECRET, "--algorithms", "none"], 2),
        (["token", "mint", "--secret", SECRET, "--algorithms", "RS256"], 2),
        (["token", "mint", "--secret", SECRET, "--org", "a{b"], 2),
        (["errors", "nope"], 2),
        (["dev", "--port", "0"], 2),
    ],
)
def test_a_mistake_has_its_exit_code_and_a_word_on_stderr(
    run: Run, arguments: list[str], code: int
) -> None:
    ran = run(*arguments)
    assert ran.code == code
    assert ran.out == ""
    assert ran.err != ""


def test_an_error_is_one_json_object_with_json(run: Run) -> None:
    ran = run(*PUB, "tasks", "{bad", "--json")
    error = json.loads(ran.err)["error"]
    assert (error["name"], error["retryable"]) == ("invalid_event", False)
    assert error["remedy"]


def test_pub_publishes_and_tells_the_entry(run: Run, server: fakeredis.FakeServer) -> None:
    ran = run(
        *PUB, "tasks", '{"title": "Fix sink"}', "--json", "--property", "p9", "--entity", "task/42"
    )
    (fields,) = entries(server, "events:{acme}:tasks")
    told = json.loads(ran.out)
    assert ran.code == 0
    assert fields[b"data"] == b'{"title": "Fix sink"}'
    assert (fields[b"propertyId"], fields[b"entityType"], fields[b"entityId"]) == (
        b"p9",
        b"task",
        b"42",
    )
    assert told["eventId"] == fields[b"eventId"].decode()


def test_pub_reads_a_value_a_line(
    run: Run, server: fakeredis.FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"a":1}\n\n2\n')))
    assert run(*PUB, "tasks", "-").code == 0
    assert [fields[b"data"] for fields in entries(server, "events:{acme}:tasks")] == [
        b'{"a":1}',
        b"2",
    ]


def test_a_counted_pub_gives_each_event_an_id_of_its_own(
    run: Run, server: fakeredis.FakeServer
) -> None:
    ran = run(*PUB, "tasks", "1", "--count", "30", "--event-id", "e", "--rate", "3000")
    ids = [fields[b"eventId"] for fields in entries(server, "events:{acme}:tasks")]
    assert ids == [f"e-{number}".encode() for number in range(1, 31)]
    assert "published 30 events" in ran.out


def test_pub_from_a_file_publishes_recorded_webhooks(
    run: Run, server: fakeredis.FakeServer, tmp_path: Path
) -> None:
    file = tmp_path / "hooks.ndjson"
    payload = b'{"action":"opened", "repository":{"full_name":"octo/cat"}}'
    file.write_bytes(b'{"event":"issues","delivery":"d1","payload":' + payload + b"}\n")
    assert run(*PUB, "--from", str(file)).code == 0
    (fields,) = entries(server, "events:{acme}:issues")
    assert (fields[b"data"], fields[b"propertyId"]) == (payload, b"octo-cat")


def test_wait_tells_when_no_worker_takes_the_event(run: Run, server: fakeredis.FakeServer) -> None:
    ran = run(*PUB, "tasks", "1", "--wait", "--timeout", "0.1")
    assert ran.code == 1
    assert "fanout worker" in ran.err


def test_wait_tells_how_long_the_worker_took(run: Run, server: fakeredis.FakeServer) -> None:
    fakeredis.FakeRedis(server=server).hset("topic:{acme}:tasks", "cursor", "99999999999999-0")
    ran = run(*PUB, "tasks", "1", "--wait", "--json")
    assert "committedAfterMs" in json.loads(ran.out.splitlines()[-1])


async def test_sub_prints_events_on_stdout_and_states_on_stderr(run: Run) -> None:
    async def script(talk: Talk) -> None:
        start = ServiceState("tasks", "high", Position(1, 0))
        await talk.say(hello(start), batch(1, 3))
        await wait_closed(talk)

    gateway = ScriptedGateway(script)
    async with gateway.running() as url:
        ran = await asyncio.to_thread(
            run, "sub", "tasks,users", "--url", url, "--token", "t", "--count", "2", "--json"
        )
    assert ran.code == 0
    assert [json.loads(line)["data"] for line in ran.out.splitlines()] == [1, 2]
    states = [json.loads(line).get("state") for line in ran.err.splitlines()]
    assert states[:2] == ["connecting", "connected"]
    assert gateway.talks[0].query["services"] == "tasks,users"


async def test_sub_ends_after_its_duration_and_says_from_where_to_resume(run: Run) -> None:
    async def script(talk: Talk) -> None:
        await talk.say(hello(ServiceState("tasks", "high", Position(1, 0))), batch(1, 1))
        await wait_closed(talk)

    async with ScriptedGateway(script).running() as url:
        ran = await asyncio.to_thread(
            run, "sub", "tasks", "--url", url, "--token", "t", "--duration", "0.3"
        )
    assert ran.code == 0
    assert "tasks  1-1" in ran.out
    assert ran.err.splitlines()[-1] == "--resume tasks:1-1"


def test_a_minted_token_passes_the_check_and_a_foreign_one_does_not(run: Run) -> None:
    minted = run("token", "mint", "--secret", SECRET, "--services", "tasks,users", "--json")
    token = json.loads(minted.out)["token"]
    checked = run("token", "check", token, "--secret", SECRET, "--json")
    assert checked.code == 0
    assert json.loads(checked.out)["claims"]["services"] == ["tasks", "users"]
    assert run("token", "check", token, "--secret", f"{SECRET}x").code == 1


def test_a_token_is_minted_and_checked_by_the_algorithms_of_the_gateways(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = ("--secret", SECRET * 2)
    monkeypatch.setenv("REALTIME_JWT_ALGORITHMS", "HS512,HS256")
    token = json.loads(run("token", "mint", *secret, "--json").out)["token"]
    assert jwt.get_unverified_header(token)["alg"] == "HS512"
    assert run("token", "check", token, *secret).code == 0
    assert run("token", "check", token, *secret, "--algorithms", "HS256").code == 1


def test_errors_explains_one_error_or_all(run: Run) -> None:
    assert json.loads(run("errors", "slow_consumer", "--json").out)["code"] == 4410
    assert len(run("errors", "--json").out.splitlines()) > 20
    assert "4401" in run("errors").out
    assert run("errors", "--markdown").out == Path("docs/errors.md").read_text()
