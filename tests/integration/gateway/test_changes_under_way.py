"""Subscription changes that meet a narrow token, a replay under way, or a lost ring."""

import asyncio
import time
from functools import partial

import pytest

from tests.support.client_ledger import ClientLedger
from tests.support.flow import Flow
from tests.support.redis_reads import read_fields
from tests.support.stream_client import StreamClient
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

BACKLOG = 12_000


async def backlog(tenant: Tenant, service: str = "tasks", **fields: str) -> None:
    """Fill a topic's log with more than a gateway keeps in memory."""
    for start in range(0, BACKLOG, 2_000):
        await tenant.publish_numbers(service, range(start, start + 2_000), **fields)

    async def is_committed() -> bool:
        seq = await read_fields(tenant.redis, tenant.keys.topic(tenant.topic(service)), ["seq"])
        return seq == [b"%d" % BACKLOG]

    await eventually(is_committed, 15)


async def test_a_change_never_gives_a_socket_more_than_its_token_lists(tenant: Tenant) -> None:
    narrow = await tenant.connect(token=tenant.token(services=["tasks"], properties=["p1"]))
    wide = await tenant.connect(1)
    answer = await tenant.update(services=["tasks", "users"], propertyId="p2")
    version = answer.json()["version"]
    frame = await narrow.next("subscriptions", version=version)
    assert [row["name"] for row in frame["services"]] == ["tasks"]
    await wide.next("subscriptions", version=version)
    for service in ("users", "tasks"):
        for of in ("p1", "p2"):
            await tenant.publish(service, b'"%b"' % of.encode(), propertyId=of)
        await tenant.publish(service, b'"all"')
    await wide.received(4)
    await narrow.received(1)
    assert narrow.payloads == [b'"all"'], "p2 is not its token's and p1 is not asked for"


@pytest.mark.parametrize(
    ("claims", "body"),
    [
        ({"services": ["tasks"]}, {"services": ["tasks", "users"]}),
        ({"services": []}, {"services": ["tasks"]}),
        ({"properties": ["p1"]}, {"services": ["tasks"], "propertyId": "p2"}),
        ({"properties": []}, {"services": ["tasks"], "propertyId": "p1"}),
    ],
    ids=["service", "no service", "property", "no property"],
)
async def test_B53_a_change_beyond_the_token_is_forbidden_and_changes_nothing(
    tenant: Tenant, claims: dict[str, list[str]], body: dict[str, object]
) -> None:
    client = await tenant.connect()
    answer = await tenant.update(token=tenant.token(**claims), body=body)
    assert (answer.status_code, answer.json()["name"]) == (403, "forbidden")
    later = await tenant.update(services=["tasks"])
    await client.next("subscriptions", version=later.json()["version"])
    assert len(client.of_type("subscriptions")) == 1


async def test_a_resume_asks_for_nothing_that_the_token_does_not_list(tenant: Tenant) -> None:
    await tenant.publish("finance", b"1")
    witness = await tenant.connect(services=["finance"], resume={"finance": "0-0"})
    await witness.received(1)
    client = await tenant.connect(
        token=tenant.token(services=["tasks"]), resume={"finance": "0-0", "tasks": "0-0"}
    )
    await tenant.publish("finance", b"2")
    await witness.received(2)
    await tenant.publish("tasks", b"3")
    await client.received(1)
    assert client.payloads == [b"3"]


async def change_during_replay(tenant: Tenant, **body: object) -> StreamClient:
    """Return a socket that was changed with most of its replay still unwritten."""
    chosen = "p1" if "propertyId" in body else None
    client = await tenant.connect(1, resume={"tasks": "0-0"}, property_id=chosen, is_paused=True)
    neighbour = await tenant.connect(1)
    answer = await tenant.update(body=body)
    await neighbour.next("subscriptions", version=answer.json()["version"])
    client.unpause()
    await client.next("subscriptions", version=answer.json()["version"])
    assert len(client.events) < BACKLOG / 2
    return client


async def test_another_service_is_added_while_a_replay_is_under_way(tenant: Tenant) -> None:
    await backlog(tenant)
    client = await change_during_replay(tenant, services=["tasks", "users"])
    await tenant.publish_numbers("users", [7])
    await tenant.publish_numbers("tasks", [BACKLOG])
    await client.received(BACKLOG + 2)
    ledger = ClientLedger()
    ledger.take(client)
    ledger.check("tasks", range(BACKLOG + 1))
    ledger.check("users", [7])


