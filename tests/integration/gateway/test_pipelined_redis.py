"""Calls of many coroutines on a real connection: given up, lost, and stopped."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from shared.redis.client import connect
from shared.redis.pipelined import PipelinedRedis, RedisUnavailable
from tests.conftest import StartServer


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """A client as the gateway's own."""
    async with connect(redis_url) as redis:
        yield redis


async def test_F11_many_cancelled_callers_and_a_cancelled_run_end_promptly(client: Redis) -> None:
    for wait in range(20):
        trips = PipelinedRedis(client)
        async with asyncio.timeout(2), asyncio.TaskGroup() as tasks:
            run = tasks.create_task(trips.run())
            callers = [tasks.create_task(_call_forever(trips, str(n))) for n in range(200)]
            await asyncio.sleep(wait / 5_000)
            for caller in callers[::2]:
                caller.cancel()
            await asyncio.sleep(wait / 5_000)
            run.cancel()


async def _call_forever(trips: PipelinedRedis, word: str) -> None:
    try:
        while True:
            assert await trips.call("ECHO", word) == word.encode()
    except RedisUnavailable:
        pass  # the run was cancelled


async def test_F10_a_killed_connection_fails_its_calls_and_is_replaced(client: Redis) -> None:
    trips = PipelinedRedis(client)
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        run = tasks.create_task(trips.run())
        number = await trips.call("CLIENT", "ID")
        await client.client_kill_filter(_id=str(number))
        with pytest.raises(RedisUnavailable):
            await trips.call("ECHO", "a")
        assert await trips.call("ECHO", "b") == b"b"
        run.cancel()


async def test_F24_calls_are_refused_while_the_server_is_away_and_answered_after(
    start_server: StartServer,
) -> None:
    server = start_server()
    async with connect(server.url) as client, asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        trips = PipelinedRedis(client)
        run = tasks.create_task(trips.run())
        await trips.call("PING")
        server.kill()
        for _ in range(3):
            with pytest.raises(RedisUnavailable):
                await trips.call("PING")
        server.start()
        assert await _first_answer(trips) == b"PONG"
        run.cancel()


async def _first_answer(trips: PipelinedRedis) -> object:
    while True:
        try:
            return await trips.call("PING")
        except RedisUnavailable:
            await asyncio.sleep(0.01)
