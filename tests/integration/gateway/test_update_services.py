"""Subscriptions that change in place: on every node, by user and by connection."""

import asyncio
import time
from functools import partial
from typing import Any

import pytest

from tests.support.client_ledger import ClientLedger
from tests.support.flow import Flow
from tests.support.redis_reads import read_hash
from tests.support.stream_client import StreamClient
from tests.support.tenant import Tenant
from tests.support.waiting import eventually


def names(frame: dict[str, Any]) -> list[str]:
    return [row["name"] for row in frame["services"]]


async def on_both(tenant: Tenant, **options: Any) -> list[StreamClient]:
    return [await tenant.connect(gateway, **options) for gateway in (0, 1)]


async def subscriptions_hash(tenant: Tenant) -> dict[bytes, bytes]:
    return await read_hash(tenant.redis, tenant.keys.subs(tenant.org))


@pytest.mark.parametrize("gateway", [0, 1])
async def test_a_change_at_any_node_is_applied_and_acknowledged_on_both(
    tenant: Tenant, gateway: int
) -> None:
    clients = await on_both(tenant)
    ids = [client.connection_id for client in clients]
    started = time.monotonic()
    answer = await tenant.update(gateway, services=["users", "reports"])
    assert answer.status_code == 200
    version = answer.json()["version"]
    assert answer.json() == {
        "version": version, "services": ["reports", "users"], "propertyId": None
    }  # fmt: skip
    for client in clients:
        frame = await client.next("subscriptions", version=version)
        assert names(frame) == ["reports", "users"]
    assert time.monotonic() - started < 1
    for service in ("tasks", "users", "reports"):
        await tenant.publish(service, b'"%b"' % service.encode())
    for client, connection_id in zip(clients, ids, strict=True):
        await client.received(2)
        assert sorted(client.payloads) == [b'"reports"', b'"users"']
        assert client.is_open
        assert client.connection_id == connection_id
        assert len(client.of_type("hello")) == 1


async def test_a_change_is_for_its_user_alone(tenant: Tenant) -> None:
    ada = await tenant.connect()
    bob = await tenant.connect(token=tenant.token(sub="bob"))
    await tenant.update(services=["users"])
    await ada.next("subscriptions")
    await tenant.publish("tasks", b"1")
    await bob.received(1)
    assert bob.of_type("subscriptions") == []


@pytest.mark.parametrize("gateway", [0, 1])
async def test_with_a_connection_id_a_change_is_for_one_tab(tenant: Tenant, gateway: int) -> None:
    tab, other = await on_both(tenant)
    answer = await tenant.update(gateway, services=["users"], connectionId=tab.connection_id)
    assert answer.status_code == 200
    await tab.next("subscriptions", version=answer.json()["version"])
    await tenant.publish("tasks", b'"tasks"')
    await tenant.publish("users", b'"users"')
    await tab.received(1)
    await other.received(1)
    assert (tab.payloads, other.payloads) == ([b'"users"'], [b'"tasks"'])
    assert other.of_type("subscriptions") == []


async def test_the_newer_of_two_changes_holds_whatever_it_is_for(tenant: Tenant) -> None:
    tab, other = await on_both(tenant)
    of_tab = await tenant.update(services=["users"], connectionId=tab.connection_id)
    of_user = await tenant.update(1, services=["reports"])
    await tab.next("subscriptions", version=of_user.json()["version"])
    again = await tenant.update(1, services=["staff"], connectionId=tab.connection_id)
    assert of_tab.json()["version"] < of_user.json()["version"] < again.json()["version"]
    assert names(await tab.next("subscriptions", version=again.json()["version"])) == ["staff"]
    assert names(await other.next("subscriptions")) == ["reports"]


async def test_B61_a_connection_that_is_not_the_callers_is_not_found(tenant: Tenant) -> None:
    bob = await tenant.connect(token=tenant.token(sub="bob"))
    closed = await tenant.connect(1)
    await closed.close()

    async def is_forgotten() -> bool:
        return not any(
            closed.connection_id.encode() in field for field in await subscriptions_hash(tenant)
        )

    await eventually(is_forgotten)
    before = await subscriptions_hash(tenant)
    for connection_id in (bob.connection_id, closed.connection_id, "gw-0~invented", "x#y", ":"):
        answer = await tenant.update(services=["users"], connectionId=connection_id)
        assert (answer.status_code, answer.json()["name"]) == (404, "not_found"), connection_id
    assert await subscriptions_hash(tenant) == before
    assert bob.of_type("subscriptions") == []


async def test_B61_a_dropped_connection_is_not_found_either(tenant: Tenant) -> None:
    client = await tenant.connect(1)
    client.drop()

    async def is_gone() -> bool:
        answer = await tenant.update(services=["users"], connectionId=client.connection_id)
        return answer.status_code == 404

    await eventually(is_gone)


async def test_B102_a_stale_version_is_a_conflict_that_names_the_current_one(
    tenant: Tenant,
) -> None:
    first = (await tenant.update(services=["users"], ifVersion=0)).json()["version"]
    stale = await tenant.update(1, services=["tasks"], ifVersion=0)
    assert (stale.status_code, stale.json()["version"]) == (409, first)
    second = await tenant.update(1, services=["tasks"], ifVersion=first)
    assert second.status_code == 200
    assert second.json()["version"] > first


async def test_B103_a_repeated_request_is_answered_and_not_carried_out_again(
    tenant: Tenant,
) -> None:
    client = await tenant.connect()
    first = await tenant.update(services=["users"], requestId="r1")
    again = await tenant.update(1, services=["users"], requestId="r1")
    assert (again.status_code, again.json()) == (200, first.json())
    other = await tenant.update(services=["users"], requestId="r2")
    assert other.json()["version"] == first.json()["version"] + 1
    await client.next("subscriptions", version=other.json()["version"])
    assert len(client.of_type("subscriptions")) <= 2


