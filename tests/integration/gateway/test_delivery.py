"""What comes out of a socket for what was put in by XADD."""

import asyncio
import time

from fanwire.core.position import parse_position
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

# Bytes that a parser and an encoder in between would not give back.
ODD_PAYLOADS = (
    b'{"a": 1,  "b":\t[1.0, 1e2, -0.0]}',
    b'{"b":1,"a":2,"b":3}',
    b'{"big":12345678901234567890123456789,"tiny":1e-400}',
    '{"text":"café ☕ \u2028 \\u00e9 \\/ \\ud83d\\ude00"}'.encode(),
    b'"a text, with \\",\\"data\\":\\" inside"',
    b"null",
    b" [ ] ",
    b'{"html":"</script><img onerror=alert(1)>"}',
)


async def test_a_bare_xadd_arrives_on_both_gateways(tenant: Tenant) -> None:
    clients = [await tenant.connect(gateway) for gateway in (0, 1)]
    await tenant.publish("tasks", b'{"title":"Fix sink"}')
    for client in clients:
        (event,) = await client.received(1)
        assert event["data"] == {"title": "Fix sink"}
        assert event["seq"] == 1


async def test_the_first_event_of_a_topic_that_nobody_knew_arrives(tenant: Tenant) -> None:
    client = await tenant.connect(services=["never-seen-before"])
    assert client.positions() == {"never-seen-before": "0-0"}
    started = time.monotonic()
    await tenant.publish("never-seen-before", b"1")
    await client.received(1)
    assert time.monotonic() - started < 1


async def test_an_event_of_an_idle_topic_arrives_well_within_a_window(tenant: Tenant) -> None:
    client = await tenant.connect()
    waits = []
    for n in range(1, 6):
        await asyncio.sleep(0.2)  # the topic is idle for longer than its longest window
        started = time.monotonic()
        await tenant.publish("tasks", b"{}")
        await client.received(n)
        waits.append(time.monotonic() - started)
    assert sorted(waits)[2] < 0.1, "the median of five: one of them may meet a busy machine"


async def test_every_field_arrives_and_absent_ones_stay_absent(tenant: Tenant) -> None:
    client = await tenant.connect()
    before_ms = time.time() * 1000 - 1000
    fields = {
        "type": "task.updated",
        "entityType": "task",
        "entityId": "42",
        "eventId": "7f3a",
        "propertyId": "p9",
    }
    await tenant.publish("tasks", b"{}", **fields)
    await tenant.publish("tasks", b"[]")
    full, bare = await client.received(2)
    assert before_ms < full.pop("ts") < before_ms + 10_000
    assert full == {"seq": 1, "data": {}} | fields
    assert bare.keys() == {"seq", "ts", "data"}


async def test_an_event_carries_its_publishers_trace(tenant: Tenant) -> None:
    client = await tenant.connect()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await tenant.publish("tasks", b"{}", traceparent=trace)
    assert (await client.next("batch"))["trace"] == trace


async def test_the_payload_arrives_byte_for_byte(tenant: Tenant) -> None:
    plain = await tenant.connect()
    cut = await tenant.connect(property_id="p1")
    await tenant.publish("tasks", *ODD_PAYLOADS, propertyId="p1")
    await tenant.publish("tasks", b'"of another property"', propertyId="p2")
    await tenant.publish("tasks", b'"the end"')
    await plain.received(len(ODD_PAYLOADS) + 2)
    await cut.received(len(ODD_PAYLOADS) + 1)
    assert cut.payloads == [*ODD_PAYLOADS, b'"the end"']
    assert plain.payloads == [*ODD_PAYLOADS, b'"of another property"', b'"the end"']


async def test_the_largest_payload_arrives_and_a_larger_one_stops_nothing(tenant: Tenant) -> None:
    client = await tenant.connect()
    largest = b'"%b"' % (b"x" * (65_536 - 2))
    await tenant.publish("tasks", largest, largest[:-1] + b'y"', b'"after"')
    await client.received(2)
    assert client.payloads == [largest, b'"after"']
    ledger = await tenant.ledger("tasks")
    assert [letter[b"reason"] for letter in ledger.dead] == [b"too_big"]


