"""What the worker's scripts do on a real server, and that a refusal writes nothing."""

from collections.abc import Sequence
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError, ResponseError

from fanout.commit.committer import COMMIT_BATCH
from fanout.ownership.lease_store import BEAT_WORKER, RENEW_LEASE
from fanout.ownership.opener import OPEN_TOPIC
from fanout.topic.open_topic import topic_keys
from fanwire.core.bell import TopicMoved, parse_bell
from fanwire.core.keys import Keys
from fanwire.core.position import Position
from shared.redis.client import connect
from tests.conftest import StartServer
from tests.integration.fanout.conftest import TOPIC
from tests.support.channel import heard_on
from tests.support.redis_reads import read_range


@pytest.fixture
def keys(key_prefix: str) -> Keys:
    """The keys of this test."""
    return Keys(key_prefix)


async def all_opened(redis: Redis, keys: Keys, known_epoch: int | str = "") -> list[str]:
    names = [keys.topic(TOPIC), keys.batches(TOPIC), keys.events(TOPIC)]
    return [part.decode() for part in await OPEN_TOPIC(redis, names, [known_epoch])]


async def opened(redis: Redis, keys: Keys, known_epoch: int | str = "") -> list[str]:
    return (await all_opened(redis, keys, known_epoch))[:5]


async def passed_and_removed(redis: Redis, keys: Keys) -> list[str]:
    return (await all_opened(redis, keys))[5:]


async def commit(redis: Redis, keys: Keys, epoch: str, **changes: Any) -> Any:
    """Commit one event at seq 1 and cursor 5-0, with `changes`."""
    call: dict[str, Any] = {
        "expected_cursor": "0-0",
        "cursor": "5-0",
        "expected_epoch": epoch,
        "position": f"{epoch}-1",
        "p": "0-0",
        "f": 1,
        "n": 1,
        "d": "{}",
        "x": "",
        "t": "",
        "keep_events_from": "5-1",
        "keep_batches_from": "",
        "service": "tasks",
        "window_ms": 30,
        "dead_letters_max": 100,
        "passed": 2,
    }
    dead: Sequence[str | int] = changes.pop("dead", ())
    args = list((call | changes).values()) + list(dead)
    return await COMMIT_BATCH(redis, topic_keys(keys, TOPIC), args)


def a_letter(entry_id: str, data: str = "") -> list[str | int]:
    """Return the arguments of a dead letter."""
    return ["schema", entry_id, "data", "data is empty", len(data), data]


async def everything(redis: Redis, keys: Keys) -> dict[bytes, Any]:
    """Dump all keys of the test."""
    found = [key async for key in redis.scan_iter(match=f"{keys.prefix}*")]
    return {key: await redis.dump(key) for key in found}


async def test_a_commit_keeps_the_batch_and_moves_the_topic(redis: Redis, keys: Keys) -> None:
    for n in (1, 5, 9):
        await redis.xadd(keys.events(TOPIC), {"data": "{}"}, id=f"{n}-0")
    epoch, *_ = await opened(redis, keys)
    assert await commit(redis, keys, epoch, x="[]", t="00-a", dead=a_letter("3-0", "head")) == 1
    [(entry_id, fields)] = await read_range(redis, keys.batches(TOPIC))
    assert entry_id.decode() == f"{epoch}-1"
    assert fields == {b"p": b"0-0", b"f": b"1", b"n": b"1", b"d": b"{}", b"x": b"[]", b"t": b"00-a"}
    assert await opened(redis, keys) == [epoch, "1", "5-0", f"{epoch}-1", "30"]
    assert [entry_id for entry_id, _ in await read_range(redis, keys.events(TOPIC))] == [b"9-0"]
    [(_, letter)] = await read_range(redis, keys.dead(TOPIC))
    assert letter == {
        b"reason": b"schema",
        b"id": b"3-0",
        b"field": b"data",
        b"why": b"data is empty",
        b"bytes": b"4",
        b"head": b"head",
    }


async def test_what_a_commit_says_on_the_bell_is_what_the_gateways_read(
    redis: Redis, keys: Keys
) -> None:
    epoch, *_ = await opened(redis, keys)
    async with heard_on(redis, keys.bell(TOPIC.org)) as bell:
        await commit(redis, keys, epoch)
        moved = TopicMoved(TOPIC.service, Position(int(epoch), 1))
        assert parse_bell(await bell()) == moved


