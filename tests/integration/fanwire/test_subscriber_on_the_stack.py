"""The SDK against real gateways and a real worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from redis.asyncio import Redis

from fanwire.core.ids import Org, Service
from fanwire.core.keys import Keys, Topic
from fanwire.errors import Forbidden, Unauthorized
from fanwire.publish.async_publisher import AsyncPublisher
from fanwire.subscribe.session import Gap
from fanwire.subscribe.states import State
from fanwire.subscribe.subscriber import Subscriber
from fanwire.wire.delivered_event import DeliveredEvent
from tests.conftest import StartStack
from tests.support.ledger import Ledger
from tests.support.stack import Stack
from tests.support.waiting import eventually


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(gateways=2, one_port=True)


@pytest.fixture
async def publisher(stack: Stack) -> AsyncIterator[AsyncPublisher]:
    async with AsyncPublisher.from_url(stack.redis_url, key_prefix=stack.key_prefix) as made:
        yield made


def a_subscriber(stack: Stack, *services: str, property_id: str | None = None) -> Subscriber:
    return Subscriber(
        stack.gateway.stream_url,
        get_token=stack.token,
        services=services,
        property_id=property_id,
    )


async def take(subscriber: Subscriber, count: int) -> list[DeliveredEvent]:
    taken: list[DeliveredEvent] = []
    async with asyncio.timeout(15), aclosing(subscriber.updates()) as updates:
        async for update in updates:
            assert not isinstance(update, Gap), update
            taken.append(update)
            if len(taken) == count:
                break
    return taken


async def committed(stack: Stack, redis: Redis, service: str, payload: object) -> None:
    topic = Topic(Org("acme"), Service(service))

    async def is_there() -> bool:
        ledger = await Ledger.read(redis, Keys(stack.key_prefix), topic)
        return payload in ledger.payloads

    await eventually(is_there)


async def test_what_is_published_arrives_as_it_was(stack: Stack, publisher: AsyncPublisher) -> None:
    async with a_subscriber(stack, "tasks") as subscriber:
        await publisher.publish(
            "acme", "tasks", b'{ "n": 1.0 }', type="t", entity_id="42", property_id="p9"
        )
        (event,) = await take(subscriber, 1)
    assert event.data_bytes == b'{ "n": 1.0 }'
    assert (event.service, event.type, event.entity_id, event.property_id) == (
        "tasks",
        "t",
        "42",
        "p9",
    )


async def test_a_subscription_changes_in_place_and_back(
    stack: Stack, publisher: AsyncPublisher, redis: Redis
) -> None:
    async with a_subscriber(stack, "tasks") as subscriber:
        connection_id = subscriber.connection_id
        applied = await subscriber.set_services(["users"], property_id="p9")
        assert (applied.services, applied.property_id) == (("users",), "p9")
        await eventually(lambda: subscriber.services == ("users",))
        for property_id in ("p1", "p9", None):
            await publisher.publish("acme", "users", property_id, property_id=property_id)
        await publisher.publish("acme", "tasks", "not wanted")
        await committed(stack, redis, "tasks", "not wanted")
        # Its ring comes later, so the gateway has both: what was not wanted is behind us.
        await publisher.publish("acme", "users", "later")
        assert [event.data for event in await take(subscriber, 3)] == ["p9", None, "later"]

        await subscriber.set_services(["tasks"], property_id=None)
        await eventually(lambda: subscriber.services == ("tasks",))
        await publisher.publish("acme", "tasks", "wanted", property_id="p1")
        assert [event.data for event in await take(subscriber, 1)] == ["wanted"]
        assert subscriber.connection_id == connection_id


async def test_a_killed_gateway_costs_no_event_and_no_repeat(
    stack: Stack, publisher: AsyncPublisher
) -> None:
    async with a_subscriber(stack, "tasks") as subscriber:
        await publisher.publish("acme", "tasks", 0)
        assert [event.data for event in await take(subscriber, 1)] == [0]
        for gateway in stack.gateways:
            gateway.kill()
            await publisher.publish("acme", "tasks", 1)
            await gateway.start()
        await publisher.publish("acme", "tasks", 2)
        assert [event.data for event in await take(subscriber, 3)] == [1, 1, 2]
        assert subscriber.state is State.CONNECTED


async def test_a_later_subscriber_resumes_from_the_positions_of_an_earlier_one(
    stack: Stack, publisher: AsyncPublisher
) -> None:
    async with a_subscriber(stack, "tasks") as earlier:
        await publisher.publish("acme", "tasks", "first")
        await take(earlier, 1)
        await publisher.publish("acme", "tasks", "second")
        await take(earlier, 1)
    for number in range(3):
        await publisher.publish("acme", "tasks", number)
    later = Subscriber(
        stack.gateway.stream_url,
        get_token=stack.token,
        services=["tasks"],
        resume_from=earlier.positions,
    )
    async with later:
        # Positions are those of whole batches, so the last event may come once more.
        data = [event.data for event in await take(later, 3)]
        data += [event.data for event in await take(later, 1)] if data[0] == "second" else []
    assert [value for value in data if value != "second"] == [0, 1, 2]


async def test_what_a_token_does_not_list_is_refused(stack: Stack) -> None:
    narrow = Subscriber(
        stack.gateway.stream_url,
        get_token=lambda: stack.token(services=["tasks"]),
        services=["tasks", "payroll"],
    )
    with pytest.raises(Forbidden):
        await narrow.__aenter__()
    async with Subscriber(
        stack.gateway.stream_url, get_token=lambda: stack.token(services=["tasks"])
    ) as whole:
        assert whole.services == ("tasks",)
        with pytest.raises(Forbidden):
            await whole.set_services(["payroll"])


async def test_a_foreign_token_is_refused(stack: Stack) -> None:
    with pytest.raises(Unauthorized):
        await Subscriber(stack.gateway.stream_url, get_token=lambda: "x.y.z").__aenter__()


async def test_a_token_is_refreshed_before_it_ends(stack: Stack, publisher: AsyncPublisher) -> None:
    asked: list[int] = []

    def get_token() -> str:
        asked.append(1)
        return stack.token(ttl_s=2)

    async with Subscriber(
        stack.gateway.stream_url, get_token=get_token, services=["tasks"]
    ) as subscriber:
        connection_id = subscriber.connection_id
        await eventually(lambda: len(asked) >= 3, timeout_s=10)
        await publisher.publish("acme", "tasks", "still here")
        assert [event.data for event in await take(subscriber, 1)] == ["still here"]
        assert subscriber.connection_id == connection_id
