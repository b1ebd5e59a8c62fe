"""A Redis that crashes, stalls, forgets or refuses, with gateways and a worker at work.

Every test has a server of its own. Both processes must survive it without a restart, and
clients must be told whatever they missed.
"""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import pytest
from websockets.exceptions import InvalidStatus

from tests.cluster.conftest import ON_VALKEY, UNHINDERED, OpenTenant
from tests.conftest import StartServer, StartStack
from tests.support.flow import Flow
from tests.support.real_server import RealServer
from tests.support.stack import Stack
from tests.support.stream_client import StreamClient
from tests.support.tenant import Tenant
from tests.support.waiting import eventually
from tests.support.wanderer import Wanderer, check_all

pytestmark = pytest.mark.slow

QUICK = UNHINDERED | {
    "REALTIME_REDIS_TIMEOUT_MS": "500",
    "GATEWAY_HEARTBEAT_MS": "400",
    "GATEWAY_SWEEP_MS": "300",
    "GATEWAY_SUBSCRIPTION_POLL_MS": "500",
    "REALTIME_JWT_LEEWAY_S": "1",
}


async def stack_on(server: RealServer, start_stack: StartStack, gateways: int = 2) -> Stack:
    return await start_stack(redis_url=server.url, gateways=gateways, env=QUICK)


async def witnesses(exits: AsyncExitStack, tenant: Tenant) -> list[Wanderer]:
    """A client on either gateway, and one that sees a single property."""
    chosen: list[str | None] = [None, None, "p1"]
    return [
        await exits.enter_async_context(Wanderer(tenant, gateway=n % 2, property_id=property_id))
        for n, property_id in enumerate(chosen)
    ]


async def test_F12_a_crash_that_kept_its_data_is_not_noticed(
    start_server: StartServer, start_stack: StartStack, tenant_of: OpenTenant
) -> None:
    server = start_server(append_only=True)
    tenant = tenant_of(await stack_on(server, start_stack))
    async with AsyncExitStack() as exits:
        clients = await witnesses(exits, tenant)
        async with Flow(tenant, "tasks", per_s=300) as flow:
            for _ in range(2):
                await flow.more(100)
                await asyncio.to_thread(server.restart)
            await flow.more(100)
        await check_all(clients, flow.count)
        epochs = {each.sockets[0].positions()["tasks"].partition("-")[0] for each in clients}
        assert all(each.close_codes == [] for each in clients), "no socket was closed by it"
    ledger = await tenant.ledger("tasks")
    ledger.check([{"n": n} for n in range(flow.count)])
    assert len({batch.position.epoch for batch in ledger.batches}) == 3
    assert epochs == {str(ledger.batches[-1].position.epoch)}


@ON_VALKEY
@pytest.mark.parametrize("fault", ["stalls", "is down"])
async def test_F24_while_redis_is_away_sockets_stay_and_tokens_still_expire(
    start_server: StartServer, start_stack: StartStack, tenant_of: OpenTenant, fault: str
) -> None:
    server = start_server(append_only=True)
    stack = await stack_on(server, start_stack)
    tenant = tenant_of(stack)
    async with AsyncExitStack() as exits:
        clients = await witnesses(exits, tenant)
        doomed = await tenant.connect(token=tenant.token(ttl_s=3))
        async with Flow(tenant, "tasks", per_s=300) as flow:
            await flow.more(50)
            server.pause() if fault == "stalls" else server.kill()
            await doomed.until(lambda: doomed.of_type("heartbeat")[-1:] and is_stale(doomed))
            assert await doomed.ended(10) == 4401
            await check_turned_away(tenant)
            assert (await tenant.update(services=["users"])).status_code == 503
            server.resume() if fault == "stalls" else await asyncio.to_thread(server.start)
            await flow.more(50)
        await check_all(clients, flow.count)
        assert all(each.close_codes == [] for each in clients)
        late = clients[0].sockets[0]
        await eventually(lambda: not is_stale(late), what="heartbeats that are not stale")
        # Just after an outage an answer may still be overdue: told so, a client tries again.
        async with Wanderer(tenant, resume=late.positions()) as newcomer:
            assert set(newcomer.close_codes) <= {1013}
    (await tenant.ledger("tasks")).check([{"n": n} for n in range(flow.count)])


