"""`fanwire top` and the heartbeats that it reads."""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from fanwire.core.keys import Keys
from tests.conftest import StartStack
from tests.integration.fanwire.cli.conftest import Ask
from tests.support.stack import Stack
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

SIGNS = {"version", "upMs", "quarantined", "dropped", "laneBytes", "loopLagMs", "connections"}


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(gateways=2)


def looking(ask: Ask, is_right: Callable[[dict[str, Any]], bool]) -> Callable[[], Awaitable[Any]]:
    async def look() -> dict[str, Any] | None:
        (seen,) = (await ask("top", "--once", "--json")).rows
        return seen if is_right(seen) else None

    return look


async def test_gateways_workers_and_topics_are_shown(ask: Ask, stack: Stack, redis: Redis) -> None:
    tenant = Tenant(stack, redis, org="acme")
    await tenant.connect(0)
    await tenant.publish_numbers("tasks", range(3))
    seen = await eventually(
        looking(
            ask,
            lambda seen: (
                [row["connections"] for row in seen["gateways"]] == [1, 0]
                and [row["events"] for row in seen["workers"]] == [3]
                and [row["events"] for row in seen["gateways"]] == [3, 0]
            ),
        ),
        timeout_s=20,
    )
    assert all(row["alive"] and row.keys() >= SIGNS for row in seen["gateways"])
    assert [row["name"] for row in seen["gateways"]] == ["gw-0", "gw-1"]
    assert seen["gateways"][0]["p99Ms"] >= 0
    assert seen["workers"][0]["partitions"] == 128
    (topic,) = seen["topics"]
    assert (topic["service"], topic["lagEvents"]) == ("tasks", 0)
    ran = await ask("top")
    assert ran.code == 0, "where there is no terminal it ends by itself"
    assert "gw-1" in ran.out
    assert "acme/tasks" in ran.out
    assert "\x1b" not in ran.out
    await tenant.close()


async def test_who_leaves_vanishes_and_who_is_killed_is_told_as_silent(
    ask: Ask, stack: Stack, redis: Redis, key_prefix: str
) -> None:
    keys = Keys(key_prefix)
    await stack.gateways[1].stop()
    await stack.worker.stop()
    # Longer than a beat may be late, and not so long that a neighbour has cleared it up.
    long_ago = orjson.dumps({"atMs": int(time.time() * 1000) - 20_000, "connections": 4})
    await redis.hset(keys.gateway_nodes(), "dead", long_ago)
    (seen,) = (await ask("top", "--once", "--json")).rows
    assert [(row["name"], row["alive"]) for row in seen["gateways"]] == [
        ("dead", False),
        ("gw-0", True),
    ]
    assert seen["workers"] == []
    told = re.search(r"dead, silent for (\d+) s", (await ask("top", "--once")).out)
    assert told is not None
    assert int(told[1]) >= 20


async def test_a_worker_removes_the_word_of_one_that_died(
    stack: Stack, redis: Redis, key_prefix: str
) -> None:
    keys = Keys(key_prefix)
    await stack.worker.stop()
    await redis.hset(keys.worker_nodes(), "dead~1", b'{"atMs":1}')
    await stack.worker.start()

    async def names() -> bool:
        found: Any = await redis.hkeys(keys.worker_nodes())
        return [name.decode().partition("~")[0] for name in found] == ["w-0"]

    await eventually(names, timeout_s=10)
