"""Readers that cannot keep up: what they get less of, what they are told, who else notices."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from tests.integration.gateway.conftest import tenant_on
from tests.support.client_ledger import ClientLedger
from tests.support.flow import Flow
from tests.support.stack import Stack
from tests.support.stream_client import StreamClient
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

SENSITIVE: Final = {
    "GATEWAY_LAGGING_BYTES": "65536",
    "GATEWAY_LAGGING_MS": "500",
    "GATEWAY_QUARANTINE_MS": "3000",
    "GATEWAY_SEND_BUFFER_BYTES": "8192",
    "GATEWAY_HEARTBEAT_MS": "1000",
    "GATEWAY_SWEEP_MS": "500",
    "GATEWAY_CONNECTS_PER_USER_PER_S": "1000",
    "GATEWAY_CONNECT_BURST": "1000",
    "GATEWAY_MAX_CONNECTIONS_PER_USER": "500",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sensitive_stack(
    valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """One gateway that takes little lag for much."""
    stack = Stack(valkey_url, tmp_path_factory.mktemp("sensitive"), key_prefix="s:", env=SENSITIVE)
    await stack.start()
    yield stack
    await stack.stop()


@pytest.fixture
async def sensitive(sensitive_stack: Stack) -> AsyncIterator[Tenant]:
    """An org on it."""
    async with tenant_on(sensitive_stack) as one:
        yield one


async def publish(
    tenant: Tenant,
    service: str,
    first: int,
    count: int,
    *,
    entities: int | None = None,
    text: str = "x" * 3_000,
) -> None:
    """XADD numbered events, of so many entities in turn, or of none."""
    pipe = tenant.redis.pipeline(transaction=False)
    for n in range(first, first + count):
        fields: dict[Any, Any] = {"data": f'{{"n":{n},"text":"{text}"}}'}
        if entities:
            fields |= {"entityType": "row", "entityId": str(n % entities)}
        pipe.xadd(tenant.keys.events(tenant.topic(service)), fields)
    await pipe.execute()


async def stalled(tenant: Tenant, *services: str) -> StreamClient:
    """Return a client that has read its hello, and then stops reading."""
    client = await tenant.connect(services=services, is_paused=True)
    client.unpause()
    await client.next("hello")
    client.pause()
    return client


def numbers(client: StreamClient, service: str) -> list[int]:
    return [
        event["data"]["n"]
        for batch in client.of_type("batch")
        if batch["service"] == service
        for event in batch["events"]
    ]


async def has_read(client: StreamClient, service: str, last: int) -> None:
    await client.until(lambda: numbers(client, service)[-1:] == [last], timeout_s=20)


def is_evicted(stack: Stack, client: StreamClient) -> bool:
    evicted = [line for line in stack.gateway.stderr.splitlines() if "socket.evicted" in line]
    return any(client.connection_id in line for line in evicted)


def memory_kib(stack: Stack) -> int:
    status = Path(f"/proc/{stack.gateway.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


async def test_F25_a_reader_that_stalls_and_heals_misses_nothing_in_silence(
    sensitive: Tenant,
) -> None:
    services = ("finance", "analytics")
    healthy = await sensitive.connect(services=services)
    slow = await stalled(sensitive, *services)
    for number in range(16):  # 4 s, in which some 300 KB of finance and 2 MB of analytics come
        await publish(sensitive, "finance", 6 * number, 6)
        await publish(sensitive, "analytics", 40 * number, 40)
        await asyncio.sleep(0.25)
    await healthy.received(16 * 46)
    slow.unpause()
    entered = await slow.next("quarantine", state="entered")
    assert entered["services"] == ["analytics"]
    assert 0 < entered["until"] - time.time() * 1000 < 3_000
    await slow.next("quarantine", state="cleared", timeout_s=15)
    await has_read(slow, "analytics", 639)
    for client in (healthy, slow):
        ledger = ClientLedger()
        ledger.take(client)
        ledger.check("finance", range(96))
        ledger.check("analytics", range(640))
    told = [frame.type for frame in slow.frames]
    assert told.index("quarantine") < len(told) - told[::-1].index("batch"), "at once, not at last"
    assert numbers(healthy, "analytics") == list(range(640))


async def test_events_of_one_entity_are_merged_before_anything_is_withheld(
    sensitive: Tenant,
) -> None:
    slow, ledger, n = await stalled(sensitive, "analytics"), ClientLedger(), 0
    for _ in range(5):  # a check that comes just before or after the hiccup may miss it
        for _ in range(5):
            await publish(sensitive, "analytics", n, 20, entities=5)
            n += 20
            await asyncio.sleep(0.31)
        slow.unpause()
        await has_read(slow, "analytics", n - 1)
        ledger.take(slow)
        if ledger.conflated_counts["analytics"]:
            break
        slow.pause()
    assert ledger.conflated_counts["analytics"] > 0
    assert ledger.resets == []
    found = numbers(slow, "analytics")
    assert found == sorted(found)
    assert set(range(n - 5, n)) <= set(found), "the latest of each entity"


async def test_B62_a_reader_that_takes_not_even_finance_is_ended_and_memory_stays_bounded(
    sensitive: Tenant,
) -> None:
    healthy = await sensitive.connect(services=["finance"])
    stuck = [await stalled(sensitive, "finance") for _ in range(40)]
    before_kib = memory_kib(sensitive.stack)
    for number in range(20):  # 3 MB in 4 s
        await publish(sensitive, "finance", 50 * number, 50)
        await asyncio.sleep(0.2)
    await healthy.received(1_000)

    await eventually(lambda: all(is_evicted(sensitive.stack, client) for client in stuck), 15)
    assert memory_kib(sensitive.stack) - before_kib < 40 * 1024
    for client in stuck:
        client.unpause()
    for client in stuck:
        await client.ended()
        ledger = ClientLedger()
        ledger.take(client)
        assert ledger.resets == []
    assert healthy.is_open
    resumed = await sensitive.connect(services=["finance"], resume=stuck[0].positions())
    await has_read(resumed, "finance", 999)
    assert numbers(stuck[0], "finance") + numbers(resumed, "finance") == list(range(1_000))


async def test_a_burst_beyond_the_hard_limit_ends_nobody_who_reads(sensitive: Tenant) -> None:
    clients = [await sensitive.connect(services=["finance", "analytics"]) for _ in range(10)]
    await publish(sensitive, "finance", 0, 1_000)  # 3 MB each, in one read
    await publish(sensitive, "analytics", 0, 1_000)
    for client in clients:
        await client.received(2_000, timeout_s=20)
        ledger = ClientLedger()
        ledger.take(client)
        ledger.check("finance", range(1_000))
        ledger.check("analytics", range(1_000))


async def test_who_talks_and_does_not_read_is_ended_after_the_longest_quarantine(
    sensitive: Tenant,
) -> None:
    stuck = await stalled(sensitive, "finance")
    await publish(sensitive, "finance", 0, 1_000)

    async def talk_on() -> bool:
        await stuck.say(type="ping")
        return is_evicted(sensitive.stack, stuck)

    await eventually(talk_on, 20, every_s=0.5)
    stuck.unpause()
    await stuck.ended()
    resumed = await sensitive.connect(services=["finance"], resume=stuck.positions())
    await has_read(resumed, "finance", 999)
    assert numbers(stuck, "finance") + numbers(resumed, "finance") == list(range(1_000))


async def test_a_hidden_page_gets_what_matters_and_on_its_return_the_rest(
    sensitive: Tenant,
) -> None:
    services = ("analytics", "properties", "tasks", "finance")
    healthy = await sensitive.connect(services=services)
    page = await sensitive.connect(services=services)
    await page.say(type="visibility", hidden=True)
    await page.say(type="ping")
    await page.next("heartbeat")
    for service in services:
        await publish(sensitive, service, 0, 30)
    await healthy.received(120)
    await page.received(60)
    assert {event["service"] for event in page.of_type("batch")} == {"tasks", "finance"}
    await page.say(type="visibility", hidden=False)
    await page.received(120)
    await publish(sensitive, "analytics", 30, 1)
    await page.received(121)
    ledger = ClientLedger()
    ledger.take(page)
    for service in services:
        ledger.check(service, range(31 if service == "analytics" else 30))


async def test_a_page_that_flickers_between_hidden_and_shown_misses_nothing(
    sensitive: Tenant,
) -> None:
    page = await sensitive.connect(services=["analytics"])
    async with Flow(sensitive, "analytics", per_s=400) as flow:
        for number in range(30):
            await page.say(type="visibility", hidden=number % 2 == 0)
            await asyncio.sleep(0.06)
    await page.received(flow.count, timeout_s=15)
    ledger = ClientLedger()
    ledger.take(page)
    ledger.check("analytics", range(flow.count))


async def test_F26_slow_readers_leave_the_healthy_ones_alone(sensitive: Tenant) -> None:
    services = ("finance", "analytics")
    healthy = [await sensitive.connect(services=services) for _ in range(14)]
    slow = [await stalled(sensitive, *services) for _ in range(6)]
    pacing = [asyncio.create_task(client.read_slowly()) for client in slow]
    for number in range(20):
        await publish(sensitive, "finance", 2 * number, 2, text="x" * 500)
        await publish(sensitive, "analytics", 10 * number, 10, text="x" * 500)
        await asyncio.sleep(0.2)
    for client in healthy:
        ledger = ClientLedger()
        await client.received(240)
        ledger.take(client)
        ledger.check("finance", range(40))
        ledger.check("analytics", range(200))
    for task in pacing:
        task.cancel()
    for client in slow:
        client.unpause()
    for client in slow:
        await has_read(client, "analytics", 199)
        ledger = ClientLedger()
        ledger.take(client)
        ledger.check("finance", range(40))
        ledger.check("analytics", range(200))
        assert client.of_type("quarantine")


async def test_a_subscription_that_changes_in_quarantine_is_told_what_it_does_not_get(
    sensitive: Tenant,
) -> None:
    slow = await stalled(sensitive, "finance", "analytics")
    for number in range(8):
        await publish(sensitive, "finance", 5 * number, 5)
        await publish(sensitive, "analytics", 40 * number, 40)
        await asyncio.sleep(0.25)
    await sensitive.update(services=["finance", "analytics", "dashboard"])
    slow.unpause()
    await slow.next("subscriptions")
    told = await slow.next("quarantine", state="entered")
    assert told["services"] == ["analytics", "dashboard"]
    await publish(sensitive, "dashboard", 0, 3)
    await slow.until(lambda: numbers(slow, "dashboard") == [0, 1, 2], timeout_s=15)
    await has_read(slow, "analytics", 319)
    ledger = ClientLedger()
    ledger.take(slow)
    ledger.check("finance", range(40))
    ledger.check("analytics", range(320))