@pytest.mark.parametrize("case", ["B120"])
async def test_what_left_the_input_beside_the_commits_is_seen_when_the_topic_is_opened(
    redis: Redis, keys: Keys, case: str
) -> None:
    for n in (1, 5, 6, 7, 8):
        await redis.xadd(keys.events(TOPIC), {"data": "{}"}, id=f"{n}-0")
    epoch, *_ = await opened(redis, keys)
    await commit(redis, keys, epoch)
    assert await passed_and_removed(redis, keys) == ["2", "2"]
    await redis.xdel(keys.events(TOPIC), "7-0")
    assert await passed_and_removed(redis, keys) == ["2", "3"]
    await redis.xtrim(keys.events(TOPIC), maxlen=1, approximate=False)
    assert await passed_and_removed(redis, keys) == ["2", "4"]
    await redis.delete(keys.events(TOPIC))
    assert await passed_and_removed(redis, keys) == ["2", "0"]


async def test_a_count_of_another_cursor_is_worth_nothing(redis: Redis, keys: Keys) -> None:
    for n in (1, 5, 6):
        await redis.xadd(keys.events(TOPIC), {"data": "{}"}, id=f"{n}-0")
    epoch, *_ = await opened(redis, keys)
    await commit(redis, keys, epoch)
    # As a worker does that does not know of the count.
    await redis.hset(keys.topic(TOPIC), "cursor", "6-0")
    await redis.xtrim(keys.events(TOPIC), minid="6-1", approximate=False)
    assert await passed_and_removed(redis, keys) == ["3", "3"]


async def test_a_commit_without_events_only_moves_the_cursor(redis: Redis, keys: Keys) -> None:
    epoch, *_ = await opened(redis, keys)
    await commit(redis, keys, epoch, position="", n=0, dead=a_letter("5-0"))
    assert await opened(redis, keys) == [epoch, "0", "5-0", "0-0", "30"]
    assert not await redis.exists(keys.batches(TOPIC))


async def test_a_commit_trims_the_log_to_what_is_kept(redis: Redis, keys: Keys) -> None:
    epoch, *_ = await opened(redis, keys)
    await commit(redis, keys, epoch)
    await commit(
        redis,
        keys,
        epoch,
        expected_cursor="5-0",
        cursor="6-0",
        position=f"{epoch}-2",
        keep_batches_from=f"{epoch}-2",
    )
    logged = await read_range(redis, keys.batches(TOPIC))
    assert [entry_id.decode() for entry_id, _ in logged] == [f"{epoch}-2"]


@pytest.mark.parametrize("why", ["cursor", "epoch", "another server", "topic gone"])
async def test_a_stale_commit_writes_nothing(redis: Redis, keys: Keys, why: str) -> None:
    epoch, *_ = await opened(redis, keys)
    await redis.xadd(keys.events(TOPIC), {"data": "{}"}, id="5-0")
    if why == "another server":
        await redis.hset(keys.topic(TOPIC), "replid", "0" * 40)
    if why == "topic gone":
        await redis.delete(keys.topic(TOPIC))
    changes = {"cursor": {"expected_cursor": "4-0"}, "epoch": {"expected_epoch": "7"}}.get(why, {})
    before = await everything(redis, keys)
    with pytest.raises(ResponseError, match=r"^STALE cursor"):
        await commit(redis, keys, epoch, dead=a_letter("3-0"), **changes)
    assert await everything(redis, keys) == before


async def test_the_same_commit_twice_counts_once(redis: Redis, keys: Keys) -> None:
    epoch, *_ = await opened(redis, keys)
    await commit(redis, keys, epoch)
    before = await everything(redis, keys)
    with pytest.raises(ResponseError, match="STALE"):
        await commit(redis, keys, epoch)
    assert await everything(redis, keys) == before


@pytest.mark.parametrize("kind", ["batches", "events", "dead"])
async def test_a_stream_of_a_wrong_type_refuses_the_commit_whole(
    redis: Redis, keys: Keys, kind: str
) -> None:
    epoch, *_ = await opened(redis, keys)
    await redis.set(getattr(keys, kind)(TOPIC), "planted")
    before = await everything(redis, keys)
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await commit(redis, keys, epoch, dead=a_letter("3-0"))
    assert await everything(redis, keys) == before


@pytest.mark.parametrize("case", ["F18"])
async def test_a_full_server_refuses_the_commit_whole(
    start_server: StartServer, keys: Keys, case: str
) -> None:
    redis = connect(start_server().url)
    epoch, *_ = await opened(redis, keys)
    before = await everything(redis, keys)
    await COMMIT_BATCH.load(redis)
    await redis.config_set("maxmemory", 1)
    with pytest.raises(OutOfMemoryError):
        await commit(redis, keys, epoch)
    await redis.config_set("maxmemory", 0)
    assert await everything(redis, keys) == before
    await redis.aclose()


