"""An owned connection is lost for good, and a reply never reaches another caller."""

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.redis.client import connect
from shared.redis.owned_connection import OwnedConnection


@pytest.fixture
async def owned(redis_url: str) -> OwnedConnection:
    """A connection of the test's own."""
    return await OwnedConnection.open(connect(redis_url, timeout_ms=None), timeout_ms=2_000)


async def test_calls_are_answered_in_order(owned: OwnedConnection) -> None:
    replies = await asyncio.gather(*(owned.call("ECHO", str(n)) for n in range(50)))
    assert replies == [str(n).encode() for n in range(50)]
    await owned.aclose()


async def test_an_error_reply_stands_among_the_others(owned: OwnedConnection) -> None:
    first, error, last = await owned.call_all([("ECHO", "a"), ("NONSENSE",), ("ECHO", "b")])
    assert (first, last) == (b"a", b"b")
    assert isinstance(error, ResponseError)
    await owned.aclose()


async def test_an_error_reply_to_one_call_is_raised_and_harms_nothing(
    owned: OwnedConnection,
) -> None:
    with pytest.raises(ResponseError):
        await owned.call("NONSENSE")
    assert await owned.call("ECHO", "a") == b"a"
    await owned.aclose()


async def test_after_a_loss_every_call_is_refused(owned: OwnedConnection, redis: Redis) -> None:
    number = await owned.call("CLIENT", "ID")
    await redis.client_kill_filter(_id=str(number))
    for _ in range(2):
        with pytest.raises(RedisConnectionError):
            await owned.call("ECHO", "a")


@pytest.mark.parametrize("case", ["F11"])
async def test_a_cancelled_call_loses_the_connection(owned: OwnedConnection, case: str) -> None:
    call = asyncio.create_task(owned.call("BLPOP", "nothing-is-here", 1))
    await asyncio.sleep(0.05)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    with pytest.raises(RedisConnectionError):
        await owned.call("ECHO", "a")


async def test_a_server_that_does_not_answer_in_time_is_given_up(redis_url: str) -> None:
    owned = await OwnedConnection.open(connect(redis_url, timeout_ms=None), timeout_ms=300)
    with pytest.raises(RedisTimeoutError):
        await owned.call("BLPOP", "nothing-is-here", 1)
    with pytest.raises(RedisConnectionError):
        await owned.call("ECHO", "a")


async def test_calls_may_take_as_long_as_the_client_allows(redis_url: str) -> None:
    owned = await OwnedConnection.open(connect(redis_url, timeout_ms=300))
    with pytest.raises(RedisTimeoutError, match=r"0\.3 s"):
        await owned.call("BLPOP", "nothing-is-here", 1)


@pytest.mark.parametrize("timeout_ms", [None, 5_000])
async def test_a_cancelled_loop_of_calls_always_ends(
    redis_url: str, timeout_ms: int | None
) -> None:
    client = connect(redis_url, timeout_ms=timeout_ms)

    async def call_forever() -> None:
        owned = await OwnedConnection.open(client)
        while True:
            await owned.call_all([("ECHO", "a")] * 20)

    for wait in range(60):
        loop = asyncio.create_task(call_forever())
        await asyncio.sleep(wait / 10_000)
        loop.cancel()
        done, _ = await asyncio.wait([loop], timeout=1)
        assert done, f"the cancellation of loop {wait} was forgotten"
    await client.aclose()