async def test_B104_changes_at_once_take_turns_and_the_last_one_holds(tenant: Tenant) -> None:
    clients = await on_both(tenant)
    answers = await asyncio.gather(
        *(tenant.update(n % 2, services=["tasks", f"s{n}"]) for n in range(16))
    )
    assert {answer.status_code for answer in answers} <= {200, 503}
    stored = [answer.json() for answer in answers if answer.status_code == 200]
    versions = sorted(change["version"] for change in stored)
    assert len(versions) >= 8
    assert versions == list(range(versions[0], versions[0] + len(versions)))
    last = max(stored, key=lambda change: change["version"])
    for client in clients:
        frame = await client.next("subscriptions", version=last["version"])
        assert names(frame) == last["services"]
        told = [frame["version"] for frame in client.of_type("subscriptions")]
        assert told == sorted(set(told)), "never back to an older one"


async def test_B96_an_empty_list_unsubscribes_from_all_and_a_later_one_subscribes_again(
    tenant: Tenant,
) -> None:
    client = await tenant.connect(services=["tasks", "users"])
    answer = await tenant.update(services=[])
    assert answer.status_code == 200
    assert names(await client.next("subscriptions")) == []
    await tenant.publish("tasks", b'"unheard"')
    witness = await tenant.connect(token=tenant.token(sub="bob"), resume={"tasks": "0-0"})
    await witness.received(1)
    await tenant.update(1, services=["tasks"])
    frame = await client.next("subscriptions")
    assert frame["services"][0]["position"] == witness.positions()["tasks"]
    await tenant.publish("tasks", b'"heard"')
    await client.received(1)
    assert client.payloads == [b'"heard"']


async def test_B101_a_change_without_any_socket_is_stored_and_a_later_url_wins(
    tenant: Tenant,
) -> None:
    assert (await tenant.update(services=["users"])).status_code == 200
    client = await tenant.connect(services=["tasks"])
    assert names(client.hello) == ["tasks"], "the change is older than the socket"
    answer = await tenant.update(1, services=["reports"])
    assert names(await client.next("subscriptions")) == ["reports"]
    assert answer.json()["version"] > client.hello["version"]


async def test_the_filter_is_set_kept_and_cleared_in_place(tenant: Tenant) -> None:
    client = await tenant.connect()

    async def publish() -> None:
        for of in ("p1", "p2"):
            await tenant.publish("tasks", b'"%b"' % of.encode(), propertyId=of)
        await tenant.publish("tasks", b'"all"')

    async def after(count: int, **body: Any) -> list[bytes]:
        answer = await tenant.update(1, **body)
        assert answer.status_code == 200
        frame = await client.next("subscriptions", version=answer.json()["version"])
        assert frame["propertyId"] == answer.json()["propertyId"]
        before = len(client.payloads)
        await publish()
        await client.received(before + count)
        return client.payloads[before:]

    chosen = [b'"p1"', b'"all"']
    assert await after(2, services=["tasks"], propertyId="p1") == chosen
    assert await after(2, services=["tasks", "users"]) == chosen, "left out, it stays"
    assert await after(3, services=["tasks"], propertyId=None) == [b'"p1"', b'"p2"', b'"all"']
    assert await after(2, services=["tasks"], propertyId="p1") == chosen


async def test_a_filter_given_in_the_url_survives_a_change_of_services(tenant: Tenant) -> None:
    client = await tenant.connect(property_id="p1")
    await tenant.update(services=["users"])
    assert (await client.next("subscriptions"))["propertyId"] == "p1"
    await tenant.publish("users", b"2", propertyId="p2")
    await tenant.publish("users", b"1", propertyId="p1")
    await client.received(1)
    assert client.payloads == [b"1"]


async def test_no_event_of_a_removed_service_follows_its_acknowledgement(tenant: Tenant) -> None:
    clients = await on_both(tenant, services=["tasks", "users"])
    async with Flow(tenant, "tasks", "users", per_s=400) as flow:
        await flow.more(50)
        version = (await tenant.update(services=["users"])).json()["version"]
        for client in clients:
            await client.next("subscriptions", version=version)
        await flow.more(100)
    for client in clients:
        at = [frame.type for frame in client.frames].index("subscriptions")
        later = {f.fields["service"] for f in client.frames[at:] if f.type == "batch"}
        assert later == {"users"}


async def test_F34_a_storm_of_changes_leaves_no_hole_in_what_stays(tenant: Tenant) -> None:
    clients = await on_both(tenant)
    sets = [["tasks", "users"], ["tasks"], ["tasks", "reports", "users"]]
    async with Flow(tenant, "tasks", "users", "reports", per_s=300) as flow:
        for n in range(60):
            answer = await tenant.update(n % 2, services=sets[n % 3])
            assert answer.status_code == 200
        await flow.more(20)
    for client in clients:
        await client.next("subscriptions", version=answer.json()["version"])
        await client.until(partial(has_number, client, flow.count - 1))
        taken(client).check("tasks", range(flow.count))


def has_number(client: StreamClient, number: int) -> bool:
    return {"n": number} in [
        event["data"]
        for frame in client.frames[-10:]
        if frame.type == "batch" and frame.fields["service"] == "tasks"
        for event in frame.events
    ]


def taken(client: StreamClient) -> ClientLedger:
    """Return the ledger of a client that forgets a service when it leaves it."""
    ledger = ClientLedger()
    for frame in client.frames:
        if frame.type == "subscriptions":
            held = set(names(frame.fields))
            ledger.positions = {s: at for s, at in ledger.positions.items() if s in held}
        ledger.take_frame(frame)
    return ledger
