"""One filter, whichever way an event reaches a socket: live, by replay, after a resync."""

from typing import Any

import pytest

from tests.support.stream_client import StreamClient
from tests.support.tenant import Tenant

# Number, and the property that it is of. Neighbours differ, so that batches are cut apart.
EVENTS = [(n, (None, "p1", "p2", "p3", "with space/✓")[n % 5]) for n in range(60)]

FILTERS = {
    "none": ("*", None),
    "chosen": ("*", "p1"),
    "listed": (["p1", "p3"], None),
    "listed and chosen": (["p1", "p3"], "p3"),
    "unusual name": ("*", "with space/✓"),
    "nobody's": ("*", "p99"),
    "empty list": ([], None),
}


def allowed(name: str) -> list[int]:
    properties, chosen = FILTERS[name]
    return [
        n
        for n, of in EVENTS
        if of is None or (of == chosen if chosen else properties == "*" or of in properties)
    ]


async def publish(tenant: Tenant, events: list[tuple[int, str | None]]) -> None:
    pipe = tenant.redis.pipeline(transaction=False)
    for n, of in events:
        fields: dict[Any, Any] = {"data": f'{{"n":{n}}}'} | ({"propertyId": of} if of else {})
        pipe.xadd(tenant.keys.events(tenant.topic("tasks")), fields)
    await pipe.execute()


def numbers(client: StreamClient) -> list[int]:
    return [event["data"]["n"] for event in client.events]


async def connect(tenant: Tenant, name: str, gateway: int = 0, **options: Any) -> StreamClient:
    properties, chosen = FILTERS[name]
    token = tenant.token(properties=properties)
    return await tenant.connect(gateway, token=token, property_id=chosen, **options)


async def until_committed(tenant: Tenant, count: int = len(EVENTS)) -> StreamClient:
    """Return an unfiltered witness that has seen every event."""
    witness = await tenant.connect(resume={"tasks": "0-0"})
    await witness.received(count)
    return witness


async def test_live_delivery_is_filtered(tenant: Tenant) -> None:
    clients = {name: await connect(tenant, name, n % 2) for n, name in enumerate(FILTERS)}
    for start in range(0, len(EVENTS), 7):
        await publish(tenant, EVENTS[start : start + 7])
    await until_committed(tenant)
    for name, client in clients.items():
        await client.received(len(allowed(name)))
        assert numbers(client) == allowed(name), name


@pytest.mark.parametrize("name", FILTERS)
async def test_replay_is_filtered_in_the_same_way(tenant: Tenant, name: str) -> None:
    await publish(tenant, EVENTS)
    await until_committed(tenant)
    # The first gateway has it in memory by now, the second reads the log.
    clients = [await connect(tenant, name, n, resume={"tasks": "0-0"}) for n in (0, 1)]
    for client in clients:
        await client.received(len(allowed(name)))
        assert numbers(client) == allowed(name)
        assert client.hello["services"][0]["recovered"] is True
    await publish(tenant, [(100, None)])
    for client in clients:
        assert (await client.received(len(allowed(name)) + 1))[-1]["data"] == {"n": 100}


async def test_a_filtered_socket_resumes_from_what_it_was_given(tenant: Tenant) -> None:
    client = await connect(tenant, "chosen")
    await publish(tenant, EVENTS[:31])
    await client.received(len([n for n in allowed("chosen") if n < 31]))
    await client.close()
    await publish(tenant, EVENTS[31:])
    await until_committed(tenant)
    again = await connect(tenant, "chosen", 1, resume=client.positions())
    await again.received(len([n for n in allowed("chosen") if n >= 31]))
    assert numbers(client) + numbers(again) == allowed("chosen")


async def test_predecessors_chain_past_what_was_filtered_out(tenant: Tenant) -> None:
    client = await connect(tenant, "chosen")
    witness = await tenant.connect()
    for number, (n, of) in enumerate(EVENTS[:15], 1):
        await publish(tenant, [(n, of)])
        await witness.received(number)
    await client.received(len([n for n in allowed("chosen") if n < 15]))
    at = client.hello["services"][0]["position"]
    for batch in client.of_type("batch"):
        assert batch["prev"] == at, "a batch of which nothing passed is no gap"
        at = batch["position"]


async def test_a_filtered_sockets_position_moves_with_the_heartbeat(hasty: Tenant) -> None:
    client = await connect(hasty, "nobody's")
    await publish(hasty, [(1, "p1")])
    witness = await hasty.connect(resume={"tasks": "0-0"})
    await witness.received(1)
    await client.next("heartbeat", positions=witness.positions())


async def test_one_property_may_not_be_asked_for_without_a_right_to_it(tenant: Tenant) -> None:
    token = tenant.token(properties=["p1"])
    status, error = await tenant.refused(token=token, property_id="p2")
    assert (status, error["name"]) == (403, "forbidden")
