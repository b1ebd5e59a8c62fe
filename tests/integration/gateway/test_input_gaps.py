"""Input that somebody removes unread: every client is told, and then gets what follows."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from tests.conftest import StartStack
from tests.support.stream_client import StreamClient
from tests.support.tenant import Tenant


@pytest.fixture
async def cut(start_stack: StartStack, redis: Redis) -> AsyncIterator[Tenant]:
    """An org on a stack of its own, whose worker looks at its input often and can be stopped."""
    stack = await start_stack(gateways=2, env={"FANOUT_SWEEP_MS": "100"})
    one = Tenant(stack, redis)
    yield one
    await one.close()


async def remove_unread(tenant: Tenant, how: str) -> None:
    """Publish events, and remove some or all of them in the same moment."""
    key = tenant.keys.events(tenant.topic("tasks"))
    async with tenant.redis.pipeline(transaction=True) as pipe:
        for number in range(5):
            pipe.xadd(key, {"data": str(number)}, id=f"{2_000_000_000_000 + number}-0")
        if how == "XDEL":
            pipe.xdel(key, "2000000000002-0")
        elif how == "MAXLEN":
            pipe.xadd(key, {"data": "5"}, maxlen=2, approximate=False)
        elif how == "XTRIM":
            pipe.xtrim(key, maxlen=0, approximate=False)
        else:
            pipe.delete(key)
            pipe.xadd(key, {"data": "5"}, id="2000000000009-0")
        await pipe.execute()


async def is_told(client: StreamClient) -> None:
    """Fail unless the client gets one reset, and what follows it without a hole."""
    await client.until(lambda: b"101" in client.payloads, what="the event after the gap")
    (reset,) = client.of_type("reset")
    assert (reset["service"], reset["reason"]) == ("tasks", "expired")
    assert client.is_open


@pytest.mark.parametrize("how", ["MAXLEN", "XTRIM", "XDEL", "DEL"])
async def test_b120_input_removed_unread_resets_every_client_and_the_next_event_follows(
    cut: Tenant, how: str
) -> None:
    clients = [await cut.connect(gateway) for gateway in (0, 1)]
    await cut.publish("tasks", b"100")
    for client in clients:
        await client.received(1)
    clients.append(await cut.connect(property_id="p9"))
    await remove_unread(cut, how)
    for client in clients:
        await client.next("reset")
    await cut.publish("tasks", b"101")
    for client in clients:
        await is_told(client)


@pytest.mark.parametrize("how", ["MAXLEN", "XTRIM", "XDEL", "DEL"])
async def test_b120_input_removed_while_no_worker_lived_resets_who_was_there_and_who_resumes(
    cut: Tenant, how: str
) -> None:
    there, away = [await cut.connect(gateway) for gateway in (0, 1)]
    await cut.publish("tasks", b"100")
    for client in (there, away):
        await client.received(1)
    await away.close()
    await cut.stack.worker.stop()
    await remove_unread(cut, how)
    await cut.stack.worker.start()
    await there.next("reset")
    back = await cut.connect(1, resume=away.positions())
    await back.next("reset")
    await cut.publish("tasks", b"101")
    await is_told(there)
    await is_told(back)
