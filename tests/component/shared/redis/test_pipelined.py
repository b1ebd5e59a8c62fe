"""Calls of many coroutines, sent together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError, ResponseError

from shared.redis.owned_connection import Command, OwnedConnection
from shared.redis.pipelined import MAX_CALLS_PER_TRIP, PipelinedRedis, RedisUnavailable, WrongType
from shared.redis.presence import RedisPresence
from shared.redis.scripts import Script
from tests.support.memory_redis import NO_REDIS
from tests.support.waiting import eventually

SCRIPT = Script("update_subscription")


class FakeRedis:
    """Answers each command with itself, or as told; notes what was sent together."""

    def __init__(self) -> None:
        self.trips: list[list[Command]] = []
        self.answers: dict[Any, Any] = {}
        """By the name of a command."""
        self.failure: Exception | None = None
        self.absence: Exception | None = None
        self.role = b"master"
        self.open_count = 0
        self.closed_count = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def open(self, redis: Redis) -> OwnedConnection:
        self.open_count += 1
        if self.absence is not None:
            raise self.absence
        return cast(OwnedConnection, FakePipelinedConnection(self))


class FakePipelinedConnection:
    def __init__(self, redis: FakeRedis) -> None:
        self._redis = redis
        self._is_lost = False

    async def call(self, *command: str) -> bytes:
        assert command == ("INFO", "replication")
        return b"# Replication\r\nrole:%b\r\n" % self._redis.role

    async def call_all(self, commands: list[Command]) -> list[Any]:
        assert not self._is_lost, "what is lost stays lost"
        self._redis.trips.append(commands)
        await self._redis.gate.wait()
        if self._redis.failure is not None:
            self._is_lost = True
            raise self._redis.failure
        return [self._redis.answers.get(command[0], command) for command in commands]

    async def aclose(self) -> None:
        self._redis.closed_count += 1


@asynccontextmanager
async def running(
    redis: FakeRedis, *, max_queued: int = 20_000, presence: RedisPresence | None = None
) -> AsyncIterator[PipelinedRedis]:
    trips = PipelinedRedis(
        NO_REDIS, max_queued=max_queued, open_connection=redis.open, presence=presence
    )
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(trips.run())
        try:
            async with asyncio.timeout(5):
                yield trips
        finally:
            loop.cancel()


async def test_calls_of_one_turn_travel_together_and_are_answered_in_order() -> None:
    redis = FakeRedis()
    async with running(redis) as trips:
        replies = await asyncio.gather(*(trips.call("GET", key) for key in "abc"))
    assert replies == [("GET", "a"), ("GET", "b"), ("GET", "c")]
    assert len(redis.trips) == 1


async def test_calls_that_come_during_a_trip_take_the_next_one_together() -> None:
    redis = FakeRedis()
    redis.gate.clear()
    async with running(redis) as trips:
        first = trips.call("GET", "a")
        await eventually(lambda: redis.trips, every_s=0)
        later = [trips.call("GET", key) for key in "bc"]
        redis.gate.set()
        await asyncio.gather(first, *later)
    assert [len(trip) for trip in redis.trips] == [1, 2]


async def test_a_trip_takes_so_many_calls_and_the_rest_follow() -> None:
    redis = FakeRedis()
    async with running(redis) as trips:
        calls = [trips.call("GET", number) for number in range(MAX_CALLS_PER_TRIP + 10)]
        replies = await asyncio.gather(*calls)
    assert replies == [("GET", number) for number in range(MAX_CALLS_PER_TRIP + 10)]
    assert [len(trip) for trip in redis.trips] == [MAX_CALLS_PER_TRIP, 10]


async def test_a_call_beyond_the_bound_is_refused_at_once() -> None:
    redis = FakeRedis()
    redis.gate.clear()
    async with running(redis, max_queued=2) as trips:
        kept = [trips.call("GET", "a"), trips.call("GET", "b")]
        with pytest.raises(RedisUnavailable) as caught:
            await trips.call("GET", "c")
        assert caught.value.retry_after_ms is not None
        redis.gate.set()
        assert await asyncio.gather(*kept) == [("GET", "a"), ("GET", "b")]


@pytest.mark.parametrize(
    "failure", [RedisConnectionError("reset"), OSError("no route"), TimeoutError("slow")]
)
async def test_F10_when_the_trip_fails_every_call_of_it_does_and_the_next_trip_goes_on(
    failure: Exception,
) -> None:
    redis = FakeRedis()
    async with running(redis) as trips:
        redis.failure = failure
        outcomes = await asyncio.gather(
            trips.call("GET", "a"), trips.call("GET", "b"), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [RedisUnavailable] * 2
        assert outcomes[0] is not outcomes[1], "each caller adds a traceback of its own"
        redis.failure = None
        assert await trips.call("GET", "c") == ("GET", "c")


@pytest.mark.parametrize(
    "refusal",
    [
        OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        ResponseError("MISCONF Redis is configured to save RDB snapshots"),
    ],
)
async def test_B106_a_refusal_is_for_its_caller_alone_and_means_come_back_later(
    refusal: Exception,
) -> None:
    redis = FakeRedis()
    redis.answers["HSET"] = refusal
    async with running(redis) as trips:
        read, refused = await asyncio.gather(
            trips.call("GET", "a"), trips.call("HSET", "k", "f", "v"), return_exceptions=True
        )
    assert read == ("GET", "a")
    assert isinstance(refused, RedisUnavailable)
    assert not isinstance(refused, WrongType)
    assert refused.http_status == 503


async def test_F47_a_key_of_another_type_is_told_apart() -> None:
    redis = FakeRedis()
    redis.answers["HGET"] = ResponseError("WRONGTYPE Operation against a key holding the wrong…")
    async with running(redis) as trips:
        with pytest.raises(WrongType):
            await trips.call("HGET", "k", "f")


async def test_F11_a_caller_that_gives_up_does_not_disturb_the_others() -> None:
    redis = FakeRedis()
    redis.gate.clear()
    async with running(redis) as trips:
        given_up, kept = trips.call("GET", "a"), trips.call("GET", "b")
        await eventually(lambda: redis.trips, every_s=0)
        given_up.cancel()
        redis.gate.set()
        assert await kept == ("GET", "b")
        assert given_up.cancelled()


async def test_F46_a_script_that_the_server_does_not_know_is_sent_with_its_text() -> None:
    redis = FakeRedis()
    redis.answers["EVALSHA"] = NoScriptError("NOSCRIPT No matching script.")
    async with running(redis) as trips:
        reply = await trips.run_script(SCRIPT, ["k1", "k2"], ["a"])
    assert reply == ("EVAL", SCRIPT.text, 2, "k1", "k2", "a")


async def test_a_script_that_the_server_knows_is_named_by_its_digest() -> None:
    async with running(FakeRedis()) as trips:
        reply = await trips.run_script(SCRIPT, ["k1", "k2"], ["a"])
    assert reply == ("EVALSHA", SCRIPT.sha, 2, "k1", "k2", "a")


async def test_F10_after_a_loss_a_new_connection_carries_what_waited_meanwhile() -> None:
    redis = FakeRedis()
    redis.gate.clear()
    async with running(redis) as trips:
        lost = trips.call("GET", "a")
        await eventually(lambda: redis.trips, every_s=0)
        waiting = trips.call("GET", "b")
        redis.failure = RedisConnectionError("reset")
        redis.gate.set()
        with pytest.raises(RedisUnavailable, match="reset"):
            await lost
        redis.failure = None
        assert await waiting == ("GET", "b")
    assert redis.open_count == redis.closed_count == 2


async def test_F24_once_connecting_failed_calls_are_refused_at_once_until_it_succeeds() -> None:
    redis = FakeRedis()
    redis.absence = RedisConnectionError("nobody there")
    async with running(redis) as trips:
        with pytest.raises(RedisUnavailable, match="nobody there"):
            await trips.call("GET", "a")
        refused = trips.call("GET", "b")
        assert refused.done(), "nothing is waited for"
        with pytest.raises(RedisUnavailable, match="nobody there"):
            await refused
        redis.absence = None
        await eventually(lambda: redis.open_count > 1 and not _is_refused(trips))
        assert await trips.call("GET", "c") == ("GET", "c")


def _is_refused(trips: PipelinedRedis) -> bool:
    reply = trips.call("GET", "?")
    return reply.done() and reply.exception() is not None


async def test_F11_a_cancelled_run_ends_and_leaves_nobody_waiting() -> None:
    redis = FakeRedis()
    redis.gate.clear()
    trips = PipelinedRedis(NO_REDIS, open_connection=redis.open)
    run = asyncio.create_task(trips.run())
    under_way = trips.call("GET", "a")
    await eventually(lambda: redis.trips, every_s=0)
    queued = trips.call("GET", "b")
    run.cancel()
    await asyncio.wait([run], timeout=1)
    assert run.cancelled()
    later = trips.call("GET", "c")
    for reply in (under_way, queued, later):
        assert isinstance(reply.exception(), RedisUnavailable)


DEMOTED = ReadOnlyError("You can't write against a read only replica.")


async def test_a_server_that_was_demoted_is_left_for_the_primary_that_took_its_place() -> None:
    redis, noticed = FakeRedis(), []
    async with running(redis) as trips:
        trips.on_demoted.append(lambda: noticed.append(redis.open_count))
        await trips.call("GET", "a")
        redis.answers["HSET"] = DEMOTED
        with pytest.raises(RedisUnavailable):
            await trips.call("HSET", "k", "f", "v")
        del redis.answers["HSET"]
        await eventually(lambda: redis.open_count == 2, every_s=0)
        assert await trips.call("HSET", "k", "f", "v") == ("HSET", "k", "f", "v")
    assert noticed == [1]


async def test_while_a_replica_answers_redis_counts_as_away() -> None:
    redis, presence = FakeRedis(), RedisPresence()
    redis.role = b"slave"
    async with running(redis, presence=presence) as trips:
        with pytest.raises(RedisUnavailable, match="a replica answers"):
            await trips.call("GET", "a")
        assert not presence.is_connected
        assert redis.trips == []
        redis.role = b"master"
        await eventually(lambda: presence.is_connected)
        assert await trips.call("GET", "b") == ("GET", "b")


async def test_a_doubted_connection_is_replaced_before_the_next_call_and_no_call_is_lost() -> None:
    redis = FakeRedis()
    async with running(redis) as trips:
        await trips.call("GET", "a")
        trips.doubt()
        assert await trips.call("HSET", "k", "f", "v") == ("HSET", "k", "f", "v")
    assert redis.open_count == 2