async def check_turned_away(tenant: Tenant) -> None:
    """Fail if a new socket is kept waiting, or told anything but to come back later."""
    try:
        late = await StreamClient.open(tenant.gateway(1).stream_url, tenant.token(sub="new"))
    except InvalidStatus as refusal:
        answer = refusal.response
        told = answer.status_code, int(answer.headers.get("Retry-After", 0)) >= 1
    else:
        # A stalled Redis is noticed only when an answer is overdue, after the upgrade.
        told = await late.ended(), [frame.type for frame in late.frames] == ["error"]
    assert told in {(503, True), (1013, True)}


def is_stale(client: StreamClient) -> bool:
    beats = client.of_type("heartbeat")
    return bool(beats) and beats[-1].get("stale") is True


@pytest.mark.parametrize("case", ["F17"])
@pytest.mark.parametrize("fault", ["flushall", "empty restart"])
async def test_a_redis_that_forgot_everything_is_a_reset_and_goes_on(
    start_server: StartServer, start_stack: StartStack, tenant_of: OpenTenant, fault: str, case: str
) -> None:
    server = start_server()
    tenant = tenant_of(await stack_on(server, start_stack))
    async with AsyncExitStack() as exits:
        clients = await witnesses(exits, tenant)
        async with Flow(tenant, "tasks", per_s=300) as flow:
            await flow.more(100)
        await check_all(clients, flow.count)
        known = clients[0].ledger.resume
        if fault == "flushall":
            await tenant.redis.flushall()
        else:
            await asyncio.to_thread(server.restart)
        for each in clients:
            await eventually(partial(each.sockets[0].of_type, "reset"), 10)
        # The first call after the loss of a connection is told of it, and so is whose call it was.
        newcomer = await exits.enter_async_context(Wanderer(tenant, resume=known))
        assert set(newcomer.close_codes) <= {1013}
        late = newcomer.sockets[-1]
        [reset] = await eventually(partial(late.of_type, "reset"))
        assert reset["reason"] == "unknown_epoch"
        await tenant.publish_numbers("tasks", range(500, 510))
        await late.received(10)
        for each in clients:
            await each.until_has(509)
            each.ledger.check(
                "tasks", [*range(flow.count), *range(500, 510)], resets=[("tasks", "unknown_epoch")]
            )
            assert each.close_codes == []


@ON_VALKEY
async def test_F17_an_ack_that_crosses_the_reset_is_no_fault(
    start_server: StartServer, start_stack: StartStack, tenant_of: OpenTenant
) -> None:
    tenant = tenant_of(await stack_on(start_server(), start_stack, gateways=1))
    client = await tenant.connect()
    await tenant.publish_numbers("tasks", range(20))
    await client.received(20)
    known = client.positions()
    await tenant.redis.flushall()
    await client.next("reset")
    for _ in range(5):
        await client.say(type="ack", positions=known)
    await client.say(type="ping")
    await client.next("heartbeat")
    assert client.is_open


@pytest.mark.parametrize("case", ["B106", "F18"])
async def test_a_redis_that_takes_no_writes_refuses_changes_and_keeps_delivering(
    start_server: StartServer, start_stack: StartStack, tenant_of: OpenTenant, case: str
) -> None:
    tenant = tenant_of(await stack_on(start_server(), start_stack))
    client = await tenant.connect()
    await tenant.publish_numbers("tasks", [0])
    await client.received(1)
    if case == "B106":
        await tenant.redis.replicaof("127.0.0.1", "1")  # read-only, and without its primary
    else:
        await tenant.redis.config_set("maxmemory", 1)
    answer = await tenant.update(services=["users"])
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert client.is_open
    if case == "B106":
        await tenant.redis.replicaof("NO", "ONE")
    else:
        await tenant.redis.config_set("maxmemory", 0)

    async def is_changed() -> bool:
        return (await tenant.update(services=["users"])).status_code == 200

    await eventually(is_changed, 10)
    frame = await client.next("subscriptions")
    assert [row["name"] for row in frame["services"]] == ["users"]
    await tenant.publish_numbers("users", [1])
    await client.received(2)