async def test_a_service_is_removed_and_added_again_while_its_replay_is_under_way(
    tenant: Tenant,
) -> None:
    await backlog(tenant)
    client = await change_during_replay(tenant, services=["users"])
    stopped_at = len(client.events)
    answer = await tenant.update(services=["tasks", "users"])
    frame = await client.next("subscriptions", version=answer.json()["version"])
    await tenant.publish_numbers("tasks", [BACKLOG])
    await client.received(stopped_at + 1)
    last = client.of_type("batch")[-1]
    assert last["events"][0]["data"] == {"n": BACKLOG}
    heads = {row["name"]: row["position"] for row in frame["services"]}
    assert last["prev"] == heads["tasks"]


async def test_the_filter_changes_while_a_replay_is_under_way(tenant: Tenant) -> None:
    await backlog(tenant, propertyId="p1")
    client = await change_during_replay(tenant, services=["tasks"], propertyId="p2")
    stopped_at = len(client.events)
    await tenant.publish_numbers("tasks", [BACKLOG], propertyId="p2")
    await client.received(stopped_at + 1)
    ledger = ClientLedger(is_filtered=True)
    ledger.take(client)
    ledger.check("tasks", [*range(stopped_at), BACKLOG])


@pytest.mark.parametrize("gateway", [0, 1])
async def test_a_change_whose_ring_the_gateways_could_not_hear_is_applied(
    tenant: Tenant, gateway: int
) -> None:
    clients = [await tenant.connect(number) for number in (0, 1)]
    await tenant.redis.client_kill_filter(_type="pubsub")
    started = time.monotonic()
    answer = await tenant.update(gateway, services=["users"])
    for client in clients:
        await client.next("subscriptions", version=answer.json()["version"])
        assert client.is_open
    assert time.monotonic() - started < 3


async def test_a_change_without_any_ring_is_found_by_the_poll(tenant: Tenant) -> None:
    client = await tenant.connect()
    answer = await tenant.update(services=["users"])
    version = answer.json()["version"]
    await client.next("subscriptions", version=version)
    key = tenant.keys.subs(tenant.org)
    stored = (await read_fields(tenant.redis, key, ["ada"]))[0]
    assert stored is not None
    unrung = stored.replace(b"%d " % version, b"%d " % (version + 1), 1)
    changed = unrung.replace(b'"users"', b'"staff"')
    pipe = tenant.redis.pipeline(transaction=True)
    pipe.hset(key, "ada", changed)
    pipe.hincrby(key, ":version", 1)
    await pipe.execute()
    frame = await client.next("subscriptions", version=version + 1)
    assert [row["name"] for row in frame["services"]] == ["staff"]


async def test_events_whose_rings_were_lost_arrive_all_the_same(tenant: Tenant) -> None:
    clients = [await tenant.connect(number) for number in (0, 1)]
    async with Flow(tenant, "tasks", per_s=500) as flow:
        for _ in range(6):
            await flow.more(50)
            await tenant.redis.client_kill_filter(_type="pubsub")
        await flow.more(50)
    for client in clients:
        await client.received(flow.count)
        ledger = ClientLedger()
        ledger.take(client)
        ledger.check("tasks", range(flow.count))


async def test_a_change_and_a_connect_at_once_end_with_the_change(tenant: Tenant) -> None:
    for n in range(10):
        answer, client = await asyncio.gather(
            tenant.update(n % 2, services=["users"]), tenant.connect((n + 1) % 2)
        )
        version = answer.json()["version"]
        if client.hello["version"] < version:
            await client.next("subscriptions", version=version)
            expected = b'"users %d"' % n
        else:
            expected = b'"tasks %d"' % n
        await tenant.publish("users", b'"users %d"' % n)
        await tenant.publish("tasks", b'"tasks %d"' % n)
        # The round before may still be on its way to a socket that was not changed yet.
        await client.until(partial(of_round, client, n))
        assert of_round(client, n) == [expected]
        await client.close()


def of_round(client: StreamClient, number: int) -> list[bytes]:
    return [payload for payload in client.payloads if payload.endswith(b' %d"' % number)]
