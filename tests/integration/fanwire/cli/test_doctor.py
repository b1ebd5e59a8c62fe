"""`fanwire doctor` on a whole stack, a broken one, and against what is no gateway."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.conftest import StartStack
from tests.integration.fanwire.cli.conftest import Ask
from tests.support.command_line import Ran
from tests.support.stack import Stack

CHECKED = {
    *("redis", "version", "role", "eviction", "persistence", "memory", "notify", "clock"),
    *("workers", "leases", "dead letters", "gateways", "token", "http", "upgrade", "round trip"),
}


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(gateways=1)


def failed(ran: Ran) -> dict[str, str]:
    return {row["check"]: row["told"] for row in ran.rows if row["verdict"] == "failed"}


def way_to(stack: Stack, **claims: Any) -> Mapping[str, str]:
    return {"FANWIRE_URL": stack.gateway.stream_url, "FANWIRE_TOKEN": stack.token(**claims)}


async def test_a_sound_stack_passes_every_check(ask: Ask, stack: Stack) -> None:
    ran = await ask("doctor", "--json", env=way_to(stack))
    assert ran.code == 0, ran.out
    assert {row["check"] for row in ran.rows} >= CHECKED
    assert all(row["fix"] for row in ran.rows if row["verdict"] != "ok")
    told = await ask("doctor", env=way_to(stack))
    assert "✓ round trip   published and received in" in told.out
    assert "\x1b" not in told.out


async def test_a_stack_without_a_worker_is_told_where_it_stops(ask: Ask, stack: Stack) -> None:
    await stack.worker.stop()
    ran = await ask("doctor", "--json", "--timeout", "1", env=way_to(stack))
    assert ran.code == 1
    assert failed(ran).keys() == {"workers", "leases", "round trip"}


async def test_a_token_that_is_refused_or_too_narrow_is_told(ask: Ask, stack: Stack) -> None:
    foreign = {**way_to(stack), "FANWIRE_TOKEN": stack.token()[:-8] + "AAAAAAAA"}
    assert failed(await ask("doctor", "--json", env=foreign)).keys() == {"upgrade"}
    narrow = await ask("doctor", "--json", env=way_to(stack, services=["tasks"]))
    assert narrow.code == 0
    assert "does not list fanwire-doctor" in narrow.out


@asynccontextmanager
async def mute_server(answer: bytes) -> AsyncIterator[str]:
    """Something that takes connections, says `answer` and then nothing."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"], ids=["mute", "other"]
)
async def test_a_wrong_url_is_a_finding_and_never_a_hang(
    ask: Ask, stack: Stack, answer: bytes
) -> None:
    async with mute_server(answer) as address:
        start_s = time.monotonic()
        ran = await ask("doctor", "--json", "--url", f"ws://{address}", env=way_to(stack))
        assert time.monotonic() - start_s < 9
    assert ran.code == 1
    assert failed(ran).keys() == {"http"}


async def test_a_redis_that_takes_connections_and_says_nothing_is_a_finding(
    ask: Ask, stack: Stack
) -> None:
    async with mute_server(b"") as address:
        start_s = time.monotonic()
        ran = await ask("doctor", "--json", "--redis", f"redis://{address}", env=way_to(stack))
        assert time.monotonic() - start_s < 9
    assert ran.code == 1
    assert failed(ran).keys() == {"redis"}
    assert "Redis is away" in ran.out


async def test_where_nothing_is_named_that_is_a_finding(ask: Ask) -> None:
    ran = await ask("doctor", "--json", env={"REALTIME_REDIS_URL": ""})
    assert ran.code == 1
    assert failed(ran).keys() == {"redis", "gateway"}
