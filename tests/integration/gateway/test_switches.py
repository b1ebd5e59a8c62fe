"""Switching realtime off, as a whole and service by service, while it runs and at its start."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect as dial
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from shared.redis.client import connect
from tests.integration.gateway.conftest import SHARED
from tests.support.client_ledger import ClientLedger
from tests.support.stack import Stack
from tests.support.stream_client import PAGE, StreamClient
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

SOON_S: Final = 1.0
EVERYTHING: Final = ("analytics", "tasks")

Start = Callable[..., Awaitable[Tenant]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two_gateways(
    valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """Not the shared stack: some flags concern all orgs of a deployment."""
    folder = tmp_path_factory.mktemp("switches")
    stack = Stack(valkey_url, folder, key_prefix="switches:", gateways=2, env=SHARED)
    await stack.start()
    yield stack
    await stack.stop()


@pytest.fixture
async def own(two_gateways: Stack, valkey_url: str) -> AsyncIterator[Tenant]:
    """An org, and the flags of all of them, which end with the test."""
    redis = connect(valkey_url)
    one = Tenant(two_gateways, redis)
    yield one
    await redis.delete(one.keys.flags())
    await asyncio.sleep(SOON_S)
    await one.close()
    await redis.aclose()
    two_gateways.check_for_tracebacks()


@pytest.fixture
async def start(valkey_url: str, tmp_path: Path) -> AsyncIterator[Start]:
    """Start a stack with its own switches: `await start(REALTIME_DISABLE_TASKS="1")`."""
    redis, tenants = connect(valkey_url), list[Tenant]()
    await redis.hset("early:flags", "emergency", "1")

    async def start(*, key_prefix: str = "late:", **env: str) -> Tenant:
        stack = Stack(valkey_url, tmp_path, key_prefix=key_prefix, env=SHARED | env)
        tenants.append(Tenant(stack, redis))
        await stack.start()
        return tenants[-1]

    yield start
    for tenant in tenants:
        await tenant.close()
        await tenant.stack.stop()
    await redis.aclose()


async def throw(tenant: Tenant, **fields: str) -> None:
    """Set flags of all orgs; a name's `_` stands for the colon."""
    await tenant.redis.hset(
        tenant.keys.flags(), mapping={n.replace("_", ":"): v for n, v in fields.items()}
    )


async def throw_for_org(tenant: Tenant, field: str, value: str) -> None:
    await tenant.redis.hset(tenant.keys.org_flags(tenant.org), field, value)
    await tenant.redis.spublish(tenant.keys.bell(tenant.org), ":flags")


async def publish(tenant: Tenant, start: int, count: int) -> None:
    for service in EVERYTHING:
        await tenant.publish_numbers(service, range(start, start + count))


def numbers(client: StreamClient, service: str) -> list[int]:
    return [
        event["data"]["n"]
        for batch in client.of_type("batch")
        if batch["service"] == service
        for event in batch["events"]
    ]


async def has_read(client: StreamClient, service: str, count: int) -> None:
    await client.until(lambda: len(numbers(client, service)) == count)


async def refusal(tenant: Tenant) -> InvalidStatus:
    protocols = [Subprotocol("rt.v1"), Subprotocol(f"rt.token.{tenant.token()}")]
    url = tenant.stack.gateway.stream_url
    with pytest.raises(InvalidStatus) as refused:
        await dial(url, subprotocols=protocols, origin=PAGE, proxy=None)
    return refused.value


async def test_an_emergency_ends_every_socket_of_every_node_and_refuses_new_ones_within_a_second(
    own: Tenant,
) -> None:
    clients = [await own.connect(n % 2, services=EVERYTHING) for n in range(6)]
    thrown_s = time.monotonic()
    await throw(own, emergency="1")
    for client in clients:
        told = await client.next("disabled", timeout_s=SOON_S)
        assert told["services"] == sorted(EVERYTHING)
        assert told["retryAfterMs"] > 0
        assert await client.ended() == 1013
    assert time.monotonic() - thrown_s < SOON_S
    refused = await refusal(own)
    assert refused.response.status_code == 503
    assert orjson.loads(refused.response.body or b"")["name"] == "disabled"
    assert int(refused.response.headers["Retry-After"]) > 0
    asked = await own.get("/v2/realtime/positions?services=tasks")
    assert (asked.status_code, asked.json()["name"]) == (503, "disabled")
    assert asked.headers["Retry-After"] == refused.response.headers["Retry-After"]
    await own.redis.hdel(own.keys.flags(), "emergency")
    before = clients[0].positions()
    await publish(own, 0, 5)

    async def is_back() -> StreamClient | None:
        try:
            return await own.connect(services=EVERYTHING, resume=before)
        except InvalidStatus:
            return None

    back = await eventually(is_back, SOON_S)
    await back.received(10)
    assert not back.of_type("disabled")


