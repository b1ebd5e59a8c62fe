"""Every close code of the table, seen by a client on a real socket."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

import pytest
import pytest_asyncio

from fanwire.close_codes import CloseRule, close_rules
from fanwire.core.connection_ids import connection_field
from fanwire.core.ids import UserId
from fanwire.errors import ALL_ERRORS
from tests.integration.gateway.conftest import tenant_on
from tests.support.stack import Stack
from tests.support.stream_client import StreamClient
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

SHORT_PATIENCE: Final = {
    "GATEWAY_SEND_BUFFER_BYTES": "4096",
    "GATEWAY_LAGGING_BYTES": "16384",
    "GATEWAY_LAGGING_MS": "200",
    "GATEWAY_HARD_LIMIT_BYTES": "65536",
}


FILLER: Final = b'"%b"' % (b"x" * 20_000)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def short_stack(
    valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """One gateway that soon has enough of a slow reader."""
    folder = tmp_path_factory.mktemp("short")
    stack = Stack(valkey_url, folder, key_prefix="short:", env=SHORT_PATIENCE)
    await stack.start()
    yield stack
    await stack.stop()


@pytest.fixture
async def short(short_stack: Stack) -> AsyncIterator[Tenant]:
    """An org on it."""
    async with tenant_on(short_stack) as one:
        yield one


async def ring(tenant: Tenant, message: str) -> None:
    await tenant.redis.execute_command("SPUBLISH", tenant.keys.bell(tenant.org), message)  # type: ignore[no-untyped-call]


async def kicked(tenant: Tenant) -> StreamClient:
    client = await tenant.connect()
    await ring(tenant, f":kick {connection_field(UserId('ada'), client.connection_id)}")
    return client


async def in_an_emergency(tenant: Tenant) -> StreamClient:
    client = await tenant.connect()
    await tenant.redis.hset(tenant.keys.org_flags(tenant.org), "emergency", "1")
    await ring(tenant, ":flags")
    return client


async def out_of_form(tenant: Tenant) -> StreamClient:
    client = await tenant.connect()
    await client.say_text(b"[]")
    return client


async def with_a_token_that_is_none(tenant: Tenant) -> StreamClient:
    client = await tenant.connect()
    await client.say(type="auth", token="x.y.z")
    return client


async def with_the_token_of_another(tenant: Tenant) -> StreamClient:
    client = await tenant.connect()
    await client.say(type="auth", token=tenant.token(sub="bob"))
    return client


async def too_slow(tenant: Tenant) -> StreamClient:
    client = await tenant.connect(services=["finance"], is_paused=True)
    client.unpause()
    await client.next("hello")
    client.pause()

    def is_logged(event: str) -> bool:
        lines = tenant.stack.gateway.stderr.splitlines()
        return any(event in line and client.connection_id in line for line in lines)

    async def overruns() -> bool:
        await tenant.publish("finance", FILLER)
        return is_logged("socket.evicted")

    # First it has to lag: a burst that comes before anybody could have read is left to the log.
    await tenant.publish("finance", *[FILLER] * 3)
    await eventually(lambda: is_logged("quarantine.entered"), 15)
    await eventually(overruns, 15)
    client.unpause()
    return client


async def for_too_much(tenant: Tenant) -> StreamClient:
    client = await StreamClient.open(
        tenant.gateway(0).stream_url, tenant.token(), services=[f"s{n}" for n in range(33)]
    )
    tenant.clients.append(client)
    return client


async def too_fast(tenant: Tenant) -> StreamClient:
    client = await tenant.connect()
    for _ in range(60):
        if client.is_open:
            await client.socket.ping()
    return client


ENDINGS: Final[Mapping[int, Callable[[Tenant], Awaitable[StreamClient]]]] = {
    1012: kicked,
    1013: in_an_emergency,
    4400: out_of_form,
    4401: with_a_token_that_is_none,
    4403: with_the_token_of_another,
    4410: too_slow,
    4413: for_too_much,
    4429: too_fast,
}


@pytest.mark.parametrize("rule", close_rules(), ids=lambda rule: str(rule.code))
async def test_a_client_is_told_why_and_closed_with_the_code(
    short: Tenant, rule: CloseRule
) -> None:
    client = await ENDINGS[rule.code](short)
    assert await client.ended() == rule.code
    told = client.frames[-1].fields
    names = {error.name for error in ALL_ERRORS if error.code == rule.code}
    assert (told["type"], told["code"]) == ("error", rule.code)
    assert told["name"] in names


def test_a_code_that_is_not_in_the_table_is_not_shown_here() -> None:
    assert {*ENDINGS} == {rule.code for rule in close_rules()}
