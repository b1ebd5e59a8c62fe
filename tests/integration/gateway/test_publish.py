"""Publishing over HTTP, on whole processes; and the script behind it, on a real server."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from fanwire.core.keys import Keys, Topic
from fanwire.publish.new_event import NewEvent, Outgoing, checked_outgoing
from gateway.routes.event_writer import script_arguments
from shared.redis.client import connect
from shared.redis.scripts import Script
from tests.conftest import StartServer
from tests.support.gateway_values import ACME, TASKS, USERS
from tests.support.raw_request import RawConnection
from tests.support.tenant import Tenant

SCRIPT = Script("publish_events")
TASKS_TOPIC, USERS_TOPIC = Topic(ACME, TASKS), Topic(ACME, USERS)


async def publish(tenant: Tenant, body: object, **claims: object) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(
            f"{tenant.gateway(0).url}/v2/realtime/publish",
            headers={"Authorization": f"Bearer {tenant.token(**{'publish': True} | claims)}"},
            json=body,
        )


async def test_what_is_published_over_http_reaches_a_socket_as_it_was_sent(tenant: Tenant) -> None:
    client = await tenant.connect()
    body = {"service": "tasks", "data": {"n": 1.0}, "eventId": "e1"}
    answer = await publish(tenant, body)
    assert answer.status_code == 200
    [event] = await client.received(1)
    assert event["eventId"] == "e1"
    assert client.payloads == [b'{"n":1.0}']
    [entry_id] = answer.json()["entryIds"]
    assert event["ts"] == int(entry_id.partition("-")[0])


async def test_a_repeated_request_is_delivered_once(tenant: Tenant) -> None:
    client = await tenant.connect()
    for event_id in ("e1", "e1", "e2"):
        answer = await publish(tenant, {"service": "tasks", "data": 1, "eventId": event_id})
        assert answer.status_code == 200
    assert [event["eventId"] for event in await client.received(2)] == ["e1", "e2"]


async def test_the_org_is_the_token_s_whatever_the_body_says(tenant: Tenant) -> None:
    body = {"service": "tasks", "data": 1, "org": "other"}
    assert (await publish(tenant, body)).status_code == 422
    assert (await publish(tenant, {"service": "tasks", "data": 1}, services=["users"])).is_error
    assert await tenant.redis.exists(tenant.keys.events(tenant.topic("tasks"))) == 0


async def test_B94_a_body_that_does_not_end_is_not_waited_for(hasty: Tenant) -> None:
    connection = await RawConnection.open(hasty.gateway(0))
    lines = (
        "POST /v2/realtime/publish HTTP/1.1",
        "Host: gateway.test",
        f"Authorization: Bearer {hasty.token(publish=True)}",
        "Content-Type: application/json",
        "Content-Length: 15",
    )
    await connection.send("\r\n".join([*lines, "", "{"]).encode())
    answer = await connection.answer()
    assert (answer.status, answer.error["name"]) == (408, "request_timeout")
    connection.close()


def events_for(*topics: Topic) -> list[Outgoing]:
    return [checked_outgoing(NewEvent(t.org, t.service, n)) for n, t in enumerate(topics)]


async def run(
    redis: Redis, keys: Keys, topics: Sequence[Topic], *, unread_count: int = 10
) -> list[object]:
    events = events_for(*topics)
    named = list(dict.fromkeys(topics))
    arguments = [unread_count, *script_arguments(events, named)]
    reply: list[object] = await SCRIPT(redis, [keys.events(topic) for topic in named], arguments)
    return reply


async def test_the_script_writes_in_order_and_returns_the_ids(
    redis: Redis, key_prefix: str
) -> None:
    keys = Keys(key_prefix)
    written, ids = await run(redis, keys, [TASKS_TOPIC, USERS_TOPIC, TASKS_TOPIC])
    tasks: Any = await redis.xrange(keys.events(TASKS_TOPIC))
    users: Any = await redis.xrange(keys.events(USERS_TOPIC))
    assert (written, ids) == (1, [tasks[0][0], users[0][0], tasks[1][0]])
    assert [fields[b"data"] for _, fields in tasks] == [b"0", b"2"]


async def test_one_full_stream_keeps_all_events_out(redis: Redis, key_prefix: str) -> None:
    keys = Keys(key_prefix)
    await run(redis, keys, [USERS_TOPIC] * 2)
    assert await run(redis, keys, [TASKS_TOPIC, USERS_TOPIC], unread_count=2) == [0, [0, 2]]
    assert await redis.exists(keys.events(TASKS_TOPIC)) == 0


async def test_B106_a_key_of_another_type_keeps_all_events_out(
    redis: Redis, key_prefix: str
) -> None:
    keys = Keys(key_prefix)
    await redis.set(keys.events(USERS_TOPIC), "no stream")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await run(redis, keys, [TASKS_TOPIC, USERS_TOPIC])
    assert await redis.exists(keys.events(TASKS_TOPIC)) == 0


async def test_B106_a_server_without_memory_takes_none(start_server: StartServer) -> None:
    redis = connect(start_server().url)
    await redis.config_set("maxmemory", 1)
    with pytest.raises(ResponseError, match="memory"):
        await run(redis, Keys(), [TASKS_TOPIC])
    await redis.config_set("maxmemory", 0)
    assert await redis.exists(Keys().events(TASKS_TOPIC)) == 0
    await redis.aclose()