@pytest.mark.parametrize("scope", ["all orgs", "one org"])
async def test_a_service_that_is_switched_off_is_not_delivered_and_made_whole_afterwards(
    own: Tenant, scope: str
) -> None:
    async def throw_it(value: str) -> None:
        if scope == "all orgs":
            await throw(own, disable_analytics=value)
        else:
            await throw_for_org(own, "disable:analytics", value)

    clients = [await own.connect(n % 2, services=EVERYTHING) for n in range(4)]
    other_org = Tenant(own.stack, own.redis)
    neighbour = await other_org.connect(services=EVERYTHING)
    await publish(own, 0, 5)
    for client in clients:
        await client.received(10)
    await throw_it("on")
    for client in clients:
        told = await client.next("disabled", timeout_s=SOON_S)
        assert told["services"] == ["analytics"]
    await publish(own, 5, 20)
    late = await own.connect(services=EVERYTHING)
    assert (await late.next("disabled"))["services"] == ["analytics"]
    for client in clients:
        await has_read(client, "tasks", 25)
        assert numbers(client, "analytics") == list(range(5))
    await throw_it("off")
    for client in [*clients, late]:
        told = await client.next("disabled", timeout_s=SOON_S)
        assert told["services"] == []
    await publish(own, 25, 5)
    for client in clients:
        await client.received(60)
        ledger = ClientLedger()
        ledger.take(client)
        for service in EVERYTHING:
            ledger.check(service, range(30))
    await publish(other_org, 0, 1)
    await neighbour.received(2)
    assert bool(neighbour.of_type("disabled")) is (scope == "all orgs")
    await other_org.close()


async def test_a_service_that_is_off_when_it_is_subscribed_to_is_told_and_comes_afterwards(
    own: Tenant,
) -> None:
    client = await own.connect(services=["tasks"])
    await throw_for_org(own, "disable:analytics", "1")
    await asyncio.sleep(SOON_S)
    assert not client.of_type("disabled"), "it has no such service"
    await own.update(services=list(EVERYTHING))
    await client.next("subscriptions")
    assert (await client.next("disabled"))["services"] == ["analytics"]
    await publish(own, 0, 5)
    await client.received(5)
    await throw_for_org(own, "disable:analytics", "0")
    assert (await client.next("disabled"))["services"] == []
    await client.received(10)
    ledger = ClientLedger()
    ledger.take(client)
    ledger.check("analytics", range(5))


async def test_what_the_environment_switches_off_is_told_in_the_greeting(
    start: Start,
) -> None:
    tenant = await start(REALTIME_DISABLE_ANALYTICS="true")
    client = await tenant.connect(services=EVERYTHING)
    assert (await client.next("disabled"))["services"] == ["analytics"]
    await publish(tenant, 0, 5)
    await client.received(5)
    assert numbers(client, "tasks") == list(range(5))
    await throw(tenant, disable_analytics="0")
    await asyncio.sleep(SOON_S)
    assert len(client.of_type("disabled")) == 1, "what a deploy switched off stays off"


async def test_an_emergency_of_the_environment_lets_nobody_in(start: Start) -> None:
    tenant = await start(REALTIME_EMERGENCY_DISABLE="true")
    assert (await refusal(tenant)).response.status_code == 503


async def test_the_flags_are_known_before_the_first_socket(start: Start) -> None:
    tenant = await start(key_prefix="early:")
    assert (await refusal(tenant)).response.status_code == 503


@pytest.mark.parametrize(
    "fields",
    [
        {"disable:not a service": "1"},
        {"emergancy": "1"},
        {"emergency": "maybe"},
        {b"\xff\xfe": b"1"},
        {b"emergency": b"\xff"},
    ],
)
async def test_a_flag_that_is_not_understood_is_reported_and_ignored(
    own: Tenant, fields: dict[Any, Any]
) -> None:
    def reports() -> list[int]:
        return [g.stderr.count("flags.not_understood") for g in own.stack.gateways]

    reported = reports()
    client = await own.connect(services=EVERYTHING)
    await own.redis.hset(own.keys.flags(), mapping=fields | {"disable:analytics": "1"})
    assert (await client.next("disabled"))["services"] == ["analytics"]
    await publish(own, 0, 3)
    await client.received(3)
    await eventually(lambda: reports() == [count + 1 for count in reported])


async def test_a_key_of_flags_that_is_no_hash_stops_nobody(own: Tenant) -> None:
    await own.redis.set(own.keys.flags(), "oops")
    await own.redis.set(own.keys.org_flags(own.org), "oops")
    client = await own.connect(services=EVERYTHING)
    await own.redis.delete(own.keys.flags(), own.keys.org_flags(own.org))
    await throw(own, disable_tasks="1")
    assert (await client.next("disabled"))["services"] == ["tasks"]