async def test_a_new_topic_begins_in_an_epoch_of_now(redis: Redis, keys: Keys) -> None:
    seconds, _ = await redis.time()
    epoch, seq, cursor, last, window_ms = await opened(redis, keys)
    assert abs(int(epoch) - seconds * 1000) < 60_000
    assert (seq, cursor, last, window_ms) == ("0", "0-0", "0-0", "")


async def test_opening_again_changes_nothing(redis: Redis, keys: Keys) -> None:
    assert await opened(redis, keys) == await opened(redis, keys)


async def test_on_another_server_the_epoch_grows_and_the_cursor_stays(
    redis: Redis, keys: Keys
) -> None:
    epoch, *_ = await opened(redis, keys)
    await commit(redis, keys, epoch)
    await redis.hset(keys.topic(TOPIC), "replid", "0" * 40)
    new_epoch, seq, cursor, last, _ = await opened(redis, keys)
    assert int(new_epoch) > int(epoch)
    assert (seq, cursor, last) == ("0", "5-0", f"{epoch}-1")


@pytest.mark.parametrize("case", ["F39"])
async def test_the_epoch_exceeds_all_known_ones_on_a_server_whose_clock_is_behind(
    redis: Redis, keys: Keys, case: str
) -> None:
    far = 9_000_000_000_000
    assert (await opened(redis, keys, far))[0] == str(far + 1)
    await redis.hset(keys.topic(TOPIC), "replid", "0" * 40)
    assert (await opened(redis, keys))[0] == str(far + 2)


async def test_a_log_that_is_ahead_of_its_topic_starts_an_epoch_above_it(
    redis: Redis, keys: Keys
) -> None:
    await redis.xadd(keys.batches(TOPIC), {"d": "{}"}, id="9000000000000-7")
    epoch, *_ = await opened(redis, keys)
    assert int(epoch) == 9_000_000_000_001
    assert await commit(redis, keys, epoch) == 1


async def test_a_log_that_ran_ahead_of_its_hash_starts_an_epoch_above_it(
    redis: Redis, keys: Keys
) -> None:
    epoch, *_ = await opened(redis, keys)
    await redis.xadd(keys.batches(TOPIC), {"d": "{}"}, id=f"{epoch}-7")
    new_epoch, *_ = await opened(redis, keys)
    assert int(new_epoch) > int(epoch)
    assert await commit(redis, keys, new_epoch) == 1


async def lease(redis: Redis, keys: Keys, worker: str, lease_ms: int = 60_000) -> tuple[int, int]:
    """Ask for partition 3 and return whether it is held, and the token."""
    is_held, token, _, _ = await RENEW_LEASE(redis, [keys.lease(3)], [worker, lease_ms])
    return is_held, int(token)


async def test_a_lease_has_one_owner_until_it_ends(redis: Redis, keys: Keys) -> None:
    assert await lease(redis, keys, "a") == (1, 1)
    assert await lease(redis, keys, "b") == (0, 1)
    assert await lease(redis, keys, "a") == (1, 1)


async def test_a_lease_that_ended_is_free_and_its_token_grows(redis: Redis, keys: Keys) -> None:
    await lease(redis, keys, "a")
    await redis.hset(keys.lease(3), "deadline", "1")
    assert await lease(redis, keys, "b") == (1, 2)
    assert await lease(redis, keys, "a") == (0, 2)


async def test_a_lease_is_given_back_by_its_owner_alone(redis: Redis, keys: Keys) -> None:
    await lease(redis, keys, "a")
    await lease(redis, keys, "b", 0)
    assert await lease(redis, keys, "b") == (0, 1)
    await lease(redis, keys, "a", 0)
    assert await lease(redis, keys, "b") == (1, 2)


async def test_a_lease_never_expires_as_a_key(redis: Redis, keys: Keys) -> None:
    await lease(redis, keys, "a", 1)
    assert await redis.ttl(keys.lease(3)) == -1


async def test_workers_are_members_until_they_leave_or_fall_silent(
    redis: Redis, keys: Keys
) -> None:
    async def beat(worker: str, lease_ms: int) -> set[str]:
        reply = await BEAT_WORKER(redis, [keys.workers()], [worker, lease_ms])
        return {member.decode() for member in reply[1:]}

    assert await beat("a", 60_000) == {"a"}
    assert await beat("b", 60_000) == {"a", "b"}
    await redis.zadd(keys.workers(), {"a": 1})
    assert await beat("b", 60_000) == {"b"}
    assert await beat("b", 0) == set()
