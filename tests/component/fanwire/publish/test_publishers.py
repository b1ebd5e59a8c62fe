"""Both publishers perform the plan: against a stand-in for Redis, sync and async alike."""

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import fakeredis
import pytest
import redis
from opentelemetry.sdk.trace import TracerProvider

from fanwire.core.backoff import BackoffLimits
from fanwire.errors import InvalidId, RedisRefused, RedisUnauthorized, Unreachable
from fanwire.publish.async_publisher import AsyncPublisher
from fanwire.publish.new_event import NewEvent
from fanwire.publish.plan import PublishLimits
from fanwire.publish.publisher import Publisher

QUICK = PublishLimits(attempts=3, backoff=BackoffLimits(0, 0))


class Sync:
    """The sync publisher, called as it is."""

    def __init__(self, server: fakeredis.FakeServer) -> None:
        self.redis = fakeredis.FakeRedis(server=server)
        self.publisher = Publisher(self.redis, limits=QUICK)

    def publish_many(self, events: list[NewEvent]) -> list[str]:
        return self.publisher.publish_many(events)

    def publish(self, *args: Any, **texts: Any) -> str:
        return self.publisher.publish(*args, **texts)


class Async:
    """The async publisher, each call in a loop of its own."""

    def __init__(self, server: fakeredis.FakeServer) -> None:
        self.redis = fakeredis.FakeAsyncRedis(server=server)
        self.publisher = AsyncPublisher(self.redis, limits=QUICK)

    def publish_many(self, events: list[NewEvent]) -> list[str]:
        call = functools.partial(self.publisher.publish_many, events)
        entry_ids: list[str] = asyncio.run(self._and_close(call))
        return entry_ids

    def publish(self, *args: Any, **texts: Any) -> str:
        call = functools.partial(self.publisher.publish, *args, **texts)
        entry_id: str = asyncio.run(self._and_close(call))
        return entry_id

    async def _and_close(self, call: Callable[[], Any]) -> Any:
        try:
            return await call()
        finally:
            await self.publisher.close()


Shell = Sync | Async


@pytest.fixture
def server() -> fakeredis.FakeServer:
    return fakeredis.FakeServer()


@pytest.fixture(params=[Sync, Async])
def shell(request: pytest.FixtureRequest, server: fakeredis.FakeServer) -> Shell:
    made: Shell = request.param(server)
    return made


def entries(server: fakeredis.FakeServer, key: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    found: Any = fakeredis.FakeRedis(server=server).xrange(key)
    return list(found)


def test_an_event_becomes_an_entry_and_its_id_is_returned(
    shell: Shell, server: fakeredis.FakeServer
) -> None:
    entry_id = shell.publish("acme", "tasks", {"title": "Fix sink"}, event_id="e1", type="t")
    fields = {b"type": b"t", b"eventId": b"e1", b"data": b'{"title":"Fix sink"}'}
    assert entries(server, "events:{acme}:tasks") == [(entry_id.encode(), fields)]


def test_many_events_keep_their_order(shell: Shell, server: fakeredis.FakeServer) -> None:
    events = [NewEvent("acme", "tasks", n) for n in range(1200)]
    entry_ids = shell.publish_many(events)
    written = entries(server, "events:{acme}:tasks")
    assert [entry_id.decode() for entry_id, _ in written] == entry_ids
    assert [int(fields[b"data"]) for _, fields in written] == list(range(1200))


def test_many_that_fail_say_which_were_written(shell: Shell, server: fakeredis.FakeServer) -> None:
    fakeredis.FakeRedis(server=server).set("events:{acme}:users", "no stream")
    events = [NewEvent("acme", "tasks", n) for n in range(500)]
    with pytest.raises(RedisRefused) as caught:
        shell.publish_many([*events, NewEvent("acme", "users", 1)])
    written = [entry_id.decode() for entry_id, _ in entries(server, "events:{acme}:tasks")]
    assert list(caught.value.entry_ids) == written
    assert len(written) == 500


def test_a_foreign_id_writes_nothing(shell: Shell, server: fakeredis.FakeServer) -> None:
    with pytest.raises(InvalidId):
        shell.publish("ac{me", "tasks", 1)
    assert fakeredis.FakeRedis(server=server).keys() == []


def test_a_key_of_another_type_is_a_refusal(shell: Shell, server: fakeredis.FakeServer) -> None:
    fakeredis.FakeRedis(server=server).set("events:{acme}:tasks", "no stream")
    with pytest.raises(RedisRefused, match="WRONGTYPE"):
        shell.publish("acme", "tasks", 1)


def test_a_deadline_that_is_met_changes_nothing(shell: Shell, server: fakeredis.FakeServer) -> None:
    entry_id = shell.publish("acme", "tasks", 1, timeout_s=30)
    assert [found.decode() for found, _ in entries(server, "events:{acme}:tasks")] == [entry_id]


def test_after_its_deadline_nothing_more_is_sent(
    shell: Shell, server: fakeredis.FakeServer
) -> None:
    with pytest.raises(Unreachable, match="within 0 s"):
        shell.publish("acme", "tasks", 1, timeout_s=0)
    assert entries(server, "events:{acme}:tasks") == []


def test_an_absent_redis_is_unreachable(shell: Shell, server: fakeredis.FakeServer) -> None:
    server.connected = False
    with pytest.raises(Unreachable):
        shell.publish("acme", "tasks", 1)


def test_a_broken_connection_is_survived(
    shell: Shell, server: fakeredis.FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = shell.redis.pipeline, []

    def breaking_once(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise redis.ConnectionError("cut")
        return real(*args, **kwargs)

    monkeypatch.setattr(shell.redis, "pipeline", breaking_once)
    shell.publish("acme", "tasks", 1, event_id="e1")
    assert len(entries(server, "events:{acme}:tasks")) == 1
    assert len(calls) == 3


def test_a_refused_login_is_told_apart_from_an_absent_server(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*args: Any, **kwargs: Any) -> Any:
        raise redis.AuthenticationError("WRONGPASS")

    monkeypatch.setattr(shell.redis, "pipeline", refusing)
    with pytest.raises(RedisUnauthorized):
        shell.publish("acme", "tasks", 1)


def test_another_event_loop_is_refused_before_anything_is_written(
    server: fakeredis.FakeServer,
) -> None:
    publisher = AsyncPublisher(fakeredis.FakeAsyncRedis(server=server))
    asyncio.run(publisher.publish("acme", "tasks", 1))
    for call in (
        publisher.publish("acme", "tasks", 2),
        publisher.publish_many([NewEvent("acme", "tasks", 3)]),
    ):
        with pytest.raises(RuntimeError, match="another event loop"):
            asyncio.run(call)
    assert len(entries(server, "events:{acme}:tasks")) == 1


def test_the_active_span_is_the_events_trace(shell: Shell, server: fakeredis.FakeServer) -> None:
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("publish") as span:
        shell.publish("acme", "tasks", 1)
    ((_, fields),) = entries(server, "events:{acme}:tasks")
    context = span.get_span_context()
    expected = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    assert fields[b"traceparent"].decode() == expected


def test_outside_a_span_there_is_no_trace(shell: Shell, server: fakeredis.FakeServer) -> None:
    shell.publish("acme", "tasks", 1)
    ((_, fields),) = entries(server, "events:{acme}:tasks")
    assert b"traceparent" not in fields