async def test_a_bad_entry_takes_no_other_event_with_it(tenant: Tenant) -> None:
    client = await tenant.connect()
    await tenant.publish("tasks", b"1", b"{not json", b"\xff\xfe", b"2")
    await client.received(2)
    assert client.payloads == [b"1", b"2"]


async def test_events_arrive_in_the_order_in_which_they_were_taken(tenant: Tenant) -> None:
    clients = [await tenant.connect(gateway) for gateway in (0, 1)]
    for start in range(0, 3_000, 100):
        await tenant.publish_numbers("tasks", range(start, start + 100))
    for client in clients:
        events = await client.received(3_000)
        assert [event["data"]["n"] for event in events] == list(range(3_000))
        assert [event["seq"] for event in events] == list(range(1, 3_001))


async def test_every_batch_names_its_predecessor(tenant: Tenant) -> None:
    client = await tenant.connect()
    for n in range(20):
        await tenant.publish_numbers("tasks", [n])
        await client.received(n + 1)
    at = client.hello["services"][0]["position"]
    for batch in client.of_type("batch"):
        assert batch["prev"] == at
        at = batch["position"]
        assert parse_position(at).seq == batch["events"][-1]["seq"]


async def test_a_repeated_event_id_arrives_once(tenant: Tenant) -> None:
    client = await tenant.connect()
    await tenant.publish("tasks", b"1", b"2", eventId="same")
    await tenant.publish("tasks", b"3", eventId="same", entityType="other")
    await tenant.publish("tasks", b"4", eventId="same")
    await tenant.publish("tasks", b"5")
    await tenant.publish("tasks", b"5")
    await client.received(4)
    assert client.payloads == [b"1", b"3", b"5", b"5"], "without an id there are no repeats"


async def test_an_event_id_is_only_known_in_its_own_service(tenant: Tenant) -> None:
    client = await tenant.connect(services=["tasks", "users"])
    await tenant.publish("tasks", b"1", eventId="same")
    await tenant.publish("users", b"2", eventId="same")
    await client.received(2)


async def test_a_socket_gets_only_the_services_that_it_asked_for(tenant: Tenant) -> None:
    client = await tenant.connect(services=["tasks", "users"])
    for service in ("reports", "tasks", "finance", "users"):
        await tenant.publish(service, b'"%b"' % service.encode())
    await client.received(2)
    assert sorted(client.payloads) == [b'"tasks"', b'"users"']


async def test_without_a_list_a_socket_gets_what_its_token_lists(tenant: Tenant) -> None:
    listed = await tenant.connect(services=None, token=tenant.token(services=["tasks", "users"]))
    assert [row["name"] for row in listed.hello["services"]] == ["tasks", "users"]
    unlimited = await tenant.connect(services=None)
    assert unlimited.hello["services"] == []


async def test_one_org_gets_nothing_of_another(tenant: Tenant) -> None:
    other = Tenant(tenant.stack, tenant.redis)
    try:
        mine, theirs = await tenant.connect(), await other.connect()
        await other.publish_numbers("tasks", [1])
        await tenant.publish_numbers("tasks", [2])
        assert (await mine.received(1))[0]["data"] == {"n": 2}
        assert (await theirs.received(1))[0]["data"] == {"n": 1}
    finally:
        await other.close()


async def test_the_head_is_where_a_topic_stands(tenant: Tenant) -> None:
    client = await tenant.connect()
    await tenant.publish_numbers("tasks", range(3))
    await client.received(3)

    async def heads() -> object:
        answer = await tenant.get("/v2/realtime/positions?services=tasks,users")
        assert answer.status_code == 200
        return answer.json()

    assert await heads() == {"positions": client.positions() | {"users": "0-0"}}


async def test_an_idle_socket_hears_that_the_gateway_lives(hasty: Tenant) -> None:
    client = await hasty.connect()
    await hasty.publish_numbers("tasks", [1])
    await client.received(1)
    beat = await client.next("heartbeat", positions=client.positions())
    assert beat.keys() == {"type", "positions"}, "and it is not stale"
    await client.next("heartbeat", positions={})


async def test_B49_a_silent_client_that_answers_pings_stays(hasty: Tenant) -> None:
    client = await hasty.connect()
    beats = 4
    await eventually(lambda: len(client.of_type("heartbeat")) >= beats)
    assert client.is_open
