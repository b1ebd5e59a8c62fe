"""Both publishers against a real server: what only a real one shows."""

import asyncio
import time
from typing import Any

import pytest
from redis.asyncio import Redis

from fanwire.errors import Busy, NotReplicated, RedisUnauthorized, Unreachable
from fanwire.publish.async_publisher import AsyncPublisher
from fanwire.publish.high_water import HighWaterLimits
from fanwire.publish.new_event import NewEvent
from fanwire.publish.plan import PublishLimits
from fanwire.publish.publisher import Publisher
from tests.conftest import StartServer

KEY = "events:{acme}:tasks"


async def test_an_event_is_an_entry_that_any_reader_finds(
    redis: Redis, redis_url: str, key_prefix: str
) -> None:
    with Publisher.from_url(redis_url, key_prefix=key_prefix) as publisher:
        entry_id = publisher.publish("acme", "tasks", {"n": 1}, event_id="e1")
    found = await redis.xrange(f"{key_prefix}{KEY}")
    assert found == [(entry_id.encode(), {b"eventId": b"e1", b"data": b'{"n":1}'})]


async def test_async_publishing_of_many_keeps_the_order(
    redis: Redis, redis_url: str, key_prefix: str
) -> None:
    async with AsyncPublisher.from_url(redis_url, key_prefix=key_prefix) as publisher:
        ids = await publisher.publish_many(NewEvent("acme", "tasks", n) for n in range(1500))
    found: Any = await redis.xrange(f"{key_prefix}{KEY}")
    assert [entry_id.decode() for entry_id, _ in found] == ids
    assert [fields[b"data"] for _, fields in found] == [b"%d" % n for n in range(1500)]


def test_level_repl_is_not_reached_without_replicas(redis_url: str, key_prefix: str) -> None:
    limits = PublishLimits(level="repl", replication_ms=50)
    with (
        Publisher.from_url(redis_url, key_prefix=key_prefix, limits=limits) as publisher,
        pytest.raises(NotReplicated, match="0 of 1 replicas"),
    ):
        publisher.publish("acme", "tasks", 1)


def test_a_topic_that_nobody_reads_is_busy_at_its_mark(redis_url: str, key_prefix: str) -> None:
    limits = PublishLimits(high_water=HighWaterLimits(unread_count=10, answer_holds_ms=0))
    with Publisher.from_url(redis_url, key_prefix=key_prefix, limits=limits) as publisher:
        for _ in range(10):
            publisher.publish("acme", "tasks", 1)
        with pytest.raises(Busy, match="10 unread"):
            publisher.publish("acme", "tasks", 1)
        publisher.publish("acme", "users", 1)


def test_a_server_without_memory_is_busy_and_nothing_is_written(
    start_server: StartServer,
) -> None:
    server = start_server()
    with Publisher.from_url(server.url) as publisher:
        publisher.publish("acme", "tasks", 1)
        publisher._redis.config_set("maxmemory", 1)
        with pytest.raises(Busy, match="out of memory"):
            publisher.publish("acme", "tasks", 1)
        publisher._redis.config_set("maxmemory", 0)
        assert publisher._redis.xlen(KEY) == 1


def test_a_restarted_server_is_found_again_by_the_same_publisher(
    start_server: StartServer,
) -> None:
    server = start_server(append_only=True)
    with Publisher.from_url(server.url) as publisher:
        publisher.publish("acme", "tasks", 1)
        server.restart()
        publisher.publish("acme", "tasks", 2)
        assert publisher._redis.xlen(KEY) == 2


def test_a_server_that_is_gone_is_unreachable(start_server: StartServer) -> None:
    server = start_server()
    server.kill()
    limits = PublishLimits(attempts=2)
    with Publisher.from_url(server.url, limits=limits) as publisher, pytest.raises(Unreachable):
        publisher.publish("acme", "tasks", 1)


def test_a_wrong_password_is_no_reason_to_try_again(start_server: StartServer) -> None:
    server = start_server()
    with Publisher.from_url(server.url) as publisher:
        publisher._redis.config_set("requirepass", "right")
    with Publisher.from_url(server.url) as publisher, pytest.raises(RedisUnauthorized):
        publisher.publish("acme", "tasks", 1)


async def test_a_thousand_tasks_publish_over_one_connection(
    redis: Redis, redis_url: str, key_prefix: str
) -> None:
    async with AsyncPublisher.from_url(redis_url, key_prefix=key_prefix) as publisher:
        ids = await asyncio.gather(
            *(publisher.publish("acme", "tasks", n) for n in range(1_000)),
        )
        assert len(publisher._redis.connection_pool._available_connections) == 1
    found: Any = await redis.xrange(f"{key_prefix}{KEY}")
    assert [entry_id.decode() for entry_id, _ in found] == ids


async def test_a_frozen_server_is_waited_for_no_longer_than_asked(
    start_server: StartServer,
) -> None:
    server = start_server()
    with Publisher.from_url(server.url) as publisher:
        publisher.publish("acme", "tasks", 1)
        async with AsyncPublisher.from_url(server.url) as asynchronous:
            server.pause()
            started = time.monotonic()
            with pytest.raises(Unreachable, match=r"within 0\.2 s"):
                publisher.publish("acme", "tasks", 2, timeout_s=0.2)
            with pytest.raises(Unreachable, match=r"within 0\.2 s"):
                await asynchronous.publish("acme", "tasks", 2, timeout_s=0.2)
            assert time.monotonic() - started < 2
            server.resume()
