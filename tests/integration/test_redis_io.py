"""What Redis and redis-py really do beneath shared/redis/client.py."""

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import NoScriptError, ResponseError

import shared.redis.scripts
from shared.redis.client import as_hash, as_int, as_streams, connect
from shared.redis.owned_connection import OwnedConnection
from shared.redis.requirements import UnsuitableServer, check_server
from shared.redis.scripts import Script
from tests.conftest import StartServer
from tests.support.fault_proxy import FaultProxy
from tests.support.redis_reads import (
    read_fields,
    read_hash,
    read_last,
    read_range,
    read_streams,
    server_time_ms,
)


async def test_entries_come_back_as_ids_and_fields(redis: Redis, key_prefix: str) -> None:
    key = f"{key_prefix}s"
    await redis.xadd(key, {"a": "1"}, id="1-1")
    await redis.xadd(key, {"a": "2", "b": b"\xff"}, id="1-2")
    first, second = (b"1-1", {b"a": b"1"}), (b"1-2", {b"a": b"2", b"b": b"\xff"})
    assert await read_streams(redis, {key: "0"}, count=10) == {key.encode(): [first, second]}
    assert await read_streams(redis, {key: "0"}, count=1) == {key.encode(): [first]}
    assert await read_range(redis, key) == [first, second]
    assert await read_range(redis, key, first="(1-1") == [second]
    assert await read_last(redis, key) == second


async def test_absent_keys_read_as_empty(redis: Redis, key_prefix: str) -> None:
    key = f"{key_prefix}absent"
    assert await read_streams(redis, {key: "0"}, count=1) == {}
    assert await read_streams(redis, {key: "0"}, count=1, block_ms=1) == {}
    assert await read_range(redis, key) == []
    assert await read_last(redis, key) is None
    assert await read_fields(redis, key, ["a", "b"]) == [None, None]
    assert await read_hash(redis, key) == {}


async def test_hashes_come_back_as_bytes(redis: Redis, key_prefix: str) -> None:
    key = f"{key_prefix}h"
    await redis.hset(key, mapping={"epoch": 7, "seq": 42})
    assert await read_fields(redis, key, ["seq", "none", "epoch"]) == [b"42", None, b"7"]
    assert await read_hash(redis, key) == {b"epoch": b"7", b"seq": b"42"}


async def test_a_pipeline_answers_in_the_same_shapes(redis: Redis, key_prefix: str) -> None:
    key = f"{key_prefix}s"
    await redis.xadd(key, {"a": "1"}, id="1-1")
    async with redis.pipeline(transaction=False) as pipe:
        pipe.xread({key: "0"})
        pipe.xread({f"{key}-absent": "0"})
        replies = await pipe.execute()
    assert [as_streams(reply) for reply in replies] == [
        {key.encode(): [(b"1-1", {b"a": b"1"})]},
        {},
    ]


async def test_a_raw_reply_is_narrowed_to_the_same_shapes(redis: Redis, key_prefix: str) -> None:
    key = f"{key_prefix}s"
    await redis.xadd(key, {"a": "1", "b": "2"}, id="1-1")
    owned = await OwnedConnection.open(redis)
    raw = await owned.call("XREAD", "STREAMS", key, "0")
    assert as_streams(raw) == {key.encode(): [(b"1-1", {b"a": b"1", b"b": b"2"})]}
    await redis.hset(key + "h", "epoch", "7")
    assert as_hash(await owned.call("HGETALL", key + "h")) == {b"epoch": b"7"}
    await owned.aclose()


async def test_an_endless_wait_cannot_be_asked_for_by_mistake(redis: Redis) -> None:
    with pytest.raises(ValueError, match="forever"):
        await read_streams(redis, {"s": "0"}, count=1, block_ms=0)


async def test_the_server_tells_its_time(redis: Redis) -> None:
    first = await server_time_ms(redis)
    assert first > 1_700_000_000_000
    assert await server_time_ms(redis) >= first


async def test_both_engines_are_suitable(redis: Redis, engine: str) -> None:
    facts = await check_server(redis)
    assert facts.engine == {"valkey": "Valkey", "redis7": "Redis"}[engine]
    assert facts.warnings == ()


async def test_a_server_that_evicts_is_refused(start_server: StartServer) -> None:
    async with connect(start_server().url) as redis:
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(UnsuitableServer, match=r"REALTIME_REDIS_URL .* allkeys-lru"):
            await check_server(redis)


@pytest.mark.parametrize("in_a_pipeline", [False, True], ids=["call", "pipeline"])
async def test_F11_a_cancelled_call_leaves_no_reply_for_the_next_user(
    start_server: StartServer, in_a_pipeline: bool
) -> None:
    server = start_server()
    async with connect(server.url, max_connections=1) as redis, asyncio.TaskGroup() as tasks:
        await redis.set("mine", "mine")
        server.pause()
        call = tasks.create_task(_all_of(redis, "theirs", in_a_pipeline))
        await asyncio.sleep(0.02)  # sent, and the reply cannot have come
        call.cancel()
        await asyncio.wait([call])
        next_call = tasks.create_task(_value_of(redis, "mine"))
        await asyncio.sleep(0.02)
        server.resume()
        assert await next_call == b"mine"


