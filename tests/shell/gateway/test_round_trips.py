"""Calls of many coroutines, sent together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError, ResponseError

from gateway.round_trips import MAX_CALLS_PER_TRIP, RedisUnavailable, RoundTrips, WrongType
from shared.scripts import Script
from tests.support.waiting import eventually

SCRIPT = Script("update_subscription")


class FakeRedis:
    """Answers each command with itself, or as told; notes what was sent together."""

    def __init__(self) -> None:
        self.trips: list[list[tuple[Any, ...]]] = []
        self.answers: dict[Any, Any] = {}
        """By the name of a command."""
        self.failure: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    def pipeline(self, *, transaction: bool) -> "FakePipeline":
        assert not transaction
        return FakePipeline(self)


class FakePipeline:
    def __init__(self, redis: FakeRedis) -> None:
        self._redis = redis
        self._commands: list[tuple[Any, ...]] = []

    def execute_command(self, *command: Any) -> None:
        self._commands.append(command)

    async def execute(self, *, raise_on_error: bool) -> list[Any]:
        assert not raise_on_error, "one refused command must not hide the others' replies"
        self._redis.trips.append(self._commands)
        await self._redis.gate.wait()
        if self._redis.failure is not None:
            raise self._redis.failure
        return [self._redis.answers.get(command[0], command) for command in self._commands]


@asynccontextmanager
async def running(redis: FakeRedis, *, max_queued: int = 20_000) -> AsyncIterator[RoundTrips]:
    trips = RoundTrips(cast(Redis, redis), max_queued=max_queued)
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
        ReadOnlyError("You can't write against a read only replica."),
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


async def test_the_failure_of_what_was_only_told_bothers_nobody() -> None:
    redis = FakeRedis()
    redis.answers["HDEL"] = ResponseError("ERR")
    async with running(redis) as trips:
        trips.tell("HDEL", "k", "f")
        assert await trips.call("GET", "a") == ("GET", "a")
    # A future whose exception nobody fetched would warn here, and warnings are errors.


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