async def test_F11_a_call_may_be_cancelled_at_any_step(redis_url: str, key_prefix: str) -> None:
    async with connect(redis_url, max_connections=1) as redis:
        await redis.set(f"{key_prefix}mine", "mine")
        for step_count in range(30):
            async with asyncio.TaskGroup() as tasks:
                call = tasks.create_task(
                    _all_of(redis, f"{key_prefix}theirs", in_a_pipeline=step_count % 2 == 0)
                )
                for _ in range(step_count // 2):
                    await asyncio.sleep(0)
                call.cancel()
            assert await redis.get(f"{key_prefix}mine") == b"mine"


@pytest.mark.parametrize("is_listening", [False, True], ids=["calls", "subscriptions"])
async def test_F11_whoever_is_cancelled_while_sending_goes_no_further(
    redis_url: str, is_listening: bool
) -> None:
    redis = connect(redis_url)

    async def send_forever() -> None:
        async with redis.pubsub() as pubsub:
            while True:
                if is_listening:
                    await pubsub.subscribe("nobody-rings")
                    await pubsub.get_message(timeout=1)
                else:
                    await redis.ping()

    for wait in range(60):
        sending = asyncio.create_task(send_forever())
        await asyncio.sleep(wait / 10_000)
        sending.cancel()
        done, _ = await asyncio.wait([sending], timeout=1)
        assert done, f"the cancellation of loop {wait} was forgotten"
    await redis.aclose()


async def _value_of(redis: Redis, key: str) -> bytes:
    value = await redis.get(key)
    assert isinstance(value, bytes)
    return value


async def _all_of(redis: Redis, key: str, in_a_pipeline: bool) -> None:
    if not in_a_pipeline:
        await redis.set(key, "theirs")
        await redis.get(key)
        return
    async with redis.pipeline(transaction=False) as pipe:
        for _ in range(5):
            pipe.set(key, "theirs")
            pipe.get(key)
        await pipe.execute()


async def test_a_cancelled_blocking_read_closes_its_connection(
    redis_url: str, key_prefix: str
) -> None:
    async with connect(redis_url, max_connections=1) as redis:
        before = await redis.client_id()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await read_streams(redis, {f"{key_prefix}s": "0"}, count=1, block_ms=2_000)
        assert as_int(await redis.client_id()) != before


async def test_F10_a_lost_reply_is_not_answered_by_sending_again(
    redis: Redis, redis_url: str, key_prefix: str, server_folder: Path
) -> None:
    front = server_folder / f"{key_prefix}front"
    target = Path(redis_url.removeprefix("unix://"))
    async with FaultProxy.between(front, target) as proxy, connect(f"unix://{front}") as broken:
        await broken.ping()
        proxy.to_client.limit_bytes = 1
        with pytest.raises(LostConnection):
            await broken.incr(f"{key_prefix}attempts")
        proxy.heal()
        await broken.ping()
    assert await redis.get(f"{key_prefix}attempts") == b"1"


async def test_a_pool_heals_after_a_restart(start_server: StartServer) -> None:
    server = start_server()
    async with connect(server.url) as redis:
        await redis.ping()
        server.kill()
        with pytest.raises(LostConnection):
            await redis.ping()
        server.start()
        assert await redis.ping()


async def test_an_unreachable_server_is_an_error_and_not_a_wait(tmp_path: Path) -> None:
    async with connect(f"unix://{tmp_path}/nobody.sock") as redis:
        with pytest.raises(LostConnection):
            await redis.ping()


@pytest.fixture
def echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """A script that no server has seen before."""
    source = f"-- {tmp_path}\nreturn {{KEYS[1], ARGV[1]}}\n"
    (tmp_path / "echo.lua").write_text(source)
    monkeypatch.setattr(shared.redis.scripts, "LUA_FOLDER", tmp_path)
    return Script("echo")


async def test_a_script_loads_itself_where_it_is_unknown(redis: Redis, echo: Script) -> None:
    with pytest.raises(NoScriptError):
        await echo.run_loaded(redis, ["k"], [1])
    assert await echo(redis, ["k"], [1]) == [b"k", b"1"]
    assert await echo.run_loaded(redis, ["k"], [2]) == [b"k", b"2"]


async def test_F46_a_flushed_script_cache_goes_unnoticed(
    start_server: StartServer, echo: Script
) -> None:
    async with connect(start_server().url) as redis:
        await echo.load(redis)
        await redis.script_flush()
        assert await echo(redis, ["k"], [b"\xff"]) == [b"k", b"\xff"]


async def test_scripts_run_in_a_pipeline(redis: Redis, echo: Script) -> None:
    await echo.load(redis)
    async with redis.pipeline(transaction=False) as pipe:
        echo.queue(pipe, ["a"], [1])
        echo.queue(pipe, ["b"], [2])
        assert await pipe.execute() == [[b"a", b"1"], [b"b", b"2"]]


async def test_an_unknown_script_in_a_pipeline_is_named_in_its_place(
    redis: Redis, echo: Script
) -> None:
    async with redis.pipeline(transaction=False) as pipe:
        echo.queue(pipe, ["a"], [1])
        pipe.ping()
        refused, pong = await pipe.execute(raise_on_error=False)
    assert isinstance(refused, NoScriptError)
    assert pong


async def test_an_error_among_replies_is_raised_when_it_is_read(
    redis: Redis, key_prefix: str
) -> None:
    await redis.set(f"{key_prefix}s", "a string, not a stream")
    async with redis.pipeline(transaction=False) as pipe:
        pipe.xread({f"{key_prefix}s": "0"})
        (reply,) = await pipe.execute(raise_on_error=False)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        as_streams(reply)
